/// A policy's tables and a moment: the work of a `Scorer` on one row, in plain memory. Valid while the policy lives.
struct Scoring: @unchecked Sendable, BitwiseCopyable {
  // Sendable because nothing in the tables changes.

  let tables: UnsafePointer<ScorerTables.View>
  /// Seconds since 1970.
  let now: Int64
  /// The latest moment that counts as now.
  private let latestNow: Int64

  /// - Parameter now: within `Moment.first...Moment.last`.
  init(_ tables: UnsafePointer<ScorerTables.View>, now: Int64) {
    self.tables = tables
    self.now = now
    latestNow = now + tables.pointee.clockSkew
  }

  /// The same at another moment.
  func at(_ now: Int64) -> Scoring { Scoring(tables, now: now) }

  /// Decides on the row, as `Scorer.score` says.
  func score(_ row: CandidateRow, wantsAll: Bool, into decision: inout Decision) {
    decision.reset(tables.pointee.sizes)
    decision.ignored = row.ignored
    var glance = read(row, &decision)
    guard findStage(row, glance, &decision) else { return }
    readContacts(row, &decision)
    judge(row, wantsAll, &glance, &decision)
    if decision.status == .resting, wantsAll { findRestEnd(row, glance, &decision) }
  }

  /// The same for a row whose contacts have been counted already, but without the end of a rest.
  func score(_ row: CandidateRow, contacts: ContactWindow, into decision: inout Decision) {
    decision.reset(tables.pointee.sizes)
    var glance = read(row, &decision)
    guard findStage(row, glance, &decision) else { return }
    contacts.count(into: &decision)
    judge(row, true, &glance, &decision)
  }

  @inline(__always)
  private func judge(
    _ row: CandidateRow, _ wantsAll: Bool, _ glance: inout Glance, _ decision: inout Decision
  ) {
    derive(row, &glance, &decision)
    assessRisk(row, &decision)
    guard passGate(row, wantsAll, glance, &decision) else { return }
    guard findChannels(row, glance, &decision) else { return }
    value(row, &decision)
    experiment(row, &decision)
  }

  @inline(__always)
  func holds(_ when: Clauses.When, _ glance: Glance, _ row: CandidateRow) -> Bool {
    tables.pointee.clauses.holds(when, glance, row, now: now)
  }

  /// What a condition comes to of SQL's three values.
  func truth(_ root: ConditionPool.Root, _ row: CandidateRow) -> Truth { tables.pointee.clauses.truth(root, row) }

  // MARK: - Reading (model 2)

  /// Clamps times to now, and notes issues and the latest time.
  @inline(__always)
  private func read(_ row: CandidateRow, _ decision: inout Decision) -> Glance {
    let declared = row.declaredCount
    let nowSlot = row.slotCount - 1
    let bits = row.bits
    let states = row.states
    bits[nowSlot] = UInt64(bitPattern: now)
    var odd: UInt64 = 0
    var present = present(row, &odd)
    // All derived slots, and then the one of now.
    UnsafeMutableRawPointer(states).storeBytes(of: 0, toByteOffset: declared, as: UInt64.self)
    states[nowSlot] = FactState.present

    var latest = Int64.min
    var isAnyAhead = false
    for slot in 0..<tables.pointee.timesCount {
      let time = states[slot] == FactState.present ? Int64(bitPattern: bits[slot]) : .min
      isAnyAhead = isAnyAhead || time > now
      latest = max(latest, time)
    }
    if isAnyAhead {
      latest = clamp(row, &present)
      odd = ~0
    }
    decision.latestTime = latest == .min ? nil : latest
    if odd & 0xFEFE_FEFE_FEFE_FEFE != 0 { noteOdd(row, &decision) }

    return Glance(present: present, yes: yes(row) & present)
  }

