import RousePolicy

/// What differs between two policies, whatever their comments and layout: values by their dotted path.
package struct PolicyChanges: Sendable, Equatable {
  package enum Kind: String, Sendable {
    case changed, added, removed
    /// The same keys in another order, where the order counts.
    case reordered
  }

  package struct Change: Sendable, Equatable {
    package let kind: Kind
    /// Dotted, as in diagnostics; an item of a list by its place from 0.
    package let path: String
    /// As YAML on one line; nil of what was added.
    package let old: String?
    /// nil of what was removed.
    package let new: String?
  }

  /// In the new policy's order; what was removed stands where its neighbours stand.
  package let all: [Change]

  /// - Parameters:
  ///   - old, new: as they stand in their files, whatever rules they break.
  package init(old: Document, new: Document) {
    var all: [Change] = []
    Self.compare(old.root, new.root, "", &all)
    self.all = all
  }

  /// Where the first that fits wins, or the order is the ladder, or tells in which order reasons show.
  private static let ordered: Set<String> = [
    "stages", "channels", "suppress", "knockout", "risk.card", "response.card", "response.steps", "tiers",
  ]

  private static func compare(_ old: Document.Node, _ new: Document.Node, _ path: String, _ all: inout [Change]) {
    switch (old.content, new.content) {
    case (.map(let before), .map(let after)): compare(old, before, new, after, path, &all)
    case (.list(let before), .list(let after)): compare(before, after, path, &all)
    case (.scalar(let before), .scalar(let after)) where isSame(before, after): return
    default: all.append(Change(kind: .changed, path: path, old: text(old), new: text(new)))
    }
  }

  private static func compare(
    _ old: Document.Node, _ before: [Document.Entry], _ new: Document.Node, _ after: [Document.Entry], _ path: String,
    _ all: inout [Change]
  ) {
    for entry in before where new[entry.key] == nil {
      all.append(Change(kind: .removed, path: join(path, entry.key), old: text(entry.value), new: nil))
    }
    for entry in after {
      if let former = old[entry.key] {
        compare(former, entry.value, join(path, entry.key), &all)
      } else {
        all.append(Change(kind: .added, path: join(path, entry.key), old: nil, new: text(entry.value)))
      }
    }
    guard ordered.contains(path) else { return }
    let stayed = before.map(\.key).filter { new[$0] != nil }
    let stays = after.map(\.key).filter { old[$0] != nil }
    if !zip(stayed, stays).allSatisfy({ $0.isExactly($1) }) {
      all.append(
        Change(
          kind: .reordered, path: path, old: stayed.joined(separator: ", "), new: stays.joined(separator: ", ")))
    }
  }

  /// Lists of names lose and gain items; others are compared place by place.
  private static func compare(
    _ before: [Document.Node], _ after: [Document.Node], _ path: String, _ all: inout [Change]
  ) {
    guard let former = scalars(before), let latter = scalars(after) else {
      for index in 0..<min(before.count, after.count) {
        compare(before[index], after[index], join(path, "\(index)"), &all)
      }
      for index in after.count..<max(after.count, before.count) {
        all.append(Change(kind: .removed, path: join(path, "\(index)"), old: text(before[index]), new: nil))
      }
      for index in before.count..<max(after.count, before.count) {
        all.append(Change(kind: .added, path: join(path, "\(index)"), old: nil, new: text(after[index])))
      }
      return
    }
    let lost = former.filter { item in !latter.contains { isSame(item, $0) } }
    let gained = latter.filter { item in !former.contains { isSame(item, $0) } }
    for item in lost { all.append(Change(kind: .removed, path: path, old: text(item), new: nil)) }
    for item in gained { all.append(Change(kind: .added, path: path, old: nil, new: text(item))) }
    if lost.isEmpty, gained.isEmpty,
      former.count != latter.count || !zip(former, latter).allSatisfy({ isSame($0, $1) })
    {
      let (old, new) = (former.map(text).joined(separator: ", "), latter.map(text).joined(separator: ", "))
      all.append(Change(kind: .reordered, path: path, old: old, new: new))
    }
  }

  private static func scalars(_ nodes: [Document.Node]) -> [Document.Scalar]? {
    var scalars: [Document.Scalar] = []
    for node in nodes {
      guard case .scalar(let scalar) = node.content else { return nil }
      scalars.append(scalar)
    }
    return scalars
  }

  /// The same value, however it is spelled: 0.10 is 0.1, and 5.0 is no whole number.
  private static func isSame(_ old: Document.Scalar, _ new: Document.Scalar) -> Bool {
    switch (old.reading, new.reading) {
    case (.null, .null): true
    case (.boolean(let old), .boolean(let new)): old == new
    case (.whole(let old), .whole(let new)): old == new
    case (.number(let old), .number(let new)): old == new
    case (.text(let old), .text(let new)): old.isExactly(new)
    default: false
    }
  }

  private static func join(_ path: String, _ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }

  private static func text(_ node: Document.Node) -> String {
    switch node.content {
    case .scalar(let scalar): text(scalar)
    case .list(let items): "[" + items.map(text).joined(separator: ", ") + "]"
    case .map(let entries): "{" + entries.map { "\($0.key): \(text($0.value))" }.joined(separator: ", ") + "}"
    }
  }

  private static func text(_ scalar: Document.Scalar) -> String {
    scalar.text.isEmpty && !scalar.quoted ? "null" : scalar.text
  }
}
