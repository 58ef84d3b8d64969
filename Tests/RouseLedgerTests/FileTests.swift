import Glibc
import RouseLedger
import Testing

@Suite struct FileTests {
  private let folder = TestFolder()

  private func fill(_ ledger: Ledger, from: Int = 0) throws {
    for round in from..<(from + 10) {
      let users = (0..<50).map { "user-\(round)-\($0)" }
      _ = try ledger.load(users.map { .init($0, String(repeating: "x", count: 300)) })
      _ = try ledger.record(
        users.map { Event("k\($0)", $0, round % 2 == 0 ? .contact : .disbursed, channel: "push", amount: 5) })
      _ = try ledger.commit(PlanDraft(key: "p\(round)", seen: ledger.sequence, contacts: users, ghosts: ["g\(round)"]))
    }
    _ = try ledger.erase(["user-\(from)-1", "g\(from)"])
  }

  @Test func onlyItsOwnerMayRead() throws {
    let ledger = try Ledger.open(folder)
    try fill(ledger)
    for name in folder.names {
      var status = stat()
      stat(folder.file(name), &status)
      #expect(status.st_mode & 0o777 == 0o600, "\(name)")
    }
    #expect(folder.names == ["ledger.sqlite", "ledger.sqlite-shm", "ledger.sqlite-wal", "ledger.sqlite.lock"])
    ledger.close()
    #expect(folder.names == ["ledger.sqlite", "ledger.sqlite.lock"])
  }

  @Test func aBackupOfALiveLedger() throws {
    let ledger = try Ledger.open(folder)
    try fill(ledger)
    let copy = folder.file("copy")
    try LedgerFile.backup(folder.ledger, to: copy)
    let stats = try LedgerFile.stats(copy)
    #expect(stats.users == 510 && stats.erasedUsers == 2 && stats.audience == 499 && stats.plans == 10)
    #expect(stats.planRows == 508 && stats.events == 499)
    #expect(stats.kinds.map(\.name) == ["contact", "disbursed"])
    #expect(try LedgerFile.check(copy) == [])
    #expect(try LedgerFile.check(folder.ledger) == [])
    #expect { try LedgerFile.backup(folder.ledger, to: copy) } throws: { "\($0)".contains("there is such a file") }
    var status = stat()
    stat(copy, &status)
    #expect(status.st_mode & 0o777 == 0o600)

    try fill(ledger, from: 10)
    #expect { try LedgerFile.restore(from: copy, to: folder.ledger) } throws: { ($0 as? LedgerError)?.kind == .inUse }
    #expect { try LedgerFile.compact(folder.ledger) } throws: { ($0 as? LedgerError)?.kind == .inUse }
    ledger.close()
    let aside = try #require(try LedgerFile.restore(from: copy, to: folder.ledger))
    #expect(try LedgerFile.stats(aside).plans == 20)
    let again = try Ledger.open(folder)
    #expect(try again.plans(before: nil, most: 100).count == 10)
    #expect(try again.record([Event("kuser-1-1", "user-1-1", .disbursed, channel: "push", amount: 5)]) == [.replayed])
    #expect(try again.load([.init("user-0-1", "x")]).counts.gone == 1)
    #expect(try LedgerFile.check(folder.ledger) == [])
    #expect(!folder.names.contains { $0.hasSuffix(".part") })
  }

  /// A log that is left beside a file would be taken for the file's.
  @Test func aRestoreLeavesNoLogBehind() throws {
    let ledger = try Ledger.open(folder)
    try fill(ledger)
    try LedgerFile.backup(folder.ledger, to: folder.file("copy"))
    try fill(ledger, from: 10)
    _ = try ledger.record([Event("after", "the erasure", .login)])
    let other = TestFolder()
    for name in ["ledger.sqlite", "ledger.sqlite-wal"] {
      TestFolder.write(TestFolder.bytes(folder.file(name)), to: other.file(name))
    }
    ledger.close()
    // A damaged file: its log cannot be brought into it.
    TestFolder.write(Array("no ledger at all".utf8), to: other.ledger)
    let aside = try #require(try LedgerFile.restore(from: folder.file("copy"), to: other.ledger))
    #expect(TestFolder.bytes(aside) == Array("no ledger at all".utf8))
    #expect(!TestFolder.bytes(aside + "-wal").isEmpty)
    let again = try Ledger.open(other)
    #expect(try again.plans(before: nil, most: 100).count == 10)
    #expect(try LedgerFile.check(other.ledger) == [])
  }

