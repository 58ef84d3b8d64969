import RousePolicy
import RouseWire

/// One thing of a policy that loads, and yet cannot be meant: what, where, and the remedy.
package struct LintFinding: Sendable, Equatable {
  package let code: LintCode
  /// Keys joined by dots, list items by index from 0.
  package let path: String
  /// From 1; nil in a JSON file, and for what an override set.
  package let line: Int?
  /// From 1, in characters.
  package let column: Int?
  package let message: String

  package var remedy: String { code.remedy }

  /// `FILE:LINE:COLUMN: code: path: message; remedy`, on one line whatever the path holds.
  package func line(file: String) -> String {
    var parts = [file]
    if let line, let column { parts[0] += ":\(line):\(column)" }
    parts.append(code.rawValue)
    if !path.isEmpty { parts.append(Self.harmless(path)) }
    parts.append("\(Self.harmless(message)); \(remedy)")
    return parts.joined(separator: ": ")
  }

  /// `{"code","path","line","column","message","remedy"}`; line and column only where there are some.
  package var json: String {
    var members = ["\"code\":" + JSONText.quoted(code.rawValue), "\"path\":" + JSONText.quoted(path)]
    if let line, let column { members += ["\"line\":\(line)", "\"column\":\(column)"] }
    members += ["\"message\":" + JSONText.quoted(message), "\"remedy\":" + JSONText.quoted(remedy)]
    return "{" + members.joined(separator: ",") + "}"
  }

  private static func harmless(_ text: String) -> String {
    var shown = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      shown.append(scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value) ? "\u{FFFD}" : scalar)
    }
    return String(shown)
  }
}
