/// What would change a decision's status: each fact is given the values by which the policy tells candidates apart, one
/// fact at a time, and the candidate is scored again.
package final class WhatIf {
  package enum Value: Sendable, Equatable {
    case missing
    case time(Int64)
    case number(Double)
    case flag(Bool)
    /// Number in the policy's table.
    case text(UInt64)
    case noContacts
  }

  package struct Turn: Sendable {
    /// Slot, or nil for the contacts.
    package let slot: Int?
    package let from: Value
    package let to: Value
    package let status: Status
    package let reasons: [Int32]
    /// How far the fact moves, from 0 (hardly) to 1 (another value altogether).
    let distance: Double
  }

  /// What is the same at every moment.
  struct Tables: Sendable {
    let reach: FactReach
    /// By declared slot; a time as days before now.
    let values: [[Value]]

    init(_ policy: Policy) {
      reach = FactReach(policy)
      values = WhatIf.values(policy)
    }
  }

  private let scorer: Scorer
  private let policy: Policy
  private let reach: FactReach
  /// The candidate, but for the fact that is tried.
  private let trial: CandidateRow
  private var changed = Decision()
  /// By declared slot.
  let values: [[Value]]
  /// Distances of a fact's values that have not been tried.
  private var distances: [Double] = []

  package init(scorer: Scorer) {
    self.scorer = scorer
    policy = scorer.policy
    let tables = scorer.policy.whatIf
    reach = tables.reach
    trial = CandidateRow(policy: scorer.policy, keepingTexts: true)
    values = tables.values.map { values in
      values.compactMap { value in
        guard case .time(let days) = value else { return value }
        let time = scorer.now - days * Moment.day
        return time >= Moment.first && time <= Moment.last ? .time(time) : nil
      }
    }
  }

  /// The smallest single change of a known fact that gives another status, and for each unknown fact the first value
  /// that would.
  package func turns(_ row: CandidateRow, _ decision: Decision) -> (change: Turn?, couldTurn: [Turn]) {
    trial.assign(row)
    // No fact changes what the user drew.
    if decision.share >= 0 { trial.share = decision.share }
    let glance = scorer.scoring.glance(row)
    var change: Turn?
    var couldTurn: [Turn] = []
    for slot in values.indices {
      let from = value(slot, row)
      if from != .missing {
        change = nearest(slot, from, below: change?.distance ?? 2, glance, row, decision) ?? change
      } else if let to = values[slot].first(where: { turns(slot, $0, glance, row, decision) }) {
        couldTurn.append(turn(slot, from, to, row))
      }
    }
    if row.contactEntries > 0 || row.known.contacts > 0, Self.distance(.missing, .noContacts) < change?.distance ?? 2 {
      trial.contacts.removeAll()
      trial.contactEntries = 0
      trial.forgetKnownContacts()
      let turn = turn(nil, .missing, .noContacts, row)
      if turn.status != decision.status { change = turn }
    }
    return (change, couldTurn)
  }

  /// The least change of a known fact that turns the decision, if it is less than some distance; the first of those that
  /// are as near. The near ones are tried first, and what is not less is not tried.
  private func nearest(
    _ slot: Int, _ from: Value, below most: Double, _ glance: Glance, _ row: CandidateRow, _ decision: Decision
  ) -> Turn? {
    let values = values[slot]
    distances.removeAll(keepingCapacity: true)
    // The last is to be missing; what is there already is no change.
    for index in 0...values.count {
      let to = index < values.count ? values[index] : .missing
      distances.append(to == from ? .infinity : Self.distance(from, to))
    }
    while let index = distances.indices.min(by: { distances[$0] < distances[$1] }), distances[index] < most {
      distances[index] = .infinity
      let to = index < values.count ? values[index] : .missing
      if turns(slot, to, glance, row, decision) { return turn(slot, from, to, row) }
    }
    return nil
  }

  /// Whether a value of a fact gives another status.
  private func turns(_ slot: Int, _ to: Value, _ glance: Glance, _ row: CandidateRow, _ decision: Decision) -> Bool {
    set(slot, to)
    defer { restore(slot, row) }
    if reach.cannotTurn(slot, trial, glance, row, decision, scorer.scoring) { return false }
    scorer.scoring.score(trial, wantsAll: false, into: &changed)
    return changed.status != decision.status
  }

  /// What a change comes to, with all that can be said.
  private func turn(_ slot: Int?, _ from: Value, _ to: Value, _ row: CandidateRow) -> Turn {
    if let slot { set(slot, to) }
    defer { if let slot { restore(slot, row) } }
    scorer.score(trial, into: &changed)
    return Turn(
      slot: slot, from: from, to: to, status: changed.status, reasons: Array(changed.reasons),
      distance: Self.distance(from, to))
  }

  private func set(_ slot: Int, _ to: Value) {
    switch to {
    case .missing, .noContacts: trial.states[slot] = FactState.missing
    case .time(let time): trial.set(slot, time: time)
    case .number(let number): trial.set(slot, number: number)
    case .flag(let flag): trial.set(slot, flag: flag)
    case .text(let text): trial.set(slot, text: text)
    }
  }

  private func restore(_ slot: Int, _ row: CandidateRow) {
    trial.bits[slot] = row.bits[slot]
    trial.states[slot] = row.states[slot]
  }

  func value(_ slot: Int, _ row: CandidateRow) -> Value {
    guard row.isPresent(slot) else { return .missing }
    switch policy.fields.type(ofSlot: slot) {
    case .time: return .time(Int64(bitPattern: row.bits[slot]))
    case .number: return .number(Double(bitPattern: row.bits[slot]))
    case .boolean: return .flag(row.bits[slot] != 0)
    case .text: return .text(row.bits[slot])
    }
  }

  static func distance(_ from: Value, _ to: Value) -> Double {
    switch (from, to) {
    case (.number(let a), .number(let b)): min(1, abs(a - b) / max(1, abs(a), abs(b)))
    case (.time(let a), .time(let b)): 1 - 1 / (1 + Double(abs(a - b)) / Double(30 * Moment.day))
    default: 1
    }
  }

  /// The values at which some condition, card or count of days of the policy turns.
  private static func values(_ policy: Policy) -> [[Value]] {
    let definition = policy.definition
    let conditions =
      definition.stages.map(\.when) + definition.suppress.map(\.when) + definition.knockout.map(\.when)
      + definition.channels.map(\.needs)
    var days: Set<Int64> = [0]
    for stage in definition.stages { if let recall = stage.recall { days.insert(recall.dormantDays) } }
    for tier in definition.tiers {
      days.insert(tier.days)
      days.insert(tier.days + 1)
    }
    return policy.fields.declared.indices.map { slot in
      let reading = conditions.filter { $0.slots.contains(slot) }.map(\.literals)
      let rows = (definition.risk.card + definition.response.card).filter { $0.slot == slot }
      switch policy.fields.declared[slot].kind {
      case .flags: return [.flag(true), .flag(false)]
      case .numbers:
        var numbers = Set(reading.flatMap(\.numbers).flatMap { [$0, $0 - 1, $0 + 1] })
        for row in rows { if case .atLeast(let bins) = row.bins { for bin in bins { numbers.insert(bin.bound) } } }
        return numbers.sorted().map(Value.number)
      case .texts:
        var texts: [UInt64] = []
        func add(_ text: String) {
          let id = policy.texts.id(of: text)
          if !texts.contains(id) { texts.append(id) }
        }
        for text in reading.flatMap(\.texts) { add(text) }
        for row in rows { if case .isEqual(let bins) = row.bins { for bin in bins { add(bin.key) } } }
        if policy.fields.declared[slot].name == "region" {
          for group in definition.regions.groups { if let region = group.regions.first { add(region) } }
          if let region = definition.regions.notServed.first { add(region) }
        }
        return texts.map(Value.text)
      case .times, .timesAhead:
        var own = days
        for number in reading.flatMap(\.numbers) where number == number.rounded() && abs(number) < 1e6 {
          own.insert(Int64(number))
          own.insert(Int64(number) + 1)
        }
        return own.sorted().map(Value.time)
      }
    }
  }
}
