/// Points and odds: +20 points double the odds, everywhere. No libm: a table of twenty doubles and an exponent, so that
/// every machine gives the same bits.
package enum Odds {
  package static let pointsToDouble = 20

  /// The double nearest to 2^(j/20), from the model's text.
  static let table: [Double] = [
    0x1.0000000000000p+0, 0x1.09071f3e983adp+0, 0x1.125fbee250664p+0, 0x1.1c0cbeb32bdf9p+0, 0x1.2611186bae675p+0,
    0x1.306fe0a31b715p+0, 0x1.3b2c47bff8329p+0, 0x1.46499af31b007p+0, 0x1.51cb453b9536cp+0, 0x1.5db4d073c7920p+0,
    0x1.6a09e667f3bcdp+0, 0x1.76ce51f6a0bb8p+0, 0x1.8406003b2ae5cp+0, 0x1.91b501c2db3dfp+0, 0x1.9fdf8bcce533dp+0,
    0x1.ae89f995ad3adp+0, 0x1.bdb8cdadbe120p+0, 0x1.cd70b35cd636cp+0, 0x1.ddb680117ab12p+0, 0x1.ee8f34dd8042fp+0,
  ]

  /// `(odds * TABLE[j]) * 2^q` with `points = 20 q + j`.
  package static func scale(_ odds: Double, _ points: Int) -> Double {
    let q = floorDivide(points, pointsToDouble)
    let product = odds * table[points - pointsToDouble * q]
    // Within a double's normal exponents the product with a power of two is exact: one multiplication does it.
    if q > -1000, q < 1000 { return product * Double(bitPattern: UInt64(bitPattern: Int64(q + 1023)) << 52) }
    return Double(sign: .plus, exponent: q, significand: product)
  }

  /// What `scale` multiplies with, in two steps, at points near 0.
  struct Factors: BitwiseCopyable {
    let root: Double
    let power: Double
  }
  static let mostFactored = 2000
  /// At -`mostFactored` and on.
  private static let factors = SharedFactors(
    start: plainMemory(
      (-mostFactored...mostFactored).map { points in
        let q = floorDivide(points, pointsToDouble)
        return Factors(
          root: table[points - pointsToDouble * q], power: Double(sign: .plus, exponent: q, significand: 1))
      }))

  private struct SharedFactors: @unchecked Sendable {
    // Sendable because nothing in it changes.
    let start: UnsafeMutablePointer<Factors>
  }

  /// The factors of 0 points; `mostFactored` more on each side.
  static var factorsAtZero: UnsafePointer<Factors> { UnsafePointer(factors.start + mostFactored) }

  /// As `scale`, by the factors at hand.
  @inline(__always)
  static func scale(_ odds: Double, _ points: Int, by factors: UnsafePointer<Factors>) -> Double {
    guard points >= -mostFactored, points <= mostFactored else { return scale(odds, points) }
    return (odds * factors[points].root) * factors[points].power
  }

  /// `1 / (1 + odds)`: the probability of default at odds of good to bad.
  package static func badShare(_ odds: Double) -> Double { 1 / (1 + odds) }

  /// `odds / (1 + odds)`. Odds beyond a double's range are certainty, not NaN.
  package static func share(_ odds: Double) -> Double { odds == .infinity ? 1 : odds / (1 + odds) }
}

/// Money, shares and rates in millionths: from here on there are integers only.
package enum Micros {
  package static let one: Int64 = 1_000_000

  /// `floor(x * 1e6 + 0.5)`. Beyond 64 bits, which no policy within its ranges reaches, the nearest value.
  @inline(__always)
  package static func from(_ value: Double) -> Int64 {
    let shifted = value * 1e6 + 0.5
    // What is cut off is at most what a floor takes, and that is a call on most machines.
    if shifted > -9.2e18, shifted < 9.2e18 {
      let cut = Int64(shifted)
      return Double(cut) > shifted ? cut &- 1 : cut
    }
    return shifted > 0 ? Int64(9.2e18) : Int64(-9.2e18)
  }

  /// `10^6 * value - hurdle * spend`, in 1e-12: a product of 64 bits each is one instruction, one of `Int128` a call.
  @inline(__always)
  static func worth(value: Int64, spend: Int64, hurdle: Int64) -> Int128 {
    let gain = value.multipliedFullWidth(by: one)
    let price = spend.multipliedFullWidth(by: hurdle)
    return whole(gain.high, gain.low) &- whole(price.high, price.low)
  }

  @inline(__always)
  private static func whole(_ high: Int64, _ low: UInt64) -> Int128 {
    Int128(truncatingIfNeeded: high) &<< 64 | Int128(truncatingIfNeeded: low)
  }

  /// `floor(x + 0.5)`.
  package static func halfUp(_ value: Double) -> Int64 { Int64((value + 0.5).rounded(.down)) }
}
