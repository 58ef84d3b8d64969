/// `max(floor, -half_up(20 * log2(1 + silent_days / h)))` (model 7) by table.
///
/// The points fall by one at the days d where 20 log2(1 + d/h) passes k + 1/2, that is d = h (2^((2k+1)/40) - 1). These
/// thresholds are irrational, so no day meets one, and a table of twenty doubles finds each: no log2.
package struct Recency: Sendable {
  /// `lost[d]` = points lost at d days, for the days nearly every candidate has.
  private let lost: [Int16]
  static let tableDays = 4096
  /// Smallest number of days that loses k + 1 points.
  private let thresholds: [Int64]

  /// Doubles nearest to 2^((2j+1)/40).
  private static let halves: [Double] = [
    0x1.04798c91ecd91p+0, 0x1.0da911a04e83ep+0, 0x1.172b83c7d517bp+0, 0x1.2103cfacfd8d6p+0, 0x1.2b34fc5ae1213p+0,
    0x1.35c22c318cd7dp+0, 0x1.40ae9ddcc0b96p+0, 0x1.4bfdad5362a27p+0, 0x1.57b2d4dff339dp+0, 0x1.63d1ae32565e4p+0,
    0x1.705df37b433e7p+0, 0x1.7d5b8091b343cp+0, 0x1.8ace5422aa0dbp+0, 0x1.98ba90ebb3e89p+0, 0x1.a7247f007b75fp+0,
    0x1.b6108d1bdaa72p+0, 0x1.c58351fcceb10p+0, 0x1.d5818dcfba487p+0, 0x1.e6102ba465405p+0, 0x1.f73442f12c8b1p+0,
  ]

  /// - Parameters:
  ///   - halfLife: days, 1...36500.
  ///   - floor: points, -400...0.
  package init(halfLife: Int, floor: Int) {
    let thresholds = (0..<max(0, -floor)).map { k in
      let root = Double(sign: .plus, exponent: k / 20, significand: Self.halves[k % 20])
      return Int64((Double(halfLife) * root - Double(halfLife)).rounded(.up))
    }
    var lost: [Int16] = []
    var points = 0
    for days in 0..<Self.tableDays {
      while points < thresholds.count, thresholds[points] <= days { points += 1 }
      lost.append(Int16(points))
    }
    self.thresholds = thresholds
    self.lost = lost
  }

  /// Where several recencies stand in shared tables.
  struct Place: BitwiseCopyable {
    let lost: Int
    let thresholds: Int
    let count: Int
  }

  func append(to lost: inout [Int16], _ thresholds: inout [Int64]) -> Place {
    defer {
      lost += self.lost
      thresholds += self.thresholds
    }
    return Place(lost: lost.count, thresholds: thresholds.count, count: self.thresholds.count)
  }

  /// Points, at most 0. `silentDays` >= 0.
  package func points(silentDays: Int64) -> Int {
    lost.withUnsafeBufferPointer { lost in
      thresholds.withUnsafeBufferPointer { thresholds in
        Self.points(silentDays, lost: lost.baseAddress, thresholds: thresholds.baseAddress, count: thresholds.count)
      }
    }
  }

  /// The same by tables at hand: `tableDays` of points lost, and `count` thresholds.
  @inline(__always)
  static func points(
    _ silentDays: Int64, lost: UnsafePointer<Int16>?, thresholds: UnsafePointer<Int64>?, count: Int
  ) -> Int {
    guard let lost, silentDays >= 0 else { return 0 }
    if silentDays < Int64(tableDays) { return -Int(lost[Int(silentDays)]) }
    var points = 0
    while let thresholds, points < count, thresholds[points] <= silentDays { points += 1 }
    return -points
  }

  /// The days at which the points fall next; nil at the floor.
  func nextFall(after silentDays: Int64) -> Int64? {
    let index = firstIndex(above: silentDays, in: thresholds)
    return index < thresholds.count ? thresholds[index] : nil
  }
}

/// The index of the first of rising values that is greater than one; their count if none is.
func firstIndex(above value: Int64, in rising: [Int64]) -> Int {
  var low = 0
  var high = rising.count
  while low < high {
    let middle = (low + high) / 2
    if rising[middle] <= value { low = middle + 1 } else { high = middle }
  }
  return low
}
