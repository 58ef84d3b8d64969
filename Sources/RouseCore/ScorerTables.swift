/// What the scorer asks of a policy for every candidate, in plain memory: two threads that count references to the same
/// objects wait for each other more than they score.
final class ScorerTables: @unchecked Sendable {
  // Sendable because nothing in it changes after init.

  struct Stage: BitwiseCopyable {
    let when: ConditionPool.Root
    /// Its times among `since`.
    let sinceStart: Int
    let sinceEnd: Int
    let text: UInt64
    /// nil: never recalled.
    let recall: Recall?
    /// Points on top of the risk score where underwriting lies ahead.
    let lift: Int
  }

  struct Recall: BitwiseCopyable {
    let dormant: Int64
    let dormantDays: Int64
    let points: Int
    let loan: Double
    /// Slot, or -1.
    let loanFrom: Int
    let coupon: Double
    let incremental: Double
    let isAheadOfUnderwriting: Bool
    /// Points lost by days of silence, from `lost[recency]` on; by more days than there are, the stage's own table says.
    let recency: Int
    /// Where its channels' odds stand among `base`.
    let base: Int
  }

  struct Channel: BitwiseCopyable {
    let needs: ConditionPool.Root
    let cost: Double
    let quit: Double
    let cap30d: Int
  }

  /// Everything, to be copied without a thought; valid while the policy lives.
  struct View: BitwiseCopyable, @unchecked Sendable {
    let conditions: ConditionPool.Nodes
    let timesCount: Int
    let suppress: UnsafeMutablePointer<Policy.Rule>
    let suppressCount: Int
    let knockout: UnsafeMutablePointer<Policy.Rule>
    let knockoutCount: Int
    let stages: UnsafeMutablePointer<Stage>
    let stageCount: Int
    let since: UnsafeMutablePointer<Int>
    let base: UnsafeMutablePointer<Double>
    let lost: UnsafeMutablePointer<Int16>
    let lostDays: Int
    let tierDays: UnsafeMutablePointer<Int64>
    /// One more than there are tiers: `all`.
    let tierTexts: UnsafeMutablePointer<UInt64>
    let tierCount: Int
    let channels: UnsafeMutablePointer<Channel>
    let channelCount: Int
    let risk: Scorecard.Table
    let response: Scorecard.Table
    let riskRules: Policy.RiskRules
    let baseOdds: Double
    /// Slot, or -1; then by text: group, offset, 1 where nobody is served.
    let regionSlot: Int
    let groups: UnsafeMutablePointer<UInt64>
    let offsets: UnsafeMutablePointer<Int>
    let notServed: UnsafeMutablePointer<Bool>
    let money: MoneyDefinition
    let isBest: Bool
    let gap: Int64
    let cap30d: Int
    let hurdle: Int64
    let arms: Experiment.Arms
  }
  let view: View

  init(_ policy: Policy) {
    let definition = policy.definition
    var since: [Int] = []
    var base: [Double] = []
    var lost: [Int16] = []
    var stages: [Stage] = []
    for stage in policy.stages {
      let recall = stage.recall.map { recall in
        defer {
          base += recall.base
          lost += recall.recency.lost
        }
        return Recall(
          dormant: recall.dormant, dormantDays: recall.dormantDays, points: recall.points, loan: recall.loan,
          loanFrom: recall.loanFrom ?? -1, coupon: recall.coupon, incremental: recall.incremental,
          isAheadOfUnderwriting: recall.isAheadOfUnderwriting, recency: lost.count, base: base.count)
      }
      stages.append(
        Stage(
          when: stage.when, sinceStart: since.count, sinceEnd: since.count + stage.since.count, text: stage.text,
          recall: recall,
          lift: stage.recall?.isAheadOfUnderwriting == true ? definition.risk.underwriting?.lift ?? 0 : 0))
      since += stage.since
    }
    view = View(
      conditions: policy.conditions.nodes, timesCount: policy.timesCount, suppress: plainMemory(policy.suppress),
      suppressCount: policy.suppress.count, knockout: plainMemory(policy.knockout),
      knockoutCount: policy.knockout.count, stages: plainMemory(stages), stageCount: stages.count,
      since: plainMemory(since), base: plainMemory(base), lost: plainMemory(lost), lostDays: Recency.tableDays,
      tierDays: plainMemory(policy.tiers.map(\.days)),
      tierTexts: plainMemory(policy.tiers.map(\.text) + [policy.lastTierText]), tierCount: policy.tiers.count,
      channels: plainMemory(
        policy.channels.map { Channel(needs: $0.needs, cost: $0.cost, quit: $0.quit, cap30d: $0.cap30d) }),
      channelCount: policy.channels.count, risk: policy.risk.table, response: policy.response.table,
      riskRules: policy.riskRules, baseOdds: definition.risk.baseOdds, regionSlot: policy.region.slot ?? -1,
      groups: plainMemory((0..<policy.texts.count).map { policy.region.group(UInt64($0)) }),
      offsets: plainMemory((0..<policy.texts.count).map { policy.region.offset(UInt64($0)) }),
      notServed: plainMemory((0..<policy.texts.count).map { !policy.region.isServed(UInt64($0)) }),
      money: definition.money, isBest: definition.contact.ladder == .best,
      gap: definition.contact.gapDays * Moment.day, cap30d: definition.contact.cap30d, hurdle: policy.hurdle,
      arms: policy.experiment.arms)
  }

  deinit {
    view.suppress.deallocate()
    view.knockout.deallocate()
    view.stages.deallocate()
    view.since.deallocate()
    view.base.deallocate()
    view.lost.deallocate()
    view.tierDays.deallocate()
    view.tierTexts.deallocate()
    view.channels.deallocate()
    view.groups.deallocate()
    view.offsets.deallocate()
    view.notServed.deallocate()
  }
}

extension ScorerTables.View {
  /// What an option is worth over the hurdle, in 1e-12 of the currency.
  @inline(__always)
  func worth(_ option: Option) -> Int128 {
    Int128(Micros.one) * Int128(option.value) - Int128(hurdle) * Int128(option.spend)
  }
}
