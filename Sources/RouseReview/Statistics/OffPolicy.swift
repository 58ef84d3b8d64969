/// What another policy would have brought, by contacts whose propensity is known (Horvitz and Thompson; Hájek).
package struct OffPolicy: Sendable, Equatable {
  /// One contact of the log.
  package struct Trial: Sendable {
    /// The other policy does the same.
    package var isRepeated: Bool
    /// The policy that logged it would do it again by itself: no draw, no limit. The two are measured alike by that.
    package var isOwn: Bool
    /// The chance with which the logging policy did it: above 0.
    package var propensity: Double
    package var value: Double

    package init(isRepeated: Bool, isOwn: Bool = true, propensity: Double, value: Double) {
      self.isRepeated = isRepeated
      self.isOwn = isOwn
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

  /// The same of the policy that logged, by itself: what `snips` can be held against. The mean of the log cannot, for explorers
  /// stand in it once, and limits shaped it.
  package static func own(_ trials: [Trial]) -> OffPolicy? {
    OffPolicy(
      trials.map { Trial(isRepeated: $0.isOwn, propensity: $0.propensity, value: $0.value) })
  }

  /// 95 % of `snips` less that of `own`, by the same linearised variance. Both come of the same contacts, so what they have in
  /// common cancels: two policies that do the same differ by nothing. nil where one of them repeats nothing.
  package func difference(_ trials: [Trial]) -> Interval? {
    guard let snips, let own = Self.own(trials)?.snips else { return nil }
    func weight(_ counts: Bool, _ trial: Trial) -> Double { counts ? 1 / trial.propensity : 0 }
    let sum = trials.reduce(0.0) { $0 + weight($1.isRepeated, $1) }
    let ownSum = trials.reduce(0.0) { $0 + weight($1.isOwn, $1) }
    let variance = trials.reduce(0.0) { total, trial in
      let part =
        weight(trial.isRepeated, trial) * (trial.value - snips) / sum
        - weight(trial.isOwn, trial) * (trial.value - own) / ownSum
      return total + part * part
    }
    let half = Interval.z * variance.squareRoot()
    return Interval(low: snips - own - half, high: snips - own + half)
  }
}
