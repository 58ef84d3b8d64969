/// What another policy would have brought, by contacts whose propensity is known (Horvitz and Thompson; Hájek).
package struct OffPolicy: Sendable, Equatable {
  /// One contact of the log.
  package struct Trial: Sendable {
    /// The other policy does the same.
    package var isRepeated: Bool
    /// The chance with which the logging policy did it: above 0.
    package var propensity: Double
    package var value: Double

    package init(isRepeated: Bool, propensity: Double, value: Double) {
      self.isRepeated = isRepeated
      self.propensity = propensity
      self.value = value
    }
  }

  /// Mean value a contact of the log: unbiased, and wild where propensities are small.
  package var ips: Double
  /// Mean value a repeated contact: it is steadier, and biased a little while there are few. nil where none is repeated.
  package var snips: Double?
  /// How many contacts of equal weight would tell as much (Kish).
  package var effective: Double
  /// 95 %, of `snips`, by the linearised variance of a ratio; nil with it.
  package var interval: Interval?

  /// nil without trials, or where a propensity is none.
  package init?(_ trials: [Trial]) {
    guard !trials.isEmpty, trials.allSatisfy({ $0.propensity > 0 }) else { return nil }
    var (sum, squares, value) = (0.0, 0.0, 0.0)
    for trial in trials where trial.isRepeated {
      let weight = 1 / trial.propensity
      sum += weight
      squares += weight * weight
      value += weight * trial.value
    }
    ips = value / Double(trials.count)
    effective = squares > 0 ? sum * sum / squares : 0
    guard sum > 0 else { return }
    let mean = value / sum
    snips = mean
    let variance = trials.reduce(0.0) { total, trial in
      guard trial.isRepeated else { return total }
      let part = (trial.value - mean) / trial.propensity
      return total + part * part
    }
    let error = variance.squareRoot() / sum
    interval = Interval(low: mean - Interval.z * error, high: mean + Interval.z * error)
  }

  /// 95 % of `snips` less the mean of the log, by the same linearised variance. Both come of the same contacts, so what
  /// they have in common cancels: a policy that does all that was done differs by nothing. nil with `snips`.
  package func difference(_ trials: [Trial]) -> Interval? {
    guard let snips else { return nil }
    let count = Double(trials.count)
    let mean = trials.reduce(0.0) { $0 + $1.value } / count
    let weights = trials.reduce(0.0) { $0 + ($1.isRepeated ? 1 / $1.propensity : 0) }
    let variance = trials.reduce(0.0) { total, trial in
      let repeated = trial.isRepeated ? (trial.value - snips) / trial.propensity / weights : 0
      let part = repeated - (trial.value - mean) / count
      return total + part * part
    }
    let half = Interval.z * variance.squareRoot()
    return Interval(low: snips - mean - half, high: snips - mean + half)
  }
}
