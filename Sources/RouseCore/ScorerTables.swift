/// What the scorer asks of a policy for every candidate, in plain memory: two threads that count references to the same
/// objects wait for each other more than they score.
final class ScorerTables: @unchecked Sendable {
  // Sendable because nothing in it changes after init.

  struct Stage: BitwiseCopyable {
    let when: Clauses.When
    /// Its times among `since`.
    let sinceStart: Int
    let sinceEnd: Int
    let text: UInt64
    /// nil: never recalled.
    let recall: Recall?
    /// Points on top of the risk score where underwriting lies ahead.
    let lift: Int
    let root: ConditionPool.Root
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
    let recency: Recency.Place
    /// Where its channels' odds stand among `base`.
    let base: Int
  }

  struct Channel: BitwiseCopyable {
    let needs: Clauses.When
    let cost: Double
    let quit: Double
    let cap30d: Int
    let root: ConditionPool.Root
  }

  struct Rule: BitwiseCopyable {
    let when: Clauses.When
    /// Index into `Policy.codes`.
    let code: Int32
    let root: ConditionPool.Root
  }

  /// Everything, to be reached without a thought; valid while the policy lives.
  struct View: BitwiseCopyable {
    /// Seconds.
    let clockSkew: Int64
    let sizes: DecisionMemory.Sizes
    let clauses: Clauses
    let timesCount: Int
    /// Flags' slots that have a bit in a `Glance`.
    let flagsStart: Int
    let flagsEnd: Int
    /// Bits of the declared slots in a `Glance`.
    let declaredBits: UInt64
    let suppress: UnsafeMutablePointer<Rule>
    let suppressCount: Int
    let knockout: UnsafeMutablePointer<Rule>
    let knockoutCount: Int
    let stages: UnsafeMutablePointer<Stage>
    let stageCount: Int
    let since: UnsafeMutablePointer<Int>
    let base: UnsafeMutablePointer<Double>
    let factors: UnsafePointer<Odds.Factors>
    let lost: UnsafeMutablePointer<Int16>
    let thresholds: UnsafeMutablePointer<Int64>
    let tierDays: UnsafeMutablePointer<Int64>
    /// One more than there are tiers: `all`.
    let tierTexts: UnsafeMutablePointer<UInt64>
    let tierCount: Int
    let channels: UnsafeMutablePointer<Channel>
    let channelCount: Int
    let risk: Scorecard.Table
    let response: Scorecard.Table
    let riskRules: Policy.RiskRules
    let mostRiskReasons: Int
    /// Index into `Policy.codes`, or -1.
    let thinCode: Int32
    let baseOdds: Double
    /// By points from `firstPD` on.
    let pds: UnsafeMutablePointer<Double>
    let firstPD: Int
    let pdCount: Int
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
    let lottery: Experiment.Lottery
  }
  let view: UnsafeMutablePointer<View>