  @Test func compacting() throws {
    let ledger = try Ledger.open(folder)
    try fill(ledger)
    _ = try ledger.load((0..<10).flatMap { round in (0..<50).map { .init("user-\(round)-\($0)", nil) } })
    let plan = try ledger.plan("P2")
    ledger.close()
    let (before, after) = try LedgerFile.compact(folder.ledger)
    #expect(after < before)
    #expect(try LedgerFile.check(folder.ledger) == [])
    let again = try Ledger.open(folder)
    #expect(try again.plan("P2") == plan)
    #expect(try again.commit(PlanDraft(seen: 0, contacts: ["new"])).head?.id == "P11")
  }

  @Test func checkFindsWhatDoesNotHold() throws {
    let ledger = try Ledger.open(folder)
    try fill(ledger)
    ledger.close()
    for (change, finding) in [
      ("DELETE FROM users WHERE user = 5", "users' numbers that are missing: 1"),
      ("UPDATE daily SET count = count - 2 WHERE kind = 0", "days whose totals are less than their events: 1"),
      (
        "DELETE FROM plan_texts WHERE place = (SELECT max(place) FROM plan_texts)",
        "rows of plans without their texts: 1"
      ),
      ("UPDATE plans SET contacts = 7 WHERE plan = 3", "plans whose rows do not add up: 1"),
      ("UPDATE events SET channel = 9 WHERE event = 7", "events on channels that are not there: 1"),
      ("DELETE FROM meta WHERE name = 'secret'", "the secret is not there or cut off: 1"),
    ] {
      let copy = folder.file("copy-\(finding.hashValue)")
      try LedgerFile.backup(folder.ledger, to: copy)
      try RawFile.execute(change, copy)
      let findings = try LedgerFile.check(copy)
      #expect(findings.contains(finding), "\(change): \(findings)")
    }
  }

  @Test func anOlderFileIsBroughtUp() throws {
    let ledger = try Ledger.open(folder)
    try fill(ledger)
    ledger.close()
    let later = SQLiteSchema.current.adding("CREATE TABLE later(x); INSERT INTO later VALUES(7)")
    let upgraded = try Ledger(Ledger.settings(folder), store: try SQLiteStore(folder.ledger, schema: later)) { _ in }
    #expect(try upgraded.plans(before: nil, most: 100).count == 10)
    #expect(try LedgerFile.version(folder.ledger) == 2)
    upgraded.close()
    // And is refused by what does not know of it.
    let bytes = TestFolder.bytes(folder.ledger)
    for body: () throws -> Void in [
      { _ = try Ledger.open(folder) }, { _ = try LedgerFile.stats(folder.ledger) },
      { try LedgerFile.backup(folder.ledger, to: folder.file("copy")) },
    ] {
      #expect {
        try body()
      } throws: { error in
        (error as? LedgerError)?.kind == .newer && "\(error)".contains(folder.ledger)
      }
    }
    let isUnchanged = TestFolder.bytes(folder.ledger) == bytes
    #expect(isUnchanged)
  }

  @Test func whatIsNoLedgerIsLeftAlone() throws {
    let text = Array("Dear Sir or Madam,\n".utf8)
    TestFolder.write(text, to: folder.ledger)
    #expect { _ = try Ledger.open(folder) } throws: { ($0 as? LedgerError)?.kind == .damaged }
    #expect(TestFolder.bytes(folder.ledger) == text)
    unlink(folder.ledger)
    try RawFile.execute("CREATE TABLE songs(title)", folder.ledger)
    let bytes = TestFolder.bytes(folder.ledger)
    #expect { _ = try Ledger.open(folder) } throws: { "\($0)".contains("this is no ledger") }
    let isUnchanged = TestFolder.bytes(folder.ledger) == bytes
    #expect(isUnchanged)
    unlink(folder.ledger)
    mkdir(folder.ledger, 0o700)
    #expect { _ = try Ledger.open(folder) } throws: { ($0 as? LedgerError)?.kind == .unreadable }
    rmdir(folder.ledger)
    #expect {
      _ = try Ledger(.init(file: folder.file("none/ledger.sqlite"))) { _ in }
    } throws: { error in
      "\(error)".contains("check its path")
    }
  }
}
