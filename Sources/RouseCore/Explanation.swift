/// What lies behind a decision, for `explain`: the same conditions and cards, asked again one by one. The row is one that
/// has been scored.
extension Policy {
  /// Whether an explanation takes as long as ten or twenty decisions, not as hundreds.
  package var isExplainedQuickly: Bool { whatIf.isQuick }
}

extension Scorer {
  package func stageTruth(_ stage: Int, _ row: CandidateRow) -> Truth {
    scoring.truth(scoring.tables.pointee.stages[stage].root, row)
  }

  package func suppressTruth(_ rule: Int, _ row: CandidateRow) -> Truth {
    scoring.truth(scoring.tables.pointee.suppress[rule].root, row)
  }

  package func knockoutTruth(_ rule: Int, _ row: CandidateRow) -> Truth {
    scoring.truth(scoring.tables.pointee.knockout[rule].root, row)
  }

  package func needs(_ channel: Int, _ row: CandidateRow) -> Truth {
    scoring.truth(scoring.tables.pointee.channels[channel].root, row)
  }

  package var stageCount: Int { scoring.tables.pointee.stageCount }
  package var suppressCount: Int { scoring.tables.pointee.suppressCount }
  package var knockoutCount: Int { scoring.tables.pointee.knockoutCount }
  package var channelCount: Int { scoring.tables.pointee.channelCount }

  /// Rows of the cards, and the place of a row's value among its attributes: other, missing, then the bins.
  package var riskRows: Int { scoring.tables.pointee.risk.count }
  package func riskPlace(_ index: Int, _ row: CandidateRow) -> Int {
    var below = false
    return scoring.tables.pointee.risk.place(index, row.bits, row.states, below: &below)
  }
  /// The place of a missing value.
  package static var missingPlace: Int { Scorecard.Place.missing }

  /// How few rows of the risk card are known where what is known is thin; nil: it never is.
  package var thinBelow: Int? { policy.definition.risk.thin?.knownBelow }

  /// Whether a channel is open to a user whose rungs are so many up to it, and below its cap.
  package func isOpen(rung: Int, _ decision: Decision) -> Bool {
    scoring.tables.pointee.isBest || rung <= 1 + decision.contacts30d
  }

  /// Contacts of the last 30 days on a channel.
  package func recentContacts(_ channel: Int, _ decision: Decision) -> Int {
    decision.contacts30d > 0 ? decision.lists.recentOn[channel] : 0
  }

  package func isAtCap(_ channel: Int, _ recent: Int) -> Bool {
    recent >= scoring.tables.pointee.channels[channel].cap30d
  }

  /// The bin of each row of a card.
  package func bins(_ card: Scorecard, _ row: CandidateRow) -> [Int32] {
    (0..<card.count).map { index in
      var below = false
      return card.bin(index, row, below: &below)
    }
  }

  /// Odds of a paid-out loan over a channel, as the points have moved them; of a decision of the depth `value`.
  package func odds(_ channel: Int, _ decision: Decision) -> Double {
    guard let recall = scoring.tables.pointee.stages[decision.stage].recall else { return 0 }
    return Odds.scale(scoring.tables.pointee.base[recall.base + channel], decision.points)
  }

  /// Good to bad, underwriting to come included.
  package func riskOdds(_ decision: Decision) -> Double {
    let tables = scoring.tables
    let points =
      decision.riskScore - tables.pointee.riskRules.baseScore + tables.pointee.stages[decision.stage].lift
    return Odds.scale(tables.pointee.baseOdds, points)
  }

  /// Whether underwriting lies ahead of the stage.
  package func isAheadOfUnderwriting(_ stage: Int) -> Bool {
    scoring.tables.pointee.stages[stage].recall?.isAheadOfUnderwriting ?? false
  }

  /// Whether the loan is made of the stage's field; else it is the stage's own.
  package func hasLoanField(_ stage: Int, _ row: CandidateRow) -> Bool {
    guard let recall = scoring.tables.pointee.stages[stage].recall, recall.loanFrom >= 0 else { return false }
    return row.number(recall.loanFrom) ?? 0 > 0
  }

  /// What an option is worth over the hurdle, in micros.
  package func worth(_ option: Option) -> Int128 {
    let worth = scoring.worth(option)
    // A division of 128 bits is a call.
    return Int64(exactly: worth).map { Int128(floorDivide($0, Micros.one)) } ?? floorDivide(worth, Int128(Micros.one))
  }
}
