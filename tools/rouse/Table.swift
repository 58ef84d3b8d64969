/// Columns that line up. Widths come from the first rows; what does not fit is cut with an ellipsis.
struct Table {
  struct Column {
    let title: String
    var isNumber = false
    /// May be cut where the terminal is narrow; the last one of these first.
    var isElastic = false
    /// Says more of the column before it, and stays beside it where columns are folded.
    var joins = false
  }

  let columns: [Column]
  private var widths: [Int] = []

  init(_ columns: [Column]) { self.columns = columns }

  /// Fixes the widths.
  /// - Parameter least: elastic columns keep so much.
  mutating func fit(_ rows: [[String]], width: Int?, least: Int = 6) {
    widths = columns.indices.map { index in
      max(displayWidth(columns[index].title), rows.map { displayWidth($0[index]) }.max() ?? 0)
    }
    guard let width else { return }
    for index in columns.indices.reversed() where columns[index].isElastic {
      let over = self.width - width
      if over <= 0 { return }
      widths[index] = min(widths[index], max(least, displayWidth(columns[index].title), widths[index] - over))
    }
  }

  /// Columns of the terminal.
  private var width: Int { widths.reduce(0, +) + 2 * max(0, columns.count - 1) }

  /// Header and rows. Where the terminal is too narrow for all columns, those that do not fit follow below, again beside
  /// the first one: no number is ever cut.
  static func folded(_ columns: [Column], _ rows: [[String]], width: Int?) -> [String] {
    var whole = Table(columns)
    whole.fit(rows, width: width, least: 16)
    guard let width, whole.width > width, columns.count > 2 else { return [whole.header] + rows.map(whole.line) }
    var blocks: [[Int]] = []
    for start in columns.indices.dropFirst() where !columns[start].joins || start == 1 {
      let unit = [start] + columns.indices.dropFirst(start + 1).prefix { columns[$0].joins }
      if let last = blocks.last, part(last + unit, columns, rows, width).width <= width {
        blocks[blocks.count - 1] += unit
      } else {
        blocks.append([0] + unit)
      }
    }
    let parts = blocks.map { block in
      let table = part(block, columns, rows, width)
      return [table.header] + rows.map { row in table.line(block.map { row[$0] }) }
    }
    return Array(parts.joined(separator: [""]))
  }

  private static func part(_ block: [Int], _ columns: [Column], _ rows: [[String]], _ width: Int) -> Table {
    var table = Table(block.map { columns[$0] })
    table.fit(rows.map { row in block.map { row[$0] } }, width: width, least: 16)
    return table
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

/// Words in lines of at most a width, as far as one word is not wider.
func wordLines(_ text: String, _ width: Int) -> [String] {
  var lines: [String] = []
  var line = ""
  for part in glued(text) {
    if !line.isEmpty, displayWidth(line) + 1 + displayWidth(String(part)) > width {
      lines.append(line)
      line = ""
    }
    line += (line.isEmpty ? "" : " ") + part
  }
  return line.isEmpty ? lines : lines + [line]
}

/// Words, and a sign of per cent with its number.
private func glued(_ text: String) -> [String] {
  text.split(separator: " ", omittingEmptySubsequences: true).reduce(into: []) { words, part in
    if part.first == "%", let last = words.popLast() {
      words.append(last + " " + part)
    } else {
      words.append(String(part))
    }
  }
}

func cutToWidth(_ text: String, _ width: Int) -> String {
  if displayWidth(text) <= width { return text }
  var cut = String.UnicodeScalarView()
  var left = width - 1
  for scalar in text.unicodeScalars {
    left -= displayWidth(scalar)
    if left < 0 {
      if isOfNumber(scalar) { cut = withoutLastNumber(cut) }
      break
    }
    cut.append(scalar)
  }
  return String(cut) + "…"
}

private func isOfNumber(_ scalar: Unicode.Scalar) -> Bool {
  ("0"..."9").contains(scalar) || scalar == "." || scalar == ","
}

/// Half a number would be read as another one. The digits of a name are none.
private func withoutLastNumber(_ text: String.UnicodeScalarView) -> String.UnicodeScalarView {
  let whole = text.reversed().drop(while: isOfNumber)
  let rest = whole.first == "+" || whole.first == "-" ? whole.dropFirst() : whole
  guard rest.first == " " || rest.isEmpty else { return text }
  return String.UnicodeScalarView(rest.reversed())
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
