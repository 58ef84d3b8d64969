import RouseCore

/// What was counted over the candidates of one request. The statuses add up to `lines`.
package struct Totals: Sendable, Equatable {
  package var lines = 0
  /// By `Status.rawValue`.
  package var statuses = [Int](repeating: 0, count: Status.allCases.count)
  package var ignored = 0

  package init() {}

  package var invalid: Int { statuses[Int(Status.invalid.rawValue)] }

  /// Forgets what was counted, and keeps the memory.
  package mutating func reset() {
    lines = 0
    for index in statuses.indices { statuses[index] = 0 }
    ignored = 0
  }

  mutating func count(_ decision: Decision) {
    lines += 1
    statuses[Int(decision.status.rawValue)] += 1
    ignored += decision.ignored
  }

  /// Takes one candidate back.
  mutating func uncount(_ status: Status, ignored: Int) {
    lines -= 1
    statuses[Int(status.rawValue)] -= 1
    self.ignored -= ignored
  }

  package mutating func add(_ other: Totals) {
    lines += other.lines
    for index in statuses.indices { statuses[index] += other.statuses[index] }
    ignored += other.ignored
  }

  /// What was counted since an earlier state.
  package mutating func subtract(_ earlier: Totals) {
    lines -= earlier.lines
    for index in statuses.indices { statuses[index] -= earlier.statuses[index] }
    ignored -= earlier.ignored
  }

  /// `"lines":..,"status":{..},"ignored":..`
  func write(_ shown: [Status], into out: inout ByteWriter) {
    out.write("\"lines\":")
    out.write(lines)
    out.write(",\"status\":{")
    for (index, status) in shown.enumerated() {
      if index > 0 { out.put(0x2C) }
      out.writeQuoted(status.name)
      out.put(0x3A)
      out.write(statuses[Int(status.rawValue)])
    }
    out.write("},\"ignored\":")
    out.write(ignored)
  }

  /// `{"lines":..}`, the summary of a score (model 10).
  package func writeSummary(into out: inout ByteWriter) {
    // Most requests have one candidate: theirs are a few texts.
    if lines == 1, ignored == 0, let status = statuses.firstIndex(of: 1), status < Self.ofOne.count {
      return out.write(Self.ofOne[status])
    }
    writeSummaryByParts(into: &out)
  }

  private func writeSummaryByParts(into out: inout ByteWriter) {
    out.put(0x7B)
    write([.invalid, .suppressed, .active, .declined, .resting, .holdout, .unprofitable, .eligible], into: &out)
    out.put(0x7D)
  }

  /// By status, of those that a score may give.
  private static let ofOne = (0...Int(Status.eligible.rawValue)).map { status in
    var totals = Totals()
    totals.lines = 1
    totals.statuses[status] = 1
    var out = ByteWriter()
    totals.writeSummaryByParts(into: &out)
    return out.array
  }
}
