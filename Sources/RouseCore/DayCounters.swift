/// Every count of whole days that a policy reads, and what each is compared with: what passing time can change in a
/// decision, but for times and contacts that lie ahead.
///
/// A count grows by one each day, and only some of its values tell candidates apart: those at a bin's bound or at a number
/// that a condition compares it with. Two counts that are compared with each other differ by one for a part of each day,
/// and so may turn the answer every day, at the same time of day.
struct DayCounters: Sendable {
  /// What is counted from.
  enum Start: Hashable, Sendable {
    case clock, latestTime, lastContact
    /// `days_since` of a time: the latest present of these slots.
    case latest([Int])
  }

  struct Counter: Sendable {
    let start: Start
    /// Counts at which the answer may turn, rising.
    let turns: [Int64]
    /// Slots of the numbers that it is compared with.
    let numbers: [Int]
  }

  /// Two that are compared with each other, the one before the other.
  struct Pair: Hashable, Sendable {
    let one: Int
    let other: Int
  }

  let counters: [Counter]
  let pairs: [Pair]

  init(_ definition: PolicyDefinition) {
    var builder = Builder(fields: definition.fields)
    builder.read(definition.tiers)
    for row in definition.risk.card + definition.response.card { builder.read(row) }
    let conditions =
      definition.stages.map(\.when) + definition.suppress.map(\.when) + definition.knockout.map(\.when)
      + definition.channels.map(\.needs)
    for condition in conditions { builder.read(condition) }
    counters = builder.starts.indices.map { index in
      Counter(
        start: builder.starts[index], turns: builder.turns[index].sorted(), numbers: builder.numbers[index].sorted())
    }
    pairs = builder.pairs.sorted { ($0.one, $0.other) < ($1.one, $1.other) }
  }

  /// The counts at which a comparison with a number turns: the first that is not less, and the first that is more. None
  /// beyond what years 1 to 9999 can hold.
  static func turns(at number: Double) -> (equal: Int64, more: Int64)? {
    guard number.magnitude <= 4_000_000 else { return nil }
    return (Int64(number.rounded(.up)), Int64(number.rounded(.down)) + 1)
  }
}

/// Reads conditions and cards for counts of days.
private struct Builder {
  private let fields: FieldTable
  private(set) var starts: [DayCounters.Start] = []
  private(set) var turns: [Set<Int64>] = []
  private(set) var numbers: [Set<Int>] = []
  private(set) var pairs: Set<DayCounters.Pair> = []
  private var indices: [DayCounters.Start: Int] = [:]

  init(fields: FieldTable) { self.fields = fields }

  private mutating func index(_ start: DayCounters.Start) -> Int {
    if let index = indices[start] { return index }
    indices[start] = starts.count
    starts.append(start)
    turns.append([])
    numbers.append([])
    return starts.count - 1
  }

  mutating func read(_ tiers: [TierDefinition]) { turns[index(.clock)].formUnion(tiers.map { $0.days + 1 }) }

  mutating func read(_ row: CardRowDefinition) {
    guard case .atLeast(let bins) = row.bins, case .counter(let counter) = operand(slot: row.slot) else { return }
    turns[counter].formUnion(bins.compactMap { DayCounters.turns(at: $0.bound)?.equal })
  }

  private enum Operand {
    case counter(Int)
    case number(Double)
    case slot(Int)
  }

  mutating func read(_ condition: Condition) {
    for node in condition.nodes {
      switch node.operation {
      case .compareNumber: compare(operand(node.a, condition), operand(node.b, condition))
      case .betweenNumber:
        compare(operand(node.a, condition), operand(node.b, condition))
        compare(operand(node.a, condition), operand(node.c, condition))
      case .inNumbers:
        let value = operand(node.a, condition)
        for item in condition.lists[Int(node.b)..<Int(node.b + node.c)] {
          if case .number(let number) = item { compare(value, .number(number)) }
        }
      default: break
      }
    }
  }

  private mutating func operand(_ index: Int32, _ condition: Condition) -> Operand? {
    let node = condition.nodes[Int(index)]
    switch node.operation {
    case .number: return .number(node.number)
    case .numberSlot: return operand(slot: Int(node.a))
    case .daysSince:
      var slots: Set<Int> = []
      collect(node.a, condition, &slots)
      return .counter(self.index(.latest(slots.sorted())))
    default: return nil
    }
  }

  private mutating func operand(slot: Int) -> Operand {
    switch fields.derived(atSlot: slot) {
    case .dormantDays: .counter(index(.clock))
    case .silentDays: .counter(index(.latestTime))
    case .lastContactDays: .counter(index(.lastContact))
    default: .slot(slot)
    }
  }

  /// The slots of a time: `latest` of `latest` is one of all.
  private func collect(_ index: Int32, _ condition: Condition, _ slots: inout Set<Int>) {
    let node = condition.nodes[Int(index)]
    if node.operation == .timeSlot { slots.insert(Int(node.a)) }
    guard node.operation == .latest else { return }
    for item in condition.lists[Int(node.a)..<Int(node.a + node.c)] {
      if case .node(let inner) = item { collect(inner, condition, &slots) }
    }
  }

  private mutating func compare(_ left: Operand?, _ right: Operand?) {
    switch (left, right) {
    case (.counter(let counter), .number(let number)), (.number(let number), .counter(let counter)):
      if let (equal, more) = DayCounters.turns(at: number) { turns[counter].formUnion([equal, more]) }
    case (.counter(let counter), .slot(let slot)), (.slot(let slot), .counter(let counter)):
      numbers[counter].insert(slot)
    case (.counter(let one), .counter(let other)):
      if one != other { pairs.insert(DayCounters.Pair(one: min(one, other), other: max(one, other))) }
    default: break
    }
  }
}
