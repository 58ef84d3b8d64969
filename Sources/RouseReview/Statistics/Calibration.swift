import Glibc

/// What was predicted of some users against what came.
package struct CalibrationBand: Sendable, Equatable {
  /// Mean predicted chance.
  package var expected: Double
  package var observed: Rate
  /// Points that would make the prediction right: +20 double its odds. nil where no odds can be told.
  package var shift: Int?

  /// The prediction lies within the interval of what was observed.
  package var isSound: Bool { observed.interval.contains(expected) }

  /// - Parameters:
  ///   - sum: of the predicted chances.
  ///   - outcomes: how many came, of so many users.
  /// - Returns: nil of nobody.
  package init?(sum: Double, outcomes: Int, of users: Int) {
    guard users > 0 else { return nil }
    expected = sum / Double(users)
    observed = Rate(outcomes, of: users)
    let came = (Double(outcomes) + 0.5) / (Double(users - outcomes) + 0.5)
    let ratio = came / (expected / (1 - expected))
    // Of chances next to nothing a double can have no quotient.
    shift =
      expected > 0 && expected < 1 && ratio > 0 && ratio.isFinite
      ? Int((20 * log2(ratio) + 0.5).rounded(.down)) : nil
  }
}

/// A rate as it is believed after it has been seen: the belief counts as so many users.
/// - Returns: the belief where nothing stands behind either.
package func shrunk(_ belief: Double, weight: Double, to seen: Rate) -> Double {
  let total = weight + Double(seen.of)
  return total > 0 ? (belief * weight + Double(seen.count)) / total : belief
}

/// The selection rate of each group over that of the best: below four fifths is looked at.
/// - Returns: nil of a group nobody was eligible in, and of all where nobody was selected.
package func parity(_ groups: [Rate]) -> [Double?] {
  let best = groups.compactMap(\.share).max() ?? 0
  return groups.map { group in group.share.flatMap { best > 0 ? $0 / best : nil } }
}
