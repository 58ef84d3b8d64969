import Dispatch
import Logging
import Synchronization

/// Writes refused log-ins to the audit log, on a thread of its own and only so many: they come from strangers, who may
/// neither fill the disk nor keep it busy.
package final class RefusedLogins: Sendable {
  private struct State {
    var batch = RefusedLoginBatch()
    /// A write is to come.
    var isScheduled = false
    /// The moment before which there is none, in nanoseconds of the monotonic clock.
    var notBefore: UInt64 = 0
  }

  private let log: AuditLog
  private let logger: Logger
  private let clock: @Sendable () -> UInt64
  private let queue = DispatchQueue(label: "audit")
  private let state = Mutex(State())

  private static let pause: UInt64 = 1_000_000_000
  private static let pauseAfterFailure: UInt64 = 10_000_000_000

  /// - Parameter clock: nanoseconds since some moment.
  package init(_ log: AuditLog, logger: Logger, clock: @escaping @Sendable () -> UInt64) {
    self.log = log
    self.logger = logger
    self.clock = clock
  }

  /// Takes note of one, and never waits: for an event loop.
  package func note(_ login: RefusedLogin) {
    let now = clock()
    state.withLock { state in
      state.batch.add(login, now: now)
      schedule(&state, now)
    }
  }

  /// Writes what is left, and returns when it is on the disk: for the end.
  package func finish() { queue.sync { flush(isLast: true) } }

  private func schedule(_ state: inout State, _ now: UInt64) {
    guard !state.isScheduled else { return }
    state.isScheduled = true
    // The first after a quiet time at once.
    let delay = state.notBefore > now ? state.notBefore - now : 0
    queue.asyncAfter(deadline: .now() + .nanoseconds(Int(min(delay, Self.pauseAfterFailure)))) {
      self.flush(isLast: false)
    }
  }

  private func flush(isLast: Bool) {
    let batch = state.withLock { $0.batch.take(now: clock(), isLast: isLast) }
    var isWritten = true
    if !batch.isEmpty {
      do throws(AuditError) {
        try log.append(batch.events)
      } catch {
        isWritten = false
        logger.error(
          "refused log-ins could not be written to the audit log",
          metadata: ["log_ins": .stringConvertible(batch.count), "reason": .string(error.description)])
      }
    }
    let now = clock()
    state.withLock { state in
      // Those that could not be written are at least counted.
      if !isWritten { state.batch.putBack(batch) }
      state.notBefore = now &+ (isWritten ? Self.pause : Self.pauseAfterFailure)
      state.isScheduled = false
      if !state.batch.isEmpty, !isLast { schedule(&state, now) }
    }
  }
}

/// Refused log-ins that wait to be written: some one by one, in the order they came, and a count of those beyond.
struct RefusedLoginBatch {
  private var logins: [RefusedLogin] = []
  private var beyond: RefusedLoginCount?
  private var allowance = Allowance()

  var isEmpty: Bool { logins.isEmpty && beyond == nil }
  var count: Int { logins.count + (beyond?.count ?? 0) }
  var events: [AuditEvent] { logins.map(AuditEvent.loginRefused) + (beyond.map { [.loginsRefused($0)] } ?? []) }

  mutating func add(_ login: RefusedLogin, now: UInt64) {
    if beyond != nil {
      beyond?.add(login)
    } else if allowance.take(now: now) {
      logins.append(login)
    } else {
      beyond = RefusedLoginCount(login)
    }
  }

  /// What is to be written now. A count is a line too, and waits for the allowance unless it is the last.
  mutating func take(now: UInt64, isLast: Bool) -> RefusedLoginBatch {
    var taken = RefusedLoginBatch()
    swap(&taken.logins, &logins)
    if beyond != nil, allowance.take(now: now) || isLast { swap(&taken.beyond, &beyond) }
    return taken
  }

  /// Counts those of a batch that was taken and could not be written.
  mutating func putBack(_ batch: RefusedLoginBatch) {
    var counts = batch.logins.map { RefusedLoginCount($0) }
    if let beyond = batch.beyond { counts.append(beyond) }
    // Logins that came since are later than all of them.
    counts += logins.map { RefusedLoginCount($0) }
    if let beyond { counts.append(beyond) }
    logins = []
    beyond = counts.first
    for count in counts.dropFirst() { beyond?.add(count) }
  }

  /// Lines that may be written: some at once, then one every ten seconds. In a day strangers make 3 MB of them.
  private struct Allowance {
    static let most = 20
    static let nanosecondsForOne: UInt64 = 10_000_000_000
    private var left = most
    private var since: UInt64?

    mutating func take(now: UInt64) -> Bool {
      let began = since ?? now
      let earned = (now &- began) / Self.nanosecondsForOne
      left = min(Self.most, left + Int(min(earned, UInt64(Self.most))))
      // While all are there time is not saved up.
      since = left == Self.most ? now : began &+ earned &* Self.nanosecondsForOne
      guard left > 0 else { return false }
      left -= 1
      return true
    }
  }
}
