/// What would change a decision's status: each fact is given the values by which the policy tells candidates apart, one
/// fact at a time, and the candidate is scored again.
package final class WhatIf {
  package enum Value: Sendable, Equatable, BitwiseCopyable {
    case missing
    case time(Int64)
    case number(Double)
    case flag(Bool)
    /// Number in the policy's table.
    case text(UInt64)
    case noContacts
  }

  package struct Turn: Sendable, BitwiseCopyable {
    /// Slot, or nil for the contacts.
    package let slot: Int?
    package let from: Value
    package let to: Value
    package let status: Status
    /// Its reasons among all.
    fileprivate let firstReason: Int
    fileprivate let lastReason: Int
  }

  /// What is the same at every moment.
  struct Tables: Sendable {
    let reach: FactReach
    /// By declared slot; a time as days before now.
    let values: [[Value]]
    /// Each is soon tried, and they are not many.
    let isQuick: Bool

    init(_ policy: Policy) {
      reach = FactReach(policy)
      values = WhatIf.values(policy)
      isQuick = reach.isWhole && values.reduce(0) { $0 + $1.count } <= 1000
    }
  }

  /// A fact's values, each as its slot's bits.
  private struct Choice: BitwiseCopyable {
    let start: Int
    let count: Int
    let type: ValueType
  }

  private let scorer: Scorer
  private let reach: FactReach
  private let retrial: Retrial
  /// The candidate, but for the fact that is tried.
  private let trial: CandidateRow
  /// What is decided on it.
  private let changed: UnsafeMutablePointer<Decision>
  /// By declared slot.
  private let choices: UnsafeMutablePointer<Choice>
  private let choiceCount: Int
  private let bits: UnsafeMutablePointer<UInt64>
  /// How far the values of a fact are from it; infinite: not to be tried, or tried.
  private let distances: UnsafeMutablePointer<Double>

  /// What was found on a candidate.
  package struct Findings {
    fileprivate var isChanged = false
    fileprivate var found: ContiguousArray<Turn> = []
    fileprivate var reasons: ContiguousArray<Int32> = []

    /// The smallest single change of a known fact that gives another status.
    package var change: Turn? { isChanged ? found.last : nil }
    /// For each unknown fact the first value that gives another status.
    package var couldTurn: ArraySlice<Turn> { isChanged ? found.dropLast() : found[...] }
    package func reasons(of turn: Turn) -> ArraySlice<Int32> { reasons[turn.firstReason..<turn.lastReason] }
  }
  /// The last ones, for their memory.
  private var findings = Findings()

  package init(scorer: Scorer) {
    self.scorer = scorer
    let tables = scorer.policy.whatIf
    reach = tables.reach
    retrial = Retrial(scorer.scoring, tables.reach.view)
    trial = CandidateRow(policy: scorer.policy, keepingTexts: true)
    changed = .allocate(capacity: 1)
    changed.initialize(to: Decision())
    var choices: [Choice] = []
    var bits: [UInt64] = []
    for (slot, values) in tables.values.enumerated() {
      let start = bits.count
      bits += values.compactMap { value in
        guard case .time(let days) = value else { return Self.bits(value) }
        let time = scorer.now - days * Moment.day
        return time >= Moment.first && time <= Moment.last ? Self.bits(.time(time)) : nil
      }
      choices.append(Choice(start: start, count: bits.count - start, type: scorer.policy.fields.type(ofSlot: slot)))
    }
    self.choices = plainMemory(choices)
    choiceCount = choices.count
    self.bits = plainMemory(bits)
    distances = plainMemory([Double](repeating: 0, count: 1 + (choices.map(\.count).max() ?? 0)))
  }

  deinit {
    retrial.deallocate()
    changed.deinitialize(count: 1)
    changed.deallocate()
    choices.deallocate()
    bits.deallocate()
    distances.deallocate()
  }

  private static func bits(_ value: Value) -> UInt64? {
    switch value {
    case .time(let time): UInt64(bitPattern: time)
    case .number(let number): number.bitPattern
    case .flag(let flag): flag ? 1 : 0
    case .text(let text): text
    case .missing, .noContacts: nil
    }
  }

  private static func value(_ bits: UInt64, _ type: ValueType) -> Value {
    switch type {
    case .time: .time(Int64(bitPattern: bits))
    case .number: .number(Double(bitPattern: bits))
    case .boolean: .flag(bits != 0)
    case .text: .text(bits)
    }
  }

  // MARK: - What turns

  /// - Parameters:
  ///   - row: as it was scored.
  ///   - decision: what was decided on it.
  package func findings(_ row: CandidateRow, _ decision: Decision) -> Findings {
    // Taken out: a class's is asked whether it may be changed at every change.
    var findings = Findings()
    swap(&findings, &self.findings)
    findings.found.removeAll(keepingCapacity: true)
    findings.reasons.removeAll(keepingCapacity: true)
    findings.isChanged = false
    look(row, decision, &findings)
    self.findings = findings
    return findings
  }

  private func look(_ row: CandidateRow, _ decision: Decision, _ findings: inout Findings) {
    trial.assign(row)
    // No fact changes what the user drew.
    if decision.share >= 0 { trial.share = decision.share }
    if reach.isWhole { retrial.begin(trial, decision) }
    var nearest: (slot: Int, to: Value)?
    // No change is as far.
    var most = 2.0
    for slot in 0..<choiceCount where !reach.isWhole || retrial.mayTurn(slot) {
      if row.isPresent(slot) {
        if let to = nearestTurn(slot, below: &most, row, decision) { nearest = (slot, to) }
      } else if let to = firstTurn(slot, row, decision) {
        note(slot, to, row, &findings)
      }
    }
    if let nearest {
      note(nearest.slot, nearest.to, row, &findings)
      findings.isChanged = true
    } else if row.contactEntries > 0 || row.known.contacts > 0 {
      trial.contacts.removeAll(keepingCapacity: true)
      trial.contactEntries = 0
      trial.forgetKnownContacts()
      scorer.score(trial, into: &changed.pointee)
      if changed.pointee.status == decision.status { return }
      findings.note(nil, .missing, .noContacts, changed)
      findings.isChanged = true
    }
  }

  /// The least change of a known fact that turns the decision, if it is less than `most`, which it becomes; the first of
  /// those that are as near. The near ones are tried first, and what is not less is not tried.
  private func nearestTurn(
    _ slot: Int, below most: inout Double, _ row: CandidateRow, _ decision: Decision
  ) -> Value? {
    let choice = choices[slot]
    switch choice.type {
    case .number:
      for index in 0..<choice.count {
        distances[index] = Self.distance(numbers: row.bits[slot], bits[choice.start + index])
      }
    case .time:
      // As seconds: that is the same order.
      for index in 0..<choice.count { distances[index] = Self.seconds(row.bits[slot], bits[choice.start + index]) }
    case .boolean, .text:
      if most <= 1 { return nil }
      for index in 0..<choice.count { distances[index] = row.bits[slot] == bits[choice.start + index] ? .infinity : 1 }
    }
    // The next is soon found among so few, and few are tried.
    for _ in 0..<choice.count {
      var index = 0
      for other in index..<choice.count where distances[other] < distances[index] { index = other }
      let distance = choice.type == .time ? Self.distance(seconds: distances[index]) : distances[index]
      // An infinite one ends it as well.
      guard distance < most else { break }
      if turns(slot, bits[choice.start + index], row, decision) {
        most = distance
        return Self.value(bits[choice.start + index], choice.type)
      }
      distances[index] = .infinity
    }
    // To be missing is as far as can be, and comes last.
    guard most > 1, turns(slot, nil, row, decision) else { return nil }
    most = 1
    return .missing
  }

  /// The first value of an unknown fact that turns the decision.
  private func firstTurn(_ slot: Int, _ row: CandidateRow, _ decision: Decision) -> Value? {
    let choice = choices[slot]
    for index in choice.start..<(choice.start + choice.count) where turns(slot, bits[index], row, decision) {
      return Self.value(bits[index], choice.type)
    }
    return nil
  }

  /// Whether a value of a fact gives another status.
  private func turns(_ slot: Int, _ to: UInt64?, _ row: CandidateRow, _ decision: Decision) -> Bool {
    set(slot, to)
    defer { restore(slot, row) }
    if reach.isWhole, let status = retrial.status(slot, trial, before: row.time(slot) ?? .min) {
      return status != decision.status
    }
    scorer.scoring.score(trial, wantsAll: false, into: &changed.pointee)
    if reach.isWhole { retrial.restoreDerived(trial) }
    return changed.pointee.status != decision.status
  }

  /// Keeps what a change comes to, with all that can be said.
  private func note(_ slot: Int, _ to: Value, _ row: CandidateRow, _ findings: inout Findings) {
    set(slot, Self.bits(to))
    if !reach.isWhole || retrial.status(slot, trial, before: row.time(slot) ?? .min, noting: changed) == nil {
      scorer.score(trial, into: &changed.pointee)
      if reach.isWhole { retrial.restoreDerived(trial) }
    }
    restore(slot, row)
    let from = row.isPresent(slot) ? Self.value(row.bits[slot], choices[slot].type) : .missing
    findings.note(slot, from, to, changed)
  }

  /// - Parameter to: nil: missing.
  private func set(_ slot: Int, _ to: UInt64?) {
    if let to { trial.bits[slot] = to }
    trial.states[slot] = to == nil ? FactState.missing : FactState.present
  }

  private func restore(_ slot: Int, _ row: CandidateRow) {
    trial.bits[slot] = row.bits[slot]
    trial.states[slot] = row.states[slot]
  }

  // How far a fact moves, from 0 (hardly) to 1 (another value altogether); infinitely, where it does not move.

  private static func distance(numbers from: UInt64, _ to: UInt64) -> Double {
    let (a, b) = (Double(bitPattern: from), Double(bitPattern: to))
    return a == b ? .infinity : min(1, abs(a - b) / max(1, abs(a), abs(b)))
  }

  private static func seconds(_ from: UInt64, _ to: UInt64) -> Double {
    let apart = abs(Int64(bitPattern: from) - Int64(bitPattern: to))
    return apart == 0 ? .infinity : Double(apart)
  }

  private static func distance(seconds: Double) -> Double {
    seconds == .infinity ? .infinity : 1 - 1 / (1 + seconds / Double(30 * Moment.day))
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

extension WhatIf.Findings {
  fileprivate mutating func note(
    _ slot: Int?, _ from: WhatIf.Value, _ to: WhatIf.Value, _ changed: UnsafePointer<Decision>
  ) {
    let first = reasons.count
    for index in 0..<changed.pointee.reasonCount { reasons.append(changed.pointee.lists.reasons[index]) }
    found.append(
      WhatIf.Turn(
        slot: slot, from: from, to: to, status: changed.pointee.status, firstReason: first, lastReason: reasons.count))
  }
}
