import RouseWire

/// What of each row goes into a list that is exported, and how it is spelled.
struct ListColumns {
  enum Format: String, CaseIterable {
    case csv, ndjson

    /// By a file's name.
    init?(name: String) {
      switch name.lowercased().split(separator: ".").last {
      case "csv": self = .csv
      case "ndjson", "jsonl": self = .ndjson
      default: return nil
      }
    }
  }

  /// Members of a row, or of its `best`.
  static let known = [
    "rank", "user_id", "status", "stage", "tier", "channel", "send_at", "p", "value", "spend", "capital", "roi",
    "dormant_days", "silent_days", "risk_score", "pd", "points", "arm", "propensity", "reasons", "until",
  ]
  static let usual = [
    "rank", "user_id", "status", "stage", "tier", "channel", "send_at", "p", "value", "spend", "capital", "points",
    "risk_score", "pd", "arm",
  ]
  static let hash = "hash"

  let format: Format
  /// nil: rows as they came.
  let names: [String]?
  /// What the hash is called in the list.
  let hashName: String
  /// Cells that a spreadsheet takes for formulas get an apostrophe before them.
  let isForSpreadsheets: Bool
  /// Cells of that kind that were left as they are.
  private(set) var formulas = 0

  init(format: Format, names: [String]?, hashName: String, isForSpreadsheets: Bool) {
    self.format = format
    self.names = names
    self.hashName = hashName
    self.isForSpreadsheets = isForSpreadsheets
  }

  private func title(_ name: String) -> String { name == Self.hash ? hashName : name }

  mutating func writeHeader(into out: inout ByteWriter) {
    guard format == .csv, let names else { return }
    for (index, name) in names.enumerated() {
      if index > 0 { out.put(0x2C) }
      writeCell(title(name), isText: true, into: &out)
    }
    out.put(0x0A)
  }

  /// - Parameter hash: in hexadecimal digits.
  mutating func write(_ row: JSONValue, hash: String, into out: inout ByteWriter) {
    guard let names else { return out.write(row.json + "\n") }
    if format == .ndjson { out.put(0x7B) }
    for (index, name) in names.enumerated() {
      if index > 0 { out.put(0x2C) }
      let value = name == Self.hash ? .text(hash) : row[name] ?? row["best"]?[name] ?? .null
      if format == .ndjson {
        out.writeQuoted(title(name))
        out.put(0x3A)
        out.write(value.json)
      } else {
        writeCell(value, into: &out)
      }
    }
    if format == .ndjson { out.put(0x7D) }
    out.put(0x0A)
  }

  private mutating func writeCell(_ value: JSONValue, into out: inout ByteWriter) {
    switch value {
    case .null: break
    case .text(let text): writeCell(text, isText: true, into: &out)
    case .list(let items) where items.allSatisfy({ $0.text != nil }):
      writeCell(items.compactMap(\.text).joined(separator: " "), isText: true, into: &out)
    default: writeCell(value.json, isText: false, into: &out)
    }
  }

  private mutating func writeCell(_ text: String, isText: Bool, into out: inout ByteWriter) {
    var text = text
    if isText, let first = text.utf8.first, [0x3D, 0x2B, 0x2D, 0x40, 0x09, 0x0D].contains(first) {
      if isForSpreadsheets { text = "'" + text } else { formulas += 1 }
    }
    guard text.utf8.contains(where: { [0x2C, 0x22, 0x0A, 0x0D].contains($0) }) else { return out.write(text) }
    out.put(0x22)
    out.write(text.replacing("\"", with: "\"\""))
    out.put(0x22)
  }
}
