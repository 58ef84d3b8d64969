import RouseCore
import Testing

@testable import RouseLedger

/// What reviews read of a ledger.
@Suite struct ReviewReadTests {
  private let folder = TestFolder()

  @Test func rowsOfPlansMadeInAPeriod() throws {
    let ledger = try Ledger.open(folder)
    for (index, made) in [0, 100, 200, 300].enumerated() {
      _ = try ledger.commit(
        PlanDraft(
          seen: ledger.sequence, made: Ledger.noon + Int64(made), contacts: ["a\(index)", "b\(index)"],
          ghosts: ["g\(index)"]))
    }
    _ = try ledger.erase(["a2"])
    let period = Ledger.noon + 100..<Ledger.noon + 300
    var rows: [String] = []
    var texts: [String] = []
    try ledger.view { view in
      let plans = try view.plans(madeIn: period)
      #expect(plans.map(\.number) == [2, 3] && plans.allSatisfy { $0.campaign == "march" && $0.policy == "p1" })
      #expect(plans.map { $0.leasedUntil - $0.made } == [259_200, 259_200])
      for plan in plans {
        _ = try view.eachRow(of: plan.number, withTexts: false) { row, none in
          #expect(none == nil)
          rows.append("\(plan.number)/\(row.rank)/\(row.arm)")
          return true
        }
        _ = try view.eachRow(of: plan.number, withTexts: true) { _, kept in
          let kept = try #require(kept)
          texts.append(String(decoding: kept.userID, as: UTF8.self))
          return true
        }
      }
      #expect(try view.firstMade(leasedBeyond: Ledger.noon + 150) == Ledger.noon)
      #expect(try view.firstMade(leasedBeyond: Ledger.noon) == nil)
      #expect(try view.plan("P3")?.head.erased == 1)
      let unknown = try (view.plan("P9"), view.plan("p3"))
      #expect(unknown.0 == nil && unknown.1 == nil)
    }
    #expect(rows == ["2/1/policy", "2/2/policy", "2/0/holdout", "3/2/policy", "3/0/holdout"])
    #expect(texts == ["a1", "b1", "g1", "b2", "g2"])
  }

  /// It stops when it is told to, and what stopped does not keep the next question from an answer.
  @Test func stopsEarly() throws {
    let ledger = try Ledger.open(folder)
    _ = try ledger.commit(PlanDraft(seen: ledger.sequence, contacts: ["a", "b", "c"]))
    for _ in 0..<2 {
      var seen = 0
      let isWhole = try ledger.view { view in
        try view.eachRow(of: 1, withTexts: true) { _, _ in
          seen += 1
          return seen < 2
        }
      }
      #expect(seen == 2 && !isWhole)
    }
  }

  /// The period's first second is in it, its last is not.
  @Test func eventsOfAPeriod() throws {
    let ledger = try Ledger.open(folder)
    let start = Ledger.noon - 1000
    _ = try ledger.record([
      Event("1", "a", .contact, at: start - 1, channel: "sms"),
      Event("2", "a", .contact, at: start, channel: "sms", plan: "P7", campaign: "march", cost: 40_000),
      Event("3", "b", .disbursed, at: start + 9, plan: "other", amount: 5_000_000),
      Event("4", "b", .step("withdraw"), at: start + 5),
      Event("5", "b", .login, at: start + 10),
    ])
    var seen: [String] = []
    try ledger.view { view in
      try view.eachEvent(in: start..<start + 10) { event, kind, channel in
        seen.append(
          "\(event.user) \(kind) \(event.at - start) \(channel ?? "-") \(event.plan ?? "-") \(event.campaign ?? "-") "
            + "\(event.amount ?? 0) \(event.cost ?? 0)")
        return true
      }
    }
    var kinds: [String] = []
    try ledger.view { view in
      try view.eachEvent(in: start..<start + 10, of: { $0 != "contact" }) { _, kind, _ in
        kinds.append(kind)
        return true
      }
    }
    #expect(kinds == ["disbursed", "withdraw"])
    #expect(
      seen == [
        "0 contact 0 sms P7 march 0 40000", "1 disbursed 9 - other - 5000000 0", "1 withdraw 5 - - - 0 0",
      ])
  }

  @Test func policiesByVersion() throws {
    let ledger = try Ledger.open(folder)
    ledger.keep(policy: "p@1", text: Array("a: 1".utf8), format: "yaml", at: 5, by: "test")
    try ledger.sweep(Ledger.noon)
    let texts = try ledger.view { view in try ["p@1", "p@2"].map { try view.policy($0)?.text } }
    #expect(texts == [Array("a: 1".utf8), nil])
  }

  /// A view shows one moment, whatever is written meanwhile.
  @Test func aViewStandsStill() throws {
    let ledger = try Ledger.open(folder)
    _ = try ledger.commit(PlanDraft(seen: ledger.sequence, contacts: ["a"]))
    try ledger.view { view in
      let before = try view.plans(madeIn: 0..<Int64.max).count
      #expect(before == 1)
      _ = try ledger.commit(PlanDraft(seen: ledger.sequence, contacts: ["b"]))
      let meanwhile = try view.plans(madeIn: 0..<Int64.max).count
      #expect(meanwhile == 1)
    }
    let after = try ledger.view { try $0.plans(madeIn: 0..<Int64.max).count }
    #expect(after == 2)
  }
}
