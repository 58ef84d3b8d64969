/// What would change a decision's status: each fact is given the values by which the policy tells candidates apart, one
/// fact at a time, and the candidate is scored again.
package struct WhatIf {
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

  private let scorer: Scorer
  private let policy: Policy
  private let trial: CandidateRow
  /// By declared slot.
  private let values: [[Value]]

  package init(scorer: Scorer) {
    self.scorer = scorer
    policy = scorer.policy
    trial = CandidateRow(policy: scorer.policy, keepingTexts: true)
    values = Self.values(scorer)
  }

  /// The smallest single change of a known fact that gives another status, and for each unknown fact the first value
  /// that would.
  package func turns(_ row: CandidateRow, _ decision: Decision) -> (change: Turn?, couldTurn: [Turn]) {
    var change: Turn?
    var couldTurn: [Turn] = []
    for slot in values.indices {
      let from = value(slot, row)
      for to in from == .missing ? values[slot] : values[slot] + [.missing] where to != from {
        guard let turn = turn(slot, from, to, row, decision) else { continue }
        if from == .missing {
          couldTurn.append(turn)
          break
        }
        if turn.distance < change?.distance ?? 2 { change = turn }
      }
    }
    if row.contactEntries > 0 || row.known.contacts > 0, let turn = turn(nil, .missing, .noContacts, row, decision),
      turn.distance < change?.distance ?? 2
    {
      change = turn
    }
    return (change, couldTurn)
  }

  private func turn(_ slot: Int?, _ from: Value, _ to: Value, _ row: CandidateRow, _ decision: Decision) -> Turn? {
    trial.assign(row)
    if let slot {
      switch to {
      case .missing, .noContacts: trial.states[slot] = FactState.missing
      case .time(let time): trial.set(slot, time: time)
      case .number(let number): trial.set(slot, number: number)
      case .flag(let flag): trial.set(slot, flag: flag)
      case .text(let text): trial.set(slot, text: text)
      }
    } else {
      trial.contacts.removeAll()
      trial.contactEntries = 0
      trial.forgetKnownContacts()
    }
    var changed = Decision()
    scorer.score(trial, into: &changed)
    guard changed.status != decision.status else { return nil }
    return Turn(
      slot: slot, from: from, to: to, status: changed.status, reasons: changed.reasons,
      distance: Self.distance(from, to))
  }

  private func value(_ slot: Int, _ row: CandidateRow) -> Value {
    guard row.isPresent(slot) else { return .missing }
    switch policy.fields.type(ofSlot: slot) {
    case .time: return .time(Int64(bitPattern: row.bits[slot]))
    case .number: return .number(Double(bitPattern: row.bits[slot]))
    case .boolean: return .flag(row.bits[slot] != 0)
    case .text: return .text(row.bits[slot])
    }
  }

  private static func distance(_ from: Value, _ to: Value) -> Double {
    switch (from, to) {
    case (.number(let a), .number(let b)): min(1, abs(a - b) / max(1, abs(a), abs(b)))
    case (.time(let a), .time(let b)): 1 - 1 / (1 + Double(abs(a - b)) / Double(30 * Moment.day))
    default: 1
    }
  }

  /// The values at which some condition, card or count of days of the policy turns.
  private static func values(_ scorer: Scorer) -> [[Value]] {
    let policy = scorer.policy
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
        return own.sorted().compactMap { days in
          let time = scorer.now - days * Moment.day
          return time >= Moment.first && time <= Moment.last ? .time(time) : nil
        }
      }
    }
  }
}
