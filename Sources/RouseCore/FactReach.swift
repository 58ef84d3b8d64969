/// What of a decision a fact can reach, so that most changes are known to leave the status as it is without scoring anew.
/// For policies whose slots all have a bit in a `Glance`; of others nothing is said.
struct FactReach: Sendable {
  private struct Fact: Sendable {
    /// Its slot, and those that are derived from a region.
    let touched: UInt64
    /// Of kind times: the latest of them counts.
    let isPast: Bool
  }

  private struct Stage: Sendable {
    /// Slots that the conditions of the stages up to this one read.
    let reads: UInt64
    /// Slots of its clock, and of the loan.
    let since: UInt64
    let loan: UInt64
  }

  /// Empty: nothing is said.
  private let facts: [Fact]
  private let stages: [Stage]
  /// What suppress rules read; with knockout rules and channels' needs; and the cards.
  private let suppress: UInt64
  private let gate: UInt64
  private let risk: UInt64
  private let response: UInt64
  private let silentDays: UInt64
  /// What a rule reads, by the index of its code; everything, where it is none.
  private let ruleReads: [UInt64]

  init(_ policy: Policy) {
    func bits(_ slots: some Sequence<Int>) -> UInt64 {
      slots.reduce(0) { $0 | ($1 < Glance.slots ? 1 << UInt64($1) : 0) }
    }
    let definition = policy.definition
    let fields = policy.fields
    suppress = bits(definition.suppress.flatMap(\.when.slots))
    var ruleReads = [UInt64](repeating: .max, count: policy.codes.count)
    // The ledger knows these, whatever a fact says.
    ruleReads[ReasonCode.c06.rawValue] = 0
    ruleReads[ReasonCode.c07.rawValue] = 0
    for (rule, definition) in zip(policy.suppress + policy.knockout, definition.suppress + definition.knockout) {
      ruleReads[rule.code] = bits(definition.when.slots)
    }
    self.ruleReads = ruleReads
    gate = bits(
      (definition.suppress.map(\.when) + definition.knockout.map(\.when) + definition.channels.map(\.needs)).flatMap(
        \.slots))
    risk = bits(definition.risk.card.map(\.slot))
    response = bits(definition.response.card.map(\.slot))
    var reads: UInt64 = 0
    stages = definition.stages.map { stage in
      reads |= bits(stage.when.slots)
      return Stage(reads: reads, since: bits(stage.since), loan: bits([stage.recall?.loanFrom].compactMap { $0 }))
    }
    silentDays = bits([fields.slot(.silentDays)])
    guard fields.slotCount <= Glance.slots else {
      facts = []
      return
    }
    facts = fields.declared.indices.map { slot in
      var touched = [slot]
      if slot == policy.region.slot { touched += [fields.slot(.regionGroup), fields.slot(.regionServed)] }
      return Fact(touched: bits(touched), isPast: slot < policy.timesCount)
    }
  }

  /// Whether a changed fact certainly leaves the status as it is.
  /// - Parameters:
  ///   - trial: the row, with another value of the slot.
  ///   - glance: of the row.
  ///   - decision: what was decided on it.
  func cannotTurn(
    _ slot: Int, _ trial: CandidateRow, _ glance: Glance, _ row: CandidateRow, _ decision: Decision, _ scoring: Scoring
  ) -> Bool {
    guard slot < facts.count, decision.depth >= .risk else { return false }
    let fact = facts[slot]
    let stage = stages[decision.stage]
    let bit: UInt64 = 1 << UInt64(slot)
    // Another clock is another dormancy and tier.
    if stage.since & bit != 0 { return false }
    // One ahead of now is taken for now, or for none.
    if fact.isPast, let time = trial.time(slot), time > scoring.now { return false }
    if stage.reads & bit != 0 {
      var changed = glance
      changed.present = trial.isPresent(slot) ? changed.present | bit : changed.present & ~bit
      changed.yes = trial.isPresent(slot) && trial.bits[slot] & 1 != 0 ? changed.yes | bit : changed.yes & ~bit
      if scoring.stage(trial, changed) != decision.stage { return false }
    }
    // From here on the stage stays, and with it the clock.
    let isLatest = fact.isPast && reachesLatest(row.time(slot), trial.time(slot), decision)
    let touched = isLatest ? fact.touched | silentDays : fact.touched
    if decision.isSuppressedByRule { return remains(decision, touched) }
    if suppress & touched != 0 { return false }
    if decision.status == .active || decision.status == .declined && remains(decision, touched) { return true }
    if gate & touched != 0 { return false }
    if risk & touched != 0 { return false }
    // What is left is the worth, which decides on the policy's own users alone.
    guard decision.depth >= .value, decision.arm == .policy else { return true }
    return !isLatest && (response | stage.loan) & touched == 0
  }

  /// Whether some rule that held still does.
  private func remains(_ decision: Decision, _ touched: UInt64) -> Bool {
    decision.reasons.contains { ruleReads[Int($0)] & touched == 0 }
  }

  /// Whether the latest of the times may be another.
  private func reachesLatest(_ before: Int64?, _ after: Int64?, _ decision: Decision) -> Bool {
    guard let latest = decision.latestTime else { return true }
    return before == latest || after ?? .min > latest
  }
}
