import Foundation
import Logging
import RouseWire
import Synchronization
import Testing

@testable import RouseServer

/// Strangers may try as often as they like: the log tells of it, and stays small.
@Suite struct RefusedLoginTests {
  private static let second: UInt64 = 1_000_000_000

  private func login(_ number: Int, _ reason: RefusedLogin.Reason = .badToken) -> RefusedLogin {
    RefusedLogin(at: LogTime(seconds: Int64(number)), peer: "10.0.0.1:\(number)", reason: reason)
  }

  @Test func someOneByOneThenCounts() throws {
    var batch = RefusedLoginBatch()
    for number in 0..<1000 { batch.add(login(number, number % 2 == 0 ? .badToken : .thirdBadToken), now: 5) }
    let first = batch.take(now: 5, isLast: false)
    #expect(first.events == (0..<20).map { .loginRefused(login($0, $0 % 2 == 0 ? .badToken : .thirdBadToken)) })
    // The count is to come, and comes when it may.
    #expect(!batch.isEmpty && batch.count == 980)
    #expect(batch.take(now: 5 + 9 * Self.second, isLast: false).isEmpty)
    batch.add(login(1000), now: 5 + 10 * Self.second)
    let second = batch.take(now: 5 + 10 * Self.second, isLast: false)
    var counted = RefusedLoginCount(login(0))
    if case .loginsRefused(let some)? = second.events.first { counted = some }
    #expect(second.events.count == 1 && counted.count == 981 && counted.since.seconds == 20)
    #expect(counted.until.seconds == 1000 && counted.reasons == [.badToken: 491, .thirdBadToken: 490])
    #expect(batch.isEmpty)
    // After a quiet time there is room again.
    for number in 0..<30 { batch.add(login(number), now: 1000 * Self.second) }
    #expect(batch.take(now: 1000 * Self.second, isLast: true).events.count == 21)
  }

  /// A day of a thousand a second.
  @Test func aDayMakesFewLines() {
    var batch = RefusedLoginBatch()
    var lines = 0
    var logins = 0
    for second in 0..<86_400 {
      for number in 0..<10 { batch.add(login(number), now: UInt64(second) * Self.second) }
      let taken = batch.take(now: UInt64(second) * Self.second, isLast: second == 86_399)
      lines += taken.events.count
      logins += taken.count
    }
    #expect(logins == 864_000)
    #expect(lines <= 8700 && lines >= 8600)
  }

  @Test func theyReachTheFile() throws {
    let audit = try AuditHarness()
    let log = try audit.log()
    let now = Mutex<UInt64>(0)
    let refused = RefusedLogins(log, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }) {
      now.withLock { $0 }
    }
    refused.note(login(1))
    eventually { !audit.bytes.isEmpty }
    #expect(audit.events == ["login_refused"])
    DispatchQueue.concurrentPerform(iterations: 1000) { refused.note(login($0)) }
    refused.finish()
    refused.finish()
    #expect(audit.events == .init(repeating: "login_refused", count: 20) + ["logins_refused"])
    #expect(audit.entries.last??["count"]?.whole == 981)
    #expect(try audit.sound() == 21)
  }

  /// What cannot be written is counted until it can.
  @Test func aDiskThatFailsForAWhile() throws {
    let audit = try AuditHarness()
    let isFull = Mutex(true)
    let log = try audit.log { descriptor, bytes in
      isFull.withLock { $0 } ? -1 : Glibc.write(descriptor, bytes.baseAddress, bytes.count)
    }
    let refused = RefusedLogins(log, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }) { 0 }
    for number in 0..<30 { refused.note(login(number)) }
    refused.finish()
    #expect(audit.bytes.isEmpty)
    refused.note(login(30))
    isFull.withLock { $0 = false }
    refused.finish()
    #expect(audit.events == ["logins_refused"])
    #expect(audit.entry(1)?["count"]?.whole == 31)
    #expect(audit.entry(1)?["since"]?.text == "1970-01-01T00:00:00.000Z")
    #expect(audit.entry(1)?["until"]?.text == "1970-01-01T00:00:30.000Z")
  }
}
