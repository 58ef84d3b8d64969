import Glibc
import RouseWire

/// The time limits of a connection: handshake, partial line, idle, stalled write, and a request's own.
extension Session {
  /// When things began that may not last.
  struct Clocks {
    let opened: UInt64
    /// Something came or was finished.
    private(set) var lastMoved: UInt64
    /// Replies could be sent.
    private(set) var lastOutput: UInt64
    /// The line that has begun and not ended, and how many were taken before it.
    fileprivate(set) var line: (began: UInt64, taken: Int)?

    init(opened: UInt64) {
      self.opened = opened
      lastMoved = opened
      lastOutput = opened
    }

    mutating func touch(_ now: UInt64) { lastMoved = now }
    mutating func outputMoved(_ now: UInt64) {
      lastOutput = now
      lastMoved = now
    }
  }

  private static let second: UInt64 = 1_000_000_000

  /// The next moment of the monotonic clock at which `wake` is wanted. It may come early: then nothing happens.
  func nextWake() -> UInt64 {
    let limits = shared.limits
    func after(_ since: UInt64, _ seconds: Int) -> UInt64 { since &+ UInt64(max(0, seconds)) &* Self.second }
    switch state {
    case .closed:
      // The last bytes are being sent.
      return after(clocks.lastOutput, limits.writeStalledSeconds)
    case .connecting: return after(clocks.opened, limits.handshakeSeconds)
    case .waiting, .discarding, .busy, .streaming: break
    }
    var due = UInt64.max
    if let deadline = pending?.deadline { due = min(due, deadline &+ 1) }
    if let heldOffUntil { due = min(due, heldOffUntil) }
    if !isWritable || unsent > 0 { return min(due, after(clocks.lastOutput, limits.writeStalledSeconds)) }
    if let line = clocks.line { due = min(due, after(line.began, limits.partialLineSeconds)) }
    if isIdle { due = min(due, after(clocks.lastMoved, limits.idleSeconds)) }
    // Nothing runs out; the job under way will come back.
    return due == .max ? after(time.monotonic, limits.idleSeconds) : due
  }

  /// A moment has come. False when the connection has to be closed at once, without a word: nothing could be sent.
  func wake(at time: Time) -> Bool {
    self.time = time
    let limits = shared.limits
    func passed(_ since: UInt64, _ seconds: Int) -> Bool {
      time.monotonic >= since &+ UInt64(max(0, seconds)) &* Self.second
    }
    if case .connecting = state { return !passed(clocks.opened, limits.handshakeSeconds) }
    if !isWritable || unsent > 0 {
      if passed(clocks.lastOutput, limits.writeStalledSeconds) { return false }
    }
    if case .closed = state { return !passed(clocks.lastOutput, limits.writeStalledSeconds) }
    checkDeadline()
    if let heldOffUntil, time.monotonic >= heldOffUntil { advance() }
    guard isWritable, unsent == 0 else { return true }
    if let line = clocks.line, passed(line.began, limits.partialLineSeconds) {
      giveUp(WireError(.incompleteLine, "a line was begun and not ended within \(limits.partialLineSeconds) s"))
    } else if isIdle, passed(clocks.lastMoved, limits.idleSeconds) {
      giveUp(WireError(.idleTimeout, "nothing was asked for \(limits.idleSeconds) s"))
    }
    return true
  }

  /// A line that has begun keeps its time until it ends, however it drips.
  func noteLine() {
    guard hasPartialLine else {
      clocks.line = nil
      return
    }
    if clocks.line?.taken != linesTaken { clocks.line = (time.monotonic, linesTaken) }
  }

  /// Answers a request whose time has passed, however silent everything else is.
  private func checkDeadline() {
    switch state {
    case .streaming(let stream) where isLate(stream.pending): breakOff(stream, Self.late)
    case .busy(let pending) where isLate(pending):
      pending.work?.cancel()
      pending.cancel?()
      serial += 1
      state = .waiting
      answerLate(pending)
    default: return
    }
    advance()
  }

  static let late = WireError(.deadlineExceeded, "timeout_ms has passed")

  func isLate(_ pending: Pending) -> Bool { pending.deadline.map { time.monotonic > $0 } ?? false }

  func answerLate(_ pending: Pending) { answer(pending, Self.late) }
}

extension Session.Time {
  static func now() -> Session.Time {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    let monotonic = UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
    clock_gettime(CLOCK_REALTIME, &time)
    return Session.Time(monotonic: monotonic, wall: Int64(time.tv_sec))
  }
}
