import Foundation
import Logging
import RouseWire
import Synchronization
import Testing

@testable import RouseServer

/// The audit log's file: what is appended, by whom ever, and what becomes of damage.
@Suite struct AuditLogTests {
  @Test func eachEvent() throws {
    let audit = try AuditHarness()
    let log = try audit.log()
    #expect(audit.bytes.isEmpty)
    #expect(try FileManager.default.attributesOfItem(atPath: audit.file)[.posixPermissions] as? Int == 0o600)
    for (index, event) in AuditHarness.each.enumerated() {
      let position = try log.append(event)
      #expect(position.seq == index + 1)
      #expect(position.hash == audit.lines.last?.withUnsafeBytes { AuditPosition.hash($0) })
    }
    for (index, entry) in audit.entries.enumerated() {
      let entry = try #require(entry)
      #expect(entry.members.prefix(3).map(\.name) == ["seq", "at", "event"] && entry.members.last?.name == "prev")
      #expect(entry["seq"]?.whole == index + 1 && entry["at"]?.text == "2026-03-01T02:00:00.000Z")
      #expect(entry["event"]?.text == AuditHarness.each[index].name)
    }
    #expect(audit.entry(1)?["prev"]?.text == String(repeating: "0", count: 64))
    #expect(audit.entry(5)?["first"]?.text == "3:1: unknown_key: \"x\n\u{2028}é\\")
    #expect(audit.entry(9)?["roles"]?.json == #"["score","record"]"# && audit.entry(9)?["by"]?.text == "user:root")
    #expect(audit.entry(13)?["reasons"]?.json == #"{"third_bad_token":1}"#)
    #expect(!String(decoding: audit.bytes, as: UTF8.self).unicodeScalars.contains("\u{1B}"))
    #expect(try audit.sound() == AuditHarness.each.count)
  }

  /// The first entry, to the byte: other programs read the file too.
  @Test func theFormat() throws {
    let audit = try AuditHarness()
    try audit.log().append(.policyReloaded(from: "p@1", to: "p@2", by: .signal))
    let zeros = String(repeating: "0", count: 64)
    #expect(
      String(decoding: audit.bytes, as: UTF8.self)
        == #"{"seq":1,"at":"2026-03-01T02:00:00.000Z","event":"policy_reloaded","from":"p@1","to":"p@2","by":"SIGHUP","#
        + #""prev":"\#(zeros)"}"# + "\n")
  }