  /// Bits of the declared slots that are present, and of now.
  /// - Parameter odd: gets the states' bits; one that is not missing or present is rare.
  @inline(__always)
  private func present(_ row: CandidateRow, _ odd: inout UInt64) -> UInt64 {
    let states = UnsafeRawPointer(row.states)
    var present: UInt64 = 0
    var slot = 0
    while slot < row.declaredCount {
      let eight = UInt64(littleEndian: states.loadUnaligned(fromByteOffset: slot, as: UInt64.self))
      odd |= eight
      let isPresent = eight & ~(eight &>> 1) & 0x0101_0101_0101_0101
      // The lowest bits of eight bytes, side by side.
      present |= ((isPresent &* 0x0102_0408_1020_4080) &>> 56) << UInt64(slot)
      slot += 8
    }
    return present & tables.pointee.declaredBits | tables.pointee.bit(ofSlot: row.slotCount - 1)
  }

  /// Bits of the declared flags that are true, if they are present.
  @inline(__always)
  private func yes(_ row: CandidateRow) -> UInt64 {
    var yes: UInt64 = 0
    for slot in tables.pointee.flagsStart..<tables.pointee.flagsEnd { yes |= (row.bits[slot] & 1) &<< UInt64(slot) }
    return yes
  }

  /// What stage conditions may ask of a row, whose times are not ahead of now.
  func glance(_ row: CandidateRow) -> Glance {
    var odd: UInt64 = 0
    let present = present(row, &odd)
    return Glance(present: present, yes: yes(row) & present)
  }

  /// Times ahead of now by no more than the skew are now, and the others are none. The latest that is left.
  private func clamp(_ row: CandidateRow, _ present: inout UInt64) -> Int64 {
    var latest = Int64.min
    for slot in 0..<tables.pointee.timesCount {
      guard let time = row.time(slot) else { continue }
      if time > latestNow {
        row.states[slot] = FactState.ahead
        present &= ~tables.pointee.bit(ofSlot: slot)
        continue
      }
      if time > now { row.set(slot, time: now) }
      latest = max(latest, min(time, now))
    }
    return latest
  }

  private func noteOdd(_ row: CandidateRow, _ decision: inout Decision) {
    for slot in 0..<row.declaredCount where row.states[slot] > FactState.present {
      decision.issues.append(row.states[slot] == FactState.ahead ? .ahead(slot: slot) : .wrongType(slot: slot))
    }
  }

  // MARK: - Stage (model 3)

  @inline(__always)
  private func findStage(_ row: CandidateRow, _ glance: Glance, _ decision: inout Decision) -> Bool {
    decision.depth = .stage
    let index = stage(row, glance)
    guard index < tables.pointee.stageCount else {
      decision.note(.i02)
      return false
    }
    decision.stage = index
    let stage = tables.pointee.stages + index
    var clock = Int64.min
    for at in stage.pointee.sinceStart..<stage.pointee.sinceEnd {
      let slot = tables.pointee.since[at]
      if row.states[slot] == FactState.present { clock = max(clock, Int64(bitPattern: row.bits[slot])) }
    }
    if clock == .min {
      if stage.pointee.recall != nil {
        decision.note(.i02)
        return false
      }
    } else {
      decision.clock = min(clock, now)
    }
    return true
  }

  /// The first stage that holds; their count where none does.
  @inline(__always)
  func stage(_ row: CandidateRow, _ glance: Glance) -> Int {
    var index = 0
    let count = tables.pointee.stageCount
    while index < count, !holds(tables.pointee.stages[index].when, glance, row) { index += 1 }
    return index
  }

  /// Makes contacts ahead of now by no more than the skew contacts of now, and drops the others.
  @inline(__always)
  private func readContacts(_ row: CandidateRow, _ decision: inout Decision) {
    if row.contactsState == FactState.wrongType { decision.issues.append(.contactsNotAList) }
    if row.contactEntries > 0 || row.known.contacts > 0 { countContacts(row, &decision) }
  }

  private func countContacts(_ row: CandidateRow, _ decision: inout Decision) {
    row.contacts.removeAll { $0.at > latestNow }
    var latest = Int64.min
    for index in row.contacts.indices {
      let contact = row.contacts[index]
      if contact.at > now { row.contacts[index] = CandidateRow.Contact(at: now, channel: contact.channel) }
      let at = min(contact.at, now)
      if now - at < 30 * Moment.day { decision.count(on: contact.channel, of: tables.pointee.channelCount) }
      if at > latest { latest = at }
    }
    if latest != .min { decision.lastContact = latest }
    let usable = row.contacts.count - row.known.contacts
    if usable < row.contactEntries {
      decision.issues.append(.contactsUnusable(row.contactEntries - usable, of: row.contactEntries))
    }
  }

