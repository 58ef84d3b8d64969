import RouseCore

/// What became of the events of one request. The results add up to `lines`.
package struct EventTotals: Sendable, Equatable {
  package private(set) var lines = 0
  /// In the order of `EventResult`.
  private var counts = [Int](repeating: 0, count: EventResult.allCases.count)

  package init() {}

  package subscript(_ result: EventResult) -> Int { counts[Self.index(result)] }

  package mutating func count(_ result: EventResult) {
    lines += 1
    counts[Self.index(result)] += 1
  }

  package mutating func add(_ other: EventTotals) {
    lines += other.lines
    for index in counts.indices { counts[index] += other.counts[index] }
  }

  private static func index(_ result: EventResult) -> Int { EventResult.allCases.firstIndex(of: result) ?? 0 }

  /// `,"recorded":..,"replayed":..,"refused":{..}`
  package func write(into out: inout ByteWriter) {
    for result in [EventResult.recorded, .replayed] {
      out.put(0x2C)
      out.writeQuoted(result.rawValue)
      out.put(0x3A)
      out.write(self[result])
    }
    out.write(",\"refused\":{")
    var isFirst = true
    for result in EventResult.allCases where result != .recorded && result != .replayed {
      if !isFirst { out.put(0x2C) }
      isFirst = false
      out.writeQuoted(result.rawValue)
      out.put(0x3A)
      out.write(self[result])
    }
    out.put(0x7D)
  }
}

/// What became of the lines of a load. They add up to `lines`.
package struct LoadTotals: Sendable, Equatable {
  /// Put into the audience, in the place of what was known of the same user.
  package var loaded = 0
  /// Said to be gone.
  package var removed = 0
  /// Not loaded, for the user has been erased.
  package var gone = 0
  package var invalid = 0
  /// Counted from 1; blank lines are not.
  package var firstInvalid: Int?

  package init() {}

  package var lines: Int { loaded + removed + gone + invalid }

  package mutating func add(_ other: LoadTotals) {
    if firstInvalid == nil, let first = other.firstInvalid { firstInvalid = lines + first }
    loaded += other.loaded
    removed += other.removed
    gone += other.gone
    invalid += other.invalid
  }

  /// `,"loaded":..,"removed":..,"gone":..,"invalid":..`
  package func write(into out: inout ByteWriter) {
    out.write(",\"loaded\":")
    out.write(loaded)
    out.write(",\"removed\":")
    out.write(removed)
    out.write(",\"gone\":")
    out.write(gone)
    out.write(",\"invalid\":")
    out.write(invalid)
    if let firstInvalid {
      out.write(",\"first_invalid\":")
      out.write(firstInvalid)
    }
  }
}
