import Foundation
import Logging
import RouseCore
import RouseLedger
import RousePolicy
import RouseReview
import RouseWire
import Synchronization

/// The place for a second policy that decides on real requests beside the live one, and is heard by nobody: off the
/// replies' path, on a thread of the lowest priority, as far as that comes along. What does not fit its queue is counted
/// and left out.
final class Shadow: Sendable {
  /// A policy that became the shadow.
  struct Version: Sendable {
    let live: LivePolicy
    /// Seconds since 1970.
    let since: Int64
    let by: String

    var name: String { live.policy.version }
  }

  private struct Seat {
    var version: Version?
    /// Another with each shadow, so that a thread knows when its own is over.
    var number = 0
    var gathering: ShadowGathering?
  }

  /// Whether there is one: asked with every request.
  private let isOn = Atomic<Bool>(false)
  private let seat = Mutex(Seat())
  let queue = ShadowQueue()
  private let policies: PolicyStore
  private let ledger: Ledger?
  private let longestLine: Int
  private let audit: AuditLog?
  private let logger: Logger
  private let clock: @Sendable () -> Int64

  /// - Parameter clock: seconds since 1970.
  init(
    policies: PolicyStore, ledger: Ledger?, longestLine: Int, audit: AuditLog?, logger: Logger,
    clock: @escaping @Sendable () -> Int64
  ) {
    self.policies = policies
    self.ledger = ledger
    self.longestLine = longestLine
    self.audit = audit
    self.logger = logger
    self.clock = clock
  }

  // MARK: - Requests

  /// What a request that begins now may offer its candidates to; nil where nobody wants them.
  /// - Parameters:
  ///   - live: what the request is answered by: another than the live policy has no shadow.
  ///   - now: seconds since 1970, of the request.
  @inline(__always)
  func watch(_ live: LivePolicy, now: Int64, usesLedger: Bool) -> ShadowWatch? {
    guard isOn.load(ordering: .relaxed) else { return nil }
    return ShadowWatch(queue: queue, live: live, now: now, usesLedger: usesLedger)
  }

  // MARK: - Beginning and ending

  /// Makes a policy the shadow, in the place of one that there is.
  func begin(_ text: [UInt8], _ format: PolicyFormat, by identity: String) throws(WireError) {
    let next: LivePolicy
    do throws(PolicyDiagnostics) {
      next = try LivePolicy.make(text, format: format.document)
    } catch {
      var refusal = WireError(
        .badRequest, "the policy has faults, so it cannot decide beside the live one", at: "/text")
      refusal.diagnostics = error.all.map { PolicyFinding($0) }
      throw refusal
    }
    let live = policies.live
    guard ExactText(next.policy.version) != ExactText(live.policy.version) else {
      throw WireError(.conflict, "this policy is live: beside itself it would show nothing", at: "/text")
    }
    let by = AuditActor.identity(identity)
    do throws(AuditError) {
      try audit?.append(.policyShadowed(live: live.policy.version, shadow: next.policy.version, by: by))
    } catch {
      logger.error("shadow not begun: the audit log cannot be written", metadata: ["reason": "\(error)"])
      throw WireError(.storageFailed, "the audit log could not be written, so nothing is changed")
    }
    let number = seat.withLock { seat in
      seat.number += 1
      seat.version = Version(live: next, since: clock(), by: "\(by)")
      seat.gathering = nil
      return seat.number
    }
    queue.clear()
    isOn.store(true, ordering: .relaxed)
    logger.info("shadow begun", metadata: ["shadow": "\(next.policy.version)", "by": "\(by)"])
    let thread = Thread { [self] in
      yieldToAll()
      var pace = ShadowPace()
      while work(number, &pace) {}
    }
    thread.stackSize = 4 << 20
    thread.start()
  }

  /// Ends the shadow because somebody wants it.
  func end(by identity: String) throws(WireError) {
    guard let version = seat.withLock({ $0.version }) else { return }
    let by = AuditActor.identity(identity)
    do throws(AuditError) {
      try audit?.append(.policyShadowEnded(shadow: version.name, by: by))
    } catch {
      logger.error("shadow not ended: the audit log cannot be written", metadata: ["reason": "\(error)"])
      throw WireError(.storageFailed, "the audit log could not be written, so nothing is changed")
    }
    leave(because: "\(by)")
  }

