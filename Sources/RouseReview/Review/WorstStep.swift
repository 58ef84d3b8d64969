import RouseCore

/// The step at which most is lost of what it should let through: against the policy's target for it or, without one,
/// against the rate that the policy believes in.
struct WorstStep {
  let stage: String
  let step: String
  let from: String?
  let rate: Rate
  let reference: Double
  let isTarget: Bool
  /// Of the reference, from 0 to 1.
  let shortfall: Double

  var verdict: Verdict { Verdict(rate, target: reference) }

  /// - Returns: nil where nobody came to any step, or no step falls short.
  init?(_ stage: String, _ tally: GroupTally, _ steps: ReviewSteps, _ policy: Policy) {
    var worst: WorstStep?
    for step in tally.shown(steps) where step != ReviewSteps.delivered {
      let name = steps.names[step]
      let target = policy.target(name)
      let rate = tally.measured(step, steps)
      guard let reference = target ?? tally.believed(step, steps, policy), reference > 0, let share = rate.share,
        share < reference
      else { continue }
      let one = WorstStep(
        stage: stage, step: name, from: tally.from(step, steps), rate: rate, reference: reference,
        isTarget: target != nil, shortfall: (reference - share) / reference)
      if let known = worst {
        // What is certain comes before what may be chance.
        let isSure = (one.verdict == .below, known.verdict == .below)
        guard isSure.0 && !isSure.1 || isSure.0 == isSure.1 && one.shortfall > known.shortfall else { continue }
      }
      worst = one
    }
    guard let worst else { return nil }
    self = worst
  }

  private init(
    stage: String, step: String, from: String?, rate: Rate, reference: Double, isTarget: Bool, shortfall: Double
  ) {
    self.stage = stage
    self.step = step
    self.from = from
    self.rate = rate
    self.reference = reference
    self.isTarget = isTarget
    self.shortfall = shortfall
  }
}

extension AnswerWriter {
  mutating func write(_ worst: WorstStep) {
    set("stage", worst.stage)
    set("step", worst.step)
    set("from", worst.from)
    set("rate", worst.rate)
    set("reference", worst.reference)
    set("against", worst.isTarget ? "target" : "policy")
    set("shortfall", worst.shortfall)
    set("verdict", worst.verdict.rawValue)
  }
}
