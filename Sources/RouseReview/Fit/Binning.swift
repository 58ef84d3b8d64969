import Glibc
import RouseCore

/// Cuts columns into a few attributes by what they tell of the outcome.
struct Binning {
  /// Attributes of a number before any is merged.
  static let fine = 20
  /// Outcomes that an attribute needs.
  var leastEvents: Double
  /// Attributes of a characteristic.
  var mostBins = 6
  /// Loss of twice the log-likelihood below which two attributes are one.
  var threshold = 2.7

  let outcomes: [Bool]
  let weights: [Double]

  /// nil: the column cannot be cut, or says nothing at all.
  func fine(_ column: DataTable.Column) -> Characteristic? {
    switch column.kind {
    case .numbers: fineNumbers(column)
    case .flags: fineLevels(column, kind: .flags)
    case .texts: fineLevels(column, kind: .texts)
    case .times, .timesAhead, nil: nil
    }
  }

  private func fineNumbers(_ column: DataTable.Column) -> Characteristic? {
    let sorted = column.numbers.filter { !$0.isNaN }.sorted()
    guard let least = sorted.first, let most = sorted.last, abs(least) < 1e14, abs(most) < 1e14 else { return nil }
    // Cuts at quantiles; a value that many rows share is an attribute of its own.
    var bounds = [Self.floor(least)]
    let step = max(1, sorted.count / Self.fine)
    var at = 0
    while at < sorted.count {
      var end = Self.firstIndex(above: sorted[min(sorted.count - 1, at + step - 1)], in: sorted)
      let last = sorted[end - 1]
      let start = Self.firstIndex(above: last.nextDown, in: sorted)
      if start > at, end - start >= step { end = start }
      if end < sorted.count {
        let bound = Self.neat(after: sorted[end - 1], to: sorted[end])
        if let last = bounds.last, bound > last { bounds.append(bound) }
      }
      at = end
    }
    let attributes = column.numbers.map { value -> Int32 in
      value.isNaN ? Int32(bounds.count) : Int32(max(0, Self.firstIndex(above: value, in: bounds) - 1))
    }
    return Characteristic(
      name: column.name, kind: .numbers, shape: .bounds(bounds), attributes: attributes, outcomes: outcomes,
      weights: weights)
  }

  private func fineLevels(_ column: DataTable.Column, kind: FieldKind) -> Characteristic? {
    var counts = [Double](repeating: 0, count: column.levels.count)
    var events = counts
    for (row, level) in column.texts.enumerated() where level >= 0 {
      counts[Int(level)] += weights[row]
      if outcomes[row] { events[Int(level)] += weights[row] }
    }
    func isListed(_ index: Int) -> Bool {
      let text = column.levels[index]
      if kind == .flags { return text == "true" || text == "false" }
      return events[index] >= leastEvents && counts[index] - events[index] >= leastEvents / 3
        && text.unicodeScalars.count <= 60
        && !text.unicodeScalars.contains { $0.value < 0x20 || (0x7F..<0xA0).contains($0.value) }
    }
    // The most frequent first; those that appear first on a tie.
    let listed = column.levels.indices.filter(isListed).sorted { (counts[$0], -$0) > (counts[$1], -$1) }.prefix(24)
    guard !listed.isEmpty else { return nil }
    var place = [Int32](repeating: Int32(listed.count), count: column.levels.count)
    for (index, level) in listed.enumerated() { place[level] = Int32(index) }
    let attributes = column.texts.indices.map { row -> Int32 in
      let level = column.texts[row]
      if level >= 0 { return place[Int(level)] }
      let isPresent = column.hasTooMany && !column.numbers[row].isNaN
      return Int32(isPresent ? listed.count : listed.count + 1)
    }
    return Characteristic(
      name: column.name, kind: kind, shape: .levels(listed.map { column.levels[$0] }), attributes: attributes,
      outcomes: outcomes, weights: weights)
  }

  /// Merges what differs least, until the attributes are few, each has outcomes enough, and any two differ.
  func coarse(_ fine: Characteristic) -> Characteristic {
    var row = fine
    while true {
      guard let (attribute, cost) = cheapest(row) else { return row }
      let isThin = (0..<row.valueCount).contains { row.counts[$0] > 0 && row.events[$0] < leastEvents && row.isOrdered }
      if row.numbers <= mostBins, cost > threshold, !isThin { return row }
      row.merge(attribute)
    }
  }

  /// The merge that loses least; an attribute without outcomes enough goes first. nil: there is nothing to merge.
  private func cheapest(_ row: Characteristic) -> (attribute: Int, loss: Double)? {
    switch row.shape {
    case .bounds(let bounds):
      guard bounds.count > 1 else { return nil }
      let pairs = (1..<bounds.count).map { at -> (attribute: Int, loss: Double) in
        let isThin = row.events[at] < leastEvents || row.events[at - 1] < leastEvents
        return (at, row.loss(at, at - 1) - (isThin ? 1e9 : 0))
      }
      return pairs.min { $0.loss < $1.loss }
    case .levels(let levels):
      guard row.kind == .texts, levels.count > 1 else { return nil }
      let others = levels.count
      // Nothing is left over yet: the most frequent text is what the rest is measured by.
      if row.counts[others] == 0 { return row.numbers > mostBins ? (0, 0) : nil }
      let pairs = levels.indices.map { (attribute: $0, loss: row.loss($0, others)) }
      return pairs.min { $0.loss < $1.loss }
    }
  }

  // MARK: - Numbers that a person can read

  /// The least bound: 0, or a power of ten well below what was seen, so that hardly a value lies under the scale.
  static func floor(_ least: Double) -> Double {
    if least >= 0 { return 0 }
    var bound = 10.0
    while bound < -least * 2 { bound *= 10 }
    return -bound
  }

  /// The number of the fewest digits above one value and not above the next.
  static func neat(after low: Double, to high: Double) -> Double {
    for digits in -14...9 {
      let scale = pow(10, Double(digits))
      let candidate = (high * scale).rounded(.down) / scale
      if candidate > low, candidate <= high { return candidate }
    }
    return high
  }

  static func firstIndex(above value: Double, in rising: [Double]) -> Int {
    var (low, high) = (0, rising.count)
    while low < high {
      let middle = (low + high) / 2
      if rising[middle] <= value { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