  /// Ends the shadow, if there is one.
  func leave(because reason: String) {
    let version = seat.withLock { seat in
      defer {
        seat.version = nil
        seat.gathering = nil
      }
      return seat.version
    }
    guard let version else { return }
    isOn.store(false, ordering: .relaxed)
    queue.clear()
    logger.info("shadow ended", metadata: ["shadow": "\(version.name)", "by": "\(reason)"])
  }

  // MARK: - Deciding

  /// Works off what waits, on the shadow's thread.
  /// - Returns: false when its shadow is over.
  private func work(_ number: Int, _ pace: inout ShadowPace) -> Bool {
    guard let gathering = current(number) else { return false }
    pace.look(dropped: queue.counts.dropped)
    let items = queue.takeAll()
    if items.isEmpty { usleep(Self.pause) }
    for item in items {
      defer { queue.finish(item) }
      // What waited for a gathering that is over is of no use to the next, which counts from 0.
      guard current(number) === gathering else { continue }
      let began = Session.Time.now().monotonic
      gathering.decide(item)
      if let rest = pace.rest(after: Session.Time.now().monotonic &- began) { usleep(rest) }
    }
    return true
  }
  /// Microseconds: nobody is woken, so that offering costs requests nothing.
  private static let pause: UInt32 = 20_000

  /// What is being gathered, anew where another policy has become live. nil: the shadow is over.
  private func current(_ number: Int?) -> ShadowGathering? {
    let live = policies.live
    var isLive = false
    let gathering = seat.withLock { seat -> ShadowGathering? in
      guard let version = seat.version, number == nil || seat.number == number else { return nil }
      if ExactText(version.name) == ExactText(live.policy.version) {
        isLive = true
        return nil
      }
      if let gathering = seat.gathering, gathering.live === live { return gathering }
      queue.clear()
      let made = ShadowGathering(
        live: live, shadow: version.live, since: clock(), ledger: ledger, longestLine: longestLine)
      seat.gathering = made
      return made
    }
    if isLive { leave(because: "it became live") }
    return gathering
  }

  // MARK: - What came of it

  /// `,"policy":..,"shadow":{..},"comparison":{..}`; both null where there is no shadow.
  func report() -> [UInt8] {
    let gathering = current(nil)
    let version = seat.withLock { $0.version }
    var out = ByteWriter(capacity: 4096)
    out.write(",\"policy\":")
    out.writeQuoted(policies.live.policy.version)
    guard let version, let gathering else {
      out.write(",\"shadow\":null,\"comparison\":null")
      return out.array
    }
    let counts = queue.counts
    let gathered = gathering.gathered
    out.write(",\"shadow\":{\"policy\":")
    out.writeQuoted(version.name)
    out.write(",\"begun\":")
    out.writeQuoted(Moment.format(version.since))
    out.write(",\"by\":")
    out.writeQuoted(version.by)
    out.write(",\"since\":")
    out.writeQuoted(Moment.format(gathering.since))
    out.write(",\"seen\":")
    out.write(counts.seen)
    out.write(",\"compared\":")
    out.write(gathered.compared)
    out.write(",\"dropped\":")
    out.write(counts.dropped)
    out.write(",\"skipped\":")
    out.write(gathered.skipped)
    out.write(",\"waiting\":")
    out.write(max(0, counts.seen - counts.dropped - gathered.compared - gathered.skipped))
    out.write("},\"comparison\":")
    if gathered.compared > 0 { out.write(gathered.result.json()) } else { out.write("null") }
    return out.array
  }

  /// Whether nothing waits any more, and nothing is being decided: for tests.
  var isSettled: Bool {
    guard let gathering = current(nil) else { return true }
    let counts = queue.counts
    let gathered = gathering.counts
    return counts.seen == counts.dropped + gathered.compared + gathered.skipped
  }
}

/// Puts this thread behind all others.
private func yieldToAll() {
  let thread = __priority_which_t(PRIO_PROCESS.rawValue)
  setpriority(thread, 0, 19)
}
