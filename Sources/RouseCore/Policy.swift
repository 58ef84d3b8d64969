import Synchronization

/// A policy compiled to slots and tables: everything that can be worked out before the first candidate comes.
package final class Policy: Sendable {
  package let definition: PolicyDefinition
  /// `name@` and the first 12 hex digits of the SHA-256 of the policy's bytes.
  package let version: String
  package let fields: FieldTable
  package let texts: TextTable
  /// Whether some condition compares two text fields, so that texts nobody names must be kept.
  package let comparesTexts: Bool

  let conditions: ConditionPool
  package let stages: [Stage]
  package let tiers: [(name: String, days: Int64, text: UInt64)]
  /// `all`: older than the last tier. Its index is `tiers.count`.
  let lastTierText: UInt64
  let suppress: [Rule]
  let knockout: [Rule]
  package let risk: Scorecard
  package let response: Scorecard
  package let channels: [Channel]
  package let quotas: [(name: String, when: ConditionPool.Root, say: String?)]
  package let experiment: Experiment
  let region: Region
  /// Codes and what they say: the model's own first, in the order of `ReasonCode`.
  package let codes: [(code: String, say: String?)]
  let thinCode: Int?
  let riskRules: RiskRules
  /// Micros.
  let hurdle: Int64
  let dayCounters: DayCounters
  /// Declared fields of kind times; they hold the first slots.
  let timesCount: Int
  /// Made of all the others, for the scorer.
  private let tables = Mutex<ScorerTables?>(nil)
  /// The same for `WhatIf`.
  private let changes = Mutex<WhatIf.Tables?>(nil)

  package struct Rule: Sendable, BitwiseCopyable {
    let when: ConditionPool.Root
    let code: Int
  }

  package final class Channel: Sendable {
    package let name: String
    let needs: ConditionPool.Root
    let cost: Double
    let quit: Double
    let cap30d: Int
    /// Seconds of the local day, cut to the policy's hours.
    let windows: [(start: Int64, end: Int64)]
    package let text: UInt64

    init(_ channel: ChannelDefinition, needs: ConditionPool.Root, text: UInt64, hours: Window) {
      name = channel.name
      self.needs = needs
      cost = channel.cost
      quit = channel.quit
      cap30d = channel.cap30d
      windows = channel.best.compactMap { window in
        let start = max(window.start, hours.start)
        let end = min(window.end, hours.end)
        return start < end ? (Int64(start) * 60, Int64(end) * 60) : nil
      }
      self.text = text
    }
  }

  /// The numbers of risk that every candidate needs.
  struct RiskRules: Sendable, BitwiseCopyable {
    let baseScore: Int
    let cutoff: Int
    /// Rows known below which thin points apply; 0 when there are none.
    let thinBelow: Int
    let thinPoints: Int
    let follow: Double
  }

  /// - Parameter bytes: the policy's text as it was read; its digest is the version.
  package init(_ definition: PolicyDefinition, bytes: [UInt8]) {
    self.definition = definition
    let hex = sha256(bytes).prefix(6).map { byte in
      let digits = String(byte, radix: 16)
      return digits.count == 1 ? "0" + digits : digits
    }
    version = definition.name + "@" + hex.joined()
    fields = definition.fields

    var builder = TextTable.Builder()
    var pool = ConditionPool.Builder()
    var codes: [(code: String, say: String?)] = ReasonCode.allCases.map { ($0.code, $0.say) }
    func rules(_ definitions: [RuleDefinition]) -> [Rule] {
      definitions.map {
        codes.append(($0.code, $0.say))
        return Rule(when: pool.add($0.when, interning: &builder), code: codes.count - 1)
      }
    }
    suppress = rules(definition.suppress)
    knockout = rules(definition.knockout)
    let stageRoots = definition.stages.map { pool.add($0.when, interning: &builder) }
    let needs = definition.channels.map { pool.add($0.needs, interning: &builder) }
    quotas = definition.plan.quotas.map { ($0.name, pool.add($0.when, interning: &builder), $0.say) }

    let stageTexts = definition.stages.map { builder.intern($0.name) }
    let tierTexts = definition.tiers.map { builder.intern($0.name) }
    lastTierText = UInt64(builder.intern("all"))
    let channelTexts = definition.channels.map { builder.intern($0.name) }
    for row in definition.risk.card + definition.response.card {
      if case .isEqual(let bins) = row.bins { for bin in bins { _ = builder.intern(bin.key) } }
    }
    _ = builder.intern("unknown")
    for group in definition.regions.groups {
      _ = builder.intern(group.name)
      for region in group.regions { _ = builder.intern(region) }
    }
    for region in definition.regions.notServed { _ = builder.intern(region) }
    for (region, _) in definition.regions.utcOffsets { _ = builder.intern(region) }

    for row in definition.risk.card { if let code = row.code { codes.append((code, row.say)) } }
    if let thin = definition.risk.thin { codes.append((thin.code, thin.say)) }
    thinCode = definition.risk.thin == nil ? nil : codes.count - 1
    self.codes = codes

    let texts = TextTable(builder)
    self.texts = texts
    comparesTexts = pool.comparesTexts
    conditions = ConditionPool(pool)
    func textID(_ text: String) -> Int { Int(texts.id(of: text)) }
    let codeIndex: (String) -> Int? = { code in codes.firstIndex { $0.code == code } }
    risk = Scorecard(
      definition.risk.card, fields: definition.fields, textCount: texts.count, textID: textID, codeIndex: codeIndex)
    response = Scorecard(
      definition.response.card, fields: definition.fields, textCount: texts.count, textID: textID,
      codeIndex: { _ in nil })
    region = Region(definition.regions, fields: definition.fields, textCount: texts.count, textID: textID)
    experiment = Experiment(definition.experiment)
    tiers = zip(definition.tiers, tierTexts).map { ($0.name, $0.days, UInt64($1)) }
    stages = definition.stages.indices.map { index in
      Stage(definition.stages[index], when: stageRoots[index], text: UInt64(stageTexts[index]), in: definition)
    }
    let hours = definition.contact.hours
    channels = definition.channels.indices.map { index in
      Channel(definition.channels[index], needs: needs[index], text: UInt64(channelTexts[index]), hours: hours)
    }
    riskRules = RiskRules(
      baseScore: definition.risk.baseScore, cutoff: definition.risk.cutoff,
      thinBelow: definition.risk.thin?.knownBelow ?? 0, thinPoints: definition.risk.thin?.points ?? 0,
      follow: definition.risk.underwriting?.follow ?? 0)
    hurdle = Micros.from(definition.money.hurdle)
    dayCounters = DayCounters(definition)
    timesCount = definition.fields.declared.count { $0.kind == .times }
  }

  /// All of it that scoring asks for; valid while the policy lives.
  var scoring: UnsafePointer<ScorerTables.View> {
    tables.withLock { tables in
      if let tables { return UnsafePointer(tables.view) }
      let made = ScorerTables(self)
      tables = made
      return UnsafePointer(made.view)
    }
  }

  /// What the facts may become, and what that reaches.
  var whatIf: WhatIf.Tables {
    changes.withLock { changes in
      let made = changes ?? WhatIf.Tables(self)
      changes = made
      return made
    }
  }

  package var name: String { definition.name }

  /// The channel that a text names, or nil.
  package func channel(ofText text: UInt64) -> Int? {
    text == TextTable.other ? nil : channels.firstIndex { $0.text == text }
  }

  /// The tier's name; index `tiers.count` is `all`.
  package func tierName(_ index: Int) -> String { index < tiers.count ? tiers[index].name : "all" }

  /// The group of a scored row's region; nil where the row has none.
  package func regionGroup(of row: CandidateRow) -> String? {
    let slot = fields.slot(.regionGroup)
    guard row.isPresent(slot), row.bits[slot] < UInt64(texts.count) else { return nil }
    return String(decoding: texts.texts[Int(row.bits[slot])], as: UTF8.self)
  }

  /// Probability of default at a risk score, underwriting to come or not (model 4.2).
  package func pd(riskScore: Int, stage: Int) -> Double {
    let isAhead = stages[stage].recall?.isAheadOfUnderwriting ?? false
    let lift = isAhead ? definition.risk.underwriting?.lift ?? 0 : 0
    return Odds.badShare(Odds.scale(definition.risk.baseOdds, riskScore - definition.risk.baseScore + lift))
  }

  /// What an option is worth over the hurdle, in 1e-12 of the currency.
  @inline(__always)
  package func worth(value: Int64, spend: Int64) -> Int128 {
    Micros.worth(value: value, spend: spend, hurdle: hurdle)
  }
}
