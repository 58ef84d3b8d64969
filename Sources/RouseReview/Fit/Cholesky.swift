/// A symmetric positive definite matrix as the product of a triangle with itself, which solves with it and inverts it.
struct Cholesky {
  let size: Int
  /// By rows; the upper part is of no meaning.
  private var lower: [Double]

  /// - Parameter matrix: by rows, size times size; only its lower part is read.
  /// - Returns: nil unless it is positive definite.
  init?(_ matrix: [Double], size: Int) {
    guard size >= 0, matrix.count == size * size else { return nil }
    self.size = size
    lower = matrix
    let isSound = lower.withUnsafeMutableBufferPointer { l in
      for i in 0..<size {
        for j in 0...i {
          var sum = l[i * size + j]
          for k in 0..<j { sum -= l[i * size + k] * l[j * size + k] }
          if i == j {
            guard sum > 0, sum.isFinite else { return false }
            l[i * size + i] = sum.squareRoot()
          } else {
            l[i * size + j] = sum / l[j * size + j]
          }
        }
      }
      return true
    }
    if !isSound { return nil }
  }

  /// What the matrix turns into `right`.
  func solve(_ right: [Double]) -> [Double] {
    var x = right
    for i in 0..<size {
      for k in 0..<i { x[i] -= lower[i * size + k] * x[k] }
      x[i] /= lower[i * size + i]
    }
    for i in (0..<size).reversed() {
      for k in (i + 1)..<max(size, i + 1) { x[i] -= lower[k * size + i] * x[k] }
      x[i] /= lower[i * size + i]
    }
    return x
  }

  /// The inverse, by rows: the covariances where the matrix is an information.
  func inverse() -> [Double] {
    var inverse = [Double](repeating: 0, count: size * size)
    var unit = [Double](repeating: 0, count: size)
    for column in 0..<size {
      unit[column] = 1
      let solved = solve(unit)
      for row in 0..<size { inverse[row * size + column] = solved[row] }
      unit[column] = 0
    }
    return inverse
  }
}
