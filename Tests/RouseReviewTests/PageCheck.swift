/// A strict reader of the pages: every tag closed in its order, every attribute in quotes and once, ids its own, and nothing
/// that a browser would load or run.
struct PageCheck {
  private(set) var faults: [String] = []
  private(set) var tags: [String: Int] = [:]
  private(set) var ids: [String] = []
  private(set) var references: [String] = []
  /// Outside of tags, the entities resolved.
  private(set) var text = ""

  private static let entities = ["amp": "&", "lt": "<", "gt": ">", "quot": "\"", "#39": "'"]
  private static let forbidden: Set<String> = [
    "script", "img", "iframe", "object", "embed", "link", "base", "form", "video", "audio",
  ]
  private var open: [String] = []

  init(_ page: String) {
    var rest = Substring(page)
    let start = "<!DOCTYPE html>\n"
    if rest.hasPrefix(start) { rest = rest.dropFirst(start.count) } else { faults.append("no doctype") }
    while let bracket = rest.firstIndex(of: "<") {
      read(text: rest[..<bracket])
      rest = rest[rest.index(after: bracket)...]
      guard let end = rest.firstIndex(of: ">") else {
        faults.append("a tag does not end: \(rest.prefix(40))")
        return
      }
      read(tag: rest[..<end])
      rest = rest[rest.index(after: end)...]
      // Style is text with its own rules.
      if open.last == "style", let close = rest.range(of: "</style>") {
        let style = rest[..<close.lowerBound]
        if style.contains("@import") || style.contains("http") || style.contains("<") {
          faults.append("style loads something")
        }
        rest = rest[close.lowerBound...]
      }
    }
    read(text: rest)
    if !open.isEmpty { faults.append("not closed: \(open)") }
    for name in references where !ids.contains(name) { faults.append("no such id: \(name)") }
    if Set(ids).count != ids.count {
      faults.append("an id twice: \(Dictionary(grouping: ids) { $0 }.filter { $1.count > 1 }.keys)")
    }
  }

  private mutating func read(text piece: Substring) {
    var rest = piece
    while let mark = rest.firstIndex(of: "&") {
      text += rest[..<mark]
      guard let end = rest[mark...].firstIndex(of: ";"),
        let resolved = Self.entities[String(rest[rest.index(after: mark)..<end])]
      else {
        faults.append("a bare & in: \(rest.prefix(40))")
        return
      }
      text += resolved
      rest = rest[rest.index(after: end)...]
    }
    text += rest
  }

  private mutating func read(tag: Substring) {
    if tag.hasPrefix("/") {
      if open.last.map({ $0 == tag.dropFirst() }) == true {
        open.removeLast()
      } else {
        faults.append("</\(tag.dropFirst())> in \(open)")
      }
      return
    }
    let isClosed = tag.hasSuffix("/")
    var rest = (isClosed ? tag.dropLast() : tag)[...]
    let name = String(rest.prefix { $0 != " " && $0 != "\n" })
    rest = rest.dropFirst(name.count)
    guard !name.isEmpty, name.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber) }) else {
      faults.append("no tag: <\(tag.prefix(40))>")
      return
    }
    if Self.forbidden.contains(name.lowercased()) { faults.append("<\(name)> has no place here") }
    tags[name, default: 0] += 1
    var seen: Set<String> = []
    while true {
      rest = rest.drop { $0 == " " || $0 == "\n" }
      if rest.isEmpty { break }
      guard let equals = rest.firstIndex(of: "=") else {
        faults.append("an attribute without a value in <\(tag.prefix(60))>")
        break
      }
      let key = String(rest[..<equals])
      rest = rest[rest.index(after: equals)...]
      guard rest.first == "\"", let end = rest.dropFirst().firstIndex(of: "\"") else {
        faults.append("\(key) is not in quotes in <\(tag.prefix(60))>")
        break
      }
      read(key, String(rest[rest.index(after: rest.startIndex)..<end]), &seen)
      rest = rest[rest.index(after: end)...]
    }
    if !isClosed { open.append(name) }
  }

  private mutating func read(_ key: String, _ value: String, _ seen: inout Set<String>) {
    if !seen.insert(key).inserted { faults.append("\(key) twice") }
    if !key.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == ":") }) {
      faults.append("no attribute: \(key)")
    }
    if key.hasPrefix("on") || key == "src" || key == "style" { faults.append("\(key) has no place here") }
    if value.contains("<") || value.contains("javascript:") { faults.append("\(key)=\(value.prefix(40))") }
    if value.contains("NaN") || value.contains("inf") && key != "class" && key != "title" && key != "data-label" {
      faults.append("\(key)=\(value.prefix(40))")
    }
    switch key {
    case "id": ids.append(value)
    case "href":
      if value.hasPrefix("#") {
        references.append(String(value.dropFirst()))
      } else {
        faults.append("href=\(value.prefix(60))")
      }
    case "aria-labelledby": references += value.split(separator: " ").map(String.init)
    default: break
    }
  }
}
