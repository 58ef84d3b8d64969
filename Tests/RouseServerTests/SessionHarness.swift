import Foundation
import RouseCore
import RousePolicy
import RouseTLS
import RouseWire
import Synchronization
import TestData
import Testing

@testable import RouseServer

/// A session without sockets, threads or clock: bytes in, bytes out.
final class SessionHarness {
  let session: Session
  private(set) var output: [UInt8] = []
  private var jobs: [Session.Job] = []
  private let time: Time

  /// A clock that the test moves.
  final class Time: Sendable {
    let nanoseconds = Mutex<UInt64>(1)
  }

  static let operatorPeer = PeerIdentity(
    subjectCommonName: "operator", dnsNames: ["operator"], uris: [], emails: [], ipAddresses: [],
    subject: "CN=operator",
    notAfter: 0, serial: "1", sha256Fingerprint: "")

  init(
    policy: String = "policy.yaml", limits: Configuration.Limits = .init(), roles: Set<Configuration.Role> = [.score],
    identified: Bool = true
  ) throws {
    let live = try LivePolicy.read(file: Vectors.folder.appending(path: policy).path)
    let time = Time()
    self.time = time
    session = Session(
      Session.Shared(
        limits: limits, identities: [.init(name: "operator", match: .dns("operator"), roles: roles)], live: { live },
        wallClock: { 1_772_330_400 }, monotonicClock: { time.nanoseconds.withLock { $0 } }, serverVersion: "test"))
    session.identify(identified ? Self.operatorPeer : nil)
  }

  func advanceClock(milliseconds: UInt64) { time.nanoseconds.withLock { $0 += milliseconds * 1_000_000 } }

  func send(_ bytes: some Collection<UInt8>) {
    Array(bytes).withUnsafeBytes { session.receive($0) }
    take()
  }

  func send(_ text: String) { send(Array(text.utf8)) }

  private func take() {
    jobs += session.takeJobs()
    while session.output.count > 0 {
      output += session.output.array
      session.output.removeAll()
      session.resume()
      jobs += session.takeJobs()
    }
  }

  /// Whether the peer reads.
  func setWritable(_ value: Bool) {
    session.setWritable(value)
    take()
  }

  /// Runs one waiting job, any of them; false when there is none.
  func runJob(using random: inout SplitMix) -> Bool {
    guard !jobs.isEmpty else { return false }
    let job = jobs.remove(at: Int(random.next() % UInt64(jobs.count)))
    session.finish(job.serial, job.run())
    take()
    return true
  }

  func settle() {
    var random = SplitMix(state: 1)
    while runJob(using: &random) {}
  }

  func endInput() {
    session.endInput()
    take()
    settle()
  }

  func checkDeadline() {
    session.checkDeadline()
    take()
  }

  func drain() {
    session.drain()
    take()
  }

  var text: String { String(decoding: output, as: UTF8.self) }
  var lines: [String] { text.split(separator: "\n").map(String.init) }

  /// What a request line is answered with.
  static func answer(_ line: String, roles: Set<Configuration.Role> = [.score], identified: Bool = true) throws
    -> String
  {
    let harness = try SessionHarness(roles: roles, identified: identified)
    harness.send(line + "\n")
    harness.settle()
    return harness.text
  }
}
