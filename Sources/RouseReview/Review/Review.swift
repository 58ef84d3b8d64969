import RouseCore

/// What came of the contacts of a period, laid against what was expected of them and against what is wanted.
package struct Review {
  let question: ReviewQuestion
  let policy: Policy
  let steps: ReviewSteps
  let groups: ReviewGroups
  let lift: ReviewLift
  let stability: ReviewStability
  let chances: ReviewCalibration
  let defaults: ReviewCalibration
  /// Mean days for which loans have been known; nil without loans.
  let daysKnown: Double?
  let parity: ReviewParity
  let planned: Planned
  private let outcomes: [(kind: String, seen: Int, counted: Int)]

  struct Planned {
    var plans = 0
    var contacts = 0
    var reported = 0
    var notReported = 0
    /// Not reported, and still leased.
    var open = 0
    var ghosts = 0
  }

  /// - Parameter policy: whose review settings, bins and beliefs are taken.
  package init(
    of source: some ReviewSource, _ question: ReviewQuestion, under policy: Policy
  ) throws(ReviewError) {
    self.question = question
    self.policy = policy
    let steps = ReviewSteps(policy)
    self.steps = steps
    var names = ReviewNames()
    var rows = PlannedRows()
    try rows.read(source, question, &names)
    var contacts = Contacts(steps)
    try contacts.read(source, question, window: policy.window, &rows, &names)
    let groups = ReviewGroups(question, policy, contacts, rows, names, steps)
    self.groups = groups
    lift = ReviewLift(question, policy, rows, names)
    planned = Self.count(rows, question)
    parity = ReviewParity(question, policy, groups, rows, names)
    outcomes = steps.names.indices.map { (steps.names[$0], contacts.seen[$0], contacts.counted[$0]) }
    (chances, defaults, daysKnown) = Self.calibrate(contacts, rows, question, policy, steps)
    rows = PlannedRows()
    contacts = Contacts(steps)
    stability = try ReviewStability(source, question, policy)
  }

  private static func count(_ rows: PlannedRows, _ question: ReviewQuestion) -> Planned {
    var planned = Planned()
    planned.plans = rows.plans
    for row in rows.rows where question.period.contains(row.made) {
      guard row.rank > 0 else {
        planned.ghosts += 1
        continue
      }
      planned.contacts += 1
      if row.isReported {
        planned.reported += 1
      } else if row.leasedUntil > question.now {
        planned.open += 1
      } else {
        planned.notReported += 1
      }
    }
    return planned
  }

  private static func calibrate(
    _ contacts: Contacts, _ rows: PlannedRows, _ question: ReviewQuestion, _ policy: Policy, _ steps: ReviewSteps
  ) -> (ReviewCalibration, ReviewCalibration, Double?) {
    var chances = ReviewCalibration.Sample()
    var defaults = ReviewCalibration.Sample()
    var known = 0.0
    for contact in contacts.contacts where contact.isOfPeriod && contact.row >= 0 && !contact.isRepeated {
      let row = rows.rows[Int(contact.row)]
      if !contact.isElsewhere, contact.at.adding(policy.window) <= question.now {
        chances.add(Double(row.p) / 1e6, contact.has(steps.disbursed))
      }
      guard contact.borrowed != 0 else { continue }
      defaults.add(Double(row.pd) / 1e6, contact.hasDefaulted)
      known += Double(question.now - contact.borrowed) / Double(Moment.day)
    }
    let loans = defaults.scores.count
    return (ReviewCalibration(chances), ReviewCalibration(defaults), loans > 0 ? known / Double(loans) : nil)
  }

  /// Micros: the mean of a loan that came of a contact; nil without one.
  var loanValue: Double? { groups.all.loans > 0 ? Double(groups.all.loanValue) / Double(groups.all.loans) : nil }

  /// The worst step of each stage that has one.
  var worst: [WorstStep] {
    groups.groups("stage").compactMap { group in
      group.name.flatMap { WorstStep($0, group.tally, steps, policy) }
    }
  }

  // MARK: - The answer

  /// The whole of it as one JSON object: proto-spec/review.md.
  package func json() -> [UInt8] {
    var answer = AnswerWriter()
    answer.object { answer in
      writeScope(&answer)
      answer.object("all") { write(groups.all, "all", &$0) }
      answer.list("by", groups.dimensions) { answer, dimension in
        answer.object { answer in
          answer.set("dimension", dimension.name)
          answer.set("left_out", dimension.leftOut)
          answer.list("groups", dimension.groups) { answer, group in
            answer.object { write(group.tally, group.name, &$0) }
          }
        }
      }
      writeTargets(&answer)
      writeRecallCost(&answer)
      answer.set("lift", lift, loanValue: loanValue)
      answer.set("stability", stability, weeks: question.weeks, thresholds: policy.psiThresholds)
      answer.object("calibration") { answer in
        answer.set("p", chances, users: "contacts")
        answer.set("pd", defaults, users: "loans", daysKnown: daysKnown)
      }
      answer.object("discrimination") { answer in
        answer.set("p", chances.sample)
        answer.set("pd", defaults.sample)
      }
      answer.set("parity", parity)
      answer.list("worst", worst) { answer, worst in answer.object { $0.write(worst) } }
      writeWeeks(&answer)
      answer.list("findings", ReviewFindings(self).all.enumerated()) { answer, finding in
        answer.object { answer in
          answer.set("importance", finding.offset + 1)
          answer.set("code", finding.element.code)
          answer.set("grade", finding.element.grade.rawValue)
          answer.set("say", finding.element.say)
        }
      }
    }
    return answer.bytes
  }

  private func write(_ tally: GroupTally, _ name: String?, _ answer: inout AnswerWriter) {
    answer.write(tally, name: name, steps, policy, newUserCost: question.newUserCost)
  }

  private func writeScope(_ answer: inout AnswerWriter) {
    let period = question.period
    answer.object("period") { answer in
      answer.set("since", moment: period.lowerBound)
      answer.set("until", moment: period.upperBound)
      answer.set("now", moment: question.now)
      let length = period.upperBound.subtractingReportingOverflow(period.lowerBound).partialValue
      answer.set("days", Double(length) / Double(Moment.day))
      answer.set("window_days", Int(policy.window / Moment.day))
    }
    answer.set("policy", policy.version)
    answer.object("contacts") { answer in
      answer.set("all", groups.all.contacts)
      answer.set("finished", groups.all.finished)
      answer.set("unfinished", groups.all.contacts - groups.all.finished)
      answer.set("planned", groups.all.contacts - groups.unplanned)
      answer.set("unplanned", groups.unplanned)
      answer.set("other_channel", groups.elsewhere)
      answer.set("repeated", groups.repeated)
    }
    answer.object("planned") { answer in
      answer.set("plans", planned.plans)
      answer.set("contacts", planned.contacts)
      answer.set("reported", planned.reported)
      answer.set("not_reported", planned.notReported)
      answer.set("open", planned.open)
      answer.set("ghosts", planned.ghosts)
    }
    answer.list("outcomes", outcomes) { answer, outcome in
      answer.object { answer in
        answer.set("kind", outcome.kind)
        answer.set("reported", outcome.seen)
        answer.set("counted", outcome.counted)
      }
    }
  }

  private func writeTargets(_ answer: inout AnswerWriter) {
    answer.list("targets", policy.definition.review.targets) { answer, target in
      let step = steps.names.prefix(steps.funnelCount).firstIndex { ExactText($0) == ExactText(target.name) }
      let rate = step.map { groups.all.measured($0, steps) }
      answer.object { answer in
        answer.set("name", target.name)
        answer.set("target", target.rate)
        let ofContacts = step.map { $0 < 2 || $0 == steps.disbursed } ?? false
        answer.set("from", step.flatMap { ofContacts ? "contact" : groups.all.from($0, steps) })
        answer.set("rate", rate)
        answer.set("verdict", (rate.map { Verdict($0, target: target.rate) } ?? .notKnown).rawValue)
      }
    }
  }

  private func writeRecallCost(_ answer: inout AnswerWriter) {
    let cost = groups.all.costOfRecall(steps)
    answer.object("recall_cost") { answer in
      answer.set("new_user_cost", micros: question.newUserCost)
      answer.set("quarter", micros: question.newUserCost.map { $0 / 4 })
      answer.set("recalled", groups.all.counts[steps.login])
      answer.set("cost_each", micros: cost)
      let ratio = question.newUserCost.flatMap { new in cost.flatMap { new > 0 ? Double($0) / Double(new) : nil } }
      answer.set("ratio", ratio)
      answer.set("verdict", RecallCost.verdict(cost, newUserCost: question.newUserCost))
    }
  }

  private func writeWeeks(_ answer: inout AnswerWriter) {
    answer.list("weeks", question.weeks.enumerated()) { answer, week in
      let tally = groups.weeks[week.offset]
      let greatest = stability.greatest(week: week.offset)
      answer.object { answer in
        answer.set("since", moment: week.element.lowerBound)
        answer.set("until", moment: week.element.upperBound)
        answer.set("contacts", tally.contacts)
        answer.set("unfinished", tally.contacts - tally.finished)
        answer.set("clicks", tally.counts[ReviewSteps.click])
        answer.set("disbursed", tally.counts[steps.disbursed])
        answer.set("spend", micros: tally.spend.total)
        answer.set("expected_value", micros: tally.expectedValue)
        answer.set("realised_value", micros: tally.realisedValue)
        answer.set("psi", greatest?.psi)
        answer.set("psi_of", greatest?.name)
      }
    }
  }
}
