import RouseCore

/// A candidate whose net value the new policy changes much, with what its decisions were made of.
struct Mover {
  /// Counted from 0: within the part, and later within the comparison.
  var line: Int
  let userID: [UInt8]
  /// Micros: what a contact would bring under the new policy, less the same under the old one.
  let change: Int64
  let old: MoverFacts
  let new: MoverFacts
  /// What the two sides came to, where no plan has yet to tell.
  var placed: (old: ComparisonTally.Placed, new: ComparisonTally.Placed)?

  /// Greater changes first, whatever their sign; then by user_id.
  static func isBefore(_ left: Mover, _ right: Mover) -> Bool {
    let (a, b) = (left.change.magnitude, right.change.magnitude)
    return a != b ? a > b : left.userID.lexicographicallyPrecedes(right.userID)
  }
}

/// What one policy's decision on a mover was made of.
struct MoverFacts {
  var depth: Decision.Depth
  /// Indices, or -1.
  var stage: Int
  var tier: Int
  var group: Int16
  var dormantDays: Int64?
  var riskScore = 0
  var pd = 0.0
  /// Points of a file with few facts apply.
  var isThin = false
  /// Bins of the cards' rows; none where it did not come to them.
  var riskBins: [Int32] = []
  var responseBins: [Int32] = []
  var points = 0
  var recency = 0
  var approval = 0
  /// Money.
  var amount = 0.0
  var perLoan = 0.0
  var best: Option?

  init(_ decision: Decision, _ row: CandidateRow, _ side: ComparedPolicy) {
    depth = decision.depth
    stage = decision.stage
    tier = decision.tier
    dormantDays = decision.dormantDays
    group = decision.depth >= .risk ? side.group(of: row) : -1
    guard decision.depth >= .risk else { return }
    riskScore = decision.riskScore
    pd = decision.pd
    riskBins = side.scorer.bins(side.policy.risk, row)
    if let thin = side.policy.definition.risk.thin {
      isThin = riskBins.count { $0 != Scorecard.Bin.missing } < thin.knownBelow
    }
    guard decision.depth >= .value else { return }
    responseBins = Array(decision.responseBins)
    points = decision.points
    recency = decision.recency
    approval = decision.approval
    amount = decision.amount
    perLoan = decision.perLoan
    best = decision.bestOption
  }
}
