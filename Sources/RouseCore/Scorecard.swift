/// A scorecard compiled to tables (model 4.1): rows are characteristics, bins are attributes with points. Risk and
/// response share it.
package final class Scorecard: @unchecked Sendable {
  // Sendable because nothing in it changes after init.

  /// Which attribute a value falls into: an index of `binNames`, or one of these.
  package enum Bin {
    package static let missing: Int32 = -1
    package static let other: Int32 = -2
  }

  package struct Row: Sendable {
    package let slot: Int
    package let name: String
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
  }

  package let rows: [Row]

  /// A row as the scorer reads it, without a reference to count.
  struct Entry: BitwiseCopyable {
    let slot: Int
    /// Where its bounds stand (`at_least`), or its places by value (`is`), and how many.
    let start: Int
    let count: Int
    let isNumber: Bool
    /// Where the points of its places stand, and what each lacks against the best.
    let points: Int
    /// Index into `Policy.codes`, or -1.
    let code: Int32
  }

  /// Where a value stands among the points of its row: `Bin`, counted from 0.
  enum Place {
    static let missing = 1
    static let shift = 2
  }

  /// The card as the scorer reads it; valid while the card lives.
  struct Table: BitwiseCopyable {
    fileprivate let entries: UnsafeMutablePointer<Entry>
    fileprivate let bounds: UnsafeMutablePointer<Double>
    /// By text number, or 0 and 1 for a flag; then that of any other.
    fileprivate let placeOfValue: UnsafeMutablePointer<Int32>
    fileprivate let points: UnsafeMutablePointer<Int>
    fileprivate let lost: UnsafeMutablePointer<Int>
    let count: Int

    /// The place of a row's value; `below` when it lies under the first bin, which counts as missing and is an issue.
    /// Whether a fact is there is anyone's guess, so nothing branches on it.
    @inline(__always)
    func place(
      _ index: Int, _ bits: UnsafeMutablePointer<UInt64>, _ states: UnsafeMutablePointer<UInt8>, below: inout Bool
    ) -> Int {
      let entry = entries + index
      let slot = entry.pointee.slot
      let isPresent = states[slot] == FactState.present
      let bits = bits[slot]
      let count = entry.pointee.count
      if entry.pointee.isNumber {
        let value = Double(bitPattern: bits)
        let bounds = bounds + entry.pointee.start
        // Bounds rise: how many are within the value says the same as a search. They are filled up with infinities.
        var within = 0
        var at = 0
        repeat {
          within &+= (value >= bounds[at] ? 1 : 0) &+ (value >= bounds[at &+ 1] ? 1 : 0)
          within &+= (value >= bounds[at &+ 2] ? 1 : 0) &+ (value >= bounds[at &+ 3] ? 1 : 0)
          at &+= Self.step
        } while at < count
        below = below || (isPresent && within == 0)
        return isPresent && within > 0 ? within &+ 1 : Place.missing
      }
      let place = Int(placeOfValue[entry.pointee.start &+ Int(truncatingIfNeeded: min(bits, UInt64(count)))])
      return isPresent ? place : Place.missing
    }

    fileprivate static let step = 4

    @inline(__always)
    func points(_ index: Int, _ place: Int) -> Int { points[entries[index].points &+ place] }

    /// Points that the best of the row's places has more.
    func lost(_ index: Int, _ place: Int) -> Int { lost[entries[index].points + place] }

    func code(_ index: Int) -> Int32 { entries[index].code }

    @inline(__always) func slot(_ index: Int) -> Int { entries[index].slot }
  }
  let table: Table
  package var count: Int { table.count }

  func bin(_ index: Int, _ row: CandidateRow, below: inout Bool) -> Int32 {
    Int32(truncatingIfNeeded: table.place(index, row.bits, row.states, below: &below) - Place.shift)
  }

  init(
    _ definitions: [CardRowDefinition], fields: FieldTable, textCount: Int, textID: (String) -> Int,
    codeIndex: (String) -> Int?
  ) {
    var rows: [Row] = []
    var entries: [Entry] = []
    var allBounds: [Double] = []
    var allValues: [Int32] = []
    var allPoints: [Int] = []
    var allLost: [Int] = []
    for definition in definitions {
      let points: [Int]
      let names: [String]
      var top: Int
      let start: Int
      let count: Int
      var isNumber = false
      switch definition.bins {
      case .atLeast(let bins):
        isNumber = true
        start = allBounds.count
        count = bins.count
        allBounds += bins.map(\.bound)
        while allBounds.count % Table.step != 0 || allBounds.count == start { allBounds.append(.infinity) }
        points = bins.map(\.points)
        names = bins.map { ">=" + shortest($0.bound) }
        top = definition.missing
      case .isEqual(let bins):
        let isFlag = fields.type(ofSlot: definition.slot) == .boolean
        start = allValues.count
        count = isFlag ? 2 : textCount
        allValues += [Int32](repeating: Bin.other + Int32(Place.shift), count: count + 1)
        for (index, bin) in bins.enumerated() {
          let value = isFlag ? (bin.key == "true" ? 1 : 0) : textID(bin.key)
          allValues[start + value] = Int32(truncatingIfNeeded: index + Place.shift)
        }
        points = bins.map(\.points)
        names = bins.map(\.key)
        top = max(definition.missing, definition.other)
      }
      top = max(top, points.max() ?? top)
      let code = definition.code.flatMap(codeIndex)
      rows.append(
        Row(
          slot: definition.slot, name: fields.name(ofSlot: definition.slot), points: points, binNames: names,
          missing: definition.missing, other: definition.other, top: top, code: code))
      entries.append(
        Entry(
          slot: definition.slot, start: start, count: count, isNumber: isNumber, points: allPoints.count,
          code: code.map { Int32(truncatingIfNeeded: $0) } ?? -1))
      let all = [definition.other, definition.missing] + points
      allPoints += all
      allLost += all.map { top - $0 }
    }
    self.rows = rows
    table = Table(
      entries: plainMemory(entries), bounds: plainMemory(allBounds), placeOfValue: plainMemory(allValues),
      points: plainMemory(allPoints), lost: plainMemory(allLost), count: rows.count)
  }

  deinit {
    table.entries.deallocate()
    table.bounds.deallocate()
    table.placeOfValue.deallocate()
    table.points.deallocate()
    table.lost.deallocate()
  }
}

/// A copy of values that need no reference counting, for tables that every candidate reads. Whoever holds it deallocates
/// it, and vouches for the indices.
package func plainMemory<Value: BitwiseCopyable>(_ values: some Collection<Value>) -> UnsafeMutablePointer<Value> {
  let memory = UnsafeMutablePointer<Value>.allocate(capacity: max(1, values.count))
  var at = 0
  for value in values {
    (memory + at).initialize(to: value)
    at += 1
  }
  return memory
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
