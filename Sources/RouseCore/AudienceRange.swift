/// What the values of one column of a chunk span: it decides in how many bits they stand.
struct AudienceRange {
  /// Codes that states take: 0 missing, 1 a value of another type.
  private(set) var states: UInt64 = 0
  /// Of whole values: a time, a flag, a text's number, a number times its scale. Empty while `least > most`.
  private(set) var least = Int64.max
  private(set) var most = Int64.min
  /// Index into `scales`; beyond them numbers stand as they are.
  private(set) var scale = 0

  /// What numbers are multiplied by to be whole: amounts, cents, shares.
  static let scales: [Double] = [1, 100, 10_000, 1_000_000]

  init() {}

  /// A span that is given: any value of a kind has a code.
  init(states: UInt64, _ values: ClosedRange<Int64>) {
    self.states = states
    least = values.lowerBound
    most = values.upperBound
  }

  /// Numbers as they are.
  static var raw: AudienceRange {
    var range = AudienceRange()
    range.scale = scales.count
    return range
  }

  /// The span of what a layout can hold: a column that has been widened is not made narrow again.
  init(_ entry: AudienceLayout.Entry) {
    states = entry.states
    if entry.kind == .raw { scale = Self.scales.count }
    if entry.kind == .number { scale = Self.scales.firstIndex(of: entry.scale) ?? 0 }
    if entry.capacity > 0, entry.kind != .raw {
      least = entry.base
      most = entry.base &+ Int64(truncatingIfNeeded: entry.capacity &- 1)
    }
  }

  var isRaw: Bool { scale >= Self.scales.count }

  /// Takes in what a candidate has; `isNumber`: the bits are a double's.
  mutating func add(_ state: UInt8, _ bits: UInt64, isNumber: Bool) {
    switch state {
    case FactState.present:
      if isNumber { add(Double(bitPattern: bits)) } else { add(Int64(bitPattern: bits)) }
    case FactState.wrongType: states = 2
    default: states = max(states, 1)
    }
  }

  private mutating func add(_ value: Int64) {
    least = min(least, value)
    most = max(most, value)
  }

  private mutating func add(_ value: Double) {
    while !isRaw {
      if let whole = Self.whole(value, Self.scales[scale]) { return add(whole) }
      let old = Self.scales[scale]
      scale += 1
      if isRaw || least > most { continue }
      // What was whole stays whole.
      let factor = Int64(Self.scales[scale] / old)
      let (low, lowOverflows) = least.multipliedReportingOverflow(by: factor)
      let (high, highOverflows) = most.multipliedReportingOverflow(by: factor)
      if lowOverflows || highOverflows || max(low.magnitude, high.magnitude) > Self.exact {
        scale = Self.scales.count
      } else {
        least = low
        most = high
      }
    }
  }

  /// Whole numbers up to here are doubles.
  private static let exact: UInt64 = 1 << 53

  /// The number times the scale, when it is whole and the number can be made of it again, bit for bit.
  @inline(__always)
  static func whole(_ value: Double, _ scale: Double) -> Int64? {
    let scaled = (value * scale).rounded()
    guard scaled.magnitude <= Double(exact) else { return nil }
    let whole = Int64(scaled)
    return (Double(whole) / scale).bitPattern == value.bitPattern ? whole : nil
  }

  /// Values that need a code of their own, states not counted; 0 when there is none.
  var count: UInt64 { least > most ? 0 : UInt64(bitPattern: most &- least) &+ 1 }
}
