import RousePolicy

/// A policy's text: what stands in it, and where.
package struct PlacedText: Sendable {
  package let document: Document
  private let lines: [Substring.UTF8View]

  /// - Parameter source: the bytes that the document was read from; their comments are asked for.
  package init(_ document: Document, source: [UInt8]) {
    self.document = document
    lines = String(decoding: source, as: UTF8.self).utf8
      .split(separator: 0x0A, omittingEmptySubsequences: false).map { Substring($0).utf8 }
  }

  /// Steps of a path, since a key may hold dots; list items by index from 0.
  typealias Path = [String]

  func node(_ path: Path) -> Document.Node? { entry(path)?.value }

  func has(_ path: Path) -> Bool { entry(path) != nil }

  /// What stands at a path, and its key's place where it has one.
  private func entry(_ path: Path) -> (key: Document.Mark?, value: Document.Node)? {
    var found: (key: Document.Mark?, value: Document.Node) = (nil, document.root)
    for step in path {
      switch found.value.content {
      case .map(let entries):
        guard let entry = entries.first(where: { $0.key.isExactly(step) }) else { return nil }
        found = (entry.keyMark, entry.value)
      case .list(let items):
        guard let index = Int(step), items.indices.contains(index) else { return nil }
        found = (nil, items[index])
      case .scalar: return nil
      }
    }
    return found
  }

  /// Where a finding stands: a single value where it begins, everything else at its key; what is not there at what
  /// would hold it.
  func mark(_ path: Path, atKey: Bool) -> Document.Mark {
    var path = path
    while true {
      if let entry = entry(path) {
        if !atKey, case .scalar = entry.value.content { return entry.value.mark }
        return entry.key ?? entry.value.mark
      }
      if path.isEmpty { return document.root.mark }
      path.removeLast()
    }
  }

  /// The keys of a map, in order.
  func keys(_ path: Path) -> [String] {
    guard case .map(let entries) = node(path)?.content else { return [] }
    return entries.map(\.key)
  }

  /// The comment of the line at which a value stands, when it says that the field is carried along on purpose.
  func isCarried(_ path: Path) -> Bool {
    guard let line = mark(path, atKey: false).line, lines.indices.contains(line - 1) else { return false }
    let text = String(lines[line - 1]) ?? ""
    guard let hash = text.firstIndex(of: "#") else { return false }
    return text[hash...].contains("carried")
  }
}
