/// How well a score tells those with an outcome from those without.
package struct Discrimination: Sendable, Equatable {
  /// The chance that one with the outcome has the higher score; ties count half.
  package var auc: Double
  /// Kolmogorov and Smirnov's: the greatest distance between the two distributions.
  package var ks: Double

  /// - Parameters: one score and one outcome a user.
  /// - Returns: nil unless there are some of both kinds, and as many of one as of the other.
  package init?(scores: [Double], outcomes: [Bool]) {
    self.init(scores: scores, outcomes: outcomes, weights: nil)
  }

  /// - Parameter weights: how many users each stands for; nil: one.
  package init?(scores: [Double], outcomes: [Bool], weights: [Double]?) {
    guard scores.count == outcomes.count, weights.map({ $0.count == scores.count }) ?? true else { return nil }
    let order = scores.indices.sorted { scores[$0] < scores[$1] }
    func weight(_ index: Int) -> Double { weights?[index] ?? 1 }
    let with = order.reduce(0.0) { $0 + (outcomes[$1] ? weight($1) : 0) }
    let without = order.reduce(0.0) { $0 + (outcomes[$1] ? 0 : weight($1)) }
    guard with > 0, without > 0 else { return nil }
    var (area, distance) = (0.0, 0.0)
    var (withBelow, withoutBelow) = (0.0, 0.0)
    var at = 0
    while at < order.count {
      var (here, others) = (0.0, 0.0)
      var next = at
      while next < order.count, scores[order[next]] == scores[order[at]] {
        if outcomes[order[next]] { here += weight(order[next]) } else { others += weight(order[next]) }
        next += 1
      }
      area += here * (withoutBelow + others / 2)
      withBelow += here
      withoutBelow += others
      distance = max(distance, abs(withoutBelow / without - withBelow / with))
      at = next
    }
    auc = area / (with * without)
    ks = distance
  }

  /// How many times as often those with the highest scores have the outcome as all have it.
  /// - Parameters:
  ///   - share: of the users, rounded up; those of equal scores in the order of the input.
  /// - Returns: nil without users or outcomes.
  package static func lift(at share: Double, scores: [Double], outcomes: [Bool]) -> Double? {
    let all = outcomes.count { $0 }
    guard scores.count == outcomes.count, all > 0, share > 0, share <= 1 else { return nil }
    let count = Int((Double(scores.count) * share).rounded(.up))
    let order = scores.indices.sorted { scores[$0] > scores[$1] || scores[$0] == scores[$1] && $0 < $1 }
    let found = order.prefix(count).count { outcomes[$0] }
    return (Double(found) / Double(count)) / (Double(all) / Double(scores.count))
  }
}