  /// The administrator's `token add` may come before the server's first start.
  @Test(.enabled(if: geteuid() == 0)) func whatRootMakesBelongsToTheServer() throws {
    let audit = try AuditHarness()
    #expect(chown(audit.folder.path, 12_345, 12_346) == 0)
    try audit.log().append(.stopped)
    let made = try FileManager.default.attributesOfItem(atPath: audit.file)
    #expect(made[.ownerAccountID] as? Int == 12_345 && made[.groupOwnerAccountID] as? Int == 12_346)
    #expect(made[.posixPermissions] as? Int == 0o600)
    // A link to what is root's leaves it root's.
    let other = try AuditHarness()
    try other.add("")
    let link = audit.folder.appending(path: "link").path
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: other.file)
    _ = try AuditLog(file: link)
    #expect(try FileManager.default.attributesOfItem(atPath: other.file)[.ownerAccountID] as? Int == 0)
  }

  @Test func whoIsAtTheCommandLine() throws {
    let ended = try ServerProcess.run(URL(filePath: "/usr/bin/id"), ["-un"])
    #expect("user:" + String(decoding: ended.output.dropLast(), as: UTF8.self) == "\(AuditActor.currentUser)")
  }

  @Test func textsAreBounded() throws {
    let audit = try AuditHarness()
    let long = String(repeating: "\n", count: 1_000_000)
    let log = try audit.log()
    try log.append(
      .configurationReloaded(from: long, to: long, by: .identity(long), keys: .init(repeating: long, count: 1000)))
    try log.append(.loginRefused(RefusedLogin(peer: long, reason: .badToken, detail: long, subject: long)))
    #expect(audit.lines.allSatisfy { $0.count < 1 << 15 } && audit.entries.allSatisfy { $0 != nil })
    #expect(try audit.sound() == 2)
  }

  @Test func severalAtOnce() throws {
    let audit = try AuditHarness()
    let log = try audit.log()
    #expect(try log.append([.stopped, .stopped, .stopped]).seq == 3)
    #expect(try log.append([]).seq == 3)
    #expect(try audit.sound() == 3)
  }

  // MARK: - Several writers

  /// Threads with logs of their own meet at the file's lock as processes do; and shell scripts, which know no more of the
  /// format than is written about it, write between them.
  @Test func manyWriters() async throws {
    let audit = try AuditHarness()
    _ = try audit.log()
    let script = audit.folder.appending(path: "write.sh")
    let text = #"""
      exec 9>>"$1"
      for i in $(seq 25); do
        flock 9
        last=$(tail -n 1 "$1"); seq=0; prev=$(printf %064d 0)
        if [ -n "$last" ]; then
          seq=${last#*:}; seq=${seq%%,*}; prev=$(printf %s "$last" | sha256sum); prev=${prev%% *}
        fi
        printf '{"seq":%d,"at":"2026-03-01T02:00:00Z","event":"noted","prev":"%s"}\n' $((seq + 1)) "$prev" >&9
        flock -u 9
      done
      """#
    try text.write(to: script, atomically: true, encoding: .utf8)
    let writers = 4
    let each = 50
    try await withThrowingTaskGroup(of: Void.self) { group in
      let file = audit.file
      for _ in 0..<2 {
        group.addTask {
          let ended = try ServerProcess.run(URL(filePath: "/bin/bash"), [script.path, file])
          #expect(ended.code == 0, "\(ended.error)")
        }
      }
      for writer in 0..<writers {
        group.addTask {
          let log = try AuditLog(file: file)
          for number in 0..<each {
            try log.append(.policyReloaded(from: "\(writer)", to: "\(number)", by: .file))
          }
        }
      }
      try await group.waitForAll()
    }
    #expect(try audit.sound() == writers * each + 50)
    // Each writer's own entries are all there, in order.
    for writer in 0..<writers {
      let own = audit.entries.filter { $0?["from"]?.text == "\(writer)" }
      #expect(own.map { $0?["to"]?.text } == (0..<each).map { "\($0)" })
    }
  }

  @Test func aLockThatIsNeverGivenBack() throws {
    let audit = try AuditHarness()
    let log = try audit.log(patience: 50)
    let other = open(audit.file, O_RDONLY)
    defer { close(other) }
    #expect(flock(other, LOCK_EX) == 0)
    #expect { try log.append(.stopped) } throws: { "\($0)".contains("lock") }
    #expect(audit.bytes.isEmpty)
  }

  // MARK: - Damage

  @Test(arguments: [1, 2, 40, 1_000_000]) func aTornLine(_ left: Int) throws {
    let audit = try AuditHarness()
    let log = try audit.log()
    for event in AuditHarness.each.prefix(3) { try log.append(event) }
    let whole = audit.bytes
    let torn = Array(whole.dropLast(left == 1_000_000 ? whole.count - 12 : left))
    try audit.write(torn)
    let fault = try #require(try audit.fault())
    #expect(fault.line == torn.split(separator: 0x0A).count && fault.reason.contains("no end"))
    // At the next start, or when a running server next writes.
    if left == 2 { try log.append(.stopped) } else { _ = try audit.log() }
    let kept = torn.split(separator: 0x0A, omittingEmptySubsequences: false)
    let entry = try #require(audit.entry(kept.count))
    #expect(Array(audit.lines.prefix(kept.count - 1)) == kept.dropLast().map(Array.init))
    #expect(entry["event"]?.text == "recovered" && entry["bytes"]?.whole == kept.last?.count)
    #expect(entry["text"]?.text == kept.last.map { String(decoding: $0, as: UTF8.self) })
    #expect(try audit.sound() == audit.lines.count)
    // A running server also sees that its last entry is gone.
    #expect(audit.events.contains("file_replaced") == (left == 2))
  }

  /// The chain goes on from the last line, and the damage stays visible.
  @Test func aDamagedLastLine() throws {
    for damage in ["garbage\n", "{}\n", "\n", "{\"seq\":9007199254740991,\"prev\":\"\"}\n", "\u{0}\u{0}\n"] {
      let audit = try AuditHarness()
      try audit.log().append([.stopped, .stopped])
      try audit.add(damage)
      #expect(try audit.log().append(.stopped).seq == 4)
      let lines = String(decoding: audit.bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
      let hash = Array(lines[2].utf8).withUnsafeBytes { AuditPosition.hash($0) }
      #expect(JSONValue(lines[3].utf8)?["prev"]?.text == hash)
      #expect(try audit.fault()?.line == 3)
    }
  }

  @Test func damageIsLogged() throws {
    let audit = try AuditHarness()
    let lines = Lines()
    let log = try audit.log(logger: Logger(label: "test") { _ in lines })
    try log.append([.stopped, .stopped, .stopped])
    log.verify()
    #expect(lines.all.lines.withLock { $0 } == [])
    try audit.write(
      Array(
        String(decoding: audit.bytes, as: UTF8.self).replacing(
          "\"seq\":2,\"at\":\"2026", with: "\"seq\":2,\"at\":\"2025"
        ).utf8))
    log.verify()
    #expect(lines.all.lines.withLock { $0 } == ["error the audit log is broken 3"])
    try audit.write(audit.bytes.dropLast())
    try log.append(.stopped)
    #expect(
      lines.all.lines.withLock { $0.dropFirst() } == [
        "warning the audit log ended amid a line, which was taken out -",
        "error the audit log was moved away or changed; it goes on in what is there now -",
      ])
  }

  /// What a logger is told, and the line that it is told of.
  private struct Lines: LogHandler {
    final class All: Sendable {
      let lines = Mutex<[String]>([])
    }

    let all = All()
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.trace

    subscript(metadataKey key: String) -> Logger.MetadataValue? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
      let line = event.metadata?["line"].map { "\($0)" } ?? "-"
      all.lines.withLock { $0.append("\(event.level) \(event.message) \(line)") }
    }
  }

  /// Moved away by a rotation that does not know better, or cut: the file that is there now begins by saying so.
  @Test func aFileThatIsReplaced() throws {
    let audit = try AuditHarness()
    let log = try audit.log()
    let last = try log.append([.stopped, .stopped])
    try FileManager.default.removeItem(atPath: audit.file)
    try log.append(.stopped)
    #expect(audit.events == ["file_replaced", "stopped"])
    #expect(audit.entry(1)?["last_seq"]?.whole == 2 && audit.entry(1)?["last_hash"]?.text == last.hash)
    #expect(try audit.sound() == 2)
    // Changed in place, as long as it was.
    try audit.write(
      Array(String(decoding: audit.bytes, as: UTF8.self).replacing("\"stopped\"", with: "\"Stopped\"").utf8))
    try log.append(.stopped)
    #expect(audit.events == ["file_replaced", "Stopped", "file_replaced", "stopped"])
  }

  // MARK: - Refusals

  @Test(arguments: ["a: b\n", "no end", "{\"user_id\":\"a\"}\n", "\n", String(repeating: "x", count: 3 << 20)])
  func otherFilesAreLeftAlone(_ text: String) throws {
    let audit = try AuditHarness()
    try audit.add(text)
    for attempt in [{ _ = try audit.log() }, { try AuditLog.check(file: audit.file) }] {
      #expect { try attempt() } throws: {
        let lines = ($0 as? ConfigurationError)?.lines ?? []
        return lines.count == 1 && lines[0].contains("no audit log") && lines[0].hasPrefix(audit.file)
      }
    }
    #expect(audit.bytes == Array(text.utf8))
  }

  @Test func placesWhereNoneCanBe() throws {
    let audit = try AuditHarness()
    let fifo = audit.folder.appending(path: "fifo").path
    #expect(mkfifo(fifo, 0o600) == 0)
    for (path, word) in [
      (audit.folder.path, "a folder"), (audit.folder.path + "/none/audit.ndjson", "folder is there"),
      (audit.file + "/x", "folder is there"), (fifo, "regular"),
    ] {
      for attempt in [{ _ = try AuditLog(file: path) }, { try AuditLog.check(file: path) }] {
        #expect(throws: ConfigurationError.self, "\(path)") { try attempt() }
        do { try attempt() } catch {
          #expect((error as? ConfigurationError)?.lines.first?.contains(word) == true, "\(error)")
        }
      }
    }
  }

  /// `check` answers without making the file, which would be its user's and not the server's.
  @Test func checkMakesNothing() throws {
    let audit = try AuditHarness()
    try AuditLog.check(file: audit.file)
    #expect(!FileManager.default.fileExists(atPath: audit.file))
    try audit.log().append(.stopped)
    try audit.write(audit.bytes.dropLast())
    let before = audit.bytes
    try AuditLog.check(file: audit.file)
    #expect(audit.bytes == before)
  }

  /// A disk that is full at some byte: nothing of what was refused is there afterwards.
  @Test(arguments: [0, 1, 100, 10_000]) func aFullDisk(_ room: Int) throws {
    let audit = try AuditHarness()
    try audit.log().append(.stopped)
    let before = audit.bytes
    let isFull = Mutex(true)
    let log = try audit.log { descriptor, bytes in
      guard isFull.withLock({ $0 }) else { return Glibc.write(descriptor, bytes.baseAddress, bytes.count) }
      if room > bytes.count {
        // Taken whole, and then the disk fails.
        _ = Glibc.write(descriptor, bytes.baseAddress, bytes.count)
        errno = EIO
        return -1
      }
      errno = ENOSPC
      return room == 0 ? -1 : Glibc.write(descriptor, bytes.baseAddress, room)
    }
    #expect { try log.append([.stopped, .stopped]) } throws: { $0 is AuditError && "\($0)".contains("disk") }
    #expect(audit.bytes == before)
    isFull.withLock { $0 = false }
    #expect(try log.append(.stopped).seq == 2)
    #expect(try audit.sound() == 2)
  }
}
