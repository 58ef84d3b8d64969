import Glibc

/// A LightGBM text model of a yes or no: trees over numbers. A policy takes it as one characteristic, the score in points,
/// which rises with it and is capped.
package struct LightGBMModel: Sendable {
  private struct Tree: Sendable {
    var features: [Int] = []
    var thresholds: [Double] = []
    var decisions: [Int] = []
    var left: [Int] = []
    var right: [Int] = []
    var leaves: [Double] = []
    var counts: [Double] = []
  }

  package let features: [String]
  private var trees: [Tree] = []
  private var sigmoid = 1.0
  /// Mean of the margins, by the rows in the leaves: 0 points.
  private var mean = 0.0

  package init(_ bytes: [UInt8]) throws(ReviewError) {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw ReviewError(.invalid, "the file is no UTF-8 text")
    }
    var names: [String] = []
    var tree: [String: Substring]?
    var found: [Tree] = []
    var head: [String: Substring] = [:]
    var number = 0
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      number += 1
      let line = line.last == "\r" ? line.dropLast() : line
      if line == "end of trees" { break }
      guard let equals = line.firstIndex(of: "=") else { continue }
      let (key, value) = (String(line[..<equals]), line[line.index(after: equals)...])
      if key == "Tree" {
        guard !names.isEmpty else { break }
        if let tree { found.append(try Self.tree(tree, names.count, number)) }
        tree = [:]
      } else if tree != nil {
        tree?[key] = value
      } else {
        head[key] = value
        if key == "feature_names" { names = value.split(separator: " ").map(String.init) }
      }
    }
    if let tree { found.append(try Self.tree(tree, names.count, number)) }
    guard !names.isEmpty, !found.isEmpty else {
      throw ReviewError(.invalid, "the file is no LightGBM text model: it has no feature_names or no trees")
    }
    let objective = head["objective"].map(String.init) ?? ""
    guard objective.hasPrefix("binary"), (head["num_class"] ?? "1") == "1", head["average_output"] == nil else {
      throw ReviewError(
        .invalid, "the model's objective is '\(FieldNames.shown(objective))'; only binary becomes points")
    }
    for part in objective.split(separator: " ") where part.hasPrefix("sigmoid:") {
      guard let value = Double(part.dropFirst(8)), value > 0, value.isFinite else {
        throw ReviewError(.invalid, "the model's sigmoid is no number above 0")
      }
      sigmoid = value
    }
    features = names
    trees = found
    mean = found.reduce(0.0) { sum, tree in
      let rows = tree.counts.reduce(0, +)
      guard tree.counts.count == tree.leaves.count, rows > 0 else {
        return sum + tree.leaves.reduce(0, +) / Double(tree.leaves.count)
      }
      return sum + zip(tree.leaves, tree.counts).reduce(0) { $0 + $1.0 * $1.1 } / rows
    }
  }

  private static func tree(_ members: [String: Substring], _ features: Int, _ line: Int) throws(ReviewError) -> Tree {
    func fault(_ message: String) -> ReviewError { ReviewError(.invalid, "the tree before line \(line) \(message)") }
    func numbers(_ key: String) throws(ReviewError) -> [Double] {
      var list: [Double] = []
      for part in (members[key] ?? "").split(separator: " ") {
        guard let value = Double(part), !value.isNaN else { throw fault("has '\(part.prefix(20))' among \(key)") }
        list.append(value)
      }
      return list
    }
    func wholes(_ key: String) throws(ReviewError) -> [Int] {
      var list: [Int] = []
      for value in try numbers(key) {
        guard let whole = Int(exactly: value) else { throw fault("has a fraction among \(key)") }
        list.append(whole)
      }
      return list
    }
    if (members["is_linear"] ?? "0") != "0" { throw fault("is linear in its leaves, which is not read") }
    var tree = Tree()
    tree.leaves = try numbers("leaf_value")
    tree.counts = try numbers("leaf_count")
    guard !tree.leaves.isEmpty, tree.leaves.allSatisfy(\.isFinite) else { throw fault("has no leaves") }
    tree.features = try wholes("split_feature")
    tree.thresholds = try numbers("threshold")
    tree.decisions = try wholes("decision_type")
    tree.left = try wholes("left_child")
    tree.right = try wholes("right_child")
    let count = tree.leaves.count - 1
    guard
      [tree.features.count, tree.thresholds.count, tree.decisions.count, tree.left.count, tree.right.count]
        .allSatisfy({ $0 == count })
    else { throw fault("does not fit together") }
    for at in 0..<count {
      guard (0..<features).contains(tree.features[at]) else { throw fault("splits by a feature that is not there") }
      if tree.decisions[at] & 1 == 1 { throw fault("splits by a category; train with numbers alone") }
      for child in [tree.left[at], tree.right[at]] {
        // A child stands after its parent, so that every way down ends.
        guard child < 0 ? ~child <= count : child > at && child < count else { throw fault("leads nowhere") }
      }
    }
    return tree
  }

  /// Points over the average: +20 double the odds.
  /// - Parameter values: by feature; NaN: missing.
  package func points(_ values: [Double]) -> Double {
    let margin = trees.reduce(0.0) { $0 + Self.leaf($1, values) } - mean
    return margin * sigmoid / LogisticProblem.unit
  }

  private static func leaf(_ tree: Tree, _ values: [Double]) -> Double {
    guard !tree.left.isEmpty else { return tree.leaves[0] }
    var at = 0
    while at >= 0 {
      let decision = tree.decisions[at]
      let missing = decision >> 2 & 3
      var value = values[tree.features[at]]
      if value.isNaN, missing != 2 { value = 0 }
      let isDefault = missing == 1 && abs(value) <= 1e-35 || missing == 2 && value.isNaN
      let goesLeft = isDefault ? decision & 2 != 0 : value <= tree.thresholds[at]
      at = goesLeft ? tree.left[at] : tree.right[at]
    }
    return tree.leaves[~at]
  }

  /// A row for a card over a number field that holds the points: it rises with them, and never beyond the cap.
  package static func row(_ name: String, cap: Int, step: Int) -> String {
    var out =
      "\(name):  # points of the model; guardrails: max_points: {\(name): \(cap)}, monotone: {\(name): up}\n  at_least:\n"
    var points = -cap
    var bound: Int? = nil
    while points <= cap {
      // A bin reaches halfway to its neighbours.
      out += "    \(bound.map { "\($0)" } ?? "-999999999"): \(points)\n"
      let next = min(points + step, cap)
      if next == points { break }
      bound = Int((Double(points + next) / 2).rounded(.up))
      points = next
    }
    return out + "  missing: 0\n"
  }
}
