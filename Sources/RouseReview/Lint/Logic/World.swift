import RouseCore
import RousePolicy

/// What is known of some candidate while one is looked for, and what follows from it.
struct World {
  /// What a policy says of its fields, looked up once: a search asks for it at every step.
  final class Ground: Sendable {
    let policy: PolicyDefinition
    /// By slot.
    let derived: [DerivedField?]
    let sources: [Int?]
    let dormantDays: Int
    let contacts30d: Int
    let lastContactDays: Int
    let region: Int?

    init(_ policy: PolicyDefinition) {
      self.policy = policy
      let fields = policy.fields
      derived = (0..<fields.slotCount).map { fields.derived(atSlot: $0) }
      sources = (0..<fields.slotCount).map { World.source(of: $0, policy) }
      dormantDays = fields.slot(.dormantDays)
      contacts30d = fields.slot(.contacts30d)
      lastContactDays = fields.slot(.lastContactDays)
      region = World.regionSlot(policy)
    }
  }
  let ground: Ground
  private var facts: [Fact?]

  init(_ ground: Ground) {
    self.ground = ground
    facts = [Fact?](repeating: nil, count: ground.derived.count)
    facts[ground.policy.fields.nowSlot] = .time(0)
  }

  /// - Parameter fact: nil: not decided yet.
  mutating func set(_ slot: Int, _ fact: Fact?) { facts[slot] = fact }

  /// nil while it is open. What derives from other fields is worked out from them.
  subscript(slot: Int) -> Fact? {
    switch ground.derived[slot] {
    case nil: return facts[slot]
    case .tier:
      switch facts[ground.dormantDays] {
      case .number(let days): return .text(ground.policy.tiers.first { days <= Double($0.days) }?.name ?? "all")
      case .null: return .null
      default: return nil
      }
    case .regionGroup:
      return region { region in
        .text(ground.policy.regions.groups.first { $0.regions.contains { $0.isExactly(region) } }?.name ?? "unknown")
      }
    case .regionServed:
      return region { region in .truth(!ground.policy.regions.notServed.contains { $0.isExactly(region) }) }
    default: return facts[slot]
    }
  }

  private func region(_ follows: (String) -> Fact) -> Fact? {
    guard let slot = ground.region else { return .null }
    switch facts[slot] {
    case .text(let region): return follows(region)
    case .null: return .null
    default: return nil
    }
  }

  /// Of `region`, when it is declared a text.
  static func regionSlot(_ policy: PolicyDefinition) -> Int? {
    policy.fields.slot(named: "region").flatMap { policy.fields.type(ofSlot: $0) == .text ? $0 : nil }
  }

  /// The field that decides another, or the field itself.
  static func source(of slot: Int, _ policy: PolicyDefinition) -> Int? {
    switch policy.fields.derived(atSlot: slot) {
    case .tier: policy.fields.slot(.dormantDays)
    case .regionGroup, .regionServed: regionSlot(policy)
    default: slot == policy.fields.nowSlot ? nil : slot
    }
  }

  /// Whether contacts agree: those of 30 days are there exactly when the last is younger than that.
  var isConsistent: Bool {
    guard let count = facts[ground.contacts30d], let last = facts[ground.lastContactDays],
      case .number(let contacts) = count
    else { return true }
    switch last {
    case .number(let days): return (contacts > 0) == (days < 30)
    default: return contacts == 0
    }
  }

  // MARK: - Conditions

