import RouseCore

/// What a review is asked for.
package struct ReviewQuestion: Sendable {
  /// Seconds since 1970; the end is not in it.
  package var period: Range<Int64>
  /// Nothing that came later counts, and windows that reach beyond it are unfinished.
  package var now: Int64
  /// Micros: what one new user costs; nil: not known.
  package var newUserCost: Int64?
  /// Asked now and then: nobody waits for the answer any more.
  package var isAbandoned: @Sendable () -> Bool

  package init(
    period: Range<Int64>, now: Int64, newUserCost: Int64? = nil, isAbandoned: @escaping @Sendable () -> Bool = { false }
  ) {
    self.period = period
    self.now = now
    self.newUserCost = newUserCost
    self.isAbandoned = isAbandoned
  }

  func refuseIfAbandoned() throws(ReviewError) {
    if isAbandoned() { throw ReviewError(.cancelled, "nobody waits for this any more") }
  }

  static let week: Int64 = 7 * Moment.day
  /// Of a policy that names no window.
  static let windowDays = 14

  /// The weeks of the period; the last may be shorter.
  var weeks: [Range<Int64>] {
    var weeks: [Range<Int64>] = []
    var start = period.lowerBound
    while start < period.upperBound {
      let end = min(start + Self.week, period.upperBound)
      weeks.append(start..<end)
      start = end
    }
    return weeks
  }
}

extension Policy {
  /// Seconds for which an outcome counts for a contact.
  var window: Int64 { Int64(definition.review.windowDays ?? ReviewQuestion.windowDays) * Moment.day }
}
