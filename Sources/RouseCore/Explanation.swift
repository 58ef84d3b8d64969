/// What lies behind a decision, for `explain`: the same conditions and cards, asked again one by one. The row is one that
/// has been scored.
extension Scorer {
  /// Stages in order, up to the one that holds.
  package func stageTruths(_ row: CandidateRow) -> [(stage: Int, truth: Truth)] {
    var truths: [(stage: Int, truth: Truth)] = []
    for index in policy.stages.indices {
      let truth = policy.conditions.truth(policy.stages[index].when, row)
      truths.append((index, truth))
      if truth == .yes { break }
    }
    return truths
  }

  /// Suppress rules, then knockout rules.
  package func ruleTruths(_ row: CandidateRow) -> [Truth] {
    policy.suppress.map { policy.conditions.truth($0.when, row) }
      + policy.knockout.map { policy.conditions.truth($0.when, row) }
  }

  package func needs(_ channel: Int, _ row: CandidateRow) -> Truth {
    policy.conditions.truth(policy.channels[channel].needs, row)
  }

  /// Contacts of the last 30 days on a channel.
  package func recentContacts(_ channel: Int, _ row: CandidateRow) -> Int {
    row.contacts.count { $0.channel == channel && now - $0.at < 30 * Moment.day }
  }

  /// The bin of each row of a card.
  package func bins(_ card: Scorecard, _ row: CandidateRow) -> [Int32] {
    (0..<card.count).map { index in
      var below = false
      return card.bin(index, row, below: &below)
    }
  }

  /// Odds of a paid-out loan over a channel, as the points have moved them.
  package func odds(_ channel: Int, _ decision: Decision) -> Double? {
    guard decision.stage >= 0, let recall = policy.stages[decision.stage].recall else { return nil }
    return Odds.scale(recall.base[channel], decision.points)
  }

  /// Good to bad, underwriting to come included.
  package func riskOdds(_ decision: Decision) -> Double {
    let risk = policy.definition.risk
    return Odds.scale(risk.baseOdds, decision.riskScore - risk.baseScore + lift(decision))
  }

  /// Points of underwriting that lies ahead of the stage.
  package func lift(_ decision: Decision) -> Int {
    guard decision.stage >= 0, policy.stages[decision.stage].recall?.isAheadOfUnderwriting == true else { return 0 }
    return policy.definition.risk.underwriting?.lift ?? 0
  }
}
