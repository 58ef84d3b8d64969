import RouseCore
import RousePolicy

/// A policy as its author wrote it: numbers change where they stand, each with a comment at the end of its line, and
/// every other byte stays.
package struct PolicyText: Sendable {
  package let bytes: [UInt8]
  package let policy: Policy
  let document: Document

  private struct Edit {
    let column: Int
    let old: String
    let new: String
    /// Whose number it is, where a line has several.
    let name: String
    let note: String
  }
  /// By line, from 1.
  private var edits: [Int: [Edit]] = [:]

  /// Begins the comments; one that is there already is replaced by the next fit's.
  static let mark = "# fit:"

  /// - Parameter bytes: YAML; a JSON policy has no places and no comments.
  package init(yaml bytes: [UInt8]) throws(PolicyDiagnostics) {
    document = try Document.parse(yaml: bytes)
    policy = Policy(try PolicyReader.read(document), bytes: bytes)
    self.bytes = bytes
  }

  /// Puts another number in a number's place.
  /// - Parameters:
  ///   - name: whose number it is, such as a bin's key.
  ///   - note: what stands in brackets after `old→new`.
  mutating func replace(_ node: Document.Node, _ new: String, name: String, note: String) {
    guard case .scalar(let scalar) = node.content, let line = node.mark.line, let column = node.mark.column else {
      return
    }
    edits[line, default: []].append(Edit(column: column, old: scalar.text, new: new, name: name, note: note))
  }

  /// The text with its changes.
  package var edited: [UInt8] {
    var out: [UInt8] = []
    out.reserveCapacity(bytes.count + 4096)
    for (index, line) in lines.enumerated() {
      var text = line.text
      if let start = Self.comment(in: text, mark: Array(Self.mark.unicodeScalars)) {
        text.removeSubrange(start...)
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
      }
      if let edits = edits[index + 1]?.sorted(by: { $0.column < $1.column }) {
        for edit in edits.reversed() {
          let start = edit.column - 1
          let old = Array(edit.old.unicodeScalars)
          guard start >= 0, start + old.count <= text.count, Array(text[start..<start + old.count]) == old else {
            continue
          }
          text.replaceSubrange(start..<start + old.count, with: Array(edit.new.unicodeScalars))
        }
        let notes = edits.map { edit in
          (edits.count > 1 ? "\(edit.name) " : "") + "\(edit.old)→\(edit.new) (\(edit.note))"
        }
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        text += Array("  \(Self.mark) \(notes.joined(separator: ", "))".unicodeScalars)
      }
      for scalar in text + line.end { out.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter) }
    }
    return out
  }

  /// Lines as YAML counts them, and how each ends.
  private var lines: [(text: [Unicode.Scalar], end: [Unicode.Scalar])] {
    var lines: [(text: [Unicode.Scalar], end: [Unicode.Scalar])] = []
    var text: [Unicode.Scalar] = []
    let scalars = Array(String(decoding: bytes, as: UTF8.self).unicodeScalars)
    var at = 0
    while at < scalars.count {
      let scalar = scalars[at]
      at += 1
      switch scalar.value {
      case 0x0A, 0x85, 0x2028, 0x2029: lines.append((text, [scalar]))
      case 0x0D:
        var end = [scalar]
        if at < scalars.count, scalars[at] == "\n" {
          end.append("\n")
          at += 1
        }
        lines.append((text, end))
      default:
        text.append(scalar)
        continue
      }
      text = []
    }
    if !text.isEmpty { lines.append((text, [])) }
    return lines
  }

  /// Where a mark stands within the comment of a line; quotes are looked into where a value may begin.
  private static func comment(in line: [Unicode.Scalar], mark: [Unicode.Scalar]) -> Int? {
    var quote: Unicode.Scalar?
    var mayBegin = true
    var at = 0
    while at < line.count {
      let scalar = line[at]
      if let open = quote {
        if scalar == "\\", open == "\"" { at += 1 } else if scalar == open { quote = nil }
      } else if scalar == "#", at == 0 || line[at - 1] == " " || line[at - 1] == "\t" {
        // Everything from here on is a comment.
        return (at...max(at, line.count - mark.count)).first {
          $0 + mark.count <= line.count && Array(line[$0..<$0 + mark.count]) == mark
        }
      } else if mayBegin, scalar == "\"" || scalar == "'" {
        quote = scalar
      }
      if scalar != " " { mayBegin = quote == nil && [":", ",", "[", "{", "-"].contains(scalar) }
      at += 1
    }
    return nil
  }
}
