import TestData
import Testing

@testable import RouseCore
@testable import RouseWire

/// What is left out because it cannot turn a decision, and what is tried in another order, changes nothing: every change
/// of every fact, scored anew, says the same.
@Suite struct WhatIfTests {
  /// A change, and how far the fact moves.
  private struct Turn {
    var slot: Int?
    var from: WhatIf.Value
    var to: WhatIf.Value
    var status: Status
    var reasons: [Int32]
    var distance = 0.0

    static func same(_ one: Turn?, _ other: Turn?) -> Bool {
      guard let one, let other else { return one == nil && other == nil }
      return one.slot == other.slot && one.from == other.from && one.to == other.to && one.status == other.status
        && one.reasons == other.reasons
    }
  }

  private static func distance(_ from: WhatIf.Value, _ to: WhatIf.Value) -> Double {
    switch (from, to) {
    case (.number(let a), .number(let b)): min(1, abs(a - b) / max(1, abs(a), abs(b)))
    case (.time(let a), .time(let b)): 1 - 1 / (1 + Double(abs(a - b)) / Double(30 * Moment.day))
    default: 1
    }
  }

  private static func value(_ slot: Int, _ row: CandidateRow, _ policy: Policy) -> WhatIf.Value {
    guard row.isPresent(slot) else { return .missing }
    switch policy.fields.type(ofSlot: slot) {
    case .time: return .time(Int64(bitPattern: row.bits[slot]))
    case .number: return .number(Double(bitPattern: row.bits[slot]))
    case .boolean: return .flag(row.bits[slot] != 0)
    case .text: return .text(row.bits[slot])
    }
  }

  /// A slot's values as they are at a moment.
  private static func values(_ slot: Int, _ scorer: Scorer) -> [WhatIf.Value] {
    scorer.policy.whatIf.values[slot].compactMap { value in
      guard case .time(let days) = value else { return value }
      let time = scorer.now - days * Moment.day
      return time >= Moment.first && time <= Moment.last ? .time(time) : nil
    }
  }

  private static func turns(
    _ row: CandidateRow, _ decision: Decision, _ scorer: Scorer
  ) -> (change: Turn?, couldTurn: [Turn]) {
    let policy = scorer.policy
    let trial = CandidateRow(policy: policy, keepingTexts: true)
    var changed = Decision()
    func turn(_ slot: Int?, _ from: WhatIf.Value, _ to: WhatIf.Value) -> Turn? {
      trial.assign(row)
      switch to {
      case .missing: if let slot { trial.states[slot] = FactState.missing }
      case .time(let time): if let slot { trial.set(slot, time: time) }
      case .number(let number): if let slot { trial.set(slot, number: number) }
      case .flag(let flag): if let slot { trial.set(slot, flag: flag) }
      case .text(let text): if let slot { trial.set(slot, text: text) }
      case .noContacts:
        trial.contacts.removeAll()
        trial.contactEntries = 0
        trial.forgetKnownContacts()
      }
      scorer.score(trial, into: &changed)
      guard changed.status != decision.status else { return nil }
      return Turn(
        slot: slot, from: from, to: to, status: changed.status, reasons: Array(changed.reasons),
        distance: distance(from, to))
    }
    var change: Turn?
    var couldTurn: [Turn] = []
    for slot in policy.fields.declared.indices {
      let from = value(slot, row, policy)
      let values = values(slot, scorer)
      for to in from == .missing ? values : values + [.missing] where to != from {
        guard let turn = turn(slot, from, to) else { continue }
        if from == .missing {
          couldTurn.append(turn)
          break
        }
        if turn.distance < change?.distance ?? 2 { change = turn }
      }
    }
    if row.contactEntries > 0, let turn = turn(nil, .missing, .noContacts), turn.distance < change?.distance ?? 2 {
      change = turn
    }
    return (change, couldTurn)
  }

  private static func check(_ lines: [[UInt8]], _ policy: Policy, asOf: String) throws -> Int {
    let offline = try Offline(policy: policy, asOf: asOf)
    let whatIf = WhatIf(scorer: offline.scorer)
    let row = CandidateRow(policy: policy, keepingTexts: true)
    var reader = CandidateReader(tables: offline.tables)
    var decision = Decision()
    var seen = 0
    for line in lines {
      let block = line.withUnsafeBytes { Block($0) }
      let isCandidate = withExtendedLifetime(block) {
        reader.read(UnsafeRawBufferPointer(rebasing: block.bytes.dropLast()), into: row) == .candidate
      }
      guard isCandidate else { continue }
      offline.scorer.score(row, into: &decision)
      let found = whatIf.findings(row, decision)
      func told(_ turn: WhatIf.Turn) -> Turn {
        Turn(
          slot: turn.slot, from: turn.from, to: turn.to, status: turn.status, reasons: Array(found.reasons(of: turn)))
      }
      let wanted = turns(row, decision, offline.scorer)
      #expect(Turn.same(found.change.map(told), wanted.change), "\(String(decoding: line, as: UTF8.self))")
      #expect(found.couldTurn.count == wanted.couldTurn.count, "\(String(decoding: line, as: UTF8.self))")
      for (one, other) in zip(found.couldTurn, wanted.couldTurn) {
        #expect(Turn.same(told(one), other), "\(String(decoding: line, as: UTF8.self))")
      }
      seen += (wanted.change == nil ? 0 : 1) + wanted.couldTurn.count
    }
    return seen
  }

  @Test(arguments: [[], ["ladder=\"best\"", "money.hurdle=0.5"]]) func goldenCandidates(overrides: [String]) throws {
    let lines = try Vectors.bytes("golden/candidates.ndjson").split(separator: 0x0A).prefix(300).map { Array($0) }
    let policy = try Vectors.policy("policy.yaml", overrides: overrides)
    #expect(try Self.check(lines, policy, asOf: "2026-03-01T02:00:00Z") > 100)
  }

  @Test func randomCandidates() throws {
    let policy = try Vectors.policy("valid-until/policy.yaml")
    var random = SplitMix(state: 21)
    let now = try #require(Moment.parse("2026-03-01T02:00:00Z"))
    let lines = (0..<250).map { _ in Array(RandomCandidate.line(at: now, using: &random).utf8) }
    #expect(try Self.check(lines, policy, asOf: "2026-03-01T02:00:00Z") > 100)
  }

  /// Of a policy with more fields than a glance has bits, every change is scored.
  @Test func manyFields() throws {
    let names = (0..<70).map { "spare\($0)" }.joined(separator: "\",\"")
    let flags = [
      "app_installed", "push_ok", "sms_ok", "email_ok", "call_ok", "do_not_contact", "complaint",
      "wealth_in_flight", "profiling_refused", "in_collection", "blacklist", "minor", "clicked_before",
      "used_other_product", "address_verified",
    ].joined(separator: "\",\"")
    let policy = try Vectors.policy("policy.yaml", overrides: ["fields.flags=[\"\(names)\",\"\(flags)\"]"])
    let lines = try Vectors.bytes("golden/candidates.ndjson").split(separator: 0x0A).prefix(80).map { Array($0) }
    #expect(try Self.check(lines, policy, asOf: "2026-03-01T02:00:00Z") > 60)
  }
}
