import RouseWire

/// Rows as a table for a person, and then the totals in words.
final class TableSink: RowSink {
  enum Kind {
    case score(validUntil: Bool)
    case rank(all: Bool)

    var withRank: Bool { if case .rank = self { true } else { false } }
    var withValidUntil: Bool { if case .score(validUntil: true) = self { true } else { false } }
    var withStatus: Bool { if case .rank(all: false) = self { false } else { true } }
  }

  /// Rows that settle the widths of the columns.
  private static let settling = 200

  private let kind: Kind
  private let output = StandardOutput()
  private var table: Table
  private var waiting: [[String]] = []
  private var isSettled = false

  init(_ kind: Kind) {
    self.kind = kind
    table = Table(DecisionRow.columns(kind))
  }

  func rows(_ bytes: UnsafeRawBufferPointer) throws {
    var text = ""
    for line in bytes.split(separator: 0x0A) {
      guard let value = JSONValue(line) else { continue }
      let cells = DecisionRow(value).cells(kind)
      if isSettled {
        text += table.line(cells) + "\n"
      } else {
        waiting.append(cells)
        if waiting.count == Self.settling { text += settle() }
      }
    }
    if !text.isEmpty { try output.write(text) }
  }

  private func settle() -> String {
    isSettled = true
    table.fit(waiting, width: Terminal.width)
    defer { waiting = [] }
    return waiting.isEmpty ? "" : ([table.header] + waiting.map(table.line)).joined(separator: "\n") + "\n"
  }

  func finish(_ line: [UInt8]) throws {
    let hasRows = isSettled || !waiting.isEmpty
    var text = isSettled ? "" : settle()
    if let value = JSONValue(line) {
      if hasRows { text += "\n" }
      if let plan = value["plan"] {
        text += (PlanCommitment(value)?.text ?? "") + PlanSummary(plan).text
      } else if let summary = value["summary"] {
        text += StatusSummary(summary, title: "Candidates").text
      }
    }
    try output.write(text)
  }
}
