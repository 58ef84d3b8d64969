/// A title and a text a line, the texts below each other.
func titled(_ lines: [(String, String)]) -> String {
  let width = lines.map { displayWidth($0.0) }.max() ?? 0
  let indent = String(repeating: " ", count: width + 2)
  return lines.map { title, text in
    // Some of these stand two columns in.
    let parts = Terminal.width.map { wordLines(text, max(20, $0 - 4 - width)) } ?? [text]
    return title + String(repeating: " ", count: width + 2 - displayWidth(title))
      + parts.joined(separator: "\n" + indent) + "\n"
  }.joined()
}

/// Counts that are not zero, with what each means.
func counts(_ title: String, _ counts: [(name: String, count: Int)], meanings: [String: String]) -> String {
  let shown = counts.filter { $0.count != 0 }
  if shown.isEmpty { return "" }
  var table = Table([.init(title: ""), .init(title: "", isNumber: true), .init(title: "")])
  let rows = shown.map { [harmless($0.name), grouped($0.count), meanings[$0.name] ?? ""] }
  table.fit(rows, width: nil)
  return title + "\n" + rows.map { "  " + table.line($0) + "\n" }.joined()
}
