/// A condition as a tree, for who reasons about it instead of evaluating it: what it may become, and for which facts.
package indirect enum ConditionTree: Sendable, Equatable {
  case constant(Bool)
  /// The flag's own value.
  case flag(slot: Int)
  case and([ConditionTree])
  case or([ConditionTree])
  case not(ConditionTree)
  /// Two of one type, none of them a boolean.
  case compare(Relation, Operand, Operand)
  case compareTruth(Relation, ConditionTree, ConditionTree)
  case between(Operand, low: Operand, high: Operand, negated: Bool)
  case inList(Operand, [Operand], negated: Bool)
  case inTruths(ConditionTree, [Bool], negated: Bool)
  case isNull(Operand, negated: Bool)
  case isNullTruth(ConditionTree, negated: Bool)
  /// The first is later than all others that are present.
  case after([Operand])

  /// What stands in a comparison.
  package indirect enum Operand: Sendable, Equatable {
    case number(Double)
    case text(String)
    case slot(Int)
    case daysSince(Operand)
    case latest([Operand])
  }

  /// The tree of a condition that has been checked.
  package init(_ condition: Condition) {
    self = condition.nodes.isEmpty ? .constant(false) : Self.tree(condition, condition.nodes.count - 1)
  }

  // Nothing nests deeper than the parser lets it.
  private static func tree(_ condition: Condition, _ index: Int) -> ConditionTree {
    let node = condition.nodes[index]
    func truth(_ index: Int32) -> ConditionTree { tree(condition, Int(index)) }
    func operand(_ index: Int32) -> Operand { Self.operand(condition, Int(index)) }
    var items: ArraySlice<Condition.Item> { condition.lists[Int(node.b)..<Int(node.b) + Int(node.c)] }
    switch node.operation {
    case .alwaysTrue: return .constant(true)
    case .alwaysFalse: return .constant(false)
    case .flag: return .flag(slot: Int(node.a))
    case .and: return .and(nodes(condition, node).map { tree(condition, $0) })
    case .or: return .or(nodes(condition, node).map { tree(condition, $0) })
    case .not: return .not(truth(node.a))
    case .compareNumber, .compareTime, .compareText: return .compare(node.relation, operand(node.a), operand(node.b))
    case .compareTruth: return .compareTruth(node.relation, truth(node.a), truth(node.b))
    case .betweenNumber, .betweenTime:
      return .between(operand(node.a), low: operand(node.b), high: operand(node.c), negated: node.negated)
    case .inNumbers, .inTexts:
      let literals = items.compactMap { item -> Operand? in
        switch item {
        case .number(let number): .number(number)
        case .text(let text): .text(text)
        case .node, .boolean: nil
        }
      }
      return .inList(operand(node.a), literals, negated: node.negated)
    case .inTruths:
      let literals = items.compactMap { item -> Bool? in if case .boolean(let flag) = item { flag } else { nil } }
      return .inTruths(truth(node.a), literals, negated: node.negated)
    case .isNullNumber, .isNullTime, .isNullText: return .isNull(operand(node.a), negated: node.negated)
    case .isNullTruth: return .isNullTruth(truth(node.a), negated: node.negated)
    case .after: return .after(nodes(condition, node).map { Self.operand(condition, $0) })
    case .number, .numberSlot, .daysSince, .timeSlot, .latest, .text, .textSlot:
      return .constant(false)
    }
  }

  private static func operand(_ condition: Condition, _ index: Int) -> Operand {
    let node = condition.nodes[index]
    switch node.operation {
    case .number: return .number(node.number)
    case .text: return .text(node.literal)
    case .daysSince: return .daysSince(operand(condition, Int(node.a)))
    case .latest: return .latest(nodes(condition, node).map { operand(condition, $0) })
    default: return .slot(Int(node.a))
    }
  }

  /// The nodes that AND, OR, latest and after join.
  private static func nodes(_ condition: Condition, _ node: Condition.Node) -> [Int] {
    condition.lists[Int(node.a)..<Int(node.a) + Int(node.c)].compactMap { item in
      if case .node(let index) = item { Int(index) } else { nil }
    }
  }
}
