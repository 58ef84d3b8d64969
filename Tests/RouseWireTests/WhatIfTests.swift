import TestData
import Testing

@testable import RouseCore
@testable import RouseWire

/// What is left out because it cannot turn a decision, and what is tried in another order, changes nothing: every change
/// of every fact, scored anew, says the same.
@Suite struct WhatIfTests {
  private static func turns(
    _ whatIf: WhatIf, _ row: CandidateRow, _ decision: Decision, _ scorer: Scorer
  ) -> (change: WhatIf.Turn?, couldTurn: [WhatIf.Turn]) {
    let trial = CandidateRow(policy: scorer.policy, keepingTexts: true)
    var changed = Decision()
    func turn(_ slot: Int?, _ from: WhatIf.Value, _ to: WhatIf.Value) -> WhatIf.Turn? {
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
      return WhatIf.Turn(
        slot: slot, from: from, to: to, status: changed.status, reasons: Array(changed.reasons),
        distance: WhatIf.distance(from, to))
    }
    var change: WhatIf.Turn?
    var couldTurn: [WhatIf.Turn] = []
    for slot in whatIf.values.indices {
      let from = whatIf.value(slot, row)
      for to in from == .missing ? whatIf.values[slot] : whatIf.values[slot] + [.missing] where to != from {
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
      let got = whatIf.turns(row, decision)
      let wanted = turns(whatIf, row, decision, offline.scorer)
      #expect(same(got.change, wanted.change), "\(String(decoding: line, as: UTF8.self))")
      #expect(got.couldTurn.count == wanted.couldTurn.count, "\(String(decoding: line, as: UTF8.self))")
      for (one, other) in zip(got.couldTurn, wanted.couldTurn) {
        #expect(same(one, other), "\(String(decoding: line, as: UTF8.self))")
      }
      seen += (wanted.change == nil ? 0 : 1) + wanted.couldTurn.count
    }
    return seen
  }

  private static func same(_ one: WhatIf.Turn?, _ other: WhatIf.Turn?) -> Bool {
    guard let one, let other else { return one == nil && other == nil }
    return one.slot == other.slot && one.from == other.from && one.to == other.to && one.status == other.status
      && one.reasons == other.reasons
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
