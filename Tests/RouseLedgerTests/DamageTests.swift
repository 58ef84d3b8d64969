import Glibc
import RouseLedger
import TestData
import Testing

/// A file that was cut off, or of which something else has been made: a clear word, never the end of the process.
@Suite struct DamageTests {
  private let folder = TestFolder()

  private func sound() throws -> [UInt8] {
    let ledger = try Ledger.open(folder)
    for round in 0..<20 {
      let users = (0..<40).map { "user-\(round)-\($0)" }
      _ = try ledger.load(users.map { .init($0, String(repeating: "x", count: 300)) })
      _ = try ledger.record(users.map { Event("k\($0)", $0, .contact, channel: "push", campaign: "march") })
      _ = try ledger.commit(PlanDraft(seen: ledger.sequence, contacts: users))
    }
    ledger.close()
    return TestFolder.bytes(folder.ledger)
  }

  /// Opens what is left and asks it all there is; whether that went well.
  @discardableResult private func survives(_ bytes: [UInt8]) throws -> Bool {
    let other = TestFolder()
    TestFolder.write(bytes, to: other.ledger)
    do {
      let ledger = try Ledger.open(other)
      defer { ledger.close() }
      var isWell = true
      func attempt(_ body: () throws -> Void) throws {
        do { try body() } catch let error as LedgerError {
          isWell = false
          #expect(error.message.contains(other.ledger) || error.kind == .closed, "\(error)")
        }
      }
      try attempt { try ledger.eachCandidate(from: 0, batch: 100) { _ in true } }
      try attempt {
        for plan in try ledger.plans(before: nil, most: 100) { _ = try ledger.rows(of: plan.id, from: 1, most: 100) }
      }
      try attempt { _ = try ledger.user(Array("user-3-3".utf8), most: 10) }
      try attempt { _ = try ledger.totals() }
      try attempt { _ = try ledger.record([Event("new", "user-4-4", .contact, channel: "sms")]) }
      try attempt { _ = try ledger.load([.init("user-5-5", "y"), .init("another", "z")]) }
      try attempt { _ = try ledger.commit(PlanDraft(seen: ledger.sequence, contacts: ["user-7-7", "b"])) }
      try attempt { _ = try ledger.erase(["user-6-6"]) }
      try attempt { try ledger.sweep(Ledger.noon + 500 * 86_400) }
      return isWell
    } catch let error as LedgerError {
      #expect(error.message.contains(other.ledger))
      #expect([.damaged, .newer, .unreadable].contains(error.kind), "\(error)")
      if let findings = try? LedgerFile.check(other.ledger) { #expect(!findings.isEmpty, "\(error)") }
      return false
    }
  }

  @Test func cutOff() throws {
    let bytes = try sound()
    #expect(try survives(bytes))
    for size in [1, 50, 99, 100, 512, 4095, 4096, 4097, 8192, bytes.count / 2, bytes.count - 4096] {
      #expect(try !survives(Array(bytes.prefix(size))), "\(size) bytes")
    }
  }

  @Test func aPageOfZeros() throws {
    let bytes = try sound()
    let pages = bytes.count / 4096
    for page in stride(from: 0, to: pages, by: max(1, pages / 60)) {
      var damaged = bytes
      damaged.replaceSubrange((page * 4096)..<((page + 1) * 4096), with: repeatElement(0, count: 4096))
      try survives(damaged)
    }
  }

  @Test func flippedBytes() throws {
    let bytes = try sound()
    var random = SplitMix(state: 7)
    for round in 0..<150 {
      var damaged = bytes
      for _ in 0..<Int.random(in: 1...400, using: &random) {
        // The first page, and what is at the pages' heads, matter most.
        let page = round % 3 == 0 ? 0 : Int.random(in: 0..<(bytes.count / 4096), using: &random)
        let within = Int.random(in: 0..<(round % 2 == 0 ? 64 : 4096), using: &random)
        damaged[page * 4096 + within] = UInt8.random(in: 0...255, using: &random)
      }
      try survives(damaged)
    }
  }

  /// What SQLite holds for sound and the ledger does not.
  @Test func valuesOfAnotherType() throws {
    _ = try sound()
    for change in [
      "UPDATE users SET id = 7 WHERE user = 3", "UPDATE users SET id = 'text' WHERE user = 3",
      "UPDATE users SET user = 100000 WHERE user = 3", "UPDATE users SET id = zeroblob(200) WHERE user = 3",
      "UPDATE events SET user = 'me' WHERE event = 3", "UPDATE events SET user = -5 WHERE event = 3",
      "UPDATE events SET user = 1 << 40 WHERE event = 3", "UPDATE events SET at = 'noon' WHERE event = 3",
      "UPDATE events SET channel = 77 WHERE event = 3", "UPDATE events SET kind = 'x' WHERE event = 3",
      "UPDATE meta SET value = 'x' WHERE name = 'secret'", "UPDATE meta SET value = x'00' WHERE name = 'secret'",
      "DELETE FROM meta", "UPDATE kinds SET kind = 99", "UPDATE channels SET channel = 5",
      "UPDATE candidates SET line = 5 WHERE user = 3", "UPDATE plans SET totals = 'x', made = 'y'",
      "UPDATE plan_rows SET user = 1 << 50", "UPDATE plan_rows SET leased_until = 9e99",
      "UPDATE plans SET digest = NULL",
      "UPDATE daily SET count = 1.5", "DROP TABLE events", "DROP TABLE plan_rows", "DROP INDEX events_by_key",
      "UPDATE events SET at = 9223372036854775807 WHERE event = 3",
      "UPDATE events SET at = -9223372036854775808 WHERE event = 3",
    ] {
      let copy = folder.file("copy")
      try LedgerFile.backup(folder.ledger, to: copy)
      try? RawFile.execute(change, copy)
      try survives(TestFolder.bytes(copy))
      unlink(copy)
    }
  }
}
