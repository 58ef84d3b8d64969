import RouseCore
import RouseWire

/// Decides again on the rows of one plan, and lays the bytes beside those that were answered.
final class ReplayedRows {
  private let policy: Policy
  private let asOf: Int64
  private let rescorer: Rescorer
  private let tables: WireTables
  private var writer: DecisionWriter?
  private var out = ByteWriter()
  private var prices: ReplayPrices?
  private(set) var choice: (best: Int, other: Int)?

  init(_ policy: Policy, _ plan: LoggedPlan) {
    self.policy = policy
    asOf = plan.asOf
    rescorer = Rescorer(policy)
    tables = WireTables(policy: policy)
    prices = ReplayPrices(policy, plan)
    if prices != nil { choice = (0, 0) }
  }

  /// What differs; nil: the candidate cannot be read.
  func compare(_ row: LoggedRow, _ texts: LoggedTexts) -> [String]? {
    var differences: [String]?
    let isRead = rescorer.score(texts, asOf: asOf) { differences = compare(row, texts, $0) }
    return isRead ? differences : nil
  }

  private func compare(_ row: LoggedRow, _ texts: LoggedTexts, _ scored: Rescorer.Rescored) -> [String] {
    var decision = scored.decision
    let options = Array(decision.options)
    let taken = options.first { ExactText(policy.channels[Int($0.channel)].name) == ExactText(row.channel) }
    guard let taken, decision.depth >= .value else {
      // Decided otherwise altogether.
      return [decision.depth >= .value ? "channel" : "status"]
    }
    var different = columns(row, decision, taken, scored)
    if row.rank > 0 {
      note(options, taken, decision, scored)
      decision.setOption(taken)
      decision.status = .contact
      different += members(row, texts, decision, options.count, scored)
    }
    var once: [String] = []
    for name in different where !once.contains(name) { once.append(name) }
    return once
  }

  /// What the ledger keeps beside the row's text.
  private func columns(
    _ row: LoggedRow, _ decision: Decision, _ taken: Option, _ scored: Rescorer.Rescored
  ) -> [String] {
    var different: [String] = []
    func check(_ name: String, _ isEqual: Bool) { if !isEqual { different.append(name) } }
    check("value", row.value == taken.value)
    check("spend", row.spend == taken.spend)
    check("capital", row.capital == taken.capital)
    check("p", row.p == Int64(taken.p))
    check("pd", row.pd == Micros.from(decision.pd))
    check("arm", ExactText(row.arm) == ExactText(decision.arm.name))
    check("stage", decision.stage >= 0 && ExactText(row.stage) == ExactText(policy.stages[decision.stage].name))
    check("tier", decision.tier >= 0 && ExactText(row.tier) == ExactText(policy.tierName(decision.tier)))
    check(
      "region_group", row.regionGroup.map { ExactText($0) } == policy.regionGroup(of: scored.row).map { ExactText($0) })
    return different
  }

  private func members(
    _ row: LoggedRow, _ texts: LoggedTexts, _ decision: Decision, _ options: Int, _ scored: Rescorer.Rescored
  ) -> [String] {
    let writer = writer ?? DecisionWriter(scorer: scored.scorer, tables: tables)
    self.writer = writer
    var placement = DecisionWriter.Placement()
    placement.rank = row.rank
    var followsPolicy = decision.arm == .policy
    let kept = JSONValue(Array("{\"_\":0".utf8) + texts.row)
    if decision.arm == .explore {
      // What the plan would have chosen by itself follows from all its candidates; it is taken over as it was kept.
      let ghost = kept?["ghost"]?.text
      let channel = ghost.flatMap { name in policy.channels.firstIndex { ExactText($0.name) == ExactText(name) } }
      placement.ghost = Int32(channel ?? -1)
      followsPolicy = ghost.map { ExactText($0) == ExactText(row.channel) } ?? false
    }
    let propensity = policy.experiment.propensity(options: max(1, options), followsPolicy: followsPolicy)
    placement.propensity = propensity
    out.removeAll()
    texts.userID.withUnsafeBytes { writer.write(decision, userID: $0, placement: placement, into: &out) }
    var head = ByteWriter(capacity: texts.userID.count + 16)
    head.write("{\"user_id\":")
    texts.userID.withUnsafeBytes { head.writeQuoted($0) }
    let made = Array(out.bytes.dropFirst(head.count))
    if propensity != row.propensity { return ["propensity"] + Self.differing(kept, made) }
    return made == texts.row ? [] : Self.differing(kept, made)
  }

  /// The members that are not the same in both rows; `row` where all are, and the bytes are not.
  private static func differing(_ kept: JSONValue?, _ made: [UInt8]) -> [String] {
    guard let kept, let made = JSONValue(Array("{\"_\":0".utf8) + made) else { return ["row"] }
    var names: [String] = []
    for member in kept.members where made[member.name]?.json != member.value.json { names.append(member.name) }
    for member in made.members where kept[member.name] == nil { names.append(member.name) }
    return names.isEmpty ? ["row"] : names
  }

  private func note(_ options: [Option], _ taken: Option, _ decision: Decision, _ scored: Rescorer.Rescored) {
    guard decision.arm == .policy, let best = prices?.best(of: options, scored) else { return }
    if best == taken.channel { choice?.best += 1 } else { choice?.other += 1 }
  }
}
