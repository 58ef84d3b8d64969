/// What is known of a scored row's first 64 slots, at a glance.
struct Glance: BitwiseCopyable {
  /// Slots of lower number have bits.
  static let slots = 64

  /// A bit for each slot that is present.
  var present: UInt64 = 0
  /// A bit for each flag that is present and true.
  var yes: UInt64 = 0
}

/// Conditions as the scorer asks them: each is clauses, of which one must hold; a clause is two comparisons of masks, and
/// seldom a few steps. Most conditions are decided by what is missing and by flags, without a look at any value. This is
/// only about whether a condition is TRUE; what else it may be, `ConditionPool` knows.
struct Clauses: BitwiseCopyable {
  /// A condition: its first clause, and the one after its last.
  struct When: BitwiseCopyable {
    let start: Int32
    let end: Int32
  }

  struct Clause: BitwiseCopyable {
    var presentMask: UInt64 = 0
    var present: UInt64 = 0
    var yesMask: UInt64 = 0
    var yes: UInt64 = 0
    fileprivate var firstStep: Int32 = 0
    fileprivate var lastStep: Int32 = 0
  }

  /// A comparison within a clause whose mask asks for the slots that it reads.
  struct Step: BitwiseCopyable {
    enum Operation: UInt8, BitwiseCopyable {
      /// Slot with a number; whole days since a slot with a number; a slot's text with one of the policy.
      case number, days, text
      /// Slot with another slot, both times.
      case times
      /// Slot with texts of the pool's list: whether it is one of them.
      case texts
      /// Slot with times of a list of slots: whether it is later than all that are present.
      case after
      /// Any other: node `b` of the pool.
      case general
    }
    var operation: Operation
    /// The outcomes that make it true: bit 0 less, bit 1 equal, bit 2 greater.
    var outcomes: UInt8 = 0
    /// A slot, whatever the operation: its value is read before that is looked at.
    var a: Int32
    /// Another slot, a node, or where a list starts; and its length.
    var b: Int32 = 0
    var count: Int32 = 0
    /// A number's bits, or a text's number.
    var bits: UInt64 = 0
  }

  fileprivate let clauses: UnsafeMutablePointer<Clause>
  fileprivate let steps: UnsafeMutablePointer<Step>
  /// What `after` compares with.
  fileprivate let slots: UnsafeMutablePointer<Int32>
  fileprivate let nodes: ConditionPool.Nodes

  func deallocate() {
    clauses.deallocate()
    steps.deallocate()
    slots.deallocate()
  }

  /// Whether the condition is TRUE of a row.
  @inline(__always)
  func holds(_ when: When, _ glance: Glance, _ row: CandidateRow, now: Int64) -> Bool {
    var at = Int(when.start)
    while at < Int(when.end) {
      let clause = clauses + at
      let differs =
        ((glance.present & clause.pointee.presentMask) ^ clause.pointee.present)
        | ((glance.yes & clause.pointee.yesMask) ^ clause.pointee.yes)
      if differs == 0,
        clause.pointee.firstStep == clause.pointee.lastStep
          || hold(clause.pointee.firstStep, clause.pointee.lastStep, row, now)
      {
        return true
      }
      at += 1
    }
    return false
  }

  /// The three-valued answer.
  func truth(_ root: ConditionPool.Root, _ row: CandidateRow) -> Truth { nodes.truth(root, row) }

  private func hold(_ first: Int32, _ last: Int32, _ row: CandidateRow, _ now: Int64) -> Bool {
    let bits = row.bits
    for at in Int(first)..<Int(last) {
      let step = steps + at
      let value = bits[Int(step.pointee.a)]
      let isTrue: Bool
      switch step.pointee.operation {
      case .number:
        isTrue = step.pointee.takes(Double(bitPattern: value), Double(bitPattern: step.pointee.bits))
      case .days:
        let days = floorDivide(now - Int64(bitPattern: value), Moment.day)
        isTrue = step.pointee.takes(Double(days), Double(bitPattern: step.pointee.bits))
      case .times:
        isTrue = step.pointee.takes(Int64(bitPattern: value), Int64(bitPattern: bits[Int(step.pointee.b)]))
      case .text:
        isTrue = (value == step.pointee.bits) == (step.pointee.outcomes & 2 != 0)
      case .texts:
        let list = nodes.lists + Int(step.pointee.b)
        var isListed = false
        for index in 0..<Int(step.pointee.count) { isListed = isListed || list[index] == value }
        isTrue = isListed == (step.pointee.outcomes & 2 != 0)
      case .after:
        let others = slots + Int(step.pointee.b)
        var isLatest = true
        for index in 0..<Int(step.pointee.count) {
          let other = Int(others[index])
          isLatest =
            isLatest
            && !(row.states[other] == FactState.present && Int64(bitPattern: bits[other]) >= Int64(bitPattern: value))
        }
        isTrue = isLatest
      case .general:
        isTrue = nodes.holds(Int(step.pointee.b), row)
      }
      if !isTrue { return false }
    }
    return true
  }
}

