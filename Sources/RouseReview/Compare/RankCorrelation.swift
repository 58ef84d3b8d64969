/// Spearman's rank correlation of pairs; equal values share the mean of their ranks.
struct RankCorrelation: Equatable {
  /// nil below two pairs, or where a side is the same throughout.
  let rho: Double?
  let count: Int

  /// O(n log n).
  init(_ pairs: [(old: Int64, new: Int64)]) {
    count = pairs.count
    guard count > 1, count <= Int(UInt32.max) else {
      rho = nil
      return
    }
    let first = Self.ranks(pairs.map(\.old))
    let second = Self.ranks(pairs.map(\.new))
    // Twice the rank is whole, and so are all sums: equal orders give 1 and not nearly 1.
    let middle = Int64(count) + 1
    var (both, a, b) = (Int128(0), Int128(0), Int128(0))
    for (x, y) in zip(first, second) {
      let (x, y) = (x - middle, y - middle)
      both += Int128(x) * Int128(y)
      a += Int128(x) * Int128(x)
      b += Int128(y) * Int128(y)
    }
    guard a > 0, b > 0 else {
      rho = nil
      return
    }
    let scale = a == b ? Double(a) : Double(a).squareRoot() * Double(b).squareRoot()
    rho = min(1, max(-1, Double(both) / scale))
  }

  /// Twice the mean rank of each value, from 2.
  private static func ranks(_ values: [Int64]) -> [Int64] {
    struct Place {
      let value: Int64
      let index: UInt32
    }
    var places = values.enumerated().map { Place(value: $1, index: UInt32(truncatingIfNeeded: $0)) }
    places.sort { $0.value < $1.value }
    var ranks = [Int64](repeating: 0, count: values.count)
    var start = 0
    while start < places.count {
      var end = start + 1
      while end < places.count, places[end].value == places[start].value { end += 1 }
      for place in places[start..<end] { ranks[Int(place.index)] = Int64(start + end + 1) }
      start = end
    }
    return ranks
  }
}
