import RouseCore

/// Whether some candidate could make conditions come out in a wanted way.
enum Possibility: Equatable {
  case possible
  case impossible
  /// It took too long, or cannot be told.
  case unknown
}

/// Looks for facts under which every goal comes out as wanted: a search through the values of the fields that stand in
/// the goals, one field after another, left as soon as a goal is lost. It is complete: without a find there is none.
struct Search {
  typealias Goal = (tree: ConditionTree, wanted: Truths)

  /// Parts of conditions that it looks at before it gives up. What people write takes a few thousand.
  static let mostWork = 400_000

  private var world: World
  private let domains: Domains
  private var values: [Int: [Fact]] = [:]
  private var work = 0

  /// Goals that share no field, however indirectly, are questions of their own.
  static func find(_ goals: [Goal], in policy: PolicyDefinition) -> Possibility {
    var groups: [(goals: [Goal], fields: Set<Int>)] = []
    for goal in goals {
      var joined: (goals: [Goal], fields: Set<Int>) = ([goal], Domains(policy, [goal.tree]).fields)
      let apart = groups.filter { $0.fields.isDisjoint(with: joined.fields) }
      for group in groups where !group.fields.isDisjoint(with: joined.fields) {
        joined = (group.goals + joined.goals, group.fields.union(joined.fields))
      }
      groups = apart + [joined]
    }
    var result = Possibility.possible
    for group in groups {
      var search = Search(policy, group.goals.map(\.tree))
      let found = search.run(group.goals)
      if found == .impossible { return .impossible }
      if found == .unknown { result = .unknown }
    }
    return result
  }

  /// The same where it is known that `given` alone can come out as wanted: what shares no field with the goals, however
  /// indirectly, is left aside.
  static func find(_ goals: [Goal], given: [Goal], in policy: PolicyDefinition) -> Possibility {
    var fields = Domains(policy, goals.map(\.tree)).fields
    var kept: [Goal] = []
    var rest = given.map { (goal: $0, fields: Domains(policy, [$0.tree]).fields) }
    while let index = rest.firstIndex(where: { !$0.fields.isDisjoint(with: fields) }) {
      let next = rest.remove(at: index)
      fields.formUnion(next.fields)
      kept.append(next.goal)
    }
    return find(goals + kept, in: policy)
  }

  private init(_ policy: PolicyDefinition, _ trees: [ConditionTree]) {
    world = World(World.Ground(policy))
    domains = Domains(policy, trees)
  }

  private mutating func run(_ goals: [Goal]) -> Possibility {
    let result = look(goals.map { Sized(goal: $0, size: $0.tree.size) })
    return result == .impossible && !domains.isDecidable ? .unknown : result
  }

  private struct Sized {
    let goal: Goal
    let size: Int
  }

  private mutating func look(_ goals: [Sized]) -> Possibility {
    if work > Self.mostWork { return .unknown }
    if !world.isConsistent { return .impossible }
    var open: [Sized] = []
    for goal in goals {
      work += goal.size
      let truths = world.truths(goal.goal.tree)
      if truths.isDisjoint(with: goal.goal.wanted) { return .impossible }
      if !truths.isSubset(of: goal.goal.wanted) { open.append(goal) }
    }
    guard let next = firstOpenSlot(open) else {
      // Contacts that are left open can always agree with those that are decided.
      return open.isEmpty ? .possible : .unknown
    }
    for value in choices(next) {
      world.set(next, value)
      let result = look(open)
      if result != .impossible {
        if result == .unknown { world.set(next, nil) }
        return result
      }
    }
    world.set(next, nil)
    return .impossible
  }

  private mutating func choices(_ slot: Int) -> [Fact] {
    if let known = values[slot] { return known }
    let made = domains.values(of: slot)
    values[slot] = made
    return made
  }

  // MARK: - The next field to decide

  /// Of the goal that has the fewest fields open: it is lost, or settled, soonest.
  private func firstOpenSlot(_ goals: [Sized]) -> Int? {
    var best: (slot: Int, count: Int)?
    for goal in goals {
      var slots: [Int] = []
      collect(goal.goal.tree, into: &slots)
      guard let first = slots.first, slots.count < best?.count ?? .max else { continue }
      best = (first, slots.count)
      if slots.count == 1 { break }
    }
    return best?.slot
  }

  /// Fields that are open, and on which what the tree becomes may hang.
  private func collect(_ tree: ConditionTree, into slots: inout [Int]) {
    switch tree {
    case .constant: break
    case .flag(let slot): collect(slot, into: &slots)
    case .and(let parts), .or(let parts):
      for part in parts where Self.isOpen(world.truths(part)) { collect(part, into: &slots) }
    case .not(let inner), .isNullTruth(let inner, _), .inTruths(let inner, _, _): collect(inner, into: &slots)
    case .compareTruth(_, let left, let right):
      collect(left, into: &slots)
      collect(right, into: &slots)
    case .compare(_, let left, let right):
      collect(left, into: &slots)
      collect(right, into: &slots)
    case .between(let operand, let low, let high, _):
      for operand in [operand, low, high] { collect(operand, into: &slots) }
    case .inList(let operand, _, _), .isNull(let operand, _): collect(operand, into: &slots)
    case .after(let operands): for operand in operands { collect(operand, into: &slots) }
    }
  }

  private static func isOpen(_ truths: Truths) -> Bool { truths != .yes && truths != .no && truths != .null }

  private func collect(_ slot: Int, into slots: inout [Int]) {
    guard world[slot] == nil, let source = world.ground.sources[slot], world[source] == nil,
      !slots.contains(source)
    else { return }
    slots.append(source)
  }

  private func collect(_ operand: ConditionTree.Operand, into slots: inout [Int]) {
    switch operand {
    case .number, .text: break
    case .slot(let slot): collect(slot, into: &slots)
    case .daysSince(let inner): collect(inner, into: &slots)
    case .latest(let operands): for operand in operands { collect(operand, into: &slots) }
    }
  }
}

extension ConditionTree {
  /// How many parts it has, roughly.
  var size: Int {
    switch self {
    case .constant, .flag, .compare, .between, .isNull: 1
    case .and(let parts), .or(let parts): parts.reduce(1) { $0 + $1.size }
    case .not(let inner), .isNullTruth(let inner, _), .inTruths(let inner, _, _): 1 + inner.size
    case .compareTruth(_, let left, let right): 1 + left.size + right.size
    case .inList(_, let items, _): 1 + items.count
    case .after(let operands): operands.count
    }
  }
}
