/// A candidate that has been decided on, and what becomes of its status when one of its facts is another: of all that was
/// decided only what the fact reaches is worked out again. What `Scoring` would say of the changed row, a tenth as dear.
///
/// The row is the caller's: it changes a fact, asks, and puts the fact back. What is derived from it is put back here.
struct Retrial: BitwiseCopyable {
  /// What was decided, part by part.
  private struct Standing: BitwiseCopyable {
    var status = Status.invalid
    var depth = Decision.Depth.line
    /// With the derived slots.
    var glance = Glance()
    /// -1: none.
    var stage = -1
    /// `Int64.min`: none.
    var clock = Int64.min
    /// -1: none, these three.
    var dormantDays: Int64 = -1
    var tier = -1
    var silentDays: Int64 = -1
    /// Of the facts of kind times, and the one behind it; `Int64.min`: there is none.
    var latest = Int64.min
    var second = Int64.min
    /// The ledger's word, which no fact takes back.
    var isBarred = false
    /// A bit for each rule that holds, and for each channel whose needs are met.
    var suppress: UInt64 = 0
    var knockout: UInt64 = 0
    var able: UInt64 = 0
    var riskScore = 0
    var known = 0
    /// Points of the response card.
    var response = 0
    /// The last contact was a short time ago.
    var isTooSoon = false
    /// It rests, whatever its channels are.
    var rests = false
    var contacts30d = 0
    /// -1: not drawn yet.
    var share: Int32 = -1
    /// Slots by which something may turn while the stage and its clock stay.
    var relevant: UInt64 = 0
    /// Channels that are free.
    var free: UInt64 = 0
    /// Slots that change more of the worth than the points of the response card.
    var moneyReads: UInt64 = 0
    /// By points of the response card, 64 around those that it has: whether they are known to be worth a contact, or not,
    /// if nothing else of the worth changes.
    var worth: UInt64 = 0
    var unworthy: UInt64 = 0
  }

  private let scoring: Scoring
  private let reach: FactReach.View
  private let standing: UnsafeMutablePointer<Standing>
  /// By row of the cards.
  private let riskPlaces: UnsafeMutablePointer<Int>
  private let responsePlaces: UnsafeMutablePointer<Int>
  /// Contacts of the last 30 days, by channel.
  private let recentOn: UnsafeMutablePointer<Int>
  /// The derived slots as they were.
  private let derivedBits: UnsafeMutablePointer<UInt64>
  private static let derived = DerivedField.allCases.count

  private var tables: UnsafePointer<ScorerTables.View> { scoring.tables }

  /// Valid while the policy and the reach live, and until `deallocate`.
  init(_ scoring: Scoring, _ reach: FactReach.View) {
    self.scoring = scoring
    self.reach = reach
    let tables = scoring.tables
    standing = .allocate(capacity: 1)
    standing.initialize(to: Standing())
    riskPlaces = .allocate(capacity: max(1, tables.pointee.risk.count))
    responsePlaces = .allocate(capacity: max(1, tables.pointee.response.count))
    recentOn = .allocate(capacity: max(1, tables.pointee.channelCount))
    derivedBits = .allocate(capacity: Self.derived)
    riskPlaces.initialize(repeating: 0, count: max(1, tables.pointee.risk.count))
    responsePlaces.initialize(repeating: 0, count: max(1, tables.pointee.response.count))
    recentOn.initialize(repeating: 0, count: max(1, tables.pointee.channelCount))
    derivedBits.initialize(repeating: 0, count: Self.derived)
  }

  func deallocate() {
    standing.deallocate()
    riskPlaces.deallocate()
    responsePlaces.deallocate()
    recentOn.deallocate()
    derivedBits.deallocate()
  }

  // MARK: - What was decided

  /// Begins with a candidate.
  /// - Parameter row: as it was scored.
  func begin(_ row: CandidateRow, _ decision: Decision) {
    var now = Standing()
    now.status = decision.status
    now.depth = decision.depth
    now.stage = decision.stage
    now.glance = scoring.glance(row)
    if decision.depth >= .risk {
      if let clock = decision.clock { now.clock = clock }
      now.dormantDays = decision.dormantDays ?? -1
      now.tier = decision.tier
      now.silentDays = decision.silentDays ?? -1
      noteTimes(row, &now)
      noteDerived(row, &now)
      noteGate(row, decision, &now)
      noteCards(row, decision, &now)
      now.relevant = relevant(now, decision)
    }
    standing.pointee = now
    if now.depth >= .risk { standing.pointee.free = free(now.able, standing) }
  }