  @inline(__always)
  private func derive(_ row: CandidateRow, _ glance: inout Glance, _ decision: inout Decision) {
    let base = row.declaredCount
    @inline(__always)
    func note(_ field: DerivedField, _ bits: UInt64) {
      let slot = base + field.rawValue
      row.bits[slot] = bits
      row.states[slot] = FactState.present
      glance.present |= tables.pointee.bit(ofSlot: slot)
    }
    note(.stage, tables.pointee.stages[decision.stage].text)
    if let clock = decision.clock {
      let days = (now - clock) / Moment.day
      decision.dormantDays = days
      note(.dormantDays, Double(days).bitPattern)
      let tier = tier(days)
      decision.tier = tier
      note(.tier, tables.pointee.tierTexts[tier])
    }
    decision.silentDays = decision.latestTime.map { (now - $0) / Moment.day } ?? decision.dormantDays
    if let days = decision.silentDays { note(.silentDays, Double(days).bitPattern) }
    note(.contacts30d, Double(decision.contacts30d).bitPattern)
    if let last = decision.lastContact { note(.lastContactDays, Double((now - last) / Moment.day).bitPattern) }
    if case let slot = tables.pointee.regionSlot, slot >= 0, row.states[slot] == FactState.present {
      let text = Int(row.bits[slot])
      let isServed = !tables.pointee.notServed[text]
      note(.regionGroup, tables.pointee.groups[text])
      note(.regionServed, isServed ? 1 : 0)
      if isServed { glance.yes |= tables.pointee.bit(ofSlot: base + DerivedField.regionServed.rawValue) }
      decision.offset = tables.pointee.offsets[text]
    }
  }

  /// The index of the tier of so many days.
  @inline(__always)
  func tier(_ days: Int64) -> Int {
    var tier = 0
    while tier < tables.pointee.tierCount, days > tables.pointee.tierDays[tier] { tier += 1 }
    return tier
  }

  // MARK: - Risk (model 4)

  @inline(__always)
  private func assessRisk(_ row: CandidateRow, _ decision: inout Decision) {
    decision.depth = .risk
    let card = tables.pointee.risk
    let bits = row.bits
    let states = row.states
    var score = tables.pointee.riskRules.baseScore
    var known = 0
    var anyBelow = false
    for index in 0..<card.count {
      let place = card.place(index, bits, states, below: &anyBelow)
      known &+= place != Scorecard.Place.missing ? 1 : 0
      score += card.points(index, place)
    }
    if anyBelow { noteBelow(card, row, &decision) }
    if known < tables.pointee.riskRules.thinBelow { score += tables.pointee.riskRules.thinPoints }
    decision.riskScore = score
    decision.pd = tables.pointee.pd(
      points: score - tables.pointee.riskRules.baseScore + tables.pointee.stages[decision.stage].lift)
  }

  /// Notes the values that lie under their row's first bin.
  private func noteBelow(_ card: Scorecard.Table, _ row: CandidateRow, _ decision: inout Decision) {
    for index in 0..<card.count {
      var below = false
      _ = card.place(index, row.bits, row.states, below: &below)
      if below { decision.issues.append(.belowTheScale(slot: card.slot(index))) }
    }
  }

  /// Adds the codes of the rows that cost the most points against their best: at most `risk.reasons` with those that stand
  /// there already.
  func addRiskReasons(_ row: CandidateRow, _ decision: inout Decision) {
    let card = tables.pointee.risk
    let rules = tables.pointee.riskRules
    let most = tables.pointee.mostRiskReasons - decision.reasonCount
    guard most > 0 else { return }
    let reasons = decision.lists.reasons + decision.reasonCount
    withUnsafeTemporaryAllocation(of: Int.self, capacity: most) { points in
      guard let points = points.baseAddress else { return }
      var count = 0
      /// Puts a row behind those that cost as much.
      func add(_ lost: Int, _ code: Int32) {
        guard lost > 0, code >= 0, count < most || lost > points[count - 1] else { return }
        var at = count < most ? count : count - 1
        if count < most { count += 1 }
        while at > 0, points[at - 1] < lost {
          points[at] = points[at - 1]
          reasons[at] = reasons[at - 1]
          at -= 1
        }
        points[at] = lost
        reasons[at] = code
      }
      var known = 0
      for index in 0..<card.count {
        var below = false
        let place = card.place(index, row.bits, row.states, below: &below)
        known += place != Scorecard.Place.missing ? 1 : 0
        add(card.lost(index, place), card.code(index))
      }
      if known < rules.thinBelow { add(-rules.thinPoints, tables.pointee.thinCode) }
      decision.reasonCount += count
    }
  }

