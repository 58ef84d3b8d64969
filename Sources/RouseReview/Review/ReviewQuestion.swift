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
  /// Told how many bytes more the answer takes while it is made, about; false: there are not so many.
  package var takesMemory: @Sendable (Int) -> Bool

  package init(
    period: Range<Int64>, now: Int64, newUserCost: Int64? = nil,
    isAbandoned: @escaping @Sendable () -> Bool = { false },
    takesMemory: @escaping @Sendable (Int) -> Bool = { _ in true }
  ) {
    self.period = period
    self.now = now
    self.newUserCost = newUserCost
    self.isAbandoned = isAbandoned
    self.takesMemory = takesMemory
  }

  func take(_ bytes: Int) throws(ReviewError) {
    if !takesMemory(bytes) { throw Self.tooMuch }
  }

  /// The same within a reading, which ends when it is false: asked with each row that is kept.
  /// - Parameters:
  ///   - count: rows that were kept before it.
  ///   - each: bytes that one takes.
  func hasRoom(_ count: Int, each: Int) -> Bool {
    count == 0 || count % Self.batch != 0 || takesMemory(Self.batch * each)
  }
  private static let batch = 4096

  static let tooMuch = ReviewError(
    .tooMuch, "the period holds more than there is memory for now; ask about a shorter one, or try again")

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