  private func noteTimes(_ row: CandidateRow, _ now: inout Standing) {
    for slot in 0..<tables.pointee.timesCount where row.states[slot] == FactState.present {
      let time = Int64(bitPattern: row.bits[slot])
      if time > now.latest {
        now.second = now.latest
        now.latest = time
      } else if time > now.second {
        now.second = time
      }
    }
  }

  private func noteDerived(_ row: CandidateRow, _ now: inout Standing) {
    let base = row.declaredCount
    derivedBits.update(from: row.bits + base, count: Self.derived)
    for slot in base..<(base + Self.derived) where row.states[slot] == FactState.present {
      now.glance.present |= bit(slot)
    }
    let served = base + DerivedField.regionServed.rawValue
    if row.states[served] == FactState.present, row.bits[served] != 0 { now.glance.yes |= bit(served) }
  }

  private func noteGate(_ row: CandidateRow, _ decision: Decision, _ now: inout Standing) {
    now.isBarred = row.known.hasOptedOut || row.known.hasComplained
    for index in 0..<tables.pointee.suppressCount
    where scoring.holds(tables.pointee.suppress[index].when, now.glance, row) {
      now.suppress |= 1 << UInt64(index)
    }
    for index in 0..<tables.pointee.knockoutCount
    where scoring.holds(tables.pointee.knockout[index].when, now.glance, row) {
      now.knockout |= 1 << UInt64(index)
    }
    for index in 0..<tables.pointee.channelCount
    where scoring.holds(tables.pointee.channels[index].needs, now.glance, row) {
      now.able |= 1 << UInt64(index)
    }
    now.contacts30d = decision.contacts30d
    if now.contacts30d > 0 { recentOn.update(from: decision.lists.recentOn, count: tables.pointee.channelCount) }
    now.isTooSoon = decision.lastContact.map { $0 + tables.pointee.gap > scoring.now } ?? false
    now.rests =
      now.isTooSoon || now.contacts30d >= tables.pointee.cap30d || row.known.leasedUntil > scoring.now
    now.share = decision.share

    now.moneyReads = reach.silentDays | reach.risk | reach.stages[decision.stage].loan
  }

  private func noteCards(_ row: CandidateRow, _ decision: Decision, _ now: inout Standing) {
    now.riskScore = decision.riskScore
    var below = false
    let risk = tables.pointee.risk
    for index in 0..<risk.count {
      riskPlaces[index] = risk.place(index, row.bits, row.states, below: &below)
      if riskPlaces[index] != Scorecard.Place.missing { now.known += 1 }
    }
    let response = tables.pointee.response
    for index in 0..<response.count {
      responsePlaces[index] = response.place(index, row.bits, row.states, below: &below)
      now.response += response.points(index, responsePlaces[index])
    }
  }

  private func relevant(_ now: Standing, _ decision: Decision) -> UInt64 {
    var relevant = reach.anySuppress
    if now.isBarred { return 0 }
    if now.suppress != 0 || now.status == .active { return relevant }
    relevant |= reach.anyKnockout | reach.risk
    if now.status == .declined { return relevant }
    relevant |= reach.anyNeeds
    // What is left is the worth, which decides on the policy's own users alone.
    if decision.depth >= .value, decision.arm == .policy {
      relevant |= reach.response | reach.silentDays | reach.stages[now.stage].loan
    }
    return relevant
  }

  // MARK: - One fact changed

  /// Whether some value of a fact may turn the status.
  @inline(__always)
  func mayTurn(_ slot: Int) -> Bool {
    let now = standing
    if movesStage(slot) { return true }
    return now.pointee.depth >= .risk && reach.facts[slot].reached & now.pointee.relevant != 0
  }

  /// Whether the fact has to do with the stage or its clock.
  @inline(__always)
  private func movesStage(_ slot: Int) -> Bool {
    let stage = standing.pointee.stage
    if stage < 0 {
      return tables.pointee.stageCount > 0 && reach.stages[tables.pointee.stageCount - 1].reads & bit(slot) != 0
    }
    return (reach.stages[stage].reads | reach.stages[stage].since) & bit(slot) != 0
  }

  /// The status of the changed row; nil where only scoring tells it.
  /// - Parameters:
  ///   - slot: of the fact.
  ///   - row: the one that was begun with, but for that fact.
  ///   - before: the fact as it was, for one of kind times; `Int64.min`: missing.
  ///   - noting: gets the status and its reasons, where they are wanted.
  func status(
    _ slot: Int, _ row: CandidateRow, before: Int64, noting: UnsafeMutablePointer<Decision>? = nil
  ) -> Status? {
    noting?.pointee.reset(tables.pointee.sizes)
    guard let status = find(slot, row, before, noting) else { return nil }
    noting?.pointee.status = status
    return status
  }

