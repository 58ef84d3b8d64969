/// A share of counted users with its 95 % interval.
package struct Rate: Sendable, Equatable {
  /// How many of `of`.
  package var count: Int
  package var of: Int

  package init(_ count: Int, of: Int) {
    self.count = count
    self.of = of
  }

  /// nil of nobody.
  package var share: Double? { of > 0 ? Double(count) / Double(of) : nil }

  /// Wilson's score interval, which holds for few users and for shares near 0 and 1; 0 to 1 of nobody.
  package var interval: Interval { Interval.wilson(count, of: of) }
}

package struct Interval: Sendable, Equatable {
  package var low: Double
  package var high: Double

  package init(low: Double, high: Double) {
    self.low = low
    self.high = high
  }

  package func contains(_ value: Double) -> Bool { low <= value && value <= high }

  /// The standard normal's quantile of 97.5 %.
  package static let z = 1.959963984540054

  /// Wilson (1927). Whoever gives a z other than 95 %'s says so beside the figure.
  package static func wilson(_ count: Int, of total: Int, z: Double = z) -> Interval {
    guard total > 0 else { return Interval(low: 0, high: 1) }
    let n = Double(total)
    let p = Double(count) / n
    let square = z * z
    let middle = (p + square / (2 * n)) / (1 + square / n)
    let half = z / (1 + square / n) * (p * (1 - p) / n + square / (4 * n * n)).squareRoot()
    // At the ends rounding may leave a hair.
    return Interval(low: count == 0 ? 0 : max(0, middle - half), high: count == total ? 1 : min(1, middle + half))
  }
}

/// What contacts have added: the rate of those chosen against that of those held out.
package struct Lift: Sendable, Equatable {
  /// Difference of the two rates.
  package var lift: Double
  /// Newcombe's (1998) interval 10: of Wilson's of both.
  package var interval: Interval
  /// Share of the chosen's outcomes that would not have come by themselves; nil without outcomes.
  package var incremental: Double?
  /// Outcomes that contacts have added.
  package var extra: Double

  /// nil while nobody is on one of the sides.
  package init?(chosen: Rate, heldOut: Rate) {
    guard let treated = chosen.share, let control = heldOut.share else { return nil }
    let (a, b) = (chosen.interval, heldOut.interval)
    func root(_ x: Double, _ y: Double) -> Double { (x * x + y * y).squareRoot() }
    lift = treated - control
    interval = Interval(
      low: lift - root(treated - a.low, b.high - control), high: lift + root(a.high - treated, control - b.low))
    incremental = treated > 0 ? lift / treated : nil
    extra = lift * Double(chosen.of)
  }
}
