import RouseCore

/// What a review comes to, for those who decide: sentences with their figures, the most important first.
struct ReviewFindings {
  enum Grade: String {
    /// Something is to be done.
    case act
    /// Something is to be looked at.
    case look
    case good
    /// What is to be known of the figures themselves.
    case note
  }

  struct Finding {
    let code: String
    let grade: Grade
    let say: String
  }

  private(set) var all: [Finding] = []
  private let review: Review

  init(_ review: Review) {
    self.review = review
    guard review.groups.all.contacts > 0 else {
      all = [Finding(code: "nothing", grade: .note, say: nothing)]
      return
    }
    tellLift()
    tellMoney()
    tellTargets()
    tellDrift()
    tellCalibration()
    tellHarm()
    tellRecall()
    tellParity()
    tellWorst()
    tellGaps()
    // Stable: within a grade they stay in the order in which they were found.
    let order: [Grade] = [.act, .look, .good, .note]
    all = order.flatMap { grade in all.filter { $0.grade == grade } }
  }

  private mutating func tell(_ code: String, _ grade: Grade, _ say: String) {
    all.append(Finding(code: code, grade: grade, say: say))
  }

  private var nothing: String {
    let period = review.question.period
    let made = review.planned.contacts
    let span = "from \(Moment.format(period.lowerBound)) to \(Moment.format(period.upperBound))"
    return made > 0
      ? "No contact was reported \(span), though plans chose \(Words.count(made)): record what was sent (rouse record), "
        + "or nothing can be learned."
      : "No contact was reported \(span), and no plan was committed: choose another period, or commit plans and record "
        + "their contacts."
  }

  private mutating func tellLift() {
    let group = review.lift.all
    let rates =
      "\(Words.rate(group.chosen, of: "chosen users")) borrowed, \(Words.rate(group.heldOut, of: "held-out users"))"
    guard let lift = group.lift else {
      if review.lift.unfinished > 0 {
        tell(
          "lift", .note,
          "Whether contacts add loans is not yet known: the windows of \(Words.count(review.lift.unfinished)) rows of plans "
            + "have not ended, and of those that have, one side is empty.")
      } else if group.chosen.of > 0 {
        tell(
          "lift", .look,
          "Whether contacts add loans cannot be known: nobody was held out. Set experiment.holdout in the policy.")
      }
      return
    }
    switch group.verdict {
    case "adds":
      let extra = Words.count(Int(lift.extra.rounded()))
      tell(
        "lift", .good, "Contacts add loans: \(rates); about \(extra) loans came that would not have come by themselves."
      )
    case "takes_away":
      tell("lift", .act, "Those contacted borrow less than those left alone: \(rates). Stop, and find out why.")
    default:
      let more = group.needed.map {
        let now = "there are \(Words.count(group.chosen.of)) and \(Words.count(group.heldOut.of))"
        return " A difference of this size would show with about \(Words.count($0.chosen)) chosen and "
          + "\(Words.count($0.heldOut)) held out; \(now)."
      }
      tell("lift", .note, "Whether contacts add loans is not yet known: \(rates).\(more ?? "")")
    }
  }

  private mutating func tellMoney() {
    let all = review.groups.all
    guard all.finished > 0 else { return }
    let spend = Words.money(all.spend.total.adding(all.coupons))
    let came = "\(Words.count(all.finished)) contacts cost \(spend)"
    if all.realisedValue < 0 {
      tell(
        "value", .act,
        "\(came) and brought less than that: \(Words.money(all.realisedValue)) after costs, where plans expected "
          + "\(Words.money(all.expectedValue)). Raise money.hurdle, or contact fewer.")
    } else {
      tell(
        // Sums of outside amounts end at the greatest number there is: twice that is none.
        "value", Double(all.realisedValue) * 2 < Double(all.expectedValue) ? .look : .good,
        "\(came) and brought \(Words.money(all.realisedValue)) after costs; plans expected \(Words.money(all.expectedValue))."
      )
    }
  }

  private mutating func tellTargets() {
    let (steps, all) = (review.steps, review.groups.all)
    let unreported = review.groups.unreported
    if !unreported.isEmpty {
      tell(
        "unreported", .look,
        "Nobody reported \(unreported.map { steps.names[$0] }.joined(separator: ", ")), though later steps were: record them, "
          + "or where users are lost cannot be told.")
    }
    for target in review.policy.definition.review.targets {
      guard
        let step = steps.names.prefix(steps.funnelCount).firstIndex(where: { ExactText($0) == ExactText(target.name) })
      else {
        tell(
          "target", .note,
          "The policy has a target for \(target.name), which is neither one of its steps nor a kind of event: nothing can be "
            + "held against it.")
        continue
      }
      let rate = all.measured(step, steps)
      let say = "\(Words.rate(rate, of: before(step, all))) came to \(target.name)"
      switch Verdict(rate, target: target.rate) {
      case .below: tell("target", .look, "\(say); the target is \(Words.percent(target.rate)).")
      case .met: tell("target", .good, "\(say), which meets the target of \(Words.percent(target.rate)).")
      case .notKnown where rate.of > 0:
        tell("target", .note, "\(say); whether the target of \(Words.percent(target.rate)) is met is not yet known.")
      case .notKnown: break
      }
    }
  }

  /// What those are called whose rate a step's is.
  private func before(_ step: Int, _ tally: GroupTally) -> String {
    if step < 2 || step == review.steps.disbursed { return "contacts" }
    return tally.from(step, review.steps).map { $0 == "contact" ? "contacts" : "users after \($0)" }
      ?? "users at the step before"
  }