  /// What a condition may still become.
  func truths(_ tree: ConditionTree) -> Truths {
    switch tree {
    case .constant(let value): return Truths(value)
    case .flag(let slot):
      switch self[slot] {
      case .truth(let value): return Truths(value)
      case nil: return .any
      default: return .null
      }
    case .and(let parts):
      var result = Truths.yes
      for part in parts {
        result = result.and(truths(part))
        if result == .no { break }
      }
      return result
    case .or(let parts):
      var result = Truths.no
      for part in parts {
        result = result.or(truths(part))
        if result == .yes { break }
      }
      return result
    case .not(let inner): return truths(inner).negated
    case .compare(let relation, let left, let right): return compare(relation, value(left), value(right))
    case .compareTruth(let relation, let left, let right):
      return compareTruth(relation, truths(left), truths(right))
    case .between(let operand, let low, let high, let negated):
      let value = value(operand)
      let inside = compare(.atLeast, value, self.value(low)).and(compare(.atMost, value, self.value(high)))
      return negated ? inside.negated : inside
    case .inList(let operand, let items, let negated):
      guard let value = value(operand) else { return .any }
      if value == .null { return .null }
      let isIn = items.contains { self.value($0) == value }
      return Truths(isIn != negated)
    case .inTruths(let inner, let items, let negated):
      let inner = truths(inner)
      var result: Truths = []
      if inner.contains(.null) { result.insert(.null) }
      if inner.contains(.yes) { result.insert(Truths(items.contains(true) != negated)) }
      if inner.contains(.no) { result.insert(Truths(items.contains(false) != negated)) }
      return result
    case .isNull(let operand, let negated):
      guard let isNull = isNull(operand) else { return [.yes, .no] }
      return Truths(isNull != negated)
    case .isNullTruth(let inner, let negated):
      let inner = truths(inner)
      var result: Truths = []
      if inner.contains(.null) { result.insert(Truths(!negated)) }
      if !inner.intersection([.yes, .no]).isEmpty { result.insert(Truths(negated)) }
      return result
    case .after(let operands): return after(operands)
    }
  }

  /// nil while it is open. One time that is there settles the latest of many.
  private func isNull(_ operand: ConditionTree.Operand) -> Bool? {
    switch operand {
    case .number, .text: return false
    case .slot(let slot): return self[slot].map { $0 == .null }
    case .daysSince(let inner): return isNull(inner)
    case .latest(let operands):
      let all = operands.map(isNull)
      return all.contains(false) ? false : all.contains(nil) ? nil : true
    }
  }

  private func after(_ operands: [ConditionTree.Operand]) -> Truths {
    guard let first = operands.first, let time = value(first) else { return [.yes, .no] }
    guard case .time(let moment) = time else { return .no }
    var isOpen = false
    for other in operands.dropFirst() {
      switch value(other) {
      case .time(let other): if other >= moment { return .no }
      case nil: isOpen = true
      default: continue
      }
    }
    return isOpen ? [.yes, .no] : .yes
  }

  private func compareTruth(_ relation: Relation, _ left: Truths, _ right: Truths) -> Truths {
    var result: Truths = []
    for a in [Truths.no, .null, .yes] where left.contains(a) {
      for b in [Truths.no, .null, .yes] where right.contains(b) {
        result.insert(a == .null || b == .null ? .null : Truths((a == b) == (relation == .equal)))
      }
    }
    return result
  }

  private func compare(_ relation: Relation, _ left: Fact?, _ right: Fact?) -> Truths {
    if left == .null || right == .null { return .null }
    guard let left, let right else { return .any }
    switch (left, right) {
    case (.number(let a), .number(let b)): return Truths(relation.holds(a, b))
    case (.time(let a), .time(let b)): return Truths(relation.holds(a, b))
    default: return Truths((left == right) == (relation == .equal))
    }
  }

  private func value(_ operand: ConditionTree.Operand) -> Fact? {
    switch operand {
    case .number(let number): return .number(number)
    case .text(let text): return .text(text)
    case .slot(let slot): return self[slot]
    case .daysSince(let inner):
      switch value(inner) {
      case .time(let moment): return .number((-Double(moment) / 86_400).rounded(.down))
      case nil: return nil
      default: return .null
      }
    case .latest(let operands):
      var latest: Int64?
      for operand in operands {
        switch value(operand) {
        case .time(let moment): latest = max(latest ?? moment, moment)
        case nil: return nil
        default: continue
        }
      }
      return latest.map(Fact.time) ?? .null
    }
  }
}

extension Relation {
  fileprivate func holds<Value: Comparable>(_ a: Value, _ b: Value) -> Bool {
    switch self {
    case .equal: a == b
    case .notEqual: a != b
    case .less: a < b
    case .atMost: a <= b
    case .greater: a > b
    case .atLeast: a >= b
    }
  }
}
