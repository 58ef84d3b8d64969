import RouseCore

/// What another policy would have brought on contacts that have been made, by the chance with which each was made.
package struct Backtest {
  let question: ReviewQuestion
  let new: Policy
  /// Whose beliefs turn outcomes into money.
  let yardstick: Policy
  private(set) var log = Log()
  private(set) var acts = Acts()
  private(set) var trials: [OffPolicy.Trial] = []

  /// What of the log can be used.
  struct Log {
    /// Rows of plans made in the period, but for the held-out.
    var planned = 0
    var notReported = 0
    var unfinished = 0
    /// Made on another channel than the one that was planned: with what chance is not known.
    var otherChannel = 0
    /// The candidate, or the text of the policy that it was planned under, is not kept.
    var notKept = 0
  }

  /// What the new policy does with those who were contacted.
  struct Acts {
    var same = 0
    var otherChannel = 0
    var none = 0
    /// Of `otherChannel`: the old policy could never have done it, so nothing tells what would come of it.
    var unsupported = 0
    /// The new policy takes a channel that the old one, by itself, would not take: only explorers tell what comes of it.
    var apart = 0
  }

  package static let leastEffective = 30.0
  /// Contacts that brought something, expected among those that tell of where the policies differ. Of so many the chance to see
  /// none is 5 %; with fewer the interval is one of costs alone, and says "worse" of whatever has not been lucky yet.
  package static let leastPaying = 3.0

  package init(
    of source: some ReviewSource, _ question: ReviewQuestion, new: Policy, yardstick: Policy
  ) throws(ReviewError) {
    self.question = question
    self.new = new
    self.yardstick = yardstick
    let steps = ReviewSteps(yardstick)
    var names = ReviewNames()
    var rows = PlannedRows()
    try rows.read(source, question, &names)
    let all = rows.rows.count
    var contacts = Contacts(steps)
    // Contacts of plans of the period may be reported after it.
    let following = ReviewQuestion(
      period: question.period.lowerBound..<max(question.period.upperBound, question.now.adding(1)), now: question.now,
      isAbandoned: question.isAbandoned, takesMemory: question.takesMemory)
    try contacts.read(source, following, window: yardstick.window, &rows, &names)
    try question.take(all * (MemoryLayout<Double>.stride + 2 * MemoryLayout<OffPolicy.Trial>.stride))
    let values = Self.values(contacts, rows, names, question, yardstick, steps, &log)
    contacts = Contacts(steps)
    try decideAgain(source, rows, values, all)
  }

  /// Realised values of rows, in the currency, by their index; what cannot be used is counted.
  private static func values(
    _ contacts: Contacts, _ rows: PlannedRows, _ names: ReviewNames, _ question: ReviewQuestion, _ yardstick: Policy,
    _ steps: ReviewSteps, _ log: inout Log
  ) -> [Double] {
    var values = [Double](repeating: .nan, count: rows.rows.count)
    let money = ContactMoney(yardstick, names)
    for contact in contacts.contacts where contact.row >= 0 && !contact.isRepeated {
      let index = Int(contact.row)
      let row = rows.rows[index]
      guard question.period.contains(row.made) else { continue }
      if contact.isElsewhere {
        log.otherChannel += 1
      } else if contact.at.adding(yardstick.window) > question.now {
        log.unfinished += 1
      } else {
        values[index] = Double(money.account(contact, row, steps).value) / 1e6
      }
    }
    for row in rows.rows where question.period.contains(row.made) && row.rank > 0 {
      log.planned += 1
      if !row.isReported { log.notReported += 1 }
    }
    return values
  }

  private mutating func decideAgain(
    _ source: some ReviewSource, _ rows: PlannedRows, _ values: [Double], _ all: Int
  ) throws(ReviewError) {
    guard let span = rows.span else { return }
    let after = Rescorer(new)
    var before: [String: BacktestBefore] = [:]
    var (log, acts) = (log, acts)
    var trials: [OffPolicy.Trial] = []
    var index = -1
    var fault: ReviewError?
    let question = question
    // The same rows in the same order as before: it is one view.
    try source.eachRow(madeIn: span, withTexts: true) { row, texts in
      index += 1
      guard index < all else { return false }
      if index & 0x3FF == 0, question.isAbandoned() {
        fault = ReviewError(.cancelled, "nobody waits for this any more")
        return false
      }
      guard row.rank > 0, !values[index].isNaN, question.period.contains(row.made) else { return true }
      if before[row.policy] == nil {
        do throws(ReviewError) {
          before[row.policy] = BacktestBefore(try source.policy(row.policy))
        } catch {
          fault = error
          return false
        }
      }
      var action: String?
      guard let texts, let old = before[row.policy], let propensity = old.propensity(row),
        after.score(texts, asOf: row.asOf, { action = $0.channelByItself })
      else {
        log.notKept += 1
        return true
      }
      let isSame = action.map { ExactText($0) == ExactText(row.channel) } ?? false
      if isSame {
        acts.same += 1
      } else if let action {
        acts.otherChannel += 1
        if !old.couldTake(action, texts, asOf: row.asOf) { acts.unsupported += 1 }
      } else {
        acts.none += 1
      }
      let own = old.channelByItself(texts, asOf: row.asOf)
      if let action, own.map({ ExactText($0) != ExactText(action) }) ?? true { acts.apart += 1 }
      let isOwn = own.map { ExactText($0) == ExactText(row.channel) } ?? false
      trials.append(
        OffPolicy.Trial(isRepeated: isSame, isOwn: isOwn, propensity: propensity, value: values[index]))
      return true
    }
    if let fault { throw fault }
    self.log = log
    self.acts = acts
    self.trials = trials
  }
}

