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

  /// Of a `score` that was answered at once.
  /// - Parameter now: by the monotonic clock.
  func noteScored(_ arrival: UInt64, now: UInt64, userID: @autoclosure () -> [UInt8]?) {
    shared.meters.scored(nanoseconds: now > arrival ? now - arrival : 0)
    countIdentity(isFailed: false)
    guard shared.notesAnswers() else { return }
    notices.append(.answered(answered(.score, nil, arrival, userID())))
  }

  private func count(_ operation: Operation?, _ code: ErrorCode?, since began: UInt64) {
    let now = Time.now().monotonic
    shared.meters.answered(operation, code, nanoseconds: now > began ? now - began : 0)
    countIdentity(isFailed: code != nil)
  }

  private func countIdentity(isFailed: Bool) {
    guard let identity else { return }
    let counts: Meters.OfIdentity
    if let known = identityMeters, known.name == identity.name {
      counts = known.counts
    } else {
      counts = shared.meters.of(identity.name)
      identityMeters = (identity.name, counts)
    }
    (isFailed ? counts.failed : counts.answered).increment(by: 1)
  }

  private func answered(
    _ operation: Operation?, _ code: ErrorCode?, _ began: UInt64, _ userID: [UInt8]?
  ) -> Answered {
    Answered(
      operation: operation, code: code, identity: identity?.name, began: began, userID: userID)
  }
}
