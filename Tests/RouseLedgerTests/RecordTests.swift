import RouseCore
import RouseLedger
import Testing

@Suite struct RecordTests {
  private let folder = TestFolder()

  @Test func aRetryCountsOnce() throws {
    let ledger = try Ledger.open(folder)
    let event = Event("k1", "u1", .contact, channel: "push", plan: "P7", campaign: "c", cost: 20)
    #expect(try ledger.record([event, event]) == [.recorded, .replayed])
    #expect(try ledger.record([event]) == [.replayed])
    for change: (inout Event) -> Void in [
      { $0.at += 1 }, { $0.channel = "sms" }, { $0.channel = nil }, { $0.plan = "P8" }, { $0.plan = "P07" },
      { $0.campaign = nil }, { $0.cost = nil }, { $0.amount = 1 }, { $0.kind = .click }, { $0.userID = [0x78] },
      { $0.kind = .step("new") },
    ] {
      var other = event
      change(&other)
      #expect(try ledger.record([other]) == [.conflict])
    }
    #expect(ledger.contacts("u1") == ["\(event.at) push"])
    #expect(ledger.read { $0.number(of: [0x78]) } == nil, "a conflict brings no user")
  }

  @Test func theOrderOfAnswers() throws {
    let ledger = try Ledger.open(folder)
    let now = Ledger.noon
    let old = Event("old", "u1", .contact, at: now - 401 * 86_400, channel: "push")
    let edge = Event("edge", "u1", .contact, at: now - 400 * 86_400, channel: "push")
    #expect(try ledger.record([old, edge]) == [.tooOld, .recorded])
    // What was recorded is replayed, however old, and whatever is wrong with it now.
    #expect(try ledger.record([EventEntry(edge, fault: .future)], now: now + 5000) == [.replayed])
    #expect(try ledger.record([EventEntry(old, fault: .future)]) == [.future])
    #expect(try ledger.erase(["u1", "u2"]) == 1)
    #expect(try ledger.record([EventEntry(edge, fault: .future)]) == [.gone])
    #expect(try ledger.record([Event("k", "u2", .login)]) == [.gone])
    #expect(
      try ledger.record([
        Event("", "u3", .login), Event("k", "", .login), Event("k", String(repeating: "x", count: 129), .login),
      ])
        == [.invalid, .invalid, .invalid])
  }

  @Test func optOutsAndComplaints() throws {
    let ledger = try Ledger.open(folder)
    func optedOut(_ user: String) -> Bool { ledger.facts(user).hasOptedOut }
    let now = Ledger.noon
    _ = try ledger.record([Event("1", "u", .optOut, at: now - 100)])
    #expect(optedOut("u"))
    _ = try ledger.record([Event("2", "u", .optIn, at: now - 100)])
    #expect(optedOut("u"), "a tie is out")
    _ = try ledger.record([Event("3", "u", .optIn, at: now - 99)])
    #expect(!optedOut("u"))
    _ = try ledger.record([Event("4", "u", .optOut, at: now - 5000)])
    #expect(!optedOut("u"), "what comes late does not hold over what was later")
    _ = try ledger.record([Event("5", "u", .complaint)])
    #expect(ledger.facts("u").hasComplained)
    // For ever, and also after a restart.
    #expect(try ledger.record([Event("6", "v", .optOut, at: now - 4000 * 86_400)]) == [.recorded])
    ledger.close()
    let again = try Ledger.open(folder)
    #expect(again.facts("u").hasComplained && !again.facts("u").hasOptedOut && again.facts("v").hasOptedOut)
  }

  @Test func aUserIsTold() throws {
    let ledger = try Ledger.open(folder)
    let events = [
      Event("1", "u", .contact, at: 100 + Ledger.noon - 5000, channel: "push", plan: "P3", campaign: "c", cost: 7),
      Event("2", "u", .disbursed, at: 200 + Ledger.noon - 5000, plan: "no plan", amount: 5_000_000),
      Event("3", "u", .step("apply"), at: 150 + Ledger.noon - 5000),
    ]
    #expect(try ledger.record(events).allSatisfy { $0 == .recorded })
    let user = try #require(try ledger.user([0x75], most: 2))
    #expect(user.eventCount == 3)
    var expected = [events[1], events[2]]
    for index in expected.indices { expected[index].key = [] }
    #expect(user.events == expected)
    #expect(try ledger.user([0x76], most: 2) == nil)
  }
}