  init(_ policy: Policy) {
    let definition = policy.definition
    var clauses = Clauses.Builder(policy.conditions)
    var since: [Int] = []
    var base: [Double] = []
    var lost: [Int16] = []
    var thresholds: [Int64] = []
    var recencies: [Int: Recency.Place] = [:]
    var stages: [Stage] = []
    for stage in policy.stages {
      var recalled: Recall?
      if let recall = stage.recall {
        // Stages of one half-life share its days.
        let recency = recencies[recall.halfLife] ?? recall.recency.append(to: &lost, &thresholds)
        recencies[recall.halfLife] = recency
        recalled = Recall(
          dormant: recall.dormant, dormantDays: recall.dormantDays, points: recall.points, loan: recall.loan,
          loanFrom: recall.loanFrom ?? -1, coupon: recall.coupon, incremental: recall.incremental,
          isAheadOfUnderwriting: recall.isAheadOfUnderwriting, recency: recency, base: base.count)
        base += recall.base
      }
      stages.append(
        Stage(
          when: clauses.add(stage.when), sinceStart: since.count, sinceEnd: since.count + stage.since.count,
          text: stage.text, recall: recalled,
          lift: stage.recall?.isAheadOfUnderwriting == true ? definition.risk.underwriting?.lift ?? 0 : 0,
          root: stage.when))
      since += stage.since
    }
    let suppress = policy.suppress.map { Rule(when: clauses.add($0.when), code: Int32($0.code), root: $0.when) }
    let knockout = policy.knockout.map { Rule(when: clauses.add($0.when), code: Int32($0.code), root: $0.when) }
    let channels = policy.channels.map {
      Channel(needs: clauses.add($0.needs), cost: $0.cost, quit: $0.quit, cap30d: $0.cap30d, root: $0.needs)
    }
    let declared = policy.fields.declared
    let flags = declared.indices.filter { declared[$0].kind == .flags && $0 < Glance.slots }
    let points = Self.pdPoints(policy)
    view = .allocate(capacity: 1)
    view.initialize(
      to: View(
        clockSkew: definition.clockSkew,
        sizes: DecisionMemory.Sizes(
          reasons: suppress.count + knockout.count + definition.risk.reasons + ReasonCode.allCases.count,
          channels: channels.count, bins: policy.response.count),
        clauses: clauses.build(), timesCount: policy.timesCount, flagsStart: flags.first ?? 0,
        flagsEnd: (flags.last ?? -1) + 1,
        declaredBits: declared.count < Glance.slots ? 1 << UInt64(declared.count) - 1 : .max,
        suppress: plainMemory(suppress), suppressCount: suppress.count, knockout: plainMemory(knockout),
        knockoutCount: knockout.count, stages: plainMemory(stages), stageCount: stages.count,
        since: plainMemory(since), base: plainMemory(base), factors: Odds.factorsAtZero, lost: plainMemory(lost),
        thresholds: plainMemory(thresholds), tierDays: plainMemory(policy.tiers.map(\.days)),
        tierTexts: plainMemory(policy.tiers.map(\.text) + [policy.lastTierText]), tierCount: policy.tiers.count,
        channels: plainMemory(channels), channelCount: channels.count, risk: policy.risk.table,
        response: policy.response.table, riskRules: policy.riskRules, mostRiskReasons: definition.risk.reasons,
        thinCode: policy.thinCode.map { Int32($0) } ?? -1, baseOdds: definition.risk.baseOdds,
        pds: plainMemory(points.map { Odds.badShare(Odds.scale(definition.risk.baseOdds, $0)) }),
        firstPD: points.first ?? 0, pdCount: points.count, regionSlot: policy.region.slot ?? -1,
        groups: plainMemory((0..<policy.texts.count).map { policy.region.group(UInt64($0)) }),
        offsets: plainMemory((0..<policy.texts.count).map { policy.region.offset(UInt64($0)) }),
        notServed: plainMemory((0..<policy.texts.count).map { !policy.region.isServed(UInt64($0)) }),
        money: definition.money, isBest: definition.contact.ladder == .best,
        gap: definition.contact.gapDays * Moment.day, cap30d: definition.contact.cap30d, hurdle: policy.hurdle,
        arms: policy.experiment.arms, lottery: policy.experiment.lottery))
  }

  /// The points that the risk card can come to, where they are few enough for a table.
  private static func pdPoints(_ policy: Policy) -> Range<Int> {
    var (least, most) = (0, 0)
    for row in policy.risk.rows {
      let points = row.points + [row.missing, row.other]
      least += points.min() ?? 0
      most += points.max() ?? 0
    }
    let rest = [policy.riskRules.thinPoints, policy.definition.risk.underwriting?.lift ?? 0]
    for points in rest { (least, most) = (least + min(0, points), most + max(0, points)) }
    return most - least < 1 << 14 ? least..<(most + 1) : 0..<0
  }

  deinit {
    let view = view.pointee
    view.clauses.deallocate()
    view.suppress.deallocate()
    view.knockout.deallocate()
    view.stages.deallocate()
    view.since.deallocate()
    view.base.deallocate()
    view.lost.deallocate()
    view.thresholds.deallocate()
    view.tierDays.deallocate()
    view.tierTexts.deallocate()
    view.channels.deallocate()
    view.pds.deallocate()
    view.groups.deallocate()
    view.offsets.deallocate()
    view.notServed.deallocate()
    self.view.deallocate()
  }
}

extension ScorerTables.View {
  /// The slot's bit in a `Glance`; 0 where it has none.
  @inline(__always)
  func bit(ofSlot slot: Int) -> UInt64 { slot < Glance.slots ? 1 &<< UInt64(slot) : 0 }

  /// As `Policy.pd`, at points from the base score, underwriting's lift among them.
  @inline(__always)
  func pd(points: Int) -> Double {
    let at = points - firstPD
    return at >= 0 && at < pdCount ? pds[at] : Odds.badShare(Odds.scale(baseOdds, points))
  }

  /// As `Recency.points`.
  @inline(__always)
  func recency(_ recall: ScorerTables.Recall, silentDays: Int64) -> Int {
    let place = recall.recency
    return Recency.points(
      silentDays, lost: lost + place.lost, thresholds: thresholds + place.thresholds, count: place.count)
  }
}