extension Clauses.Step {
  @inline(__always)
  fileprivate func takes<Value: Comparable>(_ left: Value, _ right: Value) -> Bool {
    outcomes >> ((left >= right ? 1 : 0) + (left > right ? 1 : 0)) & 1 != 0
  }
}

extension Clauses {
  /// Takes conditions of a pool apart.
  struct Builder {
    private let pool: ConditionPool
    /// A condition of more clauses, or a clause of more steps, is asked of the pool.
    private static let most = 8
    private var clauses: [Clause] = []
    private(set) var steps: [Step] = []
    private var slots: [Int32] = []

    private struct Draft {
      var clause = Clause()
      var steps: [Step] = []

      /// Both; nil when they exclude each other.
      func and(_ other: Draft) -> Draft? {
        let presentBoth = clause.presentMask & other.clause.presentMask
        let yesBoth = clause.yesMask & other.clause.yesMask
        if (clause.present ^ other.clause.present) & presentBoth != 0 { return nil }
        if (clause.yes ^ other.clause.yes) & yesBoth != 0 { return nil }
        var both = self
        both.clause.presentMask |= other.clause.presentMask
        both.clause.present |= other.clause.present
        both.clause.yesMask |= other.clause.yesMask
        both.clause.yes |= other.clause.yes
        both.steps += other.steps
        return both
      }
    }

    init(_ pool: ConditionPool) { self.pool = pool }

    mutating func add(_ root: ConditionPool.Root) -> When {
      let start = clauses.count
      for draft in drafts(root) {
        var clause = draft.clause
        clause.firstStep = Int32(steps.count)
        steps += draft.steps
        clause.lastStep = Int32(steps.count)
        clauses.append(clause)
      }
      return When(start: Int32(start), end: Int32(clauses.count))
    }

    /// Valid as long as the pool lives, and until it is deallocated.
    func build() -> Clauses {
      Clauses(clauses: plainMemory(clauses), steps: plainMemory(steps), slots: plainMemory(slots), nodes: pool.nodes)
    }

    private func node(_ index: Int) -> ConditionPool.Node { pool.nodes.nodes[index] }
    private func list(_ node: ConditionPool.Node) -> [UInt64] {
      (0..<Int(node.c)).map { pool.nodes.lists[Int(node.a) + $0] }
    }

    /// A node by itself, where its slots have bits; nil: they have none.
    private func bit(_ slot: Int32) -> UInt64? { slot >= 0 && slot < Glance.slots ? 1 << UInt64(slot) : nil }

    private func slot(_ index: Int32, _ operation: Condition.Node.Operation) -> Int32? {
      let node = node(Int(index))
      return node.operation == operation ? node.a : nil
    }

    /// The pool is asked, if what must be present is.
    private func general(_ index: Int) -> [Draft] {
      var draft = Draft()
      if let bit = bit(node(index).trueNeeds) { (draft.clause.presentMask, draft.clause.present) = (bit, bit) }
      draft.steps = [Step(operation: .general, a: 0, b: Int32(index))]
      return [draft]
    }

    private mutating func drafts(_ index: Int) -> [Draft] { exact(index) ?? general(index) }

