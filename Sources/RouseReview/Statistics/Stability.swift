import Glibc

/// The population stability index of a characteristic: how far those of now are spread otherwise than those of then.
package struct Stability: Sendable, Equatable {
  package var psi: Double
  /// What it would be about if nothing had changed: with few users any two samples differ.
  package var noise: Double

  /// Half a count is added to each bin, so that an empty one does not make it infinite.
  /// - Parameters:
  ///   - expected: counts by bin, then.
  ///   - actual: counts by the same bins, now.
  /// - Returns: nil unless both have users, and as many bins.
  package init?(expected: [Int], actual: [Int]) {
    guard expected.count == actual.count, expected.contains(where: { $0 > 0 }), actual.contains(where: { $0 > 0 })
    else { return nil }
    let bins = Double(expected.count)
    let then = expected.reduce(0.0) { $0 + Double($1) } + bins / 2
    let now = actual.reduce(0.0) { $0 + Double($1) } + bins / 2
    psi = zip(expected, actual).reduce(0.0) { sum, counts in
      let e = (Double(counts.0) + 0.5) / then
      let a = (Double(counts.1) + 0.5) / now
      return sum + (a - e) * log(a / e)
    }
    noise = (bins - 1) * (1 / then + 1 / now)
  }
}
