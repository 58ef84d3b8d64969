import RouseCore

/// Names by their dotted parts: tells when one name is a field inside another, in time linear in the text.
private struct NameTree {
  private struct Edge: Hashable {
    let parent: Int
    let part: String
  }
  enum Finding: Equatable {
    case new, given, prefix
  }
  private var children: [Edge: Int] = [:]
  private var isName = [false]
  private var hasChildren = [false]

  mutating func insert(_ name: String) -> Finding {
    var at = 0
    var finding = Finding.new
    for part in name.split(separator: ".") {
      if isName[at] { finding = .prefix }
      let edge = Edge(parent: at, part: String(part))
      if let child = children[edge] {
        at = child
      } else {
        hasChildren[at] = true
        isName.append(false)
        hasChildren.append(false)
        children[edge] = isName.count - 1
        at = isName.count - 1
      }
    }
    if isName[at] { return .given }
    isName[at] = true
    return hasChildren[at] ? .prefix : finding
  }
}

extension PolicyReader {
  /// `fields` (model 2.2), and whether names that it does not hold are really unknown.
  mutating func readFields(_ setting: Setting?) {
    guard let setting, setting.settings(needed: [], optional: FieldKind.allCases.map(\.key)) != nil else {
      names.fieldsAreIncomplete = true
      return
    }
    var declared: [Field] = []
    var tree = NameTree()
    // In the order of the file, so that the later of two names is the one at fault.
    for list in setting.members() ?? [] {
      guard let kind = FieldKind.allCases.first(where: { list.key.isExactly($0.key) }), let items = list.items() else {
        names.fieldsAreIncomplete = true
        continue
      }
      for item in items {
        guard let name = item.text(), isUsable(name, item) else { continue }
        if let word = names.forbiddenWord(in: name) {
          item.refuse(.forbidden, "guardrails.forbidden names '\(word)', so no field \(name.shown) may be declared")
        }
        switch tree.insert(name) {
        case .given:
          item.refuse(.duplicate, "the field \(name.shown) is declared twice; remove one of them")
          continue
        case .prefix:
          item.refuse(
            .value, "one field cannot lie inside another: \(name.shown) and a field before it share a dotted beginning")
        case .new: break
        }
        declared.append(Field(name: name, kind: kind))
      }
    }
    names.fields = FieldTable(declared: declared)
  }

  private func isUsable(_ name: String, _ item: Setting) -> Bool {
    if !FieldName.isWellFormed(name) {
      item.refuse(.value, "\(name.shown) is no field name: letters, digits and _, not a digit first, joined by dots")
    } else if FieldName.isKeyword(name) {
      item.refuse(.value, "\(name.shown) is a word of conditions; a field needs another name")
    } else if name == "now" || name == "user_id" || name == "contacts"
      || DerivedField.allCases.contains(where: { $0.name == name })
    {
      item.refuse(.value, "\(name.shown) has a meaning of its own; a field needs another name")
    } else {
      return true
    }
    return false
  }
}

/// The form of a field's name (model 1.3).
enum FieldName {
  static func isWellFormed(_ name: String) -> Bool {
    name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { part in
      guard let first = part.first, !(0x30...0x39).contains(first) else { return false }
      return part.allSatisfy { byte in
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x5F, 0x61...0x7A: true
        default: false
        }
      }
    }
  }

  static func isKeyword(_ name: String) -> Bool {
    ["AND", "OR", "NOT", "IN", "BETWEEN", "IS", "NULL", "TRUE", "FALSE"].contains(name.asciiUppercased)
  }
}
