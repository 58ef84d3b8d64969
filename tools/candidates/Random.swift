/// SplitMix64 (Steele, Lea, Flood 2014): small, quick, and the same on every machine, which is all that made-up people need.
struct Random {
  private var state: UInt64

  /// One stream of numbers a line, so that line `index` is the same whatever comes before it and however many lines are made.
  @inline(__always)
  init(seed: UInt64, index: Int) {
    state = Random.mix(seed &+ 0x9e37_79b9_7f4a_7c15) ^ Random.mix(UInt64(truncatingIfNeeded: index))
  }

  @inline(__always)
  private static func mix(_ value: UInt64) -> UInt64 {
    var z = value
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  @inline(__always)
  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    return Random.mix(state)
  }

  /// A whole number in 0 ..< bound.
  @inline(__always)
  mutating func below(_ bound: Int) -> Int {
    Int(truncatingIfNeeded: next().multipliedFullWidth(by: UInt64(truncatingIfNeeded: bound)).high)
  }

  /// A whole number in a closed range.
  @inline(__always)
  mutating func within(_ low: Int, _ high: Int) -> Int { low &+ below(high &- low &+ 1) }

  /// True `perMille` times in a thousand.
  @inline(__always)
  mutating func chance(_ perMille: Int) -> Bool { below(1000) < perMille }

  /// A whole number in 0 ..< bound, small ones more often: the density falls as 1 / sqrt.
  @inline(__always)
  mutating func skewed(_ bound: Int) -> Int {
    let u = Int(truncatingIfNeeded: next() >> 44)
    return (((u &* u) >> 20) &* bound) >> 20
  }
}
