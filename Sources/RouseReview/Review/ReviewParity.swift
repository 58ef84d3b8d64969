import RouseCore

/// Whether contacts serve the region groups alike, as far as what is kept tells it.
struct ReviewParity {
  struct Group {
    let name: String
    let contacts: Int
    let ghosts: Int
    let click: Rate
    let disbursed: Rate
    /// Over the group with the highest rate of loans.
    let ratio: Double?
    let verdict: Verdict
  }

  let groups: [Group]
  let threshold: Double
  /// Contacts whose group is not known.
  let notKnown: Int

  init(_ question: ReviewQuestion, _ policy: Policy, _ groups: ReviewGroups, _ rows: PlannedRows, _ names: ReviewNames)
  {
    let threshold = policy.definition.review.parity ?? 0.8
    self.threshold = threshold
    var ghosts = [Int](repeating: 0, count: names.regions.names.count)
    for row in rows.rows where row.rank == 0 && question.period.contains(row.made) {
      if ghosts.indices.contains(Int(row.region)) { ghosts[Int(row.region)] += 1 }
    }
    let all = groups.groups("region_group")
    notKnown = all.first { $0.name == nil }?.tally.contacts ?? 0
    let known = all.compactMap { group in group.name.map { ($0, group.tally) } }
    let rates = known.map { $0.1.rate(groups.steps.disbursed) }
    let ratios = parity(rates)
    let best = rates.compactMap(\.share).max() ?? 0
    self.groups = known.indices.map { index in
      let (name, tally) = known[index]
      return Group(
        name: name, contacts: tally.contacts, ghosts: names.regions.known(name).map { ghosts[Int($0)] } ?? 0,
        click: tally.rate(ReviewSteps.click), disbursed: rates[index], ratio: ratios[index],
        verdict: best > 0 ? Verdict(rates[index], target: threshold * best) : .notKnown)
    }
  }
}

extension AnswerWriter {
  mutating func set(_ name: String, _ parity: ReviewParity) {
    object(name) { answer in
      answer.set("threshold", parity.threshold)
      answer.set("not_known", parity.notKnown)
      answer.list("groups", parity.groups) { answer, group in
        answer.object { answer in
          answer.set("name", group.name)
          answer.set("contacts", group.contacts)
          answer.set("ghosts", group.ghosts)
          answer.set("click", group.click)
          answer.set("disbursed", group.disbursed)
          answer.set("ratio", group.ratio)
          answer.set("verdict", group.verdict.rawValue)
        }
      }
      answer.null("selection")
      answer.set(
        "say",
        "The ledger keeps who was chosen and who was held out, not who was looked at: whom a policy selects is told by "
          + "rouse policy compare on an audience.")
    }
  }
}
