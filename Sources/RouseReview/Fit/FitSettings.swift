/// How much the data must say before a number is changed.
package struct FitSettings: Sendable {
  /// Standard deviation, in points, of the belief in the present points.
  package var priorSD = 8.0
  /// Outcomes that a changed number needs behind it.
  package var leastEvents = 30
  /// What stands before a card, a stage's points or the base odds, is known so many times less well: the card carries who
  /// answers, and how many answer must come from the outcomes.
  static let interceptFactor = 10.0

  package init() {}
}
