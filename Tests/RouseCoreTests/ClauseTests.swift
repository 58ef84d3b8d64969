import TestData
import Testing

@testable import RouseCore

/// The scorer's clauses say of every condition and row what the pool says.
@Suite struct ClauseTests {
  /// Fields of all kinds, as many as to leave some without a bit in a glance.
  private static func fields(_ spare: Int) -> FieldTable {
    let names: [(String, FieldKind)] = [
      ("a", .numbers), ("b", .numbers), ("p", .flags), ("q", .flags), ("r", .flags), ("s", .texts), ("z", .texts),
      ("t", .times), ("u", .times), ("v", .timesAhead), ("w", .timesAhead),
    ]
    return FieldTable(
      declared: (0..<spare).map { Field(name: "spare\($0)", kind: .times) }
        + names.map { Field(name: $0.0, kind: $0.1) })
  }

  private struct Source {
    var random: SplitMix

    mutating func pick(_ values: [String]) -> String { values[Int.random(in: 0..<values.count, using: &random)] }
    mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }

    mutating func condition(_ depth: Int) -> String {
      if depth > 0, chance(60) {
        let operands = (0..<Int.random(in: 2...4, using: &random)).map { _ in condition(depth - 1) }
        return chance(25) ? "NOT (\(operands[0]))" : "(\(operands.joined(separator: pick([" AND ", " OR "]))))"
      }
      let relation = pick(["=", "<>", "<", "<=", ">", ">="])
      let same = pick(["=", "<>"])
      let not = pick(["", "NOT "])
      switch Int.random(in: 0..<16, using: &random) {
      case 0, 1: return pick(["p", "q", "r", "NOT p", "NOT q", "region_served", "TRUE", "FALSE"])
      case 2: return "\(pick(["a", "b", "s", "p", "t", "v", "latest(t, u)", "tier"])) IS \(not)NULL"
      case 3: return "\(number()) \(relation) \(number())"
      case 4: return "\(time()) \(relation) \(time())"
      case 5: return "\(text()) \(same) \(text())"
      case 6: return "\(pick(["p", "q"])) \(same) \(pick(["r", "TRUE", "(a < 1)"]))"
      case 7: return "\(number()) \(not)BETWEEN \(number()) AND \(number())"
      case 8: return "\(time()) \(not)BETWEEN \(time()) AND \(time())"
      case 9: return "\(number()) \(not)IN (1, 2.5, -3)"
      case 10: return "\(text()) \(not)IN ('x', 'y')"
      case 11: return "p \(not)IN (TRUE)"
      case 12: return "after(\(time()), \(time()))"
      case 13: return "after(t, u, v, w)"
      case 14: return "days_since(\(time())) \(relation) \(pick(["-1", "0", "1", "2.5"]))"
      default: return "s \(same) \(pick(["'x'", "'nobody'"]))"
      }
    }

    private mutating func number() -> String {
      pick(["a", "b", "1", "2.5", "-3", "days_since(t)", "dormant_days", "contacts_30d"])
    }
    private mutating func time() -> String { pick(["t", "u", "v", "w", "now", "latest(t, v)"]) }
    private mutating func text() -> String { pick(["s", "z", "'x'", "'y'", "stage"]) }
  }

  /// - Parameter spare: 0: every slot has a bit; 58: some have none; 64: none has.
  @Test(arguments: [0, 58, 64]) func clausesAgreeWithThePool(spare: Int) throws {
    let fields = Self.fields(spare)
    let now: Int64 = 1_772_330_400
    var source = Source(random: SplitMix(state: UInt64(20_260_301 + spare)))
    var held = 0
    for _ in 0..<400 {
      let condition = try ConditionParser.parse(
        source.condition(3), in: ConditionScope(fields: fields, derivedAllowed: true))
      let policy = Policy(SmallPolicy.definition(fields: fields, suppress: condition), bytes: [])
      var builder = Clauses.Builder(policy.conditions)
      let when = builder.add(policy.suppress[0].when)
      #expect(builder.steps.allSatisfy { $0.a >= 0 && $0.a < fields.slotCount }, "a value outside of the row is read")
      let clauses = builder.build()
      defer { clauses.deallocate() }
      let row = CandidateRow(policy: policy)
      for _ in 0..<40 {
        fill(row, fields, policy, now, &source)
        let truth = policy.conditions.truth(policy.suppress[0].when, row)
        let glance = Self.glance(row, fields)
        #expect(clauses.holds(when, glance, row, now: now) == (truth == .yes), "\(condition.text)")
        held += truth == .yes ? 1 : 0
      }
    }
    #expect(held > 2000)
  }

  private func fill(
    _ row: CandidateRow, _ fields: FieldTable, _ policy: Policy, _ now: Int64, _ source: inout Source
  ) {
    row.reset()
    for slot in 0..<fields.slotCount where source.chance(65) {
      switch fields.type(ofSlot: slot) {
      case .time:
        row.set(slot, time: now + Int64.random(in: -3...3, using: &source.random) * (Moment.day / 2))
      case .number:
        row.set(slot, number: [1, 2.5, -3, 0, 2][Int.random(in: 0..<5, using: &source.random)])
      case .boolean: row.set(slot, flag: source.chance(50))
      case .text:
        let text = source.pick(["x", "y", "other", "small"])
        row.set(slot, text: policy.texts.id(of: text))
        if row.keepsTexts { Array(text.utf8).withUnsafeBytes { row.keep(slot, $0) } }
      }
      if source.chance(5), slot < fields.declared.count { row.states[slot] = FactState.wrongType }
    }
    row.set(fields.nowSlot, time: now)
  }

  private static func glance(_ row: CandidateRow, _ fields: FieldTable) -> Glance {
    var glance = Glance()
    for slot in 0..<min(64, fields.slotCount) where row.isPresent(slot) {
      glance.present |= 1 << UInt64(slot)
      if fields.type(ofSlot: slot) == .boolean, row.bits[slot] != 0 { glance.yes |= 1 << UInt64(slot) }
    }
    return glance
  }
}
