/// All conditions of a policy in one array of nodes, with texts as numbers: what is evaluated for each candidate.
package final class ConditionPool: @unchecked Sendable {
  // Sendable because nothing in it changes after init.

  /// A condition of the pool: the index of its root.
  package typealias Root = Int

  struct Node: BitwiseCopyable {
    var operation: Condition.Node.Operation
    var relation: Relation
    var negated: Bool
    var a: Int32
    var b: Int32
    var c: Int32
    /// A number's bits, or a text's number.
    var bits: UInt64
    /// A slot without which it cannot be TRUE, or not FALSE; -1: none.
    var trueNeeds: Int32 = -1
    var falseNeeds: Int32 = -1
  }

  /// The nodes as they are evaluated; valid while the pool lives.
  struct Nodes: BitwiseCopyable {
    let nodes: UnsafeMutablePointer<Node>
    /// Nodes, or bits of literals.
    let lists: UnsafeMutablePointer<UInt64>

    /// Whether the condition is TRUE of the row, the only value by which a condition holds.
    @inline(__always)
    func holds(_ root: Root, _ row: CandidateRow) -> Bool {
      let node = nodes + root
      let needs = Int(node.pointee.trueNeeds)
      if needs >= 0, row.states[needs] != FactState.present { return false }
      if node.pointee.operation == .flag { return row.bits[needs] != 0 }
      return look(row).holds(root)
    }

    /// The three-valued answer.
    func truth(_ root: Root, _ row: CandidateRow) -> Truth { look(row).truth(root) }

    @inline(__always)
    private func look(_ row: CandidateRow) -> Look {
      Look(nodes: nodes, lists: lists, bits: row.bits, states: row.states, row: .passUnretained(row))
    }
  }
  let nodes: Nodes

  struct Builder {
    fileprivate var nodes: ContiguousArray<Node> = []
    fileprivate var lists: ContiguousArray<UInt64> = []
    /// Whether some condition compares two fields' texts: then their numbers do not tell two unnamed ones apart.
    private(set) var comparesTexts = false

    mutating func add(_ condition: Condition, interning texts: inout TextTable.Builder) -> Root {
      let base = Int32(nodes.count)
      let listBase = Int32(lists.count)
      for item in condition.lists {
        switch item {
        case .node(let node): lists.append(UInt64(node + base))
        case .number(let value): lists.append(value.bitPattern)
        case .text(let value): lists.append(UInt64(texts.intern(value)))
        case .boolean(let value): lists.append(value ? 1 : 0)
        }
      }
      for source in condition.nodes {
        var node = Node(
          operation: source.operation, relation: source.relation, negated: source.negated, a: source.a, b: source.b,
          c: source.c, bits: source.number.bitPattern)
        switch source.operation {
        case .and, .or, .latest, .after:
          node.a += listBase
        case .inNumbers, .inTexts, .inTruths:
          node.a += base
          node.b += listBase
        case .not, .isNullNumber, .isNullTime, .isNullText, .isNullTruth, .daysSince:
          node.a += base
        case .compareNumber, .compareTime, .compareTruth:
          node.a += base
          node.b += base
        case .compareText:
          if condition.nodes[Int(node.a)].operation == .textSlot, condition.nodes[Int(node.b)].operation == .textSlot {
            comparesTexts = true
          }
          node.a += base
          node.b += base
        case .betweenNumber, .betweenTime:
          node.a += base
          node.b += base
          node.c += base
        case .text:
          node.bits = UInt64(texts.intern(source.literal))
        case .alwaysTrue, .alwaysFalse, .flag, .number, .numberSlot, .timeSlot, .textSlot:
          break
        }
        (node.trueNeeds, node.falseNeeds) = needs(of: node)
        nodes.append(node)
      }
      return nodes.count - 1
    }

    /// Slots without which a node is not TRUE, or not FALSE. Most candidates lack most fields: this tells at once.
    private func needs(of node: Node) -> (Int32, Int32) {
      /// The slot without which an operand has no value.
      func value(_ index: Int32) -> Int32 {
        let node = nodes[Int(index)]
        switch node.operation {
        case .flag, .numberSlot, .timeSlot, .textSlot: return node.a
        case .daysSince: return value(node.a)
        default: return -1
        }
      }
      func operands() -> [Node] { lists[Int(node.a)..<Int(node.a + node.c)].map { nodes[Int($0)] } }
      func any(_ needs: [Int32]) -> Int32 { needs.first { $0 >= 0 } ?? -1 }
      func all(_ needs: [Int32]) -> Int32 { Set(needs).count == 1 ? needs[0] : -1 }
      switch node.operation {
      case .flag: return (node.a, node.a)
      case .and: return (any(operands().map(\.trueNeeds)), all(operands().map(\.falseNeeds)))
      case .or: return (all(operands().map(\.trueNeeds)), any(operands().map(\.falseNeeds)))
      case .not: return (nodes[Int(node.a)].falseNeeds, nodes[Int(node.a)].trueNeeds)
      case .compareNumber, .compareTime, .compareText, .compareTruth:
        let needs = any([value(node.a), value(node.b)])
        return (needs, needs)
      case .betweenNumber, .betweenTime, .inNumbers, .inTexts, .inTruths: return (value(node.a), value(node.a))
      case .isNullNumber, .isNullTime, .isNullText, .isNullTruth:
        return node.negated ? (value(node.a), -1) : (-1, value(node.a))
      case .after: return (value(Int32(truncatingIfNeeded: lists[Int(node.a)])), -1)
      case .alwaysTrue, .alwaysFalse, .number, .numberSlot, .daysSince, .timeSlot, .latest, .text, .textSlot:
        return (-1, -1)
      }
    }
  }

  init(_ builder: Builder) {
    nodes = Nodes(nodes: plainMemory(builder.nodes), lists: plainMemory(builder.lists))
  }

  deinit {
    nodes.nodes.deallocate()
    nodes.lists.deallocate()
  }

  /// Whether the condition is TRUE of the row, the only value by which a condition holds.
  func holds(_ root: Root, _ row: CandidateRow) -> Bool { nodes.holds(root, row) }

  /// The three-valued answer.
  func truth(_ root: Root, _ row: CandidateRow) -> Truth { nodes.truth(root, row) }
}

