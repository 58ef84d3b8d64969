import RouseCore
import RousePolicy

/// The values that are worth trying for each field of some conditions. A condition tells values apart only by what it
/// compares them with, so a few stand for all: each literal, one between every two, one on either side, and null. Fields
/// that are compared with one another get enough between to stand in any order.
struct Domains {
  private let policy: PolicyDefinition
  /// By slot of a field that has a domain of its own.
  private var numbers: [Int: Set<Double>] = [:]
  private var texts: [Int: [String]] = [:]
  /// Days that `days_since` is compared with, whatever its time.
  private var days: Set<Double> = []
  private var linkedNumbers: Set<Int> = []
  private var linkedTexts: Set<Int> = []
  private var linkedTimes: Set<Int> = []
  private var used: Set<Int> = []
  /// Days and numbers are compared with one another: the few values do not stand for all.
  private(set) var isDecidable = true

  init(_ policy: PolicyDefinition, _ trees: [ConditionTree]) {
    self.policy = policy
    for tree in trees { walk(tree) }
  }

  /// The fields that decide; contacts count as one, since they agree among themselves.
  var fields: Set<Int> {
    let contacts = [policy.fields.slot(.contacts30d), policy.fields.slot(.lastContactDays)]
    return used.isDisjoint(with: contacts) ? used : used.union(contacts)
  }

  // MARK: - What conditions compare with

  private mutating func walk(_ tree: ConditionTree) {
    switch tree {
    case .constant: break
    case .flag(let slot): use(slot)
    case .and(let parts), .or(let parts): for part in parts { walk(part) }
    case .not(let inner), .isNullTruth(let inner, _), .inTruths(let inner, _, _): walk(inner)
    case .compareTruth(_, let left, let right):
      walk(left)
      walk(right)
    case .compare(_, let left, let right): link(left, right)
    case .between(let operand, let low, let high, _):
      link(operand, low)
      link(operand, high)
    case .inList(let operand, let items, _): for item in items { link(operand, item) }
    case .isNull(let operand, _): mark(operand, isOrdered: false)
    case .after(let operands): for operand in operands { mark(operand, isOrdered: true) }
    }
  }

  private mutating func use(_ slot: Int) {
    if let source = World.source(of: slot, policy) { used.insert(source) }
  }

  private mutating func mark(_ operand: ConditionTree.Operand, isOrdered: Bool) {
    switch operand {
    case .number, .text: break
    case .slot(let slot):
      use(slot)
      if isOrdered, policy.fields.type(ofSlot: slot) == .time { linkedTimes.insert(slot) }
    case .daysSince(let inner): mark(inner, isOrdered: false)
    case .latest(let operands): for operand in operands { mark(operand, isOrdered: isOrdered) }
    }
  }

  private mutating func link(_ left: ConditionTree.Operand, _ right: ConditionTree.Operand) {
    switch (left, right) {
    case (.slot(let slot), .number(let number)), (.number(let number), .slot(let slot)):
      use(slot)
      numbers[slot, default: []].insert(number)
    case (.slot(let slot), .text(let text)), (.text(let text), .slot(let slot)):
      use(slot)
      texts[World.source(of: slot, policy) ?? slot, default: []].append(text)
    case (.daysSince(let inner), .number(let number)), (.number(let number), .daysSince(let inner)):
      mark(inner, isOrdered: false)
      days.insert(number)
    case (.number, .number), (.text, .text): break
    case (.slot(let a), .slot(let b)):
      use(a)
      use(b)
      switch policy.fields.type(ofSlot: a) {
      case .number: linkedNumbers.formUnion([a, b])
      case .text: linkTexts(a, b)
      case .time: linkedTimes.formUnion([a, b])
      case .boolean: break
      }
    case (.daysSince, _), (_, .daysSince):
      mark(left, isOrdered: false)
      mark(right, isOrdered: false)
      isDecidable = false
    default:
      mark(left, isOrdered: true)
      mark(right, isOrdered: true)
    }
  }

  private mutating func linkTexts(_ a: Int, _ b: Int) {
    // Names of stages, tiers and groups are few, and no fresh text is one of them.
    for slot in [a, b] {
      if policy.fields.derived(atSlot: slot) == nil { linkedTexts.insert(slot) } else { isDecidable = false }
    }
  }