  private func find(
    _ slot: Int, _ row: CandidateRow, _ before: Int64, _ noting: UnsafeMutablePointer<Decision>?
  ) -> Status? {
    let was = standing
    let fact = reach.facts[slot]
    let isPresent = row.states[slot] == FactState.present
    // One ahead of now is taken for now, or for none.
    if fact.isPast, isPresent, Int64(bitPattern: row.bits[slot]) > scoring.now { return nil }
    var glance = was.pointee.glance
    glance.present = isPresent ? glance.present | bit(slot) : glance.present & ~bit(slot)
    glance.yes = isPresent && row.bits[slot] & 1 != 0 ? glance.yes | bit(slot) : glance.yes & ~bit(slot)

    var stage = was.pointee.stage
    var clock = was.pointee.clock
    if movesStage(slot) {
      if stage < 0 || reach.stages[stage].reads & bit(slot) != 0 { stage = scoring.stage(row, glance) }
      let isStage = stage < tables.pointee.stageCount
      if isStage { clock = self.clock(stage, row) }
      if !isStage || clock == .min && tables.pointee.stages[stage].recall != nil {
        noting?.pointee.note(.i02)
        return .invalid
      }
    }
    // It was no candidate, and is one now.
    if was.pointee.depth < .risk { return nil }

    var touched = fact.touched
    var change = Change(stage: stage, dormantDays: was.pointee.dormantDays, silentDays: was.pointee.silentDays)
    let stays = stage == was.pointee.stage && clock == was.pointee.clock
    if fact.isPast || !stays || slot == tables.pointee.regionSlot {
      derive(slot, fact, row, clock: clock, before: before, was, &change, &glance, &touched)
    }
    let status =
      stays && touched & was.pointee.relevant == 0
      ? was.pointee.status : judge(row, change, was, glance, touched, noting)
    if touched != bit(slot) { restore(row) }
    return status
  }

  /// The stage's clock; `Int64.min`: none.
  private func clock(_ stage: Int, _ row: CandidateRow) -> Int64 {
    var clock = Int64.min
    for at in tables.pointee.stages[stage].sinceStart..<tables.pointee.stages[stage].sinceEnd {
      let slot = tables.pointee.since[at]
      if row.states[slot] == FactState.present { clock = max(clock, Int64(bitPattern: row.bits[slot])) }
    }
    return min(clock, scoring.now)
  }

  private struct Change {
    var stage: Int
    var dormantDays: Int64
    var silentDays: Int64
  }

  /// Sets the derived facts that are others now.
  @inline(__always)
  private func derive(
    _ slot: Int, _ fact: FactReach.Fact, _ row: CandidateRow, clock: Int64, before: Int64,
    _ was: UnsafeMutablePointer<Standing>,
    _ change: inout Change, _ glance: inout Glance, _ touched: inout UInt64
  ) {
    let base = row.declaredCount
    func note(_ field: DerivedField, _ bits: UInt64?) {
      let slot = base + field.rawValue
      touched |= bit(slot)
      row.bits[slot] = bits ?? 0
      row.states[slot] = bits == nil ? FactState.missing : FactState.present
      glance.present = bits == nil ? glance.present & ~bit(slot) : glance.present | bit(slot)
    }
    if change.stage != was.pointee.stage { note(.stage, tables.pointee.stages[change.stage].text) }
    if clock != was.pointee.clock {
      let days = clock == .min ? -1 : (scoring.now - clock) / Moment.day
      if days != was.pointee.dormantDays {
        change.dormantDays = days
        note(.dormantDays, days < 0 ? nil : Double(days).bitPattern)
        let tier = days < 0 ? -1 : scoring.tier(days)
        if tier != was.pointee.tier { note(.tier, tier < 0 ? nil : tables.pointee.tierTexts[tier]) }
      }
    }
    var latest = was.pointee.latest
    if fact.isPast {
      let after = row.states[slot] == FactState.present ? Int64(bitPattern: row.bits[slot]) : .min
      latest = max(before == was.pointee.latest ? was.pointee.second : was.pointee.latest, after)
    }
    let silentDays = latest == .min ? change.dormantDays : (scoring.now - latest) / Moment.day
    if silentDays != was.pointee.silentDays {
      change.silentDays = silentDays
      note(.silentDays, silentDays < 0 ? nil : Double(silentDays).bitPattern)
    }
    if slot == tables.pointee.regionSlot {
      let served = bit(base + DerivedField.regionServed.rawValue)
      glance.yes &= ~served
      if row.states[slot] == FactState.present {
        let text = Int(row.bits[slot])
        note(.regionGroup, tables.pointee.groups[text])
        note(.regionServed, tables.pointee.notServed[text] ? 0 : 1)
        if !tables.pointee.notServed[text] { glance.yes |= served }
      } else {
        note(.regionGroup, nil)
        note(.regionServed, nil)
      }
    }
  }