/// One look at a row: all in plain memory.
private struct Look: BitwiseCopyable {
  typealias Node = ConditionPool.Node

  let nodes: UnsafeMutablePointer<Node>
  let lists: UnsafeMutablePointer<UInt64>
  let bits: UnsafeMutablePointer<UInt64>
  let states: UnsafeMutablePointer<UInt8>
  let row: Unmanaged<CandidateRow>

  private func now() -> Int64? { row._withUnsafeGuaranteedRef { $0.time($0.slotCount - 1) } }

  private func isPresent(_ slot: Int) -> Bool { states[slot] == FactState.present }

  /// Whether a condition is TRUE: what it needs is looked at first, in its parts as well.
  func holds(_ index: Int) -> Bool {
    let node = nodes + index
    let needs = Int(node.pointee.trueNeeds)
    if needs >= 0, !isPresent(needs) { return false }
    switch node.pointee.operation {
    case .flag: return bits[needs] != 0
    case .and:
      for at in Int(node.pointee.a)..<Int(node.pointee.a + node.pointee.c) where !holds(Int(lists[at])) { return false }
      return true
    case .or:
      for at in Int(node.pointee.a)..<Int(node.pointee.a + node.pointee.c) where holds(Int(lists[at])) { return true }
      return false
    case .isNullTime, .isNullNumber, .isNullText:
      // What needs a field, and has it, asked for nothing else.
      if needs >= 0 { return true }
    default: break
    }
    return truth(index) == .yes
  }

