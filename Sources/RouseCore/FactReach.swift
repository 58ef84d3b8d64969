/// Which of a policy's parts read which facts, as bits of slots, so that a changed fact has only what it reaches worked out
/// again.
final class FactReach: @unchecked Sendable {
  // Sendable because nothing in it changes after init.

  struct Fact: BitwiseCopyable {
    /// Its slot, and those that are derived from a region.
    let touched: UInt64
    /// The same, and what else it may touch while stage and clock stay.
    let reached: UInt64
    /// Of kind times: the latest of them counts.
    let isPast: Bool
  }

  struct Stage: BitwiseCopyable {
    /// Slots that the conditions of the stages up to this one read.
    let reads: UInt64
    /// Slots of its clock, and of the loan.
    let since: UInt64
    let loan: UInt64
  }

  /// Valid while the reach lives.
  struct View: BitwiseCopyable {
    /// By declared slot.
    let facts: UnsafeMutablePointer<Fact>
    let stages: UnsafeMutablePointer<Stage>
    /// What each rule reads, and each channel's needs.
    let suppress: UnsafeMutablePointer<UInt64>
    let knockout: UnsafeMutablePointer<UInt64>
    let needs: UnsafeMutablePointer<UInt64>
    let anySuppress: UInt64
    let anyKnockout: UInt64
    let anyNeeds: UInt64
    let risk: UInt64
    let response: UInt64
    let silentDays: UInt64
  }
  let view: View
  /// Whether all slots, rules and channels have a bit; without that nothing can be said.
  let isWhole: Bool

  init(_ policy: Policy) {
    func bits(_ slots: some Sequence<Int>) -> UInt64 {
      slots.reduce(0) { $0 | ($1 < Glance.slots ? 1 << UInt64($1) : 0) }
    }
    let definition = policy.definition
    let fields = policy.fields
    let suppress = definition.suppress.map { bits($0.when.slots) }
    let knockout = definition.knockout.map { bits($0.when.slots) }
    let needs = definition.channels.map { bits($0.needs.slots) }
    isWhole =
      fields.slotCount <= Glance.slots
      && [suppress, knockout, needs].allSatisfy { $0.count <= UInt64.bitWidth }
    var reads: UInt64 = 0
    let stages = definition.stages.map { stage in
      reads |= bits(stage.when.slots)
      return Stage(reads: reads, since: bits(stage.since), loan: bits([stage.recall?.loanFrom].compactMap { $0 }))
    }
    let silentDays = bits([fields.slot(.silentDays)])
    let facts = fields.declared.indices.map { slot in
      var touched = bits([slot])
      if slot == policy.region.slot { touched |= bits([fields.slot(.regionGroup), fields.slot(.regionServed)]) }
      let isPast = slot < policy.timesCount
      return Fact(touched: touched, reached: isPast ? touched | silentDays : touched, isPast: isPast)
    }
    view = View(
      facts: plainMemory(facts), stages: plainMemory(stages), suppress: plainMemory(suppress),
      knockout: plainMemory(knockout), needs: plainMemory(needs), anySuppress: suppress.reduce(0, |),
      anyKnockout: knockout.reduce(0, |), anyNeeds: needs.reduce(0, |), risk: bits(definition.risk.card.map(\.slot)),
      response: bits(definition.response.card.map(\.slot)), silentDays: silentDays)
  }

  deinit {
    view.facts.deallocate()
    view.stages.deallocate()
    view.suppress.deallocate()
    view.knockout.deallocate()
    view.needs.deallocate()
  }
}
