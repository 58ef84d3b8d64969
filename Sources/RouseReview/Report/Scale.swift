import Glibc

/// From values to places on a drawing, with ticks at round values.
struct Scale: Sendable {
  let low: Double
  let high: Double
  let start: Double
  let end: Double
  let ticks: [Double]
  private var isLogarithmic = false

  /// Of shares of very different sizes, with ticks at 1, 2 and 5 times powers of ten; what is not above 0 lies at the low
  /// end.
  init(logarithmic values: [Double], from start: Double, to end: Double) {
    let all = values.filter { $0.isFinite && $0 > 1e-12 }
    let (least, most) = (all.min() ?? 0.001, all.max() ?? 1)
    var steps: [Double] = []
    var power = pow(10, log10(least).rounded(.down))
    while power < most * 10, steps.count < 60 {
      steps += [power, power * 2, power * 5]
      power *= 10
    }
    let first = steps.lastIndex { $0 <= least * (1 + 1e-9) } ?? 0
    let last = steps.firstIndex { $0 >= most * (1 - 1e-9) } ?? max(0, steps.count - 1)
    ticks = first < last ? Array(steps[first...last]) : [least, most * 2]
    low = ticks.first ?? least
    high = ticks.last ?? most
    self.start = start
    self.end = end
    isLogarithmic = true
  }

  /// - Parameters:
  ///   - values: what must fit; whatever is no finite number is passed over.
  ///   - including: more that must.
  ///   - isTight: ends where the values do, and not at a round value.
  init(
    _ values: [Double], including: [Double] = [], from start: Double, to end: Double, ticks wanted: Int,
    isTight: Bool = false
  ) {
    let all = (values + including).filter(\.isFinite).map { abs($0) < 1e-150 ? 0 : min(max($0, -1e150), 1e150) }
    var least = all.min() ?? 0
    var most = all.max() ?? 1
    if most - least <= max(abs(most), abs(least)) * 1e-9 {
      let room = most == 0 ? 1 : abs(most) * 0.5
      if least > 0 { least = max(0, least - room) } else if most < 0 { most = min(0, most + room) }
      if most - least < room { most += room }
    }
    let step = Self.step(most - least, wanted)
    let first = (least / step).rounded(isTight ? .up : .down)
    let last = (most / step).rounded(isTight ? .down : .up)
    let count = last - first
    ticks =
      count.isFinite && count >= 0 && count <= 50
      ? (0...Int(count)).map { Self.clean((first + Double($0)) * step) } : [least, most]
    low = isTight ? least : min(least, first * step)
    high = isTight ? most : max(most, last * step)
    self.start = start
    self.end = end
  }

  /// Within the drawing, whatever is asked.
  func callAsFunction(_ value: Double) -> Double {
    guard value.isFinite, high > low else { return start }
    let held = min(max(value, low), high)
    let part = isLogarithmic ? log10(held / low) / log10(high / low) : (held - low) / (high - low)
    return start + (end - start) * part
  }

  /// 1, 2 or 5 times a power of ten.
  private static func step(_ span: Double, _ wanted: Int) -> Double {
    guard span.isFinite, span > 0 else { return 1 }
    let raw = span / Double(max(1, wanted))
    let power = pow(10, log10(raw).rounded(.down))
    guard power > 0, power.isFinite else { return raw }
    for factor in [1.0, 2, 5, 10] where raw <= factor * power * (1 + 1e-9) { return factor * power }
    return 10 * power
  }

  private static func clean(_ value: Double) -> Double { value == 0 ? 0 : value }
}