  // MARK: - Values

  /// The values to try for a field; null is among them where it may be missing.
  func values(of slot: Int) -> [Fact] {
    guard used.contains(slot) else { return [.null] }
    if let derived = policy.fields.derived(atSlot: slot) {
      switch derived {
      case .stage: return policy.stages.map { .text($0.name) }
      case .dormantDays:
        return [.null] + counts(slot, further: policy.tiers.map { Double($0.days) })
      case .silentDays, .lastContactDays: return [.null] + counts(slot, further: [29, 30])
      case .contacts30d: return counts(slot, further: [0, 1])
      case .tier, .regionGroup, .regionServed: return [.null]
      }
    }
    switch policy.fields.declared[slot].kind {
    case .flags: return [.null, .truth(false), .truth(true)]
    case .numbers: return [.null] + reals(slot)
    case .texts: return [.null] + names(slot)
    case .times: return [.null] + moments(slot, mayBeAhead: false)
    case .timesAhead: return [.null] + moments(slot, mayBeAhead: true)
    }
  }

  private func bounds(_ slot: Int) -> [Double] {
    let all = linkedNumbers.contains(slot) ? linkedNumbers.flatMap { numbers[$0] ?? [] } : Array(numbers[slot] ?? [])
    return Set(all).sorted()
  }

  private var between: Int { max(1, linkedNumbers.count) }

  private func reals(_ slot: Int) -> [Fact] {
    let bounds = bounds(slot)
    let count = linkedNumbers.contains(slot) ? between : 1
    guard let first = bounds.first, let last = bounds.last else { return (0..<count).map { .number(Double($0)) } }
    var values = bounds
    for step in 1...count {
      // A whole number further, or more where that is lost in rounding.
      values += [first - Double(step) * max(1, abs(first) / 100), last + Double(step) * max(1, abs(last) / 100)]
      let share = Double(step) / Double(count + 1)
      for (low, high) in zip(bounds, bounds.dropFirst()) {
        let middle = low * (1 - share) + high * share
        if middle > low, middle < high { values.append(middle) }
      }
    }
    return Set(values.filter(\.isFinite)).sorted().map(Fact.number)
  }

  /// Whole numbers from 0.
  private func counts(_ slot: Int, further: [Double]) -> [Fact] {
    let count = Double(linkedNumbers.contains(slot) ? between : 1)
    var values: Set<Double> = [0]
    for bound in bounds(slot) + further where abs(bound) < 1e15 {
      for value in [bound.rounded(.down), bound.rounded(.up)] {
        for step in stride(from: -count, through: count, by: 1) { values.insert(value + step) }
      }
    }
    return values.filter { $0 >= 0 }.sorted().map(Fact.number)
  }

  private func names(_ slot: Int) -> [Fact] {
    var names = linkedTexts.contains(slot) ? linkedTexts.sorted().flatMap { texts[$0] ?? [] } : texts[slot] ?? []
    if slot == World.regionSlot(policy) {
      names += policy.regions.groups.flatMap(\.regions) + policy.regions.notServed
    }
    let fresh = (0..<max(1, linkedTexts.count)).map { "\u{1}\($0)" }
    var seen: Set<ExactText> = []
    return (names + fresh).filter { seen.insert(ExactText($0)).inserted }.map(Fact.text)
  }

  private func moments(_ slot: Int, mayBeAhead: Bool) -> [Fact] {
    // No two moments between the years 1 and 9999 lie further apart.
    let bounds = Set(days.filter { abs($0) < 4e6 }.flatMap { [$0.rounded(.down), $0.rounded(.up)] }).sorted()
    var whole: Set<Double> = mayBeAhead ? [-1, 0] : [0]
    for bound in bounds { whole.formUnion([bound - 1, bound, bound + 1]) }
    let isOrdered = linkedTimes.contains(slot)
    let count = isOrdered ? linkedTimes.count : 1
    var moments: Set<Int64> = isOrdered ? [0] : []
    for day in whole where day >= 0 || mayBeAhead {
      // Within a day: the same day for days_since, and an order among themselves.
      for step in 1...count { moments.insert(-(Int64(day) * 86_400 + Int64(step) * 7)) }
    }
    return moments.filter { mayBeAhead || $0 <= 0 }.sorted(by: >).map(Fact.time)
  }
}
