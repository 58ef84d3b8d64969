import RouseCore

extension Policy {
  /// The rate that a step is to reach, by the policy's review.
  func target(_ name: String) -> Double? {
    definition.review.targets.first { ExactText($0.name) == ExactText(name) }?.rate
  }

  /// What the policy believes of a step, once the one before is done.
  func belief(_ step: String) -> Double? {
    definition.response.steps.first { ExactText($0.name) == ExactText(step) }?.rate
  }
}

extension GroupTally {
  /// What a step's target is held against, and of whom it is a rate: click, delivered and disbursed of the contacts, a step
  /// of the policy of those who did the one before.
  func measured(_ step: Int, _ steps: ReviewSteps) -> Rate {
    step == ReviewSteps.delivered || step == ReviewSteps.click || step == steps.disbursed
      ? rate(step) : rateFromPrevious(step)
  }

  func believed(_ step: Int, _ steps: ReviewSteps, _ policy: Policy) -> Double? {
    switch step {
    case ReviewSteps.delivered, ReviewSteps.click: believedOf > 0 ? believed[step] / Double(believedOf) : nil
    case steps.disbursed: nil
    default: policy.belief(steps.names[step])
    }
  }

  /// The steps that these contacts could take, or took.
  func shown(_ steps: ReviewSteps) -> [Int] {
    (0..<steps.funnelCount).filter { $0 == ReviewSteps.delivered || previous[$0] != nil || counts[$0] > 0 }
  }

  /// The name of the step before; nil where several are.
  func from(_ step: Int, _ steps: ReviewSteps) -> String? {
    guard step != ReviewSteps.delivered else { return "contact" }
    guard let before = previous[step], before != Self.several else { return nil }
    return before < 0 ? "contact" : steps.names[before]
  }

  var expectedROI: Double? { expectedSpend > 0 ? Double(expectedValue) / Double(expectedSpend) : nil }
  var realisedROI: Double? {
    let costs = spend.total.adding(coupons)
    return costs > 0 ? Double(realisedValue) / Double(costs) : nil
  }

  /// Micros: spend, coupons included, over those who logged in again.
  func costOfRecall(_ steps: ReviewSteps) -> Int64? {
    let recalled = counts[steps.login]
    return recalled > 0 ? Micros.from(Double(spend.total.adding(coupons)) / 1e6 / Double(recalled)) : nil
  }
}

extension AnswerWriter {
  mutating func write(
    _ tally: GroupTally, name: String?, _ steps: ReviewSteps, _ policy: Policy, newUserCost: Int64?
  ) {
    set("name", name)
    set("contacts", tally.contacts)
    set("finished", tally.finished)
    set("unfinished", tally.contacts - tally.finished)
    list("funnel", tally.shown(steps)) { answer, step in
      let target = policy.target(steps.names[step])
      answer.object { answer in
        answer.set("step", steps.names[step])
        answer.set("per_contact", tally.rate(step))
        answer.set("from", tally.from(step, steps))
        let follows = step == ReviewSteps.delivered || tally.previous[step] != nil
        answer.set("from_previous", follows ? tally.rateFromPrevious(step) : nil)
        answer.set("believed", tally.believed(step, steps, policy))
        answer.set("target", target)
        answer.set("verdict", target.map { Verdict(tally.measured(step, steps), target: $0).rawValue })
      }
    }
    writeRates(tally, steps)
    object("harm") { answer in
      for step in [steps.quit, steps.complaint, steps.optOut] { answer.set(steps.names[step], tally.rate(step)) }
    }
    writeMoney(tally)
    let cost = tally.costOfRecall(steps)
    object("recalled") { answer in
      answer.set("users", tally.counts[steps.login])
      answer.set("cost_each", micros: cost)
      answer.set("quarter_of_new", micros: newUserCost.map { $0 / 4 })
      answer.set("verdict", RecallCost.verdict(cost, newUserCost: newUserCost))
    }
  }

  private mutating func writeRates(_ tally: GroupTally, _ steps: ReviewSteps) {
    let clicks = tally.counts[ReviewSteps.click]
    let applications = tally.applications
    let has = applications.contacts > 0
    object("rates") { answer in
      answer.set("click_per_push", tally.rate(ReviewSteps.click))
      answer.set("recall_per_push", tally.rate(steps.login))
      answer.set("recall_per_click", Rate(tally.clicksToLogin, of: clicks))
      answer.set("application_per_push", has ? Rate(applications.made, of: applications.contacts) : nil)
      answer.set("application_per_click", has ? Rate(applications.ofClicks, of: applications.clicks) : nil)
      answer.set("application_per_login", has ? Rate(applications.ofLogins, of: applications.logins) : nil)
      answer.set("disbursed_per_push", tally.rate(steps.disbursed))
      answer.set("disbursed_per_click", Rate(tally.clicksToLoan, of: clicks))
      answer.set("disbursed_per_login", Rate(tally.loginsToLoan, of: tally.counts[steps.login]))
    }
  }

  private mutating func writeMoney(_ tally: GroupTally) {
    object("money") { answer in
      answer.set("spend", micros: tally.spend.total)
      answer.set("spend_reported", micros: tally.spend.reported)
      answer.set("spend_expected", micros: tally.spend.expected)
      answer.set("reported_costs", tally.spend.reportedOf)
      answer.set("expected_costs", tally.spend.expectedOf)
      answer.set("coupons", micros: tally.coupons)
      answer.set("disbursed_amount", micros: tally.amount)
      answer.set("loans", tally.loans)
      answer.set("loan_value", micros: tally.loanValue)
      answer.set("expected_value", micros: tally.expectedValue)
      answer.set("expected_spend", micros: tally.expectedSpend)
      answer.set("realised_value", micros: tally.realisedValue)
      answer.set("expected_roi", tally.expectedROI)
      answer.set("realised_roi", tally.realisedROI)
    }
  }
}

/// What a recalled user cost against a quarter of what a new one costs (S#55).
enum RecallCost {
  static func verdict(_ cost: Int64?, newUserCost: Int64?) -> String {
    guard let cost, let newUserCost else { return Verdict.notKnown.rawValue }
    return cost < newUserCost / 4 ? "met" : "above"
  }
}
