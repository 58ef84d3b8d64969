import RousePolicy

/// The keys whose values differ between two texts of a configuration, dotted; none when one cannot be read.
func changedKeys(_ old: [UInt8], _ new: [UInt8]) -> [String] {
  guard let old = try? Document.parse(yaml: old), let new = try? Document.parse(yaml: new) else { return [] }
  let before = old.leaves
  let after = new.leaves
  return Set(before.keys).union(after.keys).filter { before[$0] != after[$0] }.sorted()
}

extension Document {
  /// Every scalar by its place.
  fileprivate var leaves: [String: String] {
    var leaves: [String: String] = [:]
    Self.collect(root, "", into: &leaves)
    return leaves
  }

  private static func collect(_ node: Node, _ path: String, into leaves: inout [String: String]) {
    switch node.content {
    case .scalar(let scalar): leaves[path] = scalar.quoted ? "'" + scalar.text : scalar.text
    case .map(let entries):
      for entry in entries { collect(entry.value, path.isEmpty ? entry.key : path + "." + entry.key, into: &leaves) }
    case .list(let items):
      for (index, item) in items.enumerated() { collect(item, "\(path).\(index)", into: &leaves) }
    }
  }
}
