import Glibc

/// Chooses which characteristics a first policy has, and how coarse each is: all of them in one regression, and again and
/// again the two attributes become one that differ least there, until few enough numbers are left and the rest differ.
struct CharacteristicSearch {
  /// Numbers in the response card.
  var mostNumbers: Int
  /// Wald's chi square below which two attributes are one: about one in ten of equal ones exceeds it.
  var threshold = 2.7
  /// Of the belief that all points are 0: only to keep parameters that say the same apart.
  var priorSD = 20.0
  /// Rows that the search looks at: a fit looks at all.
  static let mostRows = 60_000

  let outcomes: [Bool]
  let weights: [Double]

  func run(_ start: [Characteristic]) -> [Characteristic] {
    var rows = start
    var points: [[Double]] = rows.map { [Double](repeating: 0, count: $0.attributeCount) }
    while !rows.isEmpty {
      guard let solution = solve(rows, points) else { return rows }
      points = solution.points
      var merges = candidates(rows, solution)
      merges.sort { $0.cost < $1.cost || $0.cost == $1.cost && $0.row < $1.row }
      let numbers = rows.reduce(0) { $0 + $1.numbers }
      // Several at a time while many are left, never two of one characteristic.
      var most = max(1, (numbers - mostNumbers) / 8)
      var touched: Set<Int> = []
      var left = numbers
      for merge in merges where most > 0 && !touched.contains(merge.row) {
        guard left > mostNumbers || merge.cost < threshold else { break }
        touched.insert(merge.row)
        most -= 1
        let before = rows[merge.row].numbers
        apply(merge, &rows[merge.row], &points[merge.row])
        left -= before - rows[merge.row].numbers
      }
      if touched.isEmpty { return rows }
      let kept = rows.indices.filter { rows[$0].valueCountInUse > 1 }
      rows = kept.map { rows[$0] }
      points = kept.map { points[$0] }
    }
    return rows
  }

  struct Merge {
    let row: Int
    /// nil: the whole characteristic goes.
    let attribute: Int?
    /// Chi square for each number saved.
    let cost: Double
  }

  private struct Solution {
    var points: [[Double]]
    var first: [Int]
    var covariance: [Double]
    var size: Int

    /// Wald's chi square of a difference.
    func cost(_ row: Int, _ a: Int, _ b: Int) -> Double {
      let (i, j) = (first[row] + a, first[row] + b)
      let variance =
        covariance[i * size + i] + covariance[j * size + j] - covariance[i * size + j] - covariance[j * size + i]
      let difference = points[row][a] - points[row][b]
      return variance > 0 ? difference * difference / variance : 0
    }
  }

  private func solve(_ rows: [Characteristic], _ start: [[Double]]) -> Solution? {
    let stride = max(1, (outcomes.count + Self.mostRows - 1) / Self.mostRows)
    var problem = LogisticProblem(width: rows.count)
    var first: [Int] = []
    for row in rows {
      first.append(problem.prior.count)
      problem.prior += [Double](repeating: 0, count: row.attributeCount)
    }
    problem.precision = [Double](repeating: 1 / (priorSD * priorSD), count: problem.prior.count)
    // All rows' odds stand before the rest.
    let events = zip(outcomes, weights).reduce(0.5) { $0 + ($1.0 ? $1.1 : 0) }
    let total = weights.reduce(1, +)
    let base = log(events / (total - events))
    var at = 0
    while at < outcomes.count {
      problem.offsets.append(base)
      problem.outcomes.append(outcomes[at])
      problem.weights.append(weights[at])
      for (index, row) in rows.enumerated() { problem.active.append(Int32(first[index]) + row.attributes[at]) }
      at += stride
    }
    // An intercept of its own, since the rows' points need not weigh each other out.
    guard let solved = problem.withIntercept().solve(from: start.flatMap { $0 } + [0]) else { return nil }
    let size = problem.prior.count + 1
    return Solution(
      points: rows.indices.map { Array(solved.points[first[$0]..<first[$0] + rows[$0].attributeCount]) }, first: first,
      covariance: solved.covariance, size: size)
  }