  private func restore(_ row: CandidateRow) {
    let base = row.declaredCount
    let present = standing.pointee.glance.present
    row.bits.advanced(by: base).update(from: derivedBits, count: Self.derived)
    for slot in base..<(base + Self.derived) {
      row.states[slot] = present & bit(slot) != 0 ? FactState.present : FactState.missing
    }
  }

  /// Puts the derived facts back after the row has been scored.
  func restoreDerived(_ row: CandidateRow) { if standing.pointee.depth >= .risk { restore(row) } }

  // MARK: - The order of work (model 5 to 8)

  private func judge(
    _ row: CandidateRow, _ change: Change, _ was: UnsafeMutablePointer<Standing>, _ glance: Glance, _ touched: UInt64,
    _ noting: UnsafeMutablePointer<Decision>?
  ) -> Status {
    let suppress =
      reach.anySuppress & touched == 0
      ? was.pointee.suppress
      : holding(
        tables.pointee.suppress, tables.pointee.suppressCount, reach.suppress, was.pointee.suppress, row, glance,
        touched)
    if was.pointee.isBarred || suppress != 0 {
      if let noting {
        note(suppress, tables.pointee.suppress, noting)
        if row.known.hasOptedOut { noting.pointee.note(.c06) }
        if row.known.hasComplained { noting.pointee.note(.c07) }
      }
      return .suppressed
    }
    guard let recall = tables.pointee.stages[change.stage].recall, change.dormantDays >= recall.dormantDays else {
      let isRecalled = tables.pointee.stages[change.stage].recall != nil && change.dormantDays >= 0
      noting?.pointee.note(isRecalled ? .a02 : .a01)
      return .active
    }
    let knockout =
      reach.anyKnockout & touched == 0
      ? was.pointee.knockout
      : holding(
        tables.pointee.knockout, tables.pointee.knockoutCount, reach.knockout, was.pointee.knockout, row, glance,
        touched)
    let riskScore = reach.risk & touched == 0 ? was.pointee.riskScore : self.riskScore(row, was, touched)
    if knockout != 0 || riskScore < tables.pointee.riskRules.cutoff {
      if let noting {
        note(knockout, tables.pointee.knockout, noting)
        scoring.addRiskReasons(row, &noting.pointee)
      }
      return .declined
    }

    let able = reach.anyNeeds & touched == 0 ? was.pointee.able : self.able(row, was.pointee.able, glance, touched)
    if able == 0 {
      noting?.pointee.note(.c01)
      return .suppressed
    }
    let free = self.free(able, was)
    if was.pointee.rests || free == 0 {
      if let noting { noteRest(row, was, free, noting) }
      return .resting
    }

    switch tables.pointee.arms.arm(share: share(row)) {
    case .holdout:
      noting?.pointee.note(.x01)
      return .holdout
    case .explore: return .eligible
    case .policy: break
    }
    if isWorthIt(row, recall, change, riskScore, free, touched) { return .eligible }
    noting?.pointee.note(.e01)
    return .unprofitable
  }

  /// The rules that hold, by what held before.
  private func holding(
    _ rules: UnsafeMutablePointer<ScorerTables.Rule>, _ count: Int, _ reads: UnsafeMutablePointer<UInt64>,
    _ before: UInt64, _ row: CandidateRow, _ glance: Glance, _ touched: UInt64
  ) -> UInt64 {
    var held = before
    for index in 0..<count where reads[index] & touched != 0 {
      let bit: UInt64 = 1 &<< UInt64(index)
      held = scoring.holds(rules[index].when, glance, row) ? held | bit : held & ~bit
    }
    return held
  }

  private func note(
    _ held: UInt64, _ rules: UnsafeMutablePointer<ScorerTables.Rule>, _ noting: UnsafeMutablePointer<Decision>
  ) {
    var rest = held
    while rest != 0 {
      noting.pointee.note(rules[rest.trailingZeroBitCount].code)
      rest &= rest - 1
    }
  }

  private func noteRest(
    _ row: CandidateRow, _ was: UnsafeMutablePointer<Standing>, _ free: UInt64, _ noting: UnsafeMutablePointer<Decision>
  ) {
    if was.pointee.isTooSoon { noting.pointee.note(.c02) }
    if was.pointee.contacts30d >= tables.pointee.cap30d { noting.pointee.note(.c03) }
    if free == 0 { noting.pointee.note(.c04) }
    if row.known.leasedUntil > scoring.now { noting.pointee.note(.c05) }
  }

