import RouseCore

/// `PATH=JSON`: sets one value of a document before it is checked (model 13), and makes the maps that are missing.
package struct Override: Sendable {
  /// As it was given.
  package let path: String
  let value: Document.Node

  /// - Parameter text: a dotted path, `=`, and a JSON value, such as `plan.budget=12.5`.
  package init(parsing text: String) throws(PolicyDiagnostics) {
    guard let equals = text.utf8.firstIndex(of: UInt8(ascii: "=")) else {
      throw Self.refusal(.syntax, "", "\(text.shown) is not PATH=VALUE, such as plan.budget=12.5")
    }
    path = String(text[..<equals])
    if path.isEmpty || path.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).contains([]) {
      throw Self.refusal(.syntax, "", "\(path.shown) is no path; a path is keys joined by dots, such as plan.budget")
    }
    do throws(PolicyDiagnostics) {
      let json = Array(text.utf8[text.utf8.index(after: equals)...])
      value = try Document.parse(json: json).root.withoutPlaces
    } catch {
      let message = error.all.first?.message ?? "it cannot be read"
      throw Self.refusal(
        .syntax, "", "the value of \(path.shown) is not JSON (a text stands in double quotes): \(message)")
    }
  }

  static func refusal(_ kind: Diagnostic.Kind, _ path: String, _ message: String) -> PolicyDiagnostics {
    PolicyDiagnostics(Fault(kind, path: path, at: .override, message))
  }
}

extension Document {
  /// Sets one value; `type` when the path leads through something that is no map.
  package mutating func set(_ override: Override) throws(PolicyDiagnostics) {
    // A step is the longest run of the rest that is already a key (keys may hold dots), or else all before its first dot.
    var steps: [String] = []
    var rest = override.path.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
      .map { String($0) ?? "" }
    var node: Node? = root
    while !rest.isEmpty {
      var length = 1
      if case .map = node?.content {
        for count in stride(from: min(rest.count, Self.deepest), to: 1, by: -1)
        where node?[rest[..<count].joined(separator: ".")] != nil {
          length = count
          break
        }
      }
      let step = rest[..<length].joined(separator: ".")
      node = node?[step]
      steps.append(step)
      rest.removeFirst(length)
      if steps.count > Self.deepest {
        throw Override.refusal(.syntax, "", "\(override.path.shown) has more than \(Self.deepest) steps")
      }
    }
    try root.set(steps[...], override)
  }
}

extension Document.Node {
  fileprivate mutating func set(_ steps: ArraySlice<String>, _ override: Override) throws(PolicyDiagnostics) {
    guard let step = steps.first else {
      self = override.value
      return
    }
    var entries: [Document.Entry]
    switch content {
    case .map(let existing): entries = existing
    case .scalar(let scalar):
      guard case .null = scalar.reading else { throw Self.impassable(steps, override, "a single value") }
      entries = []
    case .list: throw Self.impassable(steps, override, "a list")
    }
    let index = entries.firstIndex { $0.key.isExactly(step) } ?? entries.count
    if index == entries.count {
      let nothing = Document.Scalar(text: "", quoted: false)
      let value = Document.Node(content: .scalar(nothing), mark: .override)
      entries.append(Document.Entry(key: step, keyMark: .override, value: value))
    }
    try entries[index].value.set(steps.dropFirst(), override)
    content = .map(entries)
  }

  private static func impassable(
    _ steps: ArraySlice<String>, _ override: Override, _ what: String
  ) -> PolicyDiagnostics {
    let rest = steps.joined(separator: ".")
    let path = String(override.path.utf8.dropLast(rest.utf8.count + 1)) ?? ""
    let name = path.isEmpty ? "the document" : path.shown
    return Override.refusal(.type, path, "\(override.path.shown) cannot be set: \(name) is \(what), not a map")
  }

  fileprivate var withoutPlaces: Document.Node {
    var node = self
    node.mark = .override
    switch content {
    case .scalar: break
    case .list(let items): node.content = .list(items.map(\.withoutPlaces))
    case .map(let entries):
      node.content = .map(
        entries.map { Document.Entry(key: $0.key, keyMark: .override, value: $0.value.withoutPlaces) })
    }
    return node
  }
}
