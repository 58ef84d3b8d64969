/// Columns that line up. Widths come from the first rows; what does not fit is cut with an ellipsis.
struct Table {
  struct Column {
    let title: String
    var isNumber = false
    /// May be cut where the terminal is narrow; the last one of these first.
    var isElastic = false
  }

  let columns: [Column]
  private var widths: [Int] = []

  init(_ columns: [Column]) { self.columns = columns }

  /// Fixes the widths.
  mutating func fit(_ rows: [[String]], width: Int?) {
    widths = columns.indices.map { index in
      max(displayWidth(columns[index].title), rows.map { displayWidth($0[index]) }.max() ?? 0)
    }
    guard let width else { return }
    for index in columns.indices.reversed() where columns[index].isElastic {
      let over = widths.reduce(0, +) + 2 * (columns.count - 1) - width
      if over <= 0 { return }
      widths[index] = max(6, displayWidth(columns[index].title), widths[index] - over)
    }
  }

  var header: String { line(columns.map(\.title)) }

  func line(_ cells: [String]) -> String {
    var line = ""
    for (index, cell) in cells.enumerated() {
      let cut = columns[index].isElastic ? cutToWidth(cell, widths[index]) : cell
      let gap = String(repeating: " ", count: max(0, widths[index] - displayWidth(cut)))
      line += index == 0 ? "" : "  "
      line += columns[index].isNumber ? gap + cut : cut + gap
    }
    while line.last == " " { line.removeLast() }
    return line
  }
}

/// Columns of a terminal that a text takes: two for the wide characters of East Asia, none for combining marks.
func displayWidth(_ text: String) -> Int {
  text.unicodeScalars.reduce(0) { $0 + displayWidth($1) }
}

private func displayWidth(_ scalar: Unicode.Scalar) -> Int {
  switch scalar.value {
  case 0x20..<0x300: return 1
  case 0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60,
    0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F900...0x1F9FF, 0x20000...0x3FFFD:
    return 2
  default:
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .format: return 0
    default: return 1
    }
  }
}

func cutToWidth(_ text: String, _ width: Int) -> String {
  if displayWidth(text) <= width { return text }
  var cut = String.UnicodeScalarView()
  var left = width - 1
  for scalar in text.unicodeScalars {
    left -= displayWidth(scalar)
    if left < 0 { break }
    cut.append(scalar)
  }
  return String(cut) + "…"
}

/// For a terminal: what comes from outside must not move its cursor, nor turn the direction of the line.
func harmless(_ text: String) -> String {
  var shown = String.UnicodeScalarView()
  for scalar in text.unicodeScalars {
    switch scalar.value {
    case 0..<0x20, 0x7F..<0xA0, 0x2028...0x202E, 0x2066...0x2069: shown.append("\u{FFFD}")
    default: shown.append(scalar)
    }
  }
  return String(shown)
}
