import Foundation
import Logging
import RouseCore
import RouseLedger
import RousePolicy
import RouseTLS
import RouseWire
import TestData
import Testing

@testable import RouseServer

/// A session without sockets, threads or clock: bytes and moments in, bytes out.
final class SessionHarness {
  let session: Session
  private(set) var output: [UInt8] = []
  private(set) var notices: [Session.Notice] = []
  private var jobs: [Session.Job] = []
  private let finished = FinishedJobs()
  /// A clock that the test moves.
  private(set) var time = Session.Time(monotonic: 1, wall: SessionHarness.wall)
  /// 2026-03-01T02:00:00Z.
  static let wall: Int64 = 1_772_330_400
  /// Takes from the session as if the socket had room; false leaves replies with it.
  private var isWritable = true
  /// The connection was to be closed without a word.
  private(set) var wasAborted = false
  let world: World

  /// What sessions share, and what a test may change under them.
  final class World: @unchecked Sendable {
    // One test on one thread has it.
    var configuration: Configuration
    var access: Access
    let policies: PolicyStore
    let memory: MemoryPool
    let rankMemory: MemoryPool
    var overload: Int?
    var mayRefuse = true
    var isDeskFull = false
    var activated: [PolicyChange] = []
    private(set) var keeping: Keeping?
    private(set) lazy var shadow = Shadow(
      policies: policies, ledger: keeping?.ledger, longestLine: configuration.limits.lineBytes, audit: nil,
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, clock: { SessionHarness.wall })
    private var ledgerFolder: URL?

    /// - Parameter keepsLedger: an empty one, of its own.
    init(
      policy: String = "policy.yaml", limits: Configuration.Limits = .init(), roles: Set<Configuration.Role> = [.score],
      tokens: Tokens = Tokens(), keepsLedger: Bool = false
    ) throws {
      let file = Vectors.folder.appending(path: policy).path
      configuration = Configuration(
        listen: Address(host: "127.0.0.1", port: 0), policyFile: file,
        tls: .init(certificateChainFile: "", privateKeyFile: ""),
        identities: [.init(name: "operator", match: .dns("operator"), roles: roles)], limits: limits, drainSeconds: 10,
        logLevel: .info)
      configuration.tokens = tokens
      access = Access(configuration)
      policies = try PolicyStore.read(file: file, now: 1_772_330_400)
      memory = MemoryPool(size: limits.unfinishedBytes)
      rankMemory = MemoryPool(size: limits.rankBytes)
      if keepsLedger { try keep() }
    }

    deinit {
      shadow.leave(because: "the test is over")
      keeping?.ledger.close()
      if let ledgerFolder { try? FileManager.default.removeItem(at: ledgerFolder) }
    }

    private func keep() throws {
      let folder = try ServerProcess.temporaryFolder()
      ledgerFolder = folder
      try openLedger(folder.appending(path: "ledger.sqlite").path)
    }

    /// Opens a ledger, as a server does when it starts; one that is open is closed first.
    func openLedger(_ file: String, leaseSeconds: Int64 = 3 * 86_400) throws {
      keeping?.ledger.close()
      var settings = Ledger.Settings(file: file, leaseSeconds: leaseSeconds)
      settings.sweepsByItself = false
      let ledger = try Ledger(settings) { _ in }
      let audience = StandingAudience(
        ledger, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
        longestLine: configuration.limits.lineBytes)
      keeping = Keeping(ledger: ledger, audience: audience)
      audience.arrange(for: policies.live)
      // It is arranged on a thread of its own.
      let isThere = eventually { (try? audience.view(of: "TRUE", policies.live)) != nil }
      if !isThere { Issue.record("the audience was not arranged") }
    }

    /// What a reload does.
    func change(_ body: (inout Configuration) -> Void) {
      body(&configuration)
      access = Access(configuration, former: access)
    }

    var shared: Session.Shared {
      Session.Shared(
        limits: configuration.limits, access: { self.access }, policies: policies,
        activate: { (change) throws(WireError) in
          self.activated.append(change)
          let version = self.policies.versions[0]
          return PolicyOutcome(policy: version.name, was: version.name, state: .live)
        },
        decide: { (verdict) throws(WireError) in
          PolicyOutcome(policy: verdict.policy, was: self.policies.versions[0].name, state: .live)
        }, memory: memory, rankMemory: rankMemory, overload: { self.overload }, mayRefuse: { _ in self.mayRefuse },
        isDeskFull: { self.isDeskFull },
        serverVersion: "test", keeping: keeping, shadow: shadow, notesAnswers: { true })
    }
  }

  static let operatorPeer = PeerIdentity(
    subjectCommonName: "operator", dnsNames: ["operator"], uris: [], emails: [], ipAddresses: [],
    subject: "CN=operator",
    notAfter: 0, serial: "1", sha256Fingerprint: "")

  convenience init(
    policy: String = "policy.yaml", limits: Configuration.Limits = .init(), roles: Set<Configuration.Role> = [.score],
    identified: Bool = true
  ) throws {
    self.init(try World(policy: policy, limits: limits, roles: roles), identified: identified)
  }

  init(_ world: World, identified: Bool = true, isRefused: Bool = false, isConnecting: Bool = false) {
    self.world = world
    session = Session(world.shared, isRefused: isRefused, at: time)
    if !isConnecting {
      session.begin(identified ? Self.operatorPeer : nil, at: time)
      take()
    }
  }

  /// Moves the calendar; a test does so between connections.
  func advanceCalendar(to wall: Int64) { time.wall = wall }

  /// Moves the clock, second by second as a timer would, and tells the session.
  func wait(seconds: Int) {
    for _ in 0..<seconds {
      advanceClock(milliseconds: 1000)
      wake()
    }
  }

  func advanceClock(milliseconds: UInt64) { time.monotonic += milliseconds * 1_000_000 }

  func wake() {
    if !session.wake(at: time) { wasAborted = true }
    take()
  }

  func send(_ bytes: some Collection<UInt8>) {
    Array(bytes).withUnsafeBytes { session.receive($0, at: time) }
    take()
  }

  func send(_ text: String) { send(Array(text.utf8)) }

  /// What a reload does; whether the connection is to end.
  func recheck(isRevoked: Bool = false) -> Bool {
    defer { take() }
    return session.recheck(isRevoked: isRevoked, at: time)
  }

  private func take() {
    notices += session.takeNotices()
    jobs += session.takeJobs()
    guard isWritable else { return }
    while session.output.count > 0 {
      output += session.output.array
      session.output.removeAll()
      session.outputTaken(unsent: 0)
      notices += session.takeNotices()
      jobs += session.takeJobs()
    }
  }

  /// Whether the peer reads.
  func setWritable(_ value: Bool) {
    isWritable = value
    session.setWritable(value, unsent: 0, at: time)
    take()
  }

  /// Runs one waiting job, any of them; false when there is none.
  func runJob(using random: inout SplitMix) -> Bool {
    if !jobs.isEmpty {
      finished.begin(jobs.remove(at: Int(random.next() % UInt64(jobs.count))))
      guard let done = finished.nextDone() else { return true }
      session.finish(done.serial, done.result, at: time)
    } else {
      guard let done = finished.next() else { return false }
      session.finish(done.serial, done.result, at: time)
    }
    take()
    return true
  }

  func settle() {
    var random = SplitMix(state: 1)
    while runJob(using: &random) {}
  }

  func endInput() {
    session.endInput(at: time)
    take()
    settle()
  }

  func drain() {
    session.drain(at: time)
    take()
  }

  func expire() {
    session.expire(at: time)
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