  private mutating func tellDrift() {
    let stability = review.stability
    for characteristic in stability.characteristics {
      guard let psi = stability.stability(characteristic) else { continue }
      let bins = stability.used(characteristic).count
      let verdict = psi.verdict(review.policy.psiThresholds, bins: bins)
      guard verdict == "act" || verdict == "look" else { continue }
      let high = psi.noiseHigh(bins: bins)
      let chance = high < 0.001 ? "less than 0.001" : "up to " + Words.fixed(high, decimals: 3)
      let figure = "PSI \(Words.fixed(psi.psi, decimals: 2)), by chance \(chance)"
      tell(
        "drift", verdict == "act" ? .act : .look,
        verdict == "act"
          ? "Users differ in \(characteristic.title) from those before (\(figure)): see whether its data still come as they "
            + "did, then fit the policy again."
          : "Users begin to differ in \(characteristic.title) from those before (\(figure)).")
    }
  }

  private mutating func tellCalibration() {
    for (calibration, what, who, fit) in [
      (review.chances, "a loan", "contacts", "response"), (review.defaults, "default", "loans", "risk"),
    ] {
      guard let all = calibration.all?.band, !all.isSound, let shift = all.shift else { continue }
      let seen = all.observed.share ?? 0
      // Loans that have been out for some weeks cannot have defaulted yet.
      let isYoung = what == "default" && (review.daysKnown ?? 0) < Self.daysToDefault
      if isYoung, seen < all.expected {
        tell(
          "calibration", .note,
          "Whether the chance of default is right is not yet known: loans have been out for "
            + "\(Words.fixed(review.daysKnown ?? 0, decimals: 0)) days on average. Review an earlier period.")
        continue
      }
      tell(
        "calibration", .look,
        "The chance of \(what) was expected too \(seen > all.expected ? "low" : "high"): \(Words.percent(all.expected)) "
          + "expected, \(Words.rate(all.observed, of: who)). \(shift > 0 ? "+" : "")\(shift) points would put it right "
          + "(rouse policy fit, \(fit)).")
    }
  }

  private static let daysToDefault = 90.0

  private mutating func tellHarm() {
    let (steps, all) = (review.steps, review.groups.all)
    for (step, what) in [(steps.quit, "quit"), (steps.complaint, "complained"), (steps.optOut, "opted out")] {
      guard all.counts[step] > 0 else { continue }
      tell(
        "harm", .note,
        "\(Words.count(all.counts[step])) users \(what) after a contact: "
          + Words.rate(all.rate(step), of: "contacts") + ".")
    }
  }

  private mutating func tellRecall() {
    let cost = review.groups.all.costOfRecall(review.steps)
    guard let cost, let new = review.question.newUserCost else { return }
    let say = "A recalled user cost \(Words.money(cost)), a new one costs \(Words.money(new))"
    cost < new / 4
      ? tell("recall_cost", .good, "\(say): less than a quarter of it.")
      : tell("recall_cost", .act, "\(say): more than a quarter of it. Recall fewer, or by cheaper channels.")
  }

  private mutating func tellParity() {
    for group in review.parity.groups where group.verdict == .below {
      tell(
        "parity", .look,
        "Contacts in region group \(group.name) lead to loans less often: \(Words.rate(group.disbursed, of: "contacts")), "
          + "\(Words.fixed((group.ratio ?? 0) * 100, decimals: 0)) % of the best group's rate.")
    }
  }

  /// Stages that lose most at the same step are told together: where a target is far from what anybody reaches, all do.
  private mutating func tellWorst() {
    var told: [String] = []
    for worst in review.worst where worst.verdict == .below {
      if told.contains(where: { ExactText($0) == ExactText(worst.step) }) { continue }
      let alike = review.worst.filter {
        $0.verdict == .below && $0.isTarget && worst.isTarget && ExactText($0.step) == ExactText(worst.step)
      }
      let reference = "\(worst.isTarget ? "the target is" : "the policy believes") \(Words.percent(worst.reference))"
      guard alike.count > 1 else {
        let before = worst.from.map { $0 == "contact" ? "contacts" : "users after \($0)" } ?? "users before it"
        tell(
          "worst_step", .look,
          "Stage \(worst.stage) loses most at \(worst.step): \(Words.rate(worst.rate, of: before)), where \(reference)."
        )
        continue
      }
      told.append(worst.step)
      let stages = alike.map { "\($0.stage) \(Words.percent($0.rate.share ?? 0))" }.joined(separator: ", ")
      tell(
        "worst_step", .look,
        "\(Words.count(alike.count)) stages lose most at \(worst.step), where \(reference): \(stages).")
    }
  }

  private mutating func tellGaps() {
    let (all, planned) = (review.groups.all, review.planned)
    if all.finished < all.contacts {
      tell(
        "unfinished", .note,
        "\(Words.count(all.contacts - all.finished)) of \(Words.count(all.contacts)) contacts are left out of all rates: "
          + "their window of \(review.policy.window / Moment.day) days has not ended.")
    }
    if planned.notReported > 0 {
      tell(
        "not_reported", planned.notReported * 10 > planned.contacts ? .look : .note,
        "\(Words.count(planned.notReported)) of \(Words.count(planned.contacts)) planned contacts were never reported: "
          + "record them, or see why they were not made.")
    }
    if review.groups.unplanned > 0 {
      tell(
        "unplanned", .note,
        "\(Words.count(review.groups.unplanned)) contacts were of no plan: their stage, tier and arm are not known.")
    }
  }
}
