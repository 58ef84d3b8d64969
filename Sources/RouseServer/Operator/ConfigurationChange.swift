import RousePolicy

extension Configuration {
  /// Which keys differ between two texts of `server.yaml`: their names, dotted, in order, and never their values. A map
  /// that is there in one only is named by itself. Empty when either text cannot be read.
  package static func changedKeys(from old: [UInt8], to new: [UInt8]) -> [String] {
    guard let old = try? Document.parse(yaml: old), let new = try? Document.parse(yaml: new) else { return [] }
    return changes(old.root, new.root, at: "")
  }

  private static func changes(_ old: Document.Node, _ new: Document.Node, at path: String) -> [String] {
    guard case .map(let before) = old.content, case .map(let after) = new.content else {
      return isSame(old, new) ? [] : [path]
    }
    func name(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }
    let changed = after.flatMap { entry in
      old[entry.key].map { changes($0, entry.value, at: name(entry.key)) } ?? [name(entry.key)]
    }
    return changed + before.filter { new[$0.key] == nil }.map { name($0.key) }
  }

  private static func isSame(_ old: Document.Node, _ new: Document.Node) -> Bool {
    switch (old.content, new.content) {
    case (.scalar(let old), .scalar(let new)): old.text.isExactly(new.text)
    case (.list(let old), .list(let new)): old.count == new.count && zip(old, new).allSatisfy(isSame)
    case (.map(let before), .map(let after)):
      before.count == after.count
        && after.allSatisfy { entry in old[entry.key].map { isSame($0, entry.value) } ?? false }
    default: false
    }
  }
}