  private func candidates(_ rows: [Characteristic], _ solution: Solution) -> [Merge] {
    var merges: [Merge] = []
    for (index, row) in rows.enumerated() {
      switch row.shape {
      case .bounds(let bounds):
        if bounds.count > 2 || bounds.count == 2 && row.hasMissing {
          for at in 1..<bounds.count {
            merges.append(Merge(row: index, attribute: at, cost: solution.cost(index, at, at - 1)))
          }
        } else if bounds.count == 2 {
          merges.append(Merge(row: index, attribute: nil, cost: solution.cost(index, 0, 1) / 2))
        } else {
          merges.append(Merge(row: index, attribute: nil, cost: solution.cost(index, 0, row.missing) / 2))
        }
      case .levels(let levels):
        // What is left over is measured by the others; while there are none, by the text nearest to the middle, and then
        // both are left over. One text must stay.
        let hasOthers = row.counts[levels.count] > 0
        if row.kind == .texts, levels.count > (hasOthers ? 1 : 2) {
          let others = hasOthers ? levels.count : middle(row, solution.points[index])
          for at in levels.indices where at != others {
            merges.append(Merge(row: index, attribute: at, cost: solution.cost(index, at, others)))
          }
        } else {
          let inUse = (0..<row.attributeCount).filter { row.counts[$0] > 0 }
          let most = inUse.dropFirst().reduce(0.0) { max($0, solution.cost(index, $1, inUse[0])) }
          merges.append(Merge(row: index, attribute: nil, cost: most / Double(max(1, inUse.count))))
        }
      }
    }
    return merges
  }

  /// The text whose points lie nearest to the mean of all.
  private func middle(_ row: Characteristic, _ points: [Double]) -> Int {
    let total = row.counts.reduce(0, +)
    let mean = row.counts.indices.reduce(0.0) { $0 + row.counts[$1] * points[$1] } / max(total, 1)
    let values = (0..<row.valueCount - 1)
    return values.min {
      abs(points[$0] - mean) / row.counts[$0].squareRoot() < abs(points[$1] - mean) / row.counts[$1].squareRoot()
    } ?? 0
  }

  private func apply(_ merge: Merge, _ row: inout Characteristic, _ points: inout [Double]) {
    guard let attribute = merge.attribute else {
      while row.valueCount > 1 { row.merge(row.isOrdered ? 1 : 0) }
      row.clearMissing()
      points = [Double](repeating: 0, count: row.attributeCount)
      return
    }
    if case .levels(let levels) = row.shape, row.counts[levels.count] == 0 {
      // The first text that is left over takes the one it was measured by with it.
      let partner = middle(row, points)
      let (low, high) = (min(attribute, partner), max(attribute, partner))
      row.merge(high)
      points.remove(at: high)
      row.merge(low)
      points.remove(at: low)
      return
    }
    row.merge(attribute)
    points.remove(at: attribute)
  }
}

extension Characteristic {
  /// Attributes that some row has.
  var valueCountInUse: Int { counts.count { $0 > 0 } }

  fileprivate mutating func clearMissing() {
    counts = counts.indices.map { $0 == 0 ? counts.reduce(0, +) : 0 }
  }
}

extension LogisticProblem {
  /// The same with a parameter more that every row has, of which nothing is believed.
  func withIntercept() -> LogisticProblem {
    var problem = LogisticProblem(width: width + 1)
    problem.offsets = offsets
    problem.outcomes = outcomes
    problem.weights = weights
    problem.prior = prior + [0]
    problem.precision = precision + [1e-4]
    problem.active.reserveCapacity(offsets.count * (width + 1))
    for row in offsets.indices {
      problem.active += active[row * width..<(row + 1) * width]
      problem.active.append(Int32(prior.count))
    }
    return problem
  }
}
