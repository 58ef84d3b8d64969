/// A scorecard compiled to tables (model 4.1): rows are characteristics, bins are attributes with points. Risk and
/// response share it.
package struct Scorecard: Sendable {
  /// Which attribute a value falls into: an index of `binNames`, or one of these.
  package enum Bin {
    package static let missing: Int32 = -1
    package static let other: Int32 = -2
  }

  package struct Row: Sendable {
    package let slot: Int
    package let name: String
    /// Lower bounds in rising order; empty for an `is` row.
    package let bounds: [Double]
    /// By text number, or 0 and 1 for a flag: the bin; empty for an `at_least` row.
    let binOfValue: [Int32]
    package let isNumber: Bool
    package let points: [Int]
    package let binNames: [String]
    package let missing: Int
    package let other: Int
    /// The largest points that the row can give.
    package let top: Int
    /// Index into `Policy.codes`; risk only.
    package let code: Int?

    package func points(ofBin bin: Int32) -> Int {
      bin >= 0 ? points[Int(bin)] : bin == Bin.missing ? missing : other
    }

    package func name(ofBin bin: Int32) -> String {
      bin >= 0 ? binNames[Int(bin)] : bin == Bin.missing ? "missing" : "other"
    }

    /// The bin of the row's value; `below` when it lies under the first bin, which counts as missing and is an issue.
    @inline(__always)
    func bin(_ row: CandidateRow, below: inout Bool) -> Int32 {
      guard row.states[slot] == FactState.present else { return Bin.missing }
      let bits = row.bits[slot]
      if isNumber {
        let value = Double(bitPattern: bits)
        var at = bounds.count - 1
        while at >= 0, value < bounds[at] { at -= 1 }
        if at < 0 {
          below = true
          return Bin.missing
        }
        return Int32(truncatingIfNeeded: at)
      }
      return bits < UInt64(binOfValue.count) ? binOfValue[Int(bits)] : Bin.other
    }
  }

  package let rows: [Row]

  init(
    _ definitions: [CardRowDefinition], fields: FieldTable, textCount: Int, textID: (String) -> Int,
    codeIndex: (String) -> Int?
  ) {
    rows = definitions.map { definition in
      var bounds: [Double] = []
      var binOfValue: [Int32] = []
      var points: [Int] = []
      var names: [String] = []
      switch definition.bins {
      case .atLeast(let bins):
        bounds = bins.map(\.bound)
        points = bins.map(\.points)
        names = bins.map { ">=" + shortest($0.bound) }
      case .isEqual(let bins):
        let isFlag = fields.type(ofSlot: definition.slot) == .boolean
        binOfValue = [Int32](repeating: Bin.other, count: isFlag ? 2 : textCount)
        points = bins.map(\.points)
        names = bins.map(\.key)
        for (index, bin) in bins.enumerated() {
          binOfValue[isFlag ? (bin.key == "true" ? 1 : 0) : textID(bin.key)] = Int32(truncatingIfNeeded: index)
        }
      }
      var top = max(points.max() ?? definition.missing, definition.missing)
      if bounds.isEmpty { top = max(top, definition.other) }
      return Row(
        slot: definition.slot, name: fields.name(ofSlot: definition.slot), bounds: bounds, binOfValue: binOfValue,
        isNumber: !bounds.isEmpty, points: points, binNames: names, missing: definition.missing,
        other: definition.other,
        top: top, code: definition.code.flatMap(codeIndex))
    }
  }
}

/// Without a fraction when whole, else the shortest decimal that reads back as the same double; never with an exponent.
package func shortest(_ value: Double) -> String {
  if value == value.rounded(), abs(value) < 1e18 { return String(Int64(value)) }
  let text = value.description
  guard let mark = text.firstIndex(of: "e"), let exponent = Int(text[text.index(after: mark)...]), abs(exponent) < 400
  else {
    return text
  }
  // `description` turns to exponents below 1e-4 and above 2^53.
  let sign = value < 0 ? "-" : ""
  let digits = text[..<mark].filter { $0.isNumber }
  let point = 1 + exponent
  if point <= 0 { return sign + "0." + String(repeating: "0", count: -point) + stripped(digits) }
  return sign + digits + String(repeating: "0", count: max(0, point - digits.count))
}

/// Digits after a point, without the zeros at their end.
private func stripped(_ digits: String) -> String {
  var digits = digits
  while digits.count > 1, digits.hasSuffix("0") { digits.removeLast() }
  return digits
}
