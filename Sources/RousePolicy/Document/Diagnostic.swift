/// One thing that is wrong with a policy (model 1.6), or with another file of the same form.
package struct Diagnostic: Sendable, Equatable {
  package enum Kind: String, Sendable, CaseIterable {
    case syntax
    case duplicate
    case unknownKey = "unknown_key"
    case missingKey = "missing_key"
    case type
    case range
    case value
    case reference
    case window
    case unknownField = "unknown_field"
    case unknownFunction = "unknown_function"
    case conditionSyntax = "condition_syntax"
    case conditionType = "condition_type"
    case forbidden
    case proxy
    case monotone
  }
  package let kind: Kind
  /// Keys joined by dots, list items by index from 0; empty for a syntax error and for the whole document.
  package let path: String
  /// From 1; nil in a JSON file, and for what an override set.
  package let line: Int?
  /// From 1, in characters.
  package let column: Int?
  package let message: String

  package init(kind: Kind, path: String, line: Int?, column: Int?, message: String) {
    self.kind = kind
    self.path = path
    self.line = line
    self.column = column
    self.message = message
  }

  /// `FILE:LINE:COLUMN: kind: path: message`, on one line whatever the path holds.
  package func line(file: String) -> String {
    var parts = [file]
    if let line, let column { parts[0] += ":\(line):\(column)" }
    parts.append(kind.rawValue)
    if !path.isEmpty {
      var shown = String.UnicodeScalarView()
      for scalar in path.unicodeScalars {
        shown.append(scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value) ? "\u{FFFD}" : scalar)
      }
      parts.append(String(shown))
    }
    parts.append(message)
    return parts.joined(separator: ": ")
  }
}

/// Everything that is wrong with a file, by line and column; never empty.
package struct PolicyDiagnostics: Error, Equatable {
  package let all: [Diagnostic]

  init(all: [Diagnostic]) { self.all = all }

  /// One line for each, as `Diagnostic.line(file:)` writes it.
  package func lines(file: String) -> [String] { all.map { $0.line(file: file) } }

  init(_ fault: Fault) {
    all = [
      Diagnostic(
        kind: fault.kind, path: fault.path, line: fault.mark.line, column: fault.mark.column, message: fault.message)
    ]
  }
}

/// A fault that ends the reading at once: it is reported alone.
struct Fault: Error {
  var kind = Diagnostic.Kind.syntax
  var path = ""
  let mark: Document.Mark
  let message: String

  init(_ message: String, at mark: Document.Mark) {
    self.mark = mark
    self.message = message
  }

  init(_ kind: Diagnostic.Kind, path: String, at mark: Document.Mark, _ message: String) {
    self.kind = kind
    self.path = path
    self.mark = mark
    self.message = message
  }
}
