/// What a plan in parts makes of one user (model 10.4).
package struct PartOutcome: Sendable {
  /// Option taken, and option shown as best, counted from the user's first; -1: none.
  package let taken: Int
  package let shown: Int
  /// Channel that the policy by itself would take, for holdout and explore users; -1: none.
  package let ghost: Int32
  /// Sorted by these bytes, users of all parts stand in rank order; nil: one without a rank.
  package let key: [UInt8]?
  /// The chance, in micros, with which the contact was made; nil: none was.
  package let propensity: Int64?
}

extension PlanPart {
  /// Goes through all users, in their order.
  package func outcomes(_ state: PartState, policy: Policy, _ body: (Int, PartOutcome) -> Void) {
    let limits = Limit.all(state.limits, policy: policy)
    users.withView { view in
      let groups = state.groups.map {
        let group = PlanGroup(users: view, policy: policy, limits: limits, left: $0.left, crew: .alone)
        return (group: group, tariff: group.tariff($0.prices), changes: $0.changes.of(number))
      }
      let explorers = state.explorers.of(number)
      for user in view.users.indices {
        let tier = Int(view.users[user].tier)
        let (group, tariff, changes) = groups[state.group(ofTier: tier)]
        let range = view.optionRange(user)
        let index = UInt32(truncatingIfNeeded: user)
        let choice = group.choice(user, at: tariff).option
        let best = Int(view.users[user].best)
        let arm = view.users[user].arm
        var taken = -1
        switch arm {
        case .policy:
          let own = choice < 0 ? -1 : choice - range.lowerBound
          taken = changes[index].map { $0 < range.count ? $0 : -1 } ?? own
        case .explore: if state.everyExplorer || explorers[index] != nil { taken = best }
        case .holdout: break
        }
        let shown =
          arm != .policy ? best : taken >= 0 ? taken : group.nearest(user, at: tariff) - range.lowerBound
        let ghost = arm == .policy || choice < 0 ? -1 : view.options[choice].channel
        var propensity: Int64?
        if taken >= 0 {
          propensity = policy.experiment.propensity(
            options: range.count,
            followsPolicy: arm == .policy || view.options[range.lowerBound + taken].channel == ghost)
        }
        var key: [UInt8]?
        if arm != .holdout {
          key = self.key(
            of: user, shown: view.options[range.lowerBound + shown],
            net: group.net(range.lowerBound + shown, of: user, at: tariff), isContact: taken >= 0,
            tier: state.limits.tierFirst ? tier : 0)
        }
        body(
          user, PartOutcome(taken: taken, shown: shown, ghost: ghost, key: key, propensity: propensity))
      }
    }
  }

  /// Contacts, explorers, the tier, greater net, greater value, less spend, tie order.
  private func key(of user: Int, shown: Option, net: Int128, isContact: Bool, tier: Int) -> [UInt8] {
    var key: [UInt8] = [isContact ? 0 : 1, users.users[user].arm == .explore ? 0 : 1]
    func put(_ value: some FixedWidthInteger) {
      withUnsafeBytes(of: value.bigEndian) { key.append(contentsOf: $0) }
    }
    put(UInt32(truncatingIfNeeded: tier))
    put(UInt128(bitPattern: ~net) ^ 1 << 127)
    put(UInt64(bitPattern: ~shown.value) ^ 1 << 63)
    put(UInt64(bitPattern: shown.spend) ^ 1 << 63)
    put(users.users[user].tie)
    key.append(contentsOf: users.userID(user))
    return key
  }
}

extension PlanGroup {
  /// Of all options, usable or not, the one with the greatest net.
  func nearest(_ user: Int, at tariff: PlanTariff) -> Int {
    var nearest = -1
    var best: Int128 = 0
    for option in users.optionRange(user) {
      let net = net(option, of: user, at: tariff)
      if nearest < 0 || net > best || net == best && users.options[option].spend < users.options[nearest].spend {
        nearest = option
        best = net
      }
    }
    return nearest
  }
}
