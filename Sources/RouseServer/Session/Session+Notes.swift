import RouseCore
import RouseWire

/// What is said of answers in a log that wants to know of each.
extension Session {
  struct Answered: Sendable {
    /// nil for a line that named none.
    var operation: Operation?
    /// nil for an answer that is `ok`.
    var code: ErrorCode?
    var identity: String?
    /// When the request's line arrived, by the monotonic clock.
    var began: UInt64
    /// Of a request with one candidate. It may stand in a log only as a pseudonym.
    var userID: [UInt8]?
  }

  func note(_ pending: Pending, _ code: ErrorCode?, userID: @autoclosure () -> [UInt8]? = nil) {
    count(pending.operation, code, since: pending.began)
    guard shared.notesAnswers() else { return }
    notices.append(.answered(answered(pending.operation, code, pending.began, userID())))
  }

  func note(_ request: Request, _ code: ErrorCode?, _ arrival: UInt64) {
    count(request.operation, code, since: arrival)
    guard shared.notesAnswers() else { return }
    notices.append(.answered(answered(request.operation, code, arrival, nil)))
  }

  /// Scores that were answered at once, one after another: they are counted together.
  struct Scored {
    /// Of the request at hand, and of all.
    var totals = Totals()
    fileprivate var all = Totals()
    private(set) var count = 0
    /// How long the last ones took, all of them as long, and how many of them are not told yet.
    fileprivate var last: (nanoseconds: UInt64, count: Int) = (0, 0)
    /// Whether each is wanted in a log.
    var isNoted = false

    fileprivate mutating func add() {
      all.add(totals)
      count += 1
      last.count += 1
    }

    /// For the next ones, in the same memory.
    fileprivate mutating func reset() {
      totals.reset()
      all.reset()
      count = 0
      last = (0, 0)
    }
  }

  /// - Parameters:
  ///   - arrival: of its line.
  ///   - now: by the monotonic clock, as the arrival.
  func note(_ scored: inout Scored, _ arrival: UInt64, now: UInt64, userID: @autoclosure () -> [UInt8]?) {
    let nanoseconds = now > arrival ? now - arrival : 0
    if nanoseconds != scored.last.nanoseconds {
      if scored.last.count > 0 { shared.meters.scored(scored.last.count, nanoseconds: scored.last.nanoseconds) }
      scored.last = (nanoseconds, 0)
    }
    scored.add()
    if scored.isNoted { notices.append(.answered(answered(.score, nil, arrival, userID()))) }
  }

  func count(_ scored: inout Scored) {
    if scored.count > 0 {
      shared.meters.scored(scored.last.count, nanoseconds: scored.last.nanoseconds)
      shared.meters.decided(.score, scored.all)
      countIdentity(isFailed: false, by: scored.count)
    }
    scored.reset()
  }

  private func count(_ operation: Operation?, _ code: ErrorCode?, since began: UInt64) {
    let now = Time.now().monotonic
    shared.meters.answered(operation, code, nanoseconds: now > began ? now - began : 0)
    countIdentity(isFailed: code != nil)
  }

  private func countIdentity(isFailed: Bool, by count: Int = 1) {
    guard let identity else { return }
    let counts: Meters.OfIdentity
    if let known = identityMeters, known.name == identity.name {
      counts = known.counts
    } else {
      counts = shared.meters.of(identity.name)
      identityMeters = (identity.name, counts)
    }
    (isFailed ? counts.failed : counts.answered).increment(by: Int64(count))
  }

  private func answered(
    _ operation: Operation?, _ code: ErrorCode?, _ began: UInt64, _ userID: [UInt8]?
  ) -> Answered {
    Answered(
      operation: operation, code: code, identity: identity?.name, began: began, userID: userID)
  }
}