/// The policy that a contact was planned under.
final class BacktestBefore {
  private let policy: Policy?
  private let rescorer: Rescorer?

  init(_ policy: Policy?) {
    self.policy = policy
    rescorer = policy.map { Rescorer($0) }
  }

  /// The chance of the contact among those who are not held out; nil where it is not known.
  func propensity(_ row: LoggedRow) -> Double? {
    guard let policy, row.propensity > 0, policy.experiment.holdout < 1 else { return nil }
    return min(1, Double(row.propensity) / 1e6 / (1 - policy.experiment.holdout))
  }

  /// The channel that the policy takes for a user by itself; nil: none.
  func channelByItself(_ texts: LoggedTexts, asOf: Int64) -> String? {
    var action: String?
    _ = rescorer?.score(texts, asOf: asOf) { action = $0.channelByItself }
    return action
  }

  /// Whether the policy could have taken a channel for a user whom it contacted on another: explorers are given each of
  /// their options.
  func couldTake(_ channel: String, _ texts: LoggedTexts, asOf: Int64) -> Bool {
    guard let policy, let rescorer, policy.experiment.explore > 0 else { return false }
    var could = false
    _ = rescorer.score(texts, asOf: asOf) { scored in
      could = scored.decision.options.contains {
        ExactText(policy.channels[Int($0.channel)].name) == ExactText(channel)
      }
    }
    return could
  }
}

extension Rescorer.Rescored {
  /// What the policy does with a user who is neither held out nor exploring, where no limit binds: the channel of the best
  /// option; nil: no contact.
  var channelByItself: String? {
    guard decision.depth >= .value else { return nil }
    let policy = scorer.policy
    var best: (worth: Int128, option: Option)?
    for option in decision.options {
      let worth = policy.worth(value: option.value, spend: option.spend)
      guard worth > 0 else { continue }
      if let known = best {
        guard worth > known.worth || worth == known.worth && option.spend < known.option.spend else { continue }
      }
      best = (worth, option)
    }
    return best.map { policy.channels[Int($0.option.channel)].name }
  }
}
