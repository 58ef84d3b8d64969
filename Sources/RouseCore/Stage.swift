/// A stage of the lifecycle, compiled (model 3), with what its users' response starts from (model 7).
package final class Stage: Sendable {
  package let name: String
  let text: UInt64
  let when: ConditionPool.Root
  /// Slots of the times whose latest is the clock.
  let since: [Int]
  package let recall: Recall?

  package final class Recall: Sendable {
    /// Seconds on the clock from which a user is dormant.
    let dormant: Int64
    let dormantDays: Int64
    package let halfLife: Int
    package let recency: Recency
    package let points: Int
    package let loan: Double
    package let loanFrom: Int?
    package let coupon: Double
    package let incremental: Double
    /// The underwriting step is among those to come.
    package let isAheadOfUnderwriting: Bool
    package let steps: [Int]
    /// A channel's chance of a paid-out loan at 0 points, and its odds `x / (1 - x)`.
    package let chance: [Double]
    let base: [Double]

    init(_ recall: RecallDefinition, in policy: PolicyDefinition) {
      dormant = recall.dormantDays * Moment.day
      dormantDays = recall.dormantDays
      halfLife = recall.halfLife ?? policy.response.halfLife
      recency = Recency(halfLife: halfLife, floor: policy.response.floor)
      points = recall.points
      loan = recall.loan
      loanFrom = recall.loanFrom
      coupon = recall.coupon
      incremental = recall.incremental
      isAheadOfUnderwriting = policy.risk.underwriting.map { recall.steps.contains($0.step) } ?? false
      steps = recall.steps
      chance = policy.channels.map { channel in
        recall.steps.reduce(channel.reach * channel.click) { $0 * policy.response.steps[$1].rate }
      }
      base = chance.map { $0 / (1 - $0) }
    }
  }

  init(_ stage: StageDefinition, when: ConditionPool.Root, text: UInt64, in policy: PolicyDefinition) {
    name = stage.name
    self.text = text
    self.when = when
    since = stage.since
    recall = stage.recall.map { Recall($0, in: policy) }
  }
}
