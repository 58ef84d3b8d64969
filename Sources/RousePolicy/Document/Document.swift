import RouseCore

/// A configuration file as its text says it, in the small part of YAML (or in JSON) that model 1.1 allows: maps that
/// keep their order, lists, and scalars, each with its place.
package struct Document: Sendable {
  /// How a file is written.
  package enum Format: Sendable {
    case yaml, json

    /// JSON for a name that ends in `.json`, YAML for any other.
    package init(fileName: String) {
      self = fileName.asciiLowercased.hasSuffix(".json") ? .json : .yaml
    }
  }

  /// A value and its place.
  package struct Node: Sendable {
    package var content: Content
    /// Of its first character: of a block map its first key, of a quoted scalar the quote.
    package var mark: Mark

    package init(content: Content, mark: Mark) {
      self.content = content
      self.mark = mark
    }
  }

  /// What a value is made of.
  package enum Content: Sendable {
    case scalar(Scalar)
    case map([Entry])
    case list([Node])
  }

  /// A key of a map and its value.
  package struct Entry: Sendable {
    /// Always a text, whatever it looks like; unlike every other key of its map, by code points.
    package var key: String
    package var keyMark: Mark
    package var value: Node
  }

  /// Greater than any file that a person would write, and little enough to hold in memory many times over.
  package static let mostBytes = 4 << 20
  /// Maps and lists inside one another.
  package static let deepest = 64

  package var root: Node

  /// The document, or the one fault for which it cannot be read: `syntax` or `duplicate`.
  package static func parse(_ bytes: [UInt8], format: Format) throws(PolicyDiagnostics) -> Document {
    switch format {
    case .yaml: try parse(yaml: bytes)
    case .json: try parse(json: bytes)
    }
  }

  /// Places are lines and columns.
  package static func parse(yaml bytes: [UInt8]) throws(PolicyDiagnostics) -> Document {
    do throws(Fault) {
      return Document(root: try YAMLComposer.compose(try SourceText(bytes, format: .yaml)))
    } catch {
      throw PolicyDiagnostics(error)
    }
  }

  /// Diagnostics have no places.
  package static func parse(json bytes: [UInt8]) throws(PolicyDiagnostics) -> Document {
    do throws(Fault) {
      return Document(root: try JSONReader.read(try SourceText(bytes, format: .json).bytes))
    } catch {
      throw PolicyDiagnostics(error)
    }
  }

  /// Opens the document as a map with fixed keys; what is wrong goes to `report`.
  package func settings(needed: [String], optional: [String] = [], report: Report) -> Settings? {
    setting(report).settings(needed: needed, optional: optional)
  }

  /// Opens the document as a map whose keys are the writer's own, in order.
  package func members(report: Report) -> [Setting]? { setting(report).members() }

  private func setting(_ report: Report) -> Setting {
    Setting(key: "", path: "", node: root, keyMark: root.mark, report: report)
  }
}

extension Document.Node {
  /// The value under a key, compared by code points.
  package subscript(key: String) -> Document.Node? {
    guard case .map(let entries) = content else { return nil }
    return entries.first { $0.key.isExactly(key) }?.value
  }
}

extension String {
  /// Equal code points: `==` would take `é` and `e` + accent for the same.
  package func isExactly(_ other: String) -> Bool { utf8.elementsEqual(other.utf8) }

  /// For a message: in quotes, on one line, and not too long.
  package var shown: String {
    var text = ""
    for (count, scalar) in unicodeScalars.enumerated() {
      if count == 60 {
        text += "…"
        break
      }
      text.unicodeScalars.append(scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value) ? "\u{FFFD}" : scalar)
    }
    return "'\(text)'"
  }
}
