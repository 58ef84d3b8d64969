import RouseCore

/// What makes a mover's two decisions differ: points of cards and of the stage, and the numbers that value is made of.
struct MoverExplanation {
  /// Points that differ.
  struct Row {
    /// `risk`, `response`; `recency`, `stage`, `underwriting`, `thin` and `base` have one row each.
    let card: String
    let row: String
    /// The bin's name; nil where the row has none, or that policy has no such row.
    let oldBin: String?
    let newBin: String?
    let old: Int
    let new: Int

    var change: Int { new - old }
  }

  /// A number that differs; nil where a side has none.
  struct Number {
    let name: String
    let old: Double?
    let new: Double?
  }

  /// The greatest difference first.
  private(set) var rows: [Row] = []
  private(set) var numbers: [Number] = []

  init(_ mover: Mover, old: Policy, new: Policy) {
    let (before, after) = (mover.old, mover.new)
    if before.depth >= .risk, after.depth >= .risk {
      add("risk", old.risk, before.riskBins, new.risk, after.riskBins)
      add("base", "base_score", old.definition.risk.baseScore, new.definition.risk.baseScore)
      add(
        "thin", "thin", before.isThin ? old.definition.risk.thin?.points ?? 0 : 0,
        after.isThin ? new.definition.risk.thin?.points ?? 0 : 0)
    }
    if before.depth >= .value, after.depth >= .value {
      add("response", old.response, before.responseBins, new.response, after.responseBins)
      add("stage", "stage", Self.recall(before, old)?.points ?? 0, Self.recall(after, new)?.points ?? 0)
      add("recency", "recency", before.recency, after.recency)
      add("underwriting", "underwriting", before.approval, after.approval)
    }
    rows = rows.enumerated().sorted {
      let (a, b) = (abs($0.element.change), abs($1.element.change))
      return a != b ? a > b : $0.offset < $1.offset
    }.map(\.element)

    for (name, value) in Self.numbers {
      let (was, now) = (value(before, old), value(after, new))
      if was != now { numbers.append(Number(name: name, old: was, new: now)) }
    }
  }

  private mutating func add(
    _ card: String, _ old: Scorecard, _ oldBins: [Int32], _ new: Scorecard, _ newBins: [Int32]
  ) {
    let pairs = zip(new.rows, newBins)
    for (row, bin) in zip(old.rows, oldBins) {
      let other = pairs.first { ExactText($0.0.name) == ExactText(row.name) }
      add(
        Row(
          card: card, row: row.name, oldBin: row.name(ofBin: bin), newBin: other.map { $0.0.name(ofBin: $0.1) },
          old: row.points(ofBin: bin), new: other.map { $0.0.points(ofBin: $0.1) } ?? 0))
    }
    for (row, bin) in pairs where !old.rows.contains(where: { ExactText($0.name) == ExactText(row.name) }) {
      add(
        Row(
          card: card, row: row.name, oldBin: nil, newBin: row.name(ofBin: bin), old: 0, new: row.points(ofBin: bin)))
    }
  }

  private mutating func add(_ card: String, _ row: String, _ old: Int, _ new: Int) {
    add(Row(card: card, row: row, oldBin: nil, newBin: nil, old: old, new: new))
  }

  private mutating func add(_ row: Row) { if row.change != 0 { rows.append(row) } }

  private static func recall(_ facts: MoverFacts, _ policy: Policy) -> Stage.Recall? {
    policy.stages.indices.contains(facts.stage) ? policy.stages[facts.stage].recall : nil
  }

  private static func channel(_ facts: MoverFacts, _ policy: Policy) -> ChannelDefinition? {
    guard let best = facts.best, policy.definition.channels.indices.contains(Int(best.channel)) else { return nil }
    return policy.definition.channels[Int(best.channel)]
  }

  /// What value is made of, in the order in which the model comes to it.
  private static let numbers: [(String, @Sendable (MoverFacts, Policy) -> Double?)] = [
    ("risk_score", { facts, _ in facts.depth >= .risk ? Double(facts.riskScore) : nil }),
    ("pd", { facts, _ in facts.depth >= .risk ? facts.pd : nil }),
    ("points", { facts, _ in facts.depth >= .value ? Double(facts.points) : nil }),
    (
      "chance",
      { facts, policy in
        guard let best = facts.best, let chance = recall(facts, policy)?.chance,
          chance.indices.contains(Int(best.channel))
        else { return nil }
        return chance[Int(best.channel)]
      }
    ),
    ("p", { facts, _ in facts.best.map { Double($0.p) / 1e6 } }),
    ("incremental", { facts, policy in facts.best == nil ? nil : recall(facts, policy)?.incremental }),
    ("amount", { facts, _ in facts.best == nil ? nil : facts.amount }),
    ("per_loan", { facts, _ in facts.best == nil ? nil : facts.perLoan }),
    ("coupon", { facts, policy in facts.best == nil ? nil : recall(facts, policy)?.coupon }),
    ("cost", { facts, policy in channel(facts, policy)?.cost }),
    ("quit", { facts, policy in channel(facts, policy)?.quit }),
    ("hurdle", { facts, policy in facts.best == nil ? nil : policy.definition.money.hurdle }),
  ]
}
