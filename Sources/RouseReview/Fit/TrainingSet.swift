import RouseCore

/// What came of one contact, or of one row of a file.
package struct TrainingLabel: Sendable {
  /// Index into the policy's channels.
  package var channel: Int
  package var outcome: Bool
  /// Steps of the policy that were reached, as bits of their indices; nil where only the outcome is known.
  package var steps: UInt64?
  /// Whether the link was followed; nil: not known.
  package var hasClicked: Bool?
  /// Whether a loan went bad; nil: there was none, or it is not known yet.
  package var isBad: Bool?
  /// What was lent, or what the outcome brought; nil: as the policy expects.
  package var amount: Double?
  /// 1 / propensity, or what else the row stands for.
  package var weight: Double
  /// Seconds since 1970; nil where the rows have no times.
  package var at: Int64?
  /// Tells rows apart for a split without times.
  package var hash: UInt64

  package init(
    channel: Int, outcome: Bool, steps: UInt64? = nil, hasClicked: Bool? = nil, isBad: Bool? = nil,
    amount: Double? = nil, weight: Double = 1, at: Int64? = nil, hash: UInt64 = 0
  ) {
    self.channel = channel
    self.outcome = outcome
    self.steps = steps
    self.hasClicked = hasClicked
    self.isBad = isBad
    self.amount = amount
    self.weight = weight
    self.at = at
    self.hash = hash
  }
}

/// Rows to learn from: which attributes each falls into under the policy being fitted, and what came of it.
package struct TrainingSet: Sendable {
  /// Why a row is not learned from.
  package enum Skip: String, Sendable, CaseIterable {
    case unreadable
    case stage = "no_stage"
    case never = "never_recalled"
    case noChance = "no_chance"
    case holdout
    case outcome = "no_outcome"
    case
      channel = "unknown_channel"
    case unfinished

    package var say: String {
      switch self {
      case .unreadable: "cannot be read as a candidate"
      case .stage: "no stage of the policy holds, or its since is missing"
      case .never: "in a stage that is never recalled"
      case .noChance: "on a channel or at a step that the policy gives no chance"
      case .holdout: "held out of all contacts"
      case .outcome: "without an outcome"
      case .channel: "on a channel that the policy does not have"
      case .unfinished: "contacted too lately: the window is not over"
      }
    }
  }

  struct Row: Sendable {
    var stage: Int
    var recency: Int
    var contacts30d: Int
    var amount: Double
    var label: TrainingLabel
  }

  package let policy: Policy
  private(set) var rows: [Row] = []
  /// Attributes, by row: those of the response card, then those of the risk card. 0: other, 1: missing, then the bins.
  private(set) var places: [Int16] = []
  let width: Int
  let riskWidth: Int
  /// How many were left out, and why.
  package private(set) var skipped: [Skip: Int] = [:]

  package init(policy: Policy) {
    self.policy = policy
    width = policy.response.rows.count
    riskWidth = policy.risk.rows.count
  }

  /// About what a row takes: here and in a part of the rows, and in a regression's own tables.
  var rowBytes: Int { 2 * MemoryLayout<Row>.stride + 12 * (width + riskWidth) + 128 }

  package var count: Int { rows.count }
  package var outcomes: Int { rows.count { $0.label.outcome } }

  package mutating func skip(_ why: Skip) { skipped[why, default: 0] += 1 }

  /// A candidate as the policy decides on it, and what came of it.
  package mutating func add(_ rescored: Rescorer.Rescored, _ label: TrainingLabel) {
    let decision = rescored.decision
    guard decision.depth >= .risk, decision.stage >= 0, policy.stages.indices.contains(decision.stage) else {
      return skip(.stage)
    }
    guard let recall = policy.stages[decision.stage].recall else { return skip(.never) }
    guard recall.chance.indices.contains(label.channel) else { return skip(.channel) }
    guard recall.chance[label.channel] > 0, recall.chance[label.channel] < 1 else { return skip(.noChance) }
    var label = label
    if let reached = label.steps, let last = recall.steps.last, last < 64 {
      // The loan is the last step of every stage, whatever it is called.
      label.outcome = label.outcome || reached >> UInt64(last) & 1 == 1
      if label.outcome { label.steps = reached | 1 << UInt64(last) }
    } else if label.steps != nil {
      label.outcome = label.outcome || label.hasClicked == true
    }
    let money = policy.definition.money
    var amount = recall.loan
    if let slot = recall.loanFrom, let from = rescored.row.number(slot), from > 0 { amount = from * money.useOfLimit }
    rows.append(
      Row(
        stage: decision.stage, recency: recall.recency.points(silentDays: decision.silentDays ?? 0),
        contacts30d: decision.contacts30d, amount: label.amount ?? min(amount, money.maxLoan), label: label))
    for bin in rescored.bins(policy.response) { places.append(Int16(clamping: bin + 2)) }
    for bin in rescored.bins(policy.risk) { places.append(Int16(clamping: bin + 2)) }
  }

  /// Where an attribute stands, as `places` counts: of the other values first, then of a missing one, then the bins.
  @inline(__always)
  func place(_ row: Int, response index: Int) -> Int { Int(places[row * (width + riskWidth) + index]) }
  @inline(__always)
  func place(_ row: Int, risk index: Int) -> Int { Int(places[row * (width + riskWidth) + width + index]) }

  func label(_ row: Int) -> TrainingLabel { rows[row].label }

  /// Makes the weights' mean 1 and their greatest ten times that: a contact of small propensity tells much, and must not
  /// tell everything.
  package mutating func stabiliseWeights(most: Double = 10) {
    guard !rows.isEmpty else { return }
    for _ in 0..<3 {
      let mean = rows.reduce(0) { $0 + $1.label.weight } / Double(rows.count)
      guard mean > 0, mean.isFinite else { return }
      for index in rows.indices { rows[index].label.weight = min(rows[index].label.weight / mean, most) }
    }
  }

  /// How many rows of equal weight would tell as much (Kish).
  package var effective: Double {
    let (sum, squares) = rows.reduce((0.0, 0.0)) { ($0.0 + $1.label.weight, $0.1 + $1.label.weight * $1.label.weight) }
    return squares > 0 ? sum * sum / squares : 0
  }

  /// Some of the rows, in their order.
  func selected(_ isWanted: (Int) -> Bool) -> TrainingSet {
    var set = TrainingSet(policy: policy)
    set.skipped = skipped
    let stride = width + riskWidth
    for index in rows.indices where isWanted(index) {
      set.rows.append(rows[index])
      set.places.append(contentsOf: places[index * stride..<(index + 1) * stride])
    }
    return set
  }
}
