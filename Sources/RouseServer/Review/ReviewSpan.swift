import RouseCore
import RouseReview
import RouseWire

extension PastSettings {
  /// The period that is asked about.
  /// - Parameters:
  ///   - now: until then, where nothing else is said.
  ///   - weeks: so far back, where nothing else is said.
  func period(now: Int64, weeks: Int) throws(WireError) -> Range<Int64> {
    if since != nil, self.weeks != nil {
      throw WireError(.badRequest, "a period begins at since, or so many weeks back, not both", at: "/weeks")
    }
    let end = until ?? now
    let start = since ?? max(Moment.first, end - Int64(self.weeks ?? weeks) * 7 * Moment.day)
    guard start < end else {
      throw WireError(.badRequest, "the period ends before it begins: since lies before until", at: "/since")
    }
    guard end - start <= Self.longest else {
      throw WireError(.badRequest, "a period is at most ten years long", at: "/since")
    }
    return start..<end
  }
  private static let longest: Int64 = 3660 * Moment.day
}

extension WireError {
  /// Why a question of the desk has no answer, in the words of the wire.
  init(_ error: ReviewError, at place: String? = nil) {
    switch error.kind {
    case .notFound: self.init(.notFound, error.description, at: place)
    case .noSuchUser: self.init(.notFound, error.description, at: "/user_id")
    case .tooLittle, .invalid: self.init(.badRequest, error.description, at: place)
    case .storage: self.init(.storageFailed, error.description)
    case .tooMuch: self.init(.overloaded, error.description, retryAfterMS: 1000)
    case .cancelled: self.init(.deadlineExceeded, error.description)
    }
  }
}
