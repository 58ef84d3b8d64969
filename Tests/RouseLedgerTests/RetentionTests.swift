import RouseLedger
import Synchronization
import Testing

@Suite struct RetentionTests {
  private let folder = TestFolder()
  private let day: Int64 = 86_400

  private var retention: Ledger.Retention {
    var retention = Ledger.Retention()
    retention.events = 30
    retention.byKind["click"] = 5
    retention.plans = 10
    return retention
  }

  @Test func whatIsNotKeptGoes() throws {
    let ledger = try Ledger.open(folder, retention: retention)
    let now = Ledger.noon
    let events = [
      Event("contact", "u", .contact, at: now - 29 * day, channel: "push"),
      Event("click", "u", .click, at: now - 4 * day),
      Event("out", "u", .optOut, at: now - 300 * day), Event("late", "u", .contact, at: now, channel: "push"),
    ]
    #expect(try ledger.record(events).allSatisfy { $0 == .recorded })
    _ = try ledger.commit(PlanDraft(seen: ledger.sequence, contacts: ["u", "v"]))
    try ledger.sweep(now)
    #expect(try ledger.user([0x75], most: 9)?.eventCount == 4)
    for passed in 1...2 { try ledger.sweep(now + Int64(passed) * day) }
    #expect(try ledger.user([0x75], most: 9)?.events.map(\.kind) == [.contact, .optOut])
    #expect(ledger.contacts("u").count == 1 && ledger.facts("u").hasOptedOut)
    // Its key is not known any more: it may not count twice, whatever the clock and the settings say.
    #expect(try ledger.record(events, now: now) == [.tooOld, .tooOld, .replayed, .replayed])
    #expect(try ledger.totals().map(\.count) == [1, 1, 1, 1], "totals stay")
    for passed in 3...14 { try ledger.sweep(now + Int64(passed) * day) }
    #expect(try ledger.plans(before: nil, most: 9).isEmpty)
    #expect(ledger.facts("v").leasedUntil == .min && !ledger.read { $0.hasFacts($0.number(of: [0x76]) ?? -1) })
    #expect(try ledger.commit(PlanDraft(seen: ledger.sequence, made: now + 14 * day, contacts: ["w"])).head?.id == "P2")
    ledger.close()
    #expect(try LedgerFile.check(folder.ledger) == [])
    let again = try Ledger.open(folder)
    #expect(try again.record(events, now: now) == [.tooOld, .tooOld, .replayed, .replayed])
  }

  @Test func aClockThatJumps() throws {
    let notes = Mutex<[String]>([])
    let ledger = try Ledger.open(folder, retention: retention) { note in notes.withLock { $0.append(note) } }
    let now = Ledger.noon
    _ = try ledger.record((0..<20).map { Event("\($0)", "u", .contact, at: now - Int64($0) * day, channel: "push") })
    try ledger.sweep(now)
    #expect(notes.withLock { $0 } == [])
    // To 2099 and back: a day a pass is lost at most, and it is said.
    for _ in 0..<3 { try ledger.sweep(now + 27_000 * day) }
    #expect(notes.withLock { $0.count == 3 && $0[0].contains("the clock is 27000 days later") })
    #expect(ledger.contacts("u").count == 20)
    try ledger.sweep(now)
    for passed in 1...11 { try ledger.sweep(now + Int64(passed) * day) }
    #expect(ledger.contacts("u").count == 20)
    try ledger.sweep(now + 12 * day)
    #expect(ledger.contacts("u").count == 19)
  }

  /// In small transactions, between which other work is done.
  @Test func aLongPassLetsOthersIn() throws {
    let ledger = try Ledger.open(folder, retention: retention)
    for part in 0..<20 {
      _ = try ledger.record((0..<1000).map { Event("\(part)-\($0)", "u\($0)", .click, at: Ledger.noon - Int64($0)) })
    }
    let order = Mutex<[String]>([])
    let swept = Arrival<Bool>()
    try ledger.sweep(Ledger.noon)
    for passed in 1...5 { try ledger.sweep(Ledger.noon + Int64(passed) * day) }
    ledger.sweep(now: Ledger.noon + 6 * day) { _ in
      order.withLock { $0.append("swept") }
      swept.put(true)
    }
    ledger.record([EventEntry(Event("new", "u", .login))], now: Ledger.noon) { _ in
      order.withLock { $0.append("recorded") }
    }
    _ = swept.wait()
    #expect(order.withLock { $0 } == ["recorded", "swept"])
    #expect(try ledger.totals().map(\.count).reduce(0, +) == 20_001)
    #expect(try ledger.user(Array("u7".utf8), most: 1) == nil)
  }
}

extension RetentionTests {
  @Test func retriedKeysCountOnce() throws {
    let ledger = try Ledger.open(folder)
    var recorded = 0
    var replayed = 0
    for round in 0..<4 {
      for part in 0..<50 {
        // Each part is sent twice at once, and again in every round.
        let events = (0..<500).map {
          Event("\((part * 500 + $0) % 25_000)", "u\($0 % 97)", .contact, channel: "push", cost: 2)
        }
        let results = try ledger.record(events)
        recorded += results.count { $0 == .recorded }
        replayed += results.count { $0 == .replayed }
      }
      if round == 1 { _ = try ledger.erase([]) }
    }
    #expect(recorded == 25_000 && replayed == 75_000)
    let totals = try ledger.totals()
    #expect(totals.map(\.count) == [25_000] && totals.map(\.cost) == [50_000])
    #expect(
      ledger.read { standing in (0..<standing.userCount).reduce(0) { $0 + standing.contacts(of: $1).count } } == 25_000)
  }
}
