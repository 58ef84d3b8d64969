import RouseCore
import RousePolicy
import RouseReview
import RouseWire
import TestData

/// What a ledger would hold of some weeks in a simulated world: plans that were really made, and what came of them by the
/// truth.
final class SimulatedLedger: ReviewSource {
  /// A row, its texts, and what is so about its user.
  struct Entry {
    var row: LoggedRow
    var texts: LoggedTexts
    /// The chance of a loan within the window, as things went: contacted, or not.
    var chance: Double
    /// What the contact adds to it, or would have added.
    var added: Double
    /// Of a default, if there is a loan.
    var risk: Double
    var hasBorrowed = false
    var hasClicked = false
    var hasDefaulted = false
    /// Of the loan.
    var amount = 0.0
  }

  let world: SimulatedWorld
  private(set) var entries: [Entry] = []
  private(set) var events: [LoggedEvent] = []

  init(_ world: SimulatedWorld, seed: UInt64) {
    self.world = world
    var random = SplitMix(state: seed)
    let truth = Rescorer(world.truth)
    let belief = Rescorer(world.belief)
    var user = 0
    for week in 0..<world.weeks {
      let made = SimulatedWorld.start + Int64(week) * SimulatedWorld.week
      let ranking = Self.rank(world, week: week, at: made, seed: seed, &random)
      for chosen in ranking.chosen() {
        user += 1
        add(chosen, week: week, user: user, made: made, belief, truth, &random)
      }
    }
  }

  /// A week's plan, as the server makes it.
  private static func rank(
    _ world: SimulatedWorld, week: Int, at now: Int64, seed: UInt64, _ random: inout SplitMix
  ) -> Ranking {
    let tables = WireTables(policy: world.belief)
    let scorer = Scorer(policy: world.belief, now: now)
    let writer = DecisionWriter(scorer: scorer, tables: tables)
    var limits = PlanLimits(policy: world.belief)
    limits.limit = world.limit
    let ranking = Ranking(scorer: scorer, writer: writer, rows: .contacts, limits: limits, isForCommit: true)
    let worker = BatchWorker(
      scorer: scorer, writer: writer, tables: tables, longestLine: 1 << 16, isStream: false)
    var lines = ""
    for number in 0..<world.usersAWeek {
      let facts = SimulatedUser.facts(at: now, hasDrifted: world.driftFrom.map { week >= $0 } ?? false, &random)
      lines += "{\"user_id\":\"\(seed)-\(week)-\(number)\"\(facts)\n"
    }
    let part = ranking.part()
    _ = worker.rank(Array(lines.utf8).withUnsafeBytes { Block($0) }, into: part)
    ranking.add(part)
    ranking.finish(limits)
    return ranking
  }

  private func add(
    _ chosen: Ranking.Chosen, week: Int, user: Int, made: Int64, _ belief: Rescorer, _ truth: Rescorer,
    _ random: inout SplitMix
  ) {
    let policy = world.belief
    let option = chosen.option
    let channel = policy.channels[Int(option.channel)].name
    let texts = LoggedTexts(userID: chosen.userID, row: chosen.row, candidate: chosen.source, known: [])
    var row = LoggedRow(
      plan: week + 1, made: made, asOf: made, policy: policy.version, campaign: nil, user: user, rank: chosen.rank,
      channel: channel, value: option.value, spend: option.spend, capital: option.capital, p: Int64(option.p), pd: 0,
      propensity: chosen.propensity, arm: chosen.arm.name, stage: "", tier: "", regionGroup: nil,
      leasedUntil: made + 3 * Moment.day)
    _ = belief.score(texts, asOf: made) { scored in
      row.pd = Micros.from(scored.decision.pd)
      row.stage = policy.stages[scored.decision.stage].name
      row.tier = policy.tierName(scored.decision.tier)
      row.regionGroup = policy.regionGroup(of: scored.row)
    }
    var entry = Entry(row: row, texts: texts, chance: 0, added: 0, risk: 0)
    var amount = 0.0
    _ = truth.score(texts, asOf: made) { scored in
      let decision = scored.decision
      guard let recall = world.truth.definition.stages[decision.stage].recall,
        let option = decision.options.first(where: { $0.channel == option.channel })
      else { return }
      let p = Double(option.p) / 1e6
      entry.added = p * recall.incremental
      entry.chance = chosen.rank > 0 ? p : p - entry.added
      entry.risk = decision.pd
      amount = decision.amount
    }
    entry.amount = amount
    happen(&entry, amount, &random)
    entries.append(entry)
  }

  /// What comes, by the truth.
  private func happen(_ entry: inout Entry, _ amount: Double, _ random: inout SplitMix) {
    let row = entry.row
    let sent = row.made + 3600
    func note(_ kind: String, after hours: Int64, amount: Double? = nil) {
      events.append(
        LoggedEvent(
          user: row.user, kind: kind, at: sent + hours * 3600, channel: kind == "contact" ? row.channel : nil,
          plan: row.rank > 0 ? "P\(row.plan)" : nil, amount: amount.map { Micros.from($0) }))
    }
    entry.hasBorrowed = random.comes(entry.chance)
    if row.rank > 0 {
      note("contact", after: 0)
      if entry.hasBorrowed || random.comes(0.7) {
        note("delivered", after: 0)
        entry.hasClicked = entry.hasBorrowed || random.comes(Self.clicksOtherwise)
        if entry.hasClicked { note("click", after: 1) }
      }
    }
    guard entry.hasBorrowed else { return }
    let steps = world.belief.definition.stages.first { $0.name == row.stage }?.recall?.steps ?? []
    for step in steps { note(world.belief.definition.response.steps[step].name, after: 24) }
    note("disbursed", after: 48, amount: amount)
    entry.hasDefaulted = random.comes(entry.risk)
    if entry.hasDefaulted {
      note("defaulted", after: 24 * 30, amount: amount)
    } else {
      note("repaid", after: 24 * 30, amount: amount)
    }
  }
  /// Of those who were reached and do not borrow.
  static let clicksOtherwise = 0.15

  // MARK: - ReviewSource

  func policy(_ version: String) throws(ReviewError) -> Policy? {
    version == world.belief.version ? world.belief : nil
  }

  func eachRow(
    madeIn period: Range<Int64>, withTexts: Bool, _ take: (LoggedRow, LoggedTexts?) -> Bool
  ) throws(ReviewError) {
    for entry in entries where period.contains(entry.row.made) {
      if !take(entry.row, withTexts ? entry.texts : nil) { return }
    }
  }

  func eachEvent(
    in period: Range<Int64>, of wants: (String) -> Bool, _ take: (LoggedEvent) -> Bool
  ) throws(ReviewError) {
    for event in events where period.contains(event.at) && wants(event.kind) {
      if !take(event) { return }
    }
  }
}
