import Foundation

/// A validator for the part of JSON Schema (2020-12) that the schemas of the specification use. A keyword that it does not
/// know is refused when the schema is read: nothing is passed over.
package final class JSONSchema: @unchecked Sendable {
  // Sendable because what it remembers is locked.

  package struct Unreadable: Error, CustomStringConvertible {
    package let description: String
  }

  private static let annotations: Set<String> = ["$schema", "title", "description", "default", "examples", "$comment"]
  private static let assertions: Set<String> = [
    "$ref", "$defs", "type", "enum", "const", "minimum", "maximum", "exclusiveMinimum", "pattern", "minLength",
    "maxLength", "properties", "patternProperties", "additionalProperties", "propertyNames", "required",
    "minProperties", "items", "prefixItems", "minItems", "maxItems", "uniqueItems", "anyOf", "allOf", "not",
  ]

  private let files: [String: JSONNode]
  private let lock = NSLock()
  private var patterns: [String: NSRegularExpression] = [:]

  /// Every schema of a folder, by its file's name.
  package init(folder: URL) throws {
    var files: [String: JSONNode] = [:]
    for name in try FileManager.default.contentsOfDirectory(atPath: folder.path) where name.hasSuffix(".json") {
      files[name] = try JSONNode(Data(contentsOf: folder.appending(path: name)))
    }
    self.files = files
    for (name, schema) in files { try check(schema, name) }
  }

  /// The schemas of `proto-spec`.
  package static let specification = Result {
    try JSONSchema(folder: Vectors.folder.deletingLastPathComponent().appending(path: "schemas"))
  }

  package var names: [String] { files.keys.sorted() }

  package subscript(_ file: String) -> JSONNode? { files[file] }

  /// What is wrong with a value, by a file's schema: the place and the keyword; nil when nothing is.
  package func fault(_ value: JSONNode, _ file: String) -> String? {
    guard let schema = files[file] else { return "there is no schema \(file)" }
    return fault(value, schema, file, "")
  }

  // MARK: - Reading

  private func check(_ schema: JSONNode, _ file: String) throws {
    guard case .object(let members) = schema else {
      if schema.boolean == nil { throw Unreadable(description: "\(file): a schema is an object, true or false") }
      return
    }
    for (keyword, value) in members {
      guard Self.annotations.contains(keyword) || Self.assertions.contains(keyword) else {
        throw Unreadable(description: "\(file): the keyword \(keyword) is not known")
      }
      switch keyword {
      case "$ref":
        guard resolve(value.text ?? "", file) != nil else {
          throw Unreadable(description: "\(file): nothing is at \(value)")
        }
      case "$defs", "properties", "patternProperties": for inner in value.members.values { try check(inner, file) }
      case "anyOf", "allOf", "prefixItems": for inner in value.items { try check(inner, file) }
      case "items", "additionalProperties", "propertyNames", "not": try check(value, file)
      default: break
      }
    }
  }

  /// `file#/pointer`, `#/pointer` or `file`.
  package func resolve(_ reference: String, _ file: String) -> (schema: JSONNode, file: String)? {
    let parts = reference.split(separator: "#", omittingEmptySubsequences: false)
    let name = parts.first.map { $0.isEmpty ? file : String($0) } ?? file
    guard var schema = files[name] else { return nil }
    for step in parts.dropFirst().first?.split(separator: "/") ?? [] {
      guard let next = schema[String(step)] else { return nil }
      schema = next
    }
    return (schema, name)
  }

  // MARK: - Judging

  private func fault(_ value: JSONNode, _ schema: JSONNode, _ file: String, _ at: String) -> String? {
    if let flag = schema.boolean { return flag ? nil : "\(at): nothing may stand here" }
    for (keyword, wanted) in schema.members {
      let fault =
        switch keyword {
        case "$ref": resolve(wanted.text ?? "", file).flatMap { self.fault(value, $0.schema, $0.file, at) }
        case "anyOf": anyOf(value, wanted.items, file, at)
        case "allOf": wanted.items.lazy.compactMap { self.fault(value, $0, file, at) }.first
        case "not": self.fault(value, wanted, file, at) == nil ? "\(at): not" : nil
        case "type": isOf(value, wanted) ? nil : "\(at): type \(wanted)"
        case "enum": wanted.items.contains(value) ? nil : "\(at): enum"
        case "const": wanted == value ? nil : "\(at): const"
        default: range(value, keyword, wanted, at) ?? inside(value, keyword, wanted, schema, file, at)
        }
      if let fault { return fault }
    }
    return nil
  }

  private func anyOf(_ value: JSONNode, _ schemas: [JSONNode], _ file: String, _ at: String) -> String? {
    var faults: [String] = []
    for schema in schemas {
      guard let fault = fault(value, schema, file, at) else { return nil }
      faults.append(fault)
    }
    return "\(at): none of [\(faults.joined(separator: "; "))]"
  }

  private func isOf(_ value: JSONNode, _ wanted: JSONNode) -> Bool {
    if case .list(let types) = wanted { return types.contains { isOf(value, $0) } }
    switch (value, wanted.text) {
    case (.null, "null"), (.boolean, "boolean"), (.text, "string"), (.list, "array"), (.object, "object"),
      (.number, "number"):
      return true
    case (.number(let number), "integer"): return number == number.rounded()
    default: return false
    }
  }

  private func range(_ value: JSONNode, _ keyword: String, _ wanted: JSONNode, _ at: String) -> String? {
    let bound = wanted.number ?? 0
    let holds =
      switch (keyword, value) {
      case ("minimum", .number(let number)): number >= bound
      case ("maximum", .number(let number)): number <= bound
      case ("exclusiveMinimum", .number(let number)): number > bound
      case ("minLength", .text(let text)): Double(text.unicodeScalars.count) >= bound
      case ("maxLength", .text(let text)): Double(text.unicodeScalars.count) <= bound
      case ("minItems", .list(let items)): Double(items.count) >= bound
      case ("maxItems", .list(let items)): Double(items.count) <= bound
      case ("minProperties", .object(let members)): Double(members.count) >= bound
      case ("uniqueItems", .list(let items)): !items.indices.contains { items[..<$0].contains(items[$0]) }
      case ("pattern", .text(let text)): matches(text, wanted.text ?? "")
      default: true
      }
    return holds ? nil : "\(at): \(keyword) \(wanted)"
  }

  /// Members and items.
  private func inside(
    _ value: JSONNode, _ keyword: String, _ wanted: JSONNode, _ schema: JSONNode, _ file: String, _ at: String
  ) -> String? {
    switch (keyword, value) {
    case ("required", .object(let members)):
      return wanted.items.first { members[$0.text ?? ""] == nil }.map { "\(at): \($0) is missing" }
    case ("properties", .object(let members)):
      return wanted.members.lazy.compactMap { name, inner in
        members[name].flatMap { self.fault($0, inner, file, "\(at)/\(name)") }
      }.first
    case ("patternProperties", .object(let members)):
      return members.lazy.compactMap { name, member in
        wanted.members.lazy.compactMap { pattern, inner in
          self.matches(name, pattern) ? self.fault(member, inner, file, "\(at)/\(name)") : nil
        }.first
      }.first
    case ("additionalProperties", .object(let members)):
      return members.lazy.filter { name, _ in !self.isNamed(name, schema) }
        .compactMap { self.fault($1, wanted, file, "\(at)/\($0)") }.first
    case ("propertyNames", .object(let members)):
      return members.keys.lazy.compactMap { self.fault(.text($0), wanted, file, "\(at) (name \($0))") }.first
    case ("prefixItems", .list(let items)):
      return zip(items, wanted.items).enumerated().lazy.compactMap { index, pair in
        self.fault(pair.0, pair.1, file, "\(at)/\(index)")
      }.first
    case ("items", .list(let items)):
      return items.enumerated().dropFirst(schema["prefixItems"]?.items.count ?? 0).lazy.compactMap { index, item in
        self.fault(item, wanted, file, "\(at)/\(index)")
      }.first
    default: return nil
    }
  }

  private func isNamed(_ name: String, _ schema: JSONNode) -> Bool {
    schema["properties"]?[name] != nil
      || (schema["patternProperties"]?.members.keys.contains { matches(name, $0) } ?? false)
  }

  private func matches(_ text: String, _ pattern: String) -> Bool {
    let expression = lock.withLock {
      if patterns[pattern] == nil { patterns[pattern] = try? NSRegularExpression(pattern: pattern) }
      return patterns[pattern]
    }
    return expression?.firstMatch(in: text, range: NSRange(text.startIndex..., in: text)) != nil
  }
}
