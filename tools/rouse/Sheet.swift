import RouseWire

/// A text for a person that is written from the top down, in sections.
protocol Sheet {
  var lines: [String] { get set }
}

extension Sheet {
  mutating func section(_ title: String) {
    lines.append("")
    lines += Terminal.width.map { wordLines(title, $0) } ?? [title]
  }
  mutating func paragraph(_ text: String) { if !text.isEmpty { lines.append("  " + text) } }

  /// Words with commas between them, broken into lines.
  mutating func list(_ title: String, _ words: [String]) {
    var line = title
    for (index, word) in words.enumerated() {
      let part = " " + word + (index < words.count - 1 ? "," : "")
      if line.utf8.count + part.utf8.count > 98 {
        paragraph(line)
        line = String(repeating: " ", count: title.utf8.count)
      }
      line += part
    }
    paragraph(line)
  }

  /// Cells that line up; the last one keeps its length.
  mutating func rows(_ rows: [[String]], numbers: Set<Int> = []) {
    guard let count = rows.map(\.count).max() else { return }
    var table = Table(
      (0..<count).map { Table.Column(title: "", isNumber: numbers.contains($0)) })
    let full = rows.map { $0 + Array(repeating: "", count: count - $0.count) }
    table.fit(full, width: nil)
    for row in full { paragraph(table.line(row)) }
  }
}

/// A value without quotes, safe to show; nothing for what is not there.
func word(_ value: JSONValue?) -> String {
  switch value {
  case nil, .null: ""
  case .text(let text): harmless(text)
  case let value?: harmless(value.json)
  }
}
