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

  /// Steps before it gives up. What people write takes a few hundred.
  static let most = 60_000

  private var world: World
  private let domains: Domains
  private var values: [Int: [Fact]] = [:]
  private var steps = 0

  static func find(_ goals: [Goal], in policy: PolicyDefinition) -> Possibility {
    var search = Search(policy, goals.map(\.tree))
    return search.run(goals)
  }

  private init(_ policy: PolicyDefinition, _ trees: [ConditionTree]) {
    world = World(policy)
    domains = Domains(policy, trees)
  }

  private mutating func run(_ goals: [Goal]) -> Possibility {
    let result = look(goals)
    return result == .impossible && !domains.isDecidable ? .unknown : result
  }

  private mutating func look(_ goals: [Goal]) -> Possibility {
    steps += 1
    if steps > Self.most { return .unknown }
    if !world.isConsistent { return .impossible }
    var open: [Goal] = []
    for goal in goals {
      let truths = world.truths(goal.tree)
      if truths.isDisjoint(with: goal.wanted) { return .impossible }
      if !truths.isSubset(of: goal.wanted) { open.append(goal) }
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

  private func firstOpenSlot(_ goals: [Goal]) -> Int? {
    for goal in goals { if let slot = openSlot(in: goal.tree) { return slot } }
    return nil
  }

  /// A field that is open, and on which what the tree becomes may hang.
  private func openSlot(in tree: ConditionTree) -> Int? {
    switch tree {
    case .constant: return nil
    case .flag(let slot): return open(slot)
    case .and(let parts), .or(let parts):
      for part in parts where Self.isOpen(world.truths(part)) {
        if let slot = openSlot(in: part) { return slot }
      }
      return nil
    case .not(let inner), .isNullTruth(let inner, _), .inTruths(let inner, _, _): return openSlot(in: inner)
    case .compareTruth(_, let left, let right): return openSlot(in: left) ?? openSlot(in: right)
    case .compare(_, let left, let right): return open(left) ?? open(right)
    case .between(let operand, let low, let high, _): return open(operand) ?? open(low) ?? open(high)
    case .inList(let operand, _, _), .isNull(let operand, _): return open(operand)
    case .after(let operands): return operands.lazy.compactMap { self.open($0) }.first
    }
  }

  private static func isOpen(_ truths: Truths) -> Bool { truths != .yes && truths != .no && truths != .null }

  private func open(_ slot: Int) -> Int? {
    guard world[slot] == nil, let source = World.source(of: slot, world.policy), world[source] == nil else {
      return nil
    }
    return source
  }

  private func open(_ operand: ConditionTree.Operand) -> Int? {
    switch operand {
    case .number, .text: nil
    case .slot(let slot): open(slot)
    case .daysSince(let inner): open(inner)
    case .latest(let operands): operands.lazy.compactMap { self.open($0) }.first
    }
  }
}
