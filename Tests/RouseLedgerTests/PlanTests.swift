import RouseCore
import RouseLedger
import Testing

@Suite struct PlanTests {
  private let folder = TestFolder()

  @Test func aPlanIsCommittedOnce() throws {
    let ledger = try Ledger.open(folder)
    let draft = PlanDraft(key: "a", seen: ledger.sequence, contacts: ["u1", "u2"], ghosts: ["u3"])
    let head = try #require(try ledger.commit(draft).head)
    #expect(head.id == "P1" && head.contacts == 2 && head.ghosts == 1)
    #expect(head.leasedUntil == Ledger.noon + 3 * 86_400)
    #expect(try ledger.commit(draft).name == "replayed")
    var other = draft
    other.digest = [2]
    #expect(try ledger.commit(other).name == "conflict")
    #expect(try ledger.plan("P1") == head)
    #expect(try ledger.plan(key: "a") == head)
    #expect(try ledger.plan("P2") == nil && ledger.plan("P01") == nil && ledger.plan("p1") == nil)
    let rows = try ledger.rows(of: "P1", from: 1, most: 10)
    #expect(rows.map(\.rank) == [1, 2] && rows.map(\.userID) == [Array("u1".utf8), Array("u2".utf8)])
    #expect(rows[0].row == Array(",\"rank\":1}".utf8))
    #expect(try ledger.rows(of: "P1", from: 2, most: 10).map(\.rank) == [2])
    #expect(try ledger.rows(of: "P1", from: 1, most: 1).map(\.rank) == [1])
    #expect(ledger.facts("u1").leasedUntil == head.leasedUntil)
    #expect(ledger.facts("u3").leasedUntil == .min, "a ghost is not taken")
  }

  @Test func whoHasChangedMakesItStale() throws {
    let ledger = try Ledger.open(folder)
    let seen = ledger.sequence
    _ = try ledger.record([Event("1", "u1", .contact, channel: "push"), Event("2", "u2", .login)])
    #expect(try ledger.commit(PlanDraft(seen: seen, contacts: ["u0", "u1", "u2"])).name == "stale [1]")
    #expect(ledger.read { $0.number(of: Array("u0".utf8)) } == nil, "nothing of it is kept")
    #expect(try ledger.plans(before: nil, most: 10).isEmpty)
    #expect(try ledger.commit(PlanDraft(seen: ledger.sequence, contacts: ["u0", "u1", "u2"])).name == "committed")
    // Leased.
    #expect(try ledger.commit(PlanDraft(seen: ledger.sequence, contacts: ["u3", "u2"])).name == "stale [1]")
    let later = Ledger.noon + 3 * 86_400
    #expect(
      try ledger.commit(PlanDraft(seen: ledger.sequence, made: later, contacts: ["u3", "u2"])).name == "committed")
    _ = try ledger.erase(["u5"])
    #expect(try ledger.commit(PlanDraft(seen: ledger.sequence, contacts: ["u4", "u5"])).name == "stale [1]")
  }

  @Test func twoDraftsAtOnce() throws {
    let ledger = try Ledger.open(folder)
    let seen = ledger.sequence
    let arrivals = (0..<20).map { _ in Arrival<String>() }
    for (index, arrival) in arrivals.enumerated() {
      ledger.commit(PlanDraft(seen: seen, contacts: ["own\(index)", "shared"])) { result in
        arrival.put((try? result.get())?.name ?? "failed")
      }
    }
    let answers = arrivals.map { $0.wait() }
    #expect(answers[0] == "committed")
    #expect(answers.dropFirst().allSatisfy { $0 == "stale [1]" })
  }

  @Test func aContactOfThePlanEndsItsLease() throws {
    let ledger = try Ledger.open(folder)
    _ = try ledger.commit(PlanDraft(seen: 0, contacts: ["u1", "u2"]))
    _ = try ledger.record([
      Event("1", "u1", .contact, channel: "push", plan: "P2"), Event("2", "u2", .contact, channel: "push", plan: "P1"),
    ])
    let until = Ledger.noon + 3 * 86_400
    #expect(ledger.facts("u1").leasedUntil == until, "another plan's contact")
    #expect(ledger.facts("u2").leasedUntil == .min)
    ledger.close()
    let again = try Ledger.open(folder)
    #expect(again.facts("u1").leasedUntil == until)
    #expect(again.facts("u2").leasedUntil == .min)
    let user = try #require(try again.user(Array("u2".utf8), most: 5))
    #expect(user.plans.map(\.leasedUntil) == [Ledger.noon])
  }

  @Test func plansArePaged() throws {
    let ledger = try Ledger.open(folder)
    for index in 0..<5 { _ = try ledger.commit(PlanDraft(seen: ledger.sequence, contacts: ["u\(index)"])) }
    #expect(try ledger.plans(before: nil, most: 2).map(\.id) == ["P5", "P4"])
    #expect(try ledger.plans(before: "P4", most: 2).map(\.id) == ["P3", "P2"])
    #expect(try ledger.plans(before: "nonsense", most: 2).isEmpty)
  }
}