    /// What the node comes to; nil: no few clauses say it.
    private mutating func exact(_ index: Int) -> [Draft]? {
      let node = node(index)
      switch node.operation {
      case .alwaysTrue: return [Draft()]
      case .alwaysFalse: return []
      case .flag: return flag(node.a, true)
      case .not: return slot(node.a, .flag).flatMap { flag($0, false) }
      case .and:
        var all = [Draft()]
        for operand in list(node) {
          let next = drafts(Int(operand))
          guard all.count * next.count <= Self.most else { return nil }
          all = all.flatMap { one in next.compactMap { one.and($0) } }
          guard all.allSatisfy({ $0.steps.count <= Self.most }) else { return nil }
        }
        return all
      case .or:
        var any: [Draft] = []
        for operand in list(node) {
          any += drafts(Int(operand))
          guard any.count <= Self.most else { return nil }
        }
        return any
      case .isNullTruth: return slot(node.a, .flag).flatMap { null([$0], node.negated) }
      case .isNullNumber: return slot(node.a, .numberSlot).flatMap { null([$0], node.negated) }
      case .isNullText: return slot(node.a, .textSlot).flatMap { null([$0], node.negated) }
      case .isNullTime: return times(node.a).flatMap { null($0, node.negated) }
      case .compareNumber, .compareTime, .compareText: return compare(node)
      case .inTexts:
        guard let slot = slot(node.a, .textSlot) else { return nil }
        return step(
          Step(operation: .texts, outcomes: node.negated ? 5 : 2, a: slot, b: node.b, count: node.c), [slot])
      case .after:
        let operands = list(node).map { slot(Int32(truncatingIfNeeded: $0), .timeSlot) }
        guard case let read = operands.compactMap({ $0 }), read.count == operands.count, let first = read.first else {
          return nil
        }
        slots += read.dropFirst()
        let others = Int32(read.count - 1)
        return step(Step(operation: .after, a: first, b: Int32(slots.count) - others, count: others), [first])
      case .compareTruth, .betweenNumber, .betweenTime, .inNumbers, .inTruths, .number, .numberSlot, .daysSince,
        .timeSlot, .latest, .text, .textSlot:
        return nil
      }
    }

    private func flag(_ slot: Int32, _ value: Bool) -> [Draft]? {
      guard let bit = bit(slot) else { return nil }
      return [Draft(clause: Clause(presentMask: bit, present: bit, yesMask: bit, yes: value ? bit : 0))]
    }

    /// All missing; or, negated, any present.
    private func null(_ slots: [Int32], _ negated: Bool) -> [Draft]? {
      let bits = slots.compactMap(bit)
      guard bits.count == slots.count, bits.count <= Self.most else { return nil }
      if negated { return bits.map { Draft(clause: Clause(presentMask: $0, present: $0)) } }
      return [Draft(clause: Clause(presentMask: bits.reduce(0, |)))]
    }

    /// The slots of a time that is one, or the latest of some.
    private func times(_ index: Int32) -> [Int32]? {
      if let slot = slot(index, .timeSlot) { return [slot] }
      let node = node(Int(index))
      guard node.operation == .latest else { return nil }
      let slots = list(node).compactMap { slot(Int32(truncatingIfNeeded: $0), .timeSlot) }
      return slots.count == Int(node.c) ? slots : nil
    }

    private func step(_ step: Step, _ slots: [Int32]) -> [Draft]? {
      let bits = slots.compactMap(bit)
      guard bits.count == slots.count else { return nil }
      let mask = bits.reduce(0, |)
      return [Draft(clause: Clause(presentMask: mask, present: mask), steps: [step])]
    }

    private func compare(_ node: ConditionPool.Node) -> [Draft]? {
      let right = self.node(Int(node.b))
      let outcomes = node.relation.outcomes
      if let a = slot(node.a, .timeSlot), let b = slot(node.b, .timeSlot) {
        return step(Step(operation: .times, outcomes: outcomes, a: a, b: b), [a, b])
      }
      if right.operation == .number {
        if let a = slot(node.a, .numberSlot) {
          return step(Step(operation: .number, outcomes: outcomes, a: a, bits: right.bits), [a])
        }
        if let time = slot(node.a, .daysSince), let a = slot(time, .timeSlot) {
          return step(Step(operation: .days, outcomes: outcomes, a: a, bits: right.bits), [a])
        }
      }
      if right.operation == .text, let a = slot(node.a, .textSlot) {
        return step(Step(operation: .text, outcomes: outcomes, a: a, bits: right.bits), [a])
      }
      return nil
    }
  }
}

extension Relation {
  /// Less, equal and greater, as bits: which of them it takes.
  fileprivate var outcomes: UInt8 {
    switch self {
    case .less: 1
    case .equal: 2
    case .atMost: 3
    case .greater: 4
    case .notEqual: 5
    case .atLeast: 6
    }
  }
}