  // MARK: - Gate (model 5)

  @inline(__always)
  private func passGate(
    _ row: CandidateRow, _ wantsAll: Bool, _ glance: Glance, _ decision: inout Decision
  ) -> Bool {
    noteHolding(tables.pointee.suppress, tables.pointee.suppressCount, row, glance, &decision)
    if row.known.hasOptedOut { decision.note(.c06) }
    if row.known.hasComplained { decision.note(.c07) }
    if decision.reasonCount > 0 {
      decision.status = .suppressed
      return false
    }
    guard let recall = tables.pointee.stages[decision.stage].recall, let clock = decision.clock,
      let dormantDays = decision.dormantDays
    else {
      decision.status = .active
      decision.note(.a01)
      return false
    }
    if dormantDays < recall.dormantDays {
      decision.status = .active
      decision.note(.a02)
      decision.until = clock + recall.dormant
      return false
    }
    noteHolding(tables.pointee.knockout, tables.pointee.knockoutCount, row, glance, &decision)
    if decision.reasonCount > 0 || decision.riskScore < tables.pointee.riskRules.cutoff {
      decision.status = .declined
      if wantsAll { addRiskReasons(row, &decision) }
      return false
    }
    return true
  }

  /// The codes of the rules that hold.
  @inline(__always)
  private func noteHolding(
    _ rules: UnsafeMutablePointer<ScorerTables.Rule>, _ count: Int, _ row: CandidateRow, _ glance: Glance,
    _ decision: inout Decision
  ) { for index in 0..<count where holds(rules[index].when, glance, row) { decision.note(rules[index].code) } }

  // MARK: - Contact policy (model 6)

  @inline(__always)
  private func findChannels(_ row: CandidateRow, _ glance: Glance, _ decision: inout Decision) -> Bool {
    var able = 0
    let open = tables.pointee.isBest ? Int.max : 1 + decision.contacts30d
    for index in 0..<tables.pointee.channelCount {
      let channel = tables.pointee.channels + index
      guard holds(channel.pointee.needs, glance, row) else { continue }
      able += 1
      guard able <= open else { continue }
      if decision.contacts30d == 0 || decision.lists.recentOn[index] < channel.pointee.cap30d {
        decision.lists.free[decision.freeCount] = Int32(truncatingIfNeeded: index)
        decision.freeCount += 1
      }
    }
    guard able > 0 else {
      decision.status = .suppressed
      decision.note(.c01)
      return false
    }
    if let last = decision.lastContact, last + tables.pointee.gap > now { decision.note(.c02) }
    if decision.contacts30d >= tables.pointee.cap30d { decision.note(.c03) }
    if decision.freeCount == 0 { decision.note(.c04) }
    if row.known.leasedUntil > now { decision.note(.c05) }
    if decision.reasonCount == 0 { return true }
    decision.status = .resting
    return false
  }

  // MARK: - Response and value (model 7)

  @inline(__always)
  private func value(_ row: CandidateRow, _ decision: inout Decision) {
    guard let recall = tables.pointee.stages[decision.stage].recall else { return }
    decision.depth = .value
    decision.recency = tables.pointee.recency(recall, silentDays: decision.silentDays ?? 0)
    decision.approval = approval(recall, riskScore: decision.riskScore)
    let card = tables.pointee.response
    let bits = row.bits
    let states = row.states
    var points = recall.points + decision.recency + decision.approval
    var anyBelow = false
    for index in 0..<card.count {
      let place = card.place(index, bits, states, below: &anyBelow)
      decision.lists.responseBins[index] = Int32(truncatingIfNeeded: place - Scorecard.Place.shift)
      points += card.points(index, place)
    }
    decision.responseBinCount = card.count
    if anyBelow { noteBelow(card, row, &decision) }
    decision.points = points

    decision.amount = amount(row, recall)
    decision.perLoan = perLoan(decision.amount, pd: decision.pd)
    for at in 0..<decision.freeCount {
      decision.lists.options[at] = option(
        Int(decision.lists.free[at]), recall, points, decision.amount, decision.perLoan, decision.contacts30d)
      if at > 0, isBetter(decision.lists.options[at], decision.lists.options[decision.best]) { decision.best = at }
    }
    decision.optionCount = decision.freeCount
  }