  /// The three-valued answer. The recursion is as deep as the text nests, at most 64 or so.
  func truth(_ index: Int) -> Truth {
    let node = nodes[index]
    switch node.operation {
    case .alwaysTrue: return .yes
    case .alwaysFalse: return .no
    case .flag:
      let slot = Int(node.a)
      return isPresent(slot) ? Truth(bits[slot] != 0) : .null
    case .and:
      var least = Truth.yes
      for at in Int(node.a)..<Int(node.a + node.c) {
        let value = truth(Int(lists[at]))
        if value == .no { return .no }
        if value == .null { least = .null }
      }
      return least
    case .or:
      var greatest = Truth.no
      for at in Int(node.a)..<Int(node.a + node.c) {
        let value = truth(Int(lists[at]))
        if value == .yes { return .yes }
        if value == .null { greatest = .null }
      }
      return greatest
    case .not: return truth(Int(node.a)).negated
    case .compareNumber:
      guard let a = number(Int(node.a)), let b = number(Int(node.b)) else { return .null }
      return Truth(compare(a, node.relation, b))
    case .compareTime:
      guard let a = time(Int(node.a)), let b = time(Int(node.b)) else { return .null }
      return Truth(compare(a, node.relation, b))
    case .compareText:
      guard let a = text(Int(node.a)), let b = text(Int(node.b)) else { return .null }
      let same =
        a == b
        && (a != TextTable.other
          || row._withUnsafeGuaranteedRef { $0.equalKeptTexts(Int(nodes[Int(node.a)].a), Int(nodes[Int(node.b)].a)) })
      return Truth(same == (node.relation == .equal))
    case .compareTruth:
      let a = truth(Int(node.a))
      let b = truth(Int(node.b))
      if a == .null || b == .null { return .null }
      return Truth((a == b) == (node.relation == .equal))
    case .betweenNumber:
      guard let value = number(Int(node.a)) else { return .null }
      return between(value, number(Int(node.b)), number(Int(node.c)), node.negated)
    case .betweenTime:
      guard let value = time(Int(node.a)) else { return .null }
      return between(value, time(Int(node.b)), time(Int(node.c)), node.negated)
    case .inNumbers:
      guard let value = number(Int(node.a)) else { return .null }
      for at in Int(node.b)..<Int(node.b + node.c) where Double(bitPattern: lists[at]) == value {
        return Truth(!node.negated)
      }
      return Truth(node.negated)
    case .inTexts:
      guard let value = text(Int(node.a)) else { return .null }
      return contains(node, value)
    case .inTruths:
      let value = truth(Int(node.a))
      if value == .null { return .null }
      return contains(node, value == .yes ? 1 : 0)
    case .isNullNumber: return Truth((number(Int(node.a)) == nil) != node.negated)
    case .isNullTime: return Truth((time(Int(node.a)) == nil) != node.negated)
    case .isNullText: return Truth((text(Int(node.a)) == nil) != node.negated)
    case .isNullTruth: return Truth((truth(Int(node.a)) == .null) != node.negated)
    case .after:
      guard let first = time(Int(lists[Int(node.a)])) else { return .no }
      for at in Int(node.a + 1)..<Int(node.a + node.c) {
        if let other = time(Int(lists[at])), other >= first { return .no }
      }
      return .yes
    case .number, .numberSlot, .daysSince, .timeSlot, .latest, .text, .textSlot:
      assertionFailure("the parser has typed every node")
      return .null
    }
  }

  private func contains(_ node: Node, _ value: UInt64) -> Truth {
    for at in Int(node.b)..<Int(node.b + node.c) where lists[at] == value { return Truth(!node.negated) }
    return Truth(node.negated)
  }

  /// `x >= low AND x <= high`: FALSE as soon as one half is.
  private func between<Value: Comparable>(_ value: Value, _ low: Value?, _ high: Value?, _ negated: Bool) -> Truth {
    let above = low.map { Truth(value >= $0) } ?? .null
    let below = high.map { Truth(value <= $0) } ?? .null
    let both: Truth = above == .no || below == .no ? .no : above == .null || below == .null ? .null : .yes
    return negated ? both.negated : both
  }

  @inline(__always)
  private func compare<Value: Comparable>(_ a: Value, _ relation: Relation, _ b: Value) -> Bool {
    switch relation {
    case .equal: a == b
    case .notEqual: a != b
    case .less: a < b
    case .atMost: a <= b
    case .greater: a > b
    case .atLeast: a >= b
    }
  }

  private func number(_ index: Int) -> Double? {
    let node = nodes[index]
    switch node.operation {
    case .number: return Double(bitPattern: node.bits)
    case .numberSlot: return isPresent(Int(node.a)) ? Double(bitPattern: bits[Int(node.a)]) : nil
    case .daysSince:
      guard let since = time(Int(node.a)), let now = now() else { return nil }
      return Double(floorDivide(now - since, Moment.day))
    default: return nil
    }
  }

  private func time(_ index: Int) -> Int64? {
    let node = nodes[index]
    switch node.operation {
    case .timeSlot: return isPresent(Int(node.a)) ? Int64(bitPattern: bits[Int(node.a)]) : nil
    case .latest:
      var latest: Int64?
      for at in Int(node.a)..<Int(node.a + node.c) {
        if let value = time(Int(lists[at])), value > latest ?? .min { latest = value }
      }
      return latest
    default: return nil
    }
  }

  private func text(_ index: Int) -> UInt64? {
    let node = nodes[index]
    switch node.operation {
    case .text: return node.bits
    case .textSlot: return isPresent(Int(node.a)) ? bits[Int(node.a)] : nil
    default: return nil
    }
  }
}
