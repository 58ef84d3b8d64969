import RouseCore

/// What a commitment needs of a ranking that has been finished.
extension Ranking {
  /// A contact of the plan, or a held-out user whom the plan by itself would have contacted.
  package struct Chosen: Sendable {
    /// Index of the user in the ranking, as it is now.
    package let user: Int
    package let userID: [UInt8]
    /// From 1; 0: held out.
    package let rank: Int
    /// The option taken, or that would have been.
    package let option: Option
    package let arm: Experiment.Arm
    /// Micros; 0 where no contact was made.
    package let propensity: Int64
    /// The reply's row after the user_id's value.
    package let row: [UInt8]
    /// The candidate's line with an empty user_id; empty for one of the audience.
    package let source: [UInt8]
  }

  /// The contacts in rank order, then the held-out users.
  package func chosen() -> [Chosen] {
    guard let plan else { return [] }
    var chosen: [Chosen] = []
    chosen.reserveCapacity(plan.contacts)
    var out = ByteWriter()
    var decision = Decision()
    for user in plan.order.prefix(plan.contacts) {
      out.removeAll()
      write(user, plan, &decision, &out)
      let userID = Array(users.userID(user))
      // `{"user_id":` and the value.
      let head = 11 + quoted(userID).count
      chosen.append(
        Chosen(
          user: user, userID: userID, rank: plan.outcomes[user].rank, option: users.options[plan.outcomes[user].taken],
          arm: users.users[user].arm, propensity: plan.propensity(user), row: Array(out.bytes.dropFirst(head)),
          source: Array(source(user))))
    }
    for user in plan.ghosts() {
      let ghost = plan.outcomes[user].ghost
      guard ghost >= 0, let option = users.optionRange(user).first(where: { users.options[$0].channel == ghost }) else {
        continue
      }
      chosen.append(
        Chosen(
          user: user, userID: Array(users.userID(user)), rank: 0, option: users.options[option], arm: .holdout,
          propensity: 0, row: [], source: Array(source(user))))
    }
    return chosen
  }

  /// How many contacts of each stage there are on each channel: the channels of a stage side by side.
  package var contactsByStageAndChannel: [Int] {
    guard let plan else { return [] }
    let channels = policy.channels.count
    var counts = [Int](repeating: 0, count: policy.stages.count * channels)
    var decision = Decision()
    for user in plan.order.prefix(plan.contacts) {
      unpack(user, into: &decision)
      guard decision.stage >= 0 else { continue }
      counts[decision.stage * channels + Int(users.options[plan.outcomes[user].taken].channel)] += 1
    }
    return counts
  }

  /// Sums over the contacts, micros; as far as 64 bits go.
  package var sums: (value: Int64, spend: Int64, capital: Int64) {
    guard let plan else { return (0, 0, 0) }
    return (Int64(clamping: plan.value), Int64(clamping: plan.spend), Int64(clamping: plan.capital))
  }

  /// Puts users who were scored again in the place of what they were. The plan is to be made anew; false when it cannot
  /// be, for too many others were not kept.
  /// - Parameters:
  ///   - users: as `chosen` named them.
  ///   - part: the same users, each once.
  package func replace(_ users: [Int], with part: RankPart) -> Bool {
    guard remove(users.sorted()) else { return false }
    add(part)
    return true
  }
}

private func quoted(_ text: [UInt8]) -> [UInt8] {
  var out = ByteWriter(capacity: text.count + 2)
  text.withUnsafeBytes { out.writeQuoted($0) }
  return out.array
}