  /// Points for underwriting that the risk score lets expect.
  @inline(__always)
  func approval(_ recall: ScorerTables.Recall, riskScore: Int) -> Int {
    guard recall.isAheadOfUnderwriting else { return 0 }
    let points = Double(riskScore - tables.pointee.riskRules.baseScore)
    return Int(Micros.halfUp(points * tables.pointee.riskRules.follow))
  }

  /// What the loan would be.
  @inline(__always)
  func amount(_ row: CandidateRow, _ recall: ScorerTables.Recall) -> Double {
    let money = tables.pointee.money
    var amount = recall.loan
    if recall.loanFrom >= 0, let from = row.number(recall.loanFrom), from > 0 { amount = from * money.useOfLimit }
    return min(amount, money.maxLoan)
  }

  /// What one loan brings.
  @inline(__always)
  func perLoan(_ amount: Double, pd: Double) -> Double {
    let money = tables.pointee.money
    return amount * ((1 - pd) * money.margin - pd * money.lossGivenDefault)
  }

  /// What a contact over a channel would bring.
  @inline(__always)
  func option(
    _ index: Int, _ recall: ScorerTables.Recall, _ points: Int, _ amount: Double, _ perLoan: Double, _ contacts: Int
  ) -> Option {
    let channel = tables.pointee.channels + index
    let p = Odds.share(Odds.scale(tables.pointee.base[recall.base + index], points, by: tables.pointee.factors))
    let spend = channel.pointee.cost + p * recall.coupon
    let quitting = channel.pointee.quit * Double(1 + contacts) * tables.pointee.money.relationship
    let value = p * recall.incremental * perLoan - spend - quitting
    return Option(
      value: Micros.from(value), spend: Micros.from(spend), capital: Micros.from(p * amount),
      p: Int32(truncatingIfNeeded: Micros.from(p)), channel: Int32(truncatingIfNeeded: index))
  }

  /// Greater worth, then less spend; the earlier channel stays on a tie.
  @inline(__always)
  private func isBetter(_ option: Option, _ other: Option) -> Bool {
    let worth = worth(option)
    let otherWorth = self.worth(other)
    return worth != otherWorth ? worth > otherWorth : option.spend < other.spend
  }

  /// What an option is worth over the hurdle, in 1e-12 of the currency.
  @inline(__always)
  func worth(_ option: Option) -> Int128 {
    Micros.worth(value: option.value, spend: option.spend, hurdle: tables.pointee.hurdle)
  }

  // MARK: - Experiment (model 8)

  @inline(__always)
  private func experiment(_ row: CandidateRow, _ decision: inout Decision) {
    var channel: UInt64 = 0
    if row.share >= 0, case let arm = tables.pointee.arms.arm(share: UInt64(row.share)), arm != .explore {
      decision.arm = arm
      decision.share = row.share
    } else {
      let draw = tables.pointee.lottery.draw(row.userID)
      let share = draw.arm % 10_000
      decision.arm = tables.pointee.arms.arm(share: share)
      decision.share = Int32(truncatingIfNeeded: share)
      decision.tie = draw.tie
      channel = draw.channel
    }
    switch decision.arm {
    case .holdout:
      decision.status = .holdout
      decision.note(.x01)
    case .explore:
      decision.best = Int(channel % UInt64(decision.optionCount))
      decision.status = .eligible
    case .policy:
      if worth(decision.lists.options[decision.best]) > 0 {
        decision.status = .eligible
      } else {
        decision.status = .unprofitable
        decision.note(.e01)
      }
    }
  }
}
