/// The tables of the specification's pages, so that what they say can be held against the code.
package struct MarkdownTable: Sendable {
  package let heading: [String]
  package let rows: [[String]]

  /// Every table of a page, in order. Backticks around a whole cell are taken off.
  package static func all(_ page: String) throws -> [MarkdownTable] {
    var tables: [MarkdownTable] = []
    var lines: [[String]] = []
    func finish() {
      if lines.count > 2 { tables.append(MarkdownTable(heading: lines[0], rows: Array(lines[2...]))) }
      lines = []
    }
    for line in try Vectors.text("../\(page)").split(separator: "\n", omittingEmptySubsequences: false) {
      guard line.hasPrefix("|"), line.hasSuffix("|") else {
        finish()
        continue
      }
      lines.append(
        line.dropFirst().dropLast().split(separator: "|", omittingEmptySubsequences: false).map { plain(String($0)) })
    }
    finish()
    return tables
  }

  private static func plain(_ cell: String) -> String {
    var text = Substring(cell)
    while text.first == " " { text = text.dropFirst() }
    while text.last == " " { text = text.dropLast() }
    if text.count > 1, text.first == "`", text.last == "`", !text.dropFirst().dropLast().contains("`") {
      text = text.dropFirst().dropLast()
    }
    return String(text)
  }

  /// The text blocks of a kind in a page.
  package static func blocks(_ kind: String, of page: String) throws -> [String] {
    var blocks: [String] = []
    var open: String?
    for line in try Vectors.text("../\(page)").split(separator: "\n", omittingEmptySubsequences: false) {
      if let text = open {
        if line == "```" {
          blocks.append(text)
          open = nil
        } else {
          open = text + line + "\n"
        }
      } else if line == "```\(kind)" {
        open = ""
      }
    }
    return blocks
  }
}
