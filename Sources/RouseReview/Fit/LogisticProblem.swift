import Glibc

/// Logistic regression in units of points, with a belief about each parameter: of each row a few parameters add to known
/// log-odds. The sums go in row order, so the same rows give the same bits.
///
///     ln odds of row i = offset_i + ln2/20 * (sum of the points of its parameters)
///     minimise   - sum_i weight_i * ln(likelihood of outcome_i) + sum_j precision_j / 2 * (points_j - prior_j)^2
struct LogisticProblem {
  /// Natural logarithm of odds that a point is.
  static let unit = M_LN2 / 20

  /// Parameters of a row: as many entries for each, -1 where one has fewer.
  let width: Int
  var active: [Int32] = []
  var offsets: [Double] = []
  var outcomes: [Bool] = []
  var weights: [Double] = []
  /// In points, and 1 / variance in points.
  var prior: [Double] = []
  var precision: [Double] = []

  init(width: Int) { self.width = width }

  struct Solution {
    var points: [Double]
    /// Of the rows alone, without the beliefs; 1 / points².
    var information: [Double]
    /// Covariances of the points, rows and beliefs together, by rows: of a row that stands for several the outcome is known
    /// once and not several times.
    var covariance: [Double]
    /// Sum of weight times ln(likelihood).
    var logLikelihood: Double

    /// Standard error in points.
    func error(_ parameter: Int) -> Double {
      covariance.isEmpty ? 0 : max(0, covariance[parameter * points.count + parameter]).squareRoot()
    }
  }

  /// Newton's method with halved steps; begins at the beliefs, or at `start`.
  /// - Returns: nil where the numbers lead nowhere, or once `isAbandoned` is true.
  func solve(from start: [Double]? = nil, isAbandoned: () -> Bool = { false }) -> Solution? {
    let count = prior.count
    var points = start ?? prior
    var state = evaluate(points)
    var hasConverged = count == 0
    for _ in 0..<60 where !hasConverged {
      guard let factor = Cholesky(penalised(state.hessian), size: count) else { return nil }
      let step = factor.solve(penalised(state.gradient, points))
      var scale = 1.0
      var next = points
      var found = state
      while scale > 1e-6 {
        if isAbandoned() { return nil }
        next = zip(points, step).map { $0 + scale * $1 }
        found = evaluate(next)
        if objective(found.logLikelihood, next) <= objective(state.logLikelihood, points) + 1e-12
          * abs(state.logLikelihood)
        {
          break
        }
        scale /= 2
      }
      let longest = step.reduce(0) { max($0, abs($1)) } * scale
      points = next
      state = found
      hasConverged = longest < 1e-7 || scale <= 1e-6
    }
    if isAbandoned() { return nil }
    guard points.allSatisfy(\.isFinite), state.logLikelihood.isFinite else { return nil }
    var covariance: [Double] = []
    if count > 0 {
      guard let factor = Cholesky(penalised(state.hessian), size: count) else { return nil }
      covariance = weights.allSatisfy { $0 == 1 } ? factor.inverse() : robust(factor.inverse(), points)
    }
    return Solution(
      points: points, information: (0..<count).map { state.hessian[$0 * count + $0] }, covariance: covariance,
      logLikelihood: state.logLikelihood)
  }

  /// With weights: what outcomes scatter by the squares of theirs, seen through the inverse of what they tell.
  private func robust(_ inverse: [Double], _ points: [Double]) -> [Double] {
    var squared = self
    squared.weights = weights.map { $0 * $0 }
    let scatter = penalised(squared.evaluate(points).hessian)
    let count = prior.count
    func entry(_ row: Int, _ column: Int) -> Double {
      row >= column ? scatter[row * count + column] : scatter[column * count + row]
    }
    func product(_ left: (Int, Int) -> Double, _ right: (Int, Int) -> Double) -> [Double] {
      var result = [Double](repeating: 0, count: count * count)
      for row in 0..<count {
        for column in 0..<count {
          var sum = 0.0
          for at in 0..<count { sum += left(row, at) * right(at, column) }
          result[row * count + column] = sum
        }
      }
      return result
    }
    let half = product({ inverse[$0 * count + $1] }, entry)
    return product({ half[$0 * count + $1] }, { inverse[$0 * count + $1] })
  }

  /// Chances of the outcome at some points.
  func chances(_ points: [Double]) -> [Double] {
    offsets.indices.map { row in
      var sum = 0.0
      for at in row * width..<(row + 1) * width where active[at] >= 0 { sum += points[Int(active[at])] }
      return 1 / (1 + exp(-(offsets[row] + Self.unit * sum)))
    }
  }

  /// Sum of weight times ln(likelihood) at some points.
  func likelihood(_ points: [Double]) -> Double { evaluate(points).logLikelihood }

  // MARK: -

  private struct State {
    var logLikelihood: Double
    var gradient: [Double]
    /// By rows; the lower part.
    var hessian: [Double]
  }

  private func objective(_ logLikelihood: Double, _ points: [Double]) -> Double {
    var sum = -logLikelihood
    for j in points.indices { sum += precision[j] / 2 * (points[j] - prior[j]) * (points[j] - prior[j]) }
    return sum
  }

  private func penalised(_ hessian: [Double]) -> [Double] {
    var matrix = hessian
    for j in prior.indices { matrix[j * prior.count + j] += max(precision[j], 1e-9) }
    return matrix
  }

  private func penalised(_ gradient: [Double], _ points: [Double]) -> [Double] {
    gradient.indices.map { gradient[$0] - precision[$0] * (points[$0] - prior[$0]) }
  }

  private func evaluate(_ points: [Double]) -> State {
    let count = prior.count
    var sum = 0.0
    var gradient = [Double](repeating: 0, count: count)
    var hessian = [Double](repeating: 0, count: count * count)
    let (width, unit) = (width, Self.unit)
    active.withUnsafeBufferPointer { active in
      gradient.withUnsafeMutableBufferPointer { gradient in
        hessian.withUnsafeMutableBufferPointer { hessian in
          points.withUnsafeBufferPointer { points in
            for row in offsets.indices {
              let first = row * width
              var total = 0.0
              for at in first..<first + width where active[at] >= 0 { total += points[Int(active[at])] }
              let odds = offsets[row] + unit * total
              let weight = weights[row]
              let p = 1 / (1 + exp(-odds))
              // ln(1 + e^x) without overflow.
              sum += weight * ((outcomes[row] ? odds : 0) - (max(odds, 0) + log1p(exp(-abs(odds)))))
              let pull = weight * unit * ((outcomes[row] ? 1 : 0) - p)
              let bend = weight * unit * unit * p * (1 - p)
              for at in first..<first + width {
                let j = Int(active[at])
                if j < 0 { continue }
                gradient[j] += pull
                for other in first...at {
                  let k = Int(active[other])
                  if k < 0 { continue }
                  // A parameter twice in a row counts twice, on both sides of the diagonal.
                  if j >= k { hessian[j * count + k] += bend }
                  if k > j { hessian[k * count + j] += bend }
                  if k == j, other < at { hessian[j * count + j] += bend }
                }
              }
            }
          }
        }
      }
    }
    return State(logLikelihood: sum, gradient: gradient, hessian: hessian)
  }
}