  private func riskScore(_ row: CandidateRow, _ was: UnsafeMutablePointer<Standing>, _ touched: UInt64) -> Int {
    let card = tables.pointee.risk
    let rules = tables.pointee.riskRules
    var score = was.pointee.riskScore
    var known = was.pointee.known
    for index in 0..<card.count where bit(card.slot(index)) & touched != 0 {
      var below = false
      let place = card.place(index, row.bits, row.states, below: &below)
      score += card.points(index, place) - card.points(index, riskPlaces[index])
      known += (place != Scorecard.Place.missing ? 1 : 0) - (riskPlaces[index] != Scorecard.Place.missing ? 1 : 0)
    }
    if known < rules.thinBelow { score += rules.thinPoints }
    if was.pointee.known < rules.thinBelow { score -= rules.thinPoints }
    return score
  }

  private func able(_ row: CandidateRow, _ before: UInt64, _ glance: Glance, _ touched: UInt64) -> UInt64 {
    var able = before
    for index in 0..<tables.pointee.channelCount where reach.needs[index] & touched != 0 {
      let isAble = scoring.holds(tables.pointee.channels[index].needs, glance, row)
      able = isAble ? able | 1 << UInt64(index) : able & ~(1 << UInt64(index))
    }
    return able
  }

  /// Of the channels whose needs are met, those that are open and below their caps.
  private func free(_ able: UInt64, _ was: UnsafeMutablePointer<Standing>) -> UInt64 {
    var left = tables.pointee.isBest ? Int.max : 1 + was.pointee.contacts30d
    if was.pointee.contacts30d == 0 { return left > 1 ? able : able & (0 &- able) }
    var free: UInt64 = 0
    var rest = able
    while rest != 0, left > 0 {
      let index = rest.trailingZeroBitCount
      rest &= rest - 1
      left -= 1
      if recentOn[index] < tables.pointee.channels[index].cap30d { free |= 1 << UInt64(index) }
    }
    return free
  }

  private func share(_ row: CandidateRow) -> UInt64 {
    if standing.pointee.share < 0 {
      let share = tables.pointee.lottery.draw(row.userID).arm % 10_000
      standing.pointee.share = Int32(truncatingIfNeeded: share)
    }
    return UInt64(standing.pointee.share)
  }

  /// Whether some option's worth is above nothing.
  private func isWorthIt(
    _ row: CandidateRow, _ recall: ScorerTables.Recall, _ change: Change, _ riskScore: Int, _ free: UInt64,
    _ touched: UInt64
  ) -> Bool {
    // Many values of many facts come to the same points.
    let was = standing
    let response = response(row, touched)
    let at = response - was.pointee.response + 32
    var place: UInt64 = 0
    if at >= 0, at < 64, touched & was.pointee.moneyReads == 0, change.stage == was.pointee.stage,
      change.silentDays == was.pointee.silentDays, free == was.pointee.free
    {
      place = 1 &<< UInt64(at)
      if was.pointee.worth & place != 0 { return true }
      if was.pointee.unworthy & place != 0 { return false }
    }
    let points =
      recall.points + tables.pointee.recency(recall, silentDays: max(0, change.silentDays))
      + scoring.approval(recall, riskScore: riskScore) + response
    let pd = tables.pointee.pd(
      points: riskScore - tables.pointee.riskRules.baseScore + tables.pointee.stages[change.stage].lift)
    let amount = scoring.amount(row, recall)
    let perLoan = scoring.perLoan(amount, pd: pd)
    var rest = free
    while rest != 0 {
      let option = scoring.option(
        rest.trailingZeroBitCount, recall, points, amount, perLoan, standing.pointee.contacts30d)
      if scoring.worth(option) > 0 {
        was.pointee.worth |= place
        return true
      }
      rest &= rest - 1
    }
    was.pointee.unworthy |= place
    return false
  }

  private func response(_ row: CandidateRow, _ touched: UInt64) -> Int {
    let card = tables.pointee.response
    var points = standing.pointee.response
    if reach.response & touched == 0 { return points }
    for index in 0..<card.count where bit(card.slot(index)) & touched != 0 {
      var below = false
      let place = card.place(index, row.bits, row.states, below: &below)
      points += card.points(index, place) - card.points(index, responsePlaces[index])
    }
    return points
  }

  @inline(__always)
  private func bit(_ slot: Int) -> UInt64 { 1 &<< UInt64(slot) }
}
