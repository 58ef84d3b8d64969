/// The one entry of the model: a candidate and a moment become a decision (model 2.2 to 8). Pure: one scorer may serve
/// any number of threads, each with its own row and decision.
package final class Scorer: Sendable {
  package let policy: Policy
  /// Seconds since 1970.
  package let now: Int64
  /// The latest moment that counts as now.
  private let latestNow: Int64
  /// Seconds since 1970, by channel and offset: when a contact would be sent.
  private let sendTimes: [Int64]
  private let tables: ScorerTables.View

  /// - Parameter now: within `Moment.first...Moment.last`.
  package init(policy: Policy, now: Int64) {
    self.policy = policy
    self.now = now
    tables = policy.scoring
    latestNow = now + policy.definition.clockSkew
    sendTimes = policy.channels.flatMap { channel in
      policy.region.offsets.map { sendTime(channel, now: now, offsetMinutes: $0) }
    }
  }

  /// For `score(_:contacts:into:)` at another moment: it knows no times to send.
  init(_ other: Scorer, now: Int64) {
    policy = other.policy
    self.now = now
    tables = other.tables
    latestNow = now + (other.latestNow - other.now)
    sendTimes = []
  }

  /// RFC 3339 in the user's local time.
  package func sendAt(channel: Int, offset: Int) -> String {
    let offsets = policy.region.offsets
    return Moment.format(sendTimes[channel * offsets.count + offset], offsetMinutes: offsets[offset])
  }

  /// Whether a row that has been scored falls under a quota of the policy.
  package func isUnder(quota: Int, _ row: CandidateRow) -> Bool {
    policy.conditions.holds(policy.quotas[quota].when, row)
  }

  package var offsetCount: Int { policy.region.offsets.count }

  /// Decides on the row, whose times are clamped to now on the way.
  /// - Parameter wantsAll: why a user is declined, and until when one rests; a rank that shows its contacts alone needs
  ///   neither.
  package func score(_ row: CandidateRow, wantsAll: Bool = true, into decision: inout Decision) {
    decision.reset()
    decision.ignored = row.ignored
    read(row, &decision)
    guard findStage(row, &decision) else { return }
    readContacts(row, &decision)
    judge(row, wantsAll, &decision)
    if decision.status == .resting, wantsAll { findRestEnd(row, &decision) }
  }

  /// The same for a row whose contacts have been counted already, but without the end of a rest.
  func score(_ row: CandidateRow, contacts: ContactWindow, into decision: inout Decision) {
    decision.reset()
    read(row, &decision)
    guard findStage(row, &decision) else { return }
    contacts.count(into: &decision)
    judge(row, true, &decision)
  }

  @inline(__always)
  private func judge(_ row: CandidateRow, _ wantsAll: Bool, _ decision: inout Decision) {
    derive(row, &decision)
    assessRisk(row, &decision)
    guard passGate(row, wantsAll, &decision) else { return }
    guard findChannels(row, &decision) else { return }
    value(row, &decision)
    experiment(row, &decision)
  }

  // MARK: - Reading (model 2)

  /// Clamps times to now, and notes issues and the latest time.
  private func read(_ row: CandidateRow, _ decision: inout Decision) {
    let derivedStart = row.declaredCount
    let nowSlot = row.slotCount - 1
    let bits = row.bits
    let states = row.states
    bits[nowSlot] = UInt64(bitPattern: now)
    states[nowSlot] = FactState.present
    (states + derivedStart).update(repeating: FactState.missing, count: nowSlot - derivedStart)
    var latest = Int64.min
    // States are combined: one that is not missing or present is rare.
    var odd: UInt8 = 0
    for slot in 0..<tables.timesCount {
      if states[slot] != FactState.present {
        odd |= states[slot]
        continue
      }
      var time = Int64(bitPattern: bits[slot])
      if time > now {
        if time > latestNow {
          states[slot] = FactState.ahead
          odd = FactState.ahead
          continue
        }
        time = now
        bits[slot] = UInt64(bitPattern: now)
      }
      latest = max(latest, time)
    }
    decision.latestTime = latest == .min ? nil : latest
    for slot in tables.timesCount..<derivedStart { odd |= states[slot] }
    guard odd > FactState.present else { return }
    for slot in 0..<derivedStart where states[slot] > FactState.present {
      decision.issues.append(states[slot] == FactState.ahead ? .ahead(slot: slot) : .wrongType(slot: slot))
    }
  }

  // MARK: - Stage (model 3)

  private func findStage(_ row: CandidateRow, _ decision: inout Decision) -> Bool {
    decision.depth = .stage
    var index = 0
    while index < tables.stageCount, !tables.conditions.holds(tables.stages[index].when, row) { index += 1 }
    guard index < tables.stageCount else {
      decision.reasons.append(Int32(ReasonCode.i02.rawValue))
      return false
    }
    decision.stage = index
    let stage = tables.stages + index
    var clock = Int64.min
    for at in stage.pointee.sinceStart..<stage.pointee.sinceEnd {
      let slot = tables.since[at]
      if row.states[slot] == FactState.present { clock = max(clock, Int64(bitPattern: row.bits[slot])) }
    }
    if clock == .min {
      if stage.pointee.recall != nil {
        decision.reasons.append(Int32(ReasonCode.i02.rawValue))
        return false
      }
    } else {
      decision.clock = min(clock, now)
    }
    return true
  }

  /// Makes contacts ahead of now by no more than the skew contacts of now, and drops the others.
  private func readContacts(_ row: CandidateRow, _ decision: inout Decision) {
    if row.contactsState == FactState.wrongType {
      decision.issues.append(.contactsNotAList)
    }
    guard row.contactEntries > 0 || row.known.contacts > 0 else { return }
    row.contacts.removeAll { $0.at > latestNow }
    var latest = Int64.min
    for index in row.contacts.indices {
      let contact = row.contacts[index]
      if contact.at > now { row.contacts[index] = CandidateRow.Contact(at: now, channel: contact.channel) }
      let at = min(contact.at, now)
      if now - at < 30 * Moment.day { decision.count(on: contact.channel, of: policy.channels.count) }
      if at > latest { latest = at }
    }
    if latest != .min { decision.lastContact = latest }
    let usable = row.contacts.count - row.known.contacts
    if usable < row.contactEntries {
      decision.issues.append(.contactsUnusable(row.contactEntries - usable, of: row.contactEntries))
    }
  }

  private func derive(_ row: CandidateRow, _ decision: inout Decision) {
    let base = row.declaredCount
    row.set(base + DerivedField.stage.rawValue, text: tables.stages[decision.stage].text)
    if let clock = decision.clock {
      let days = (now - clock) / Moment.day
      decision.dormantDays = days
      row.set(base + DerivedField.dormantDays.rawValue, number: Double(days))
      var tier = 0
      while tier < tables.tierCount, days > tables.tierDays[tier] { tier += 1 }
      decision.tier = tier
      row.set(base + DerivedField.tier.rawValue, text: tables.tierTexts[tier])
    }
    decision.silentDays = decision.latestTime.map { (now - $0) / Moment.day } ?? decision.dormantDays
    if let days = decision.silentDays { row.set(base + DerivedField.silentDays.rawValue, number: Double(days)) }
    row.set(base + DerivedField.contacts30d.rawValue, number: Double(decision.contacts30d))
    if let last = decision.lastContact {
      row.set(base + DerivedField.lastContactDays.rawValue, number: Double((now - last) / Moment.day))
    }
    if case let slot = tables.regionSlot, slot >= 0, row.states[slot] == FactState.present {
      let text = Int(row.bits[slot])
      row.set(base + DerivedField.regionGroup.rawValue, text: tables.groups[text])
      row.set(base + DerivedField.regionServed.rawValue, flag: !tables.notServed[text])
      decision.offset = tables.offsets[text]
    }
  }

  // MARK: - Risk (model 4)

  private func assessRisk(_ row: CandidateRow, _ decision: inout Decision) {
    decision.depth = .risk
    let rules = tables.riskRules
    let card = tables.risk
    let bits = row.bits
    let states = row.states
    var score = rules.baseScore
    var known = 0
    var anyBelow = false
    for index in 0..<card.count {
      let bin = card.bin(index, bits, states, below: &anyBelow)
      known &+= bin != Scorecard.Bin.missing ? 1 : 0
      score += card.points(index, bin)
    }
    if anyBelow { noteBelow(card, row, &decision) }
    if known < rules.thinBelow { score += rules.thinPoints }
    decision.riskScore = score
    // As `Policy.pd`.
    decision.pd = Odds.badShare(
      Odds.scale(tables.baseOdds, score - rules.baseScore + tables.stages[decision.stage].lift))
  }

  /// Notes the values that lie under their row's first bin.
  private func noteBelow(_ card: Scorecard.Table, _ row: CandidateRow, _ decision: inout Decision) {
    for index in 0..<card.count {
      var below = false
      _ = card.bin(index, row.bits, row.states, below: &below)
      if below { decision.issues.append(.belowTheScale(slot: card.slot(index))) }
    }
  }

  /// Codes of the rows that cost the most points against their best, at most `risk.reasons`.
  private func riskReasons(_ row: CandidateRow) -> [Int32] {
    let risk = policy.definition.risk
    var lost: [(points: Int, code: Int)] = []
    var known = 0
    for (index, characteristic) in policy.risk.rows.enumerated() {
      var below = false
      let bin = policy.risk.bin(index, row, below: &below)
      if bin != Scorecard.Bin.missing { known += 1 }
      let points = characteristic.top - characteristic.points(ofBin: bin)
      if points > 0, let code = characteristic.code { lost.append((points, code)) }
    }
    if let thin = risk.thin, known < thin.knownBelow, thin.points < 0, let code = policy.thinCode {
      lost.append((-thin.points, code))
    }
    let order = lost.indices.sorted { lost[$0].points != lost[$1].points ? lost[$0].points > lost[$1].points : $0 < $1 }
    return order.prefix(risk.reasons).map { Int32(lost[$0].code) }
  }

  // MARK: - Gate (model 5)

  private func passGate(_ row: CandidateRow, _ wantsAll: Bool, _ decision: inout Decision) -> Bool {
    holding(tables.suppress, tables.suppressCount, row, &decision.reasons)
    if row.known.hasOptedOut { decision.reasons.append(Int32(ReasonCode.c06.rawValue)) }
    if row.known.hasComplained { decision.reasons.append(Int32(ReasonCode.c07.rawValue)) }
    if !decision.reasons.isEmpty {
      decision.status = .suppressed
      return false
    }
    guard let recall = tables.stages[decision.stage].recall, let clock = decision.clock,
      let dormantDays = decision.dormantDays
    else {
      decision.status = .active
      decision.reasons.append(Int32(ReasonCode.a01.rawValue))
      return false
    }
    if dormantDays < recall.dormantDays {
      decision.status = .active
      decision.reasons.append(Int32(ReasonCode.a02.rawValue))
      decision.until = clock + recall.dormant
      return false
    }
    holding(tables.knockout, tables.knockoutCount, row, &decision.reasons)
    if !decision.reasons.isEmpty || decision.riskScore < tables.riskRules.cutoff {
      decision.status = .declined
      if !wantsAll { return false }
      let most = max(policy.definition.risk.reasons, decision.reasons.count)
      decision.reasons.append(contentsOf: riskReasons(row).prefix(most - decision.reasons.count))
      return false
    }
    return true
  }

  /// The codes of the rules that hold.
  @inline(__always)
  private func holding(
    _ rules: UnsafeMutablePointer<Policy.Rule>, _ count: Int, _ row: CandidateRow, _ codes: inout [Int32]
  ) {
    for index in 0..<count where tables.conditions.holds(rules[index].when, row) {
      codes.append(Int32(rules[index].code))
    }
  }

  // MARK: - Contact policy (model 6)

  private func findChannels(_ row: CandidateRow, _ decision: inout Decision) -> Bool {
    var able = 0
    for index in 0..<tables.channelCount where tables.conditions.holds(tables.channels[index].needs, row) {
      able += 1
      if tables.isBest || able <= 1 + decision.contacts30d { decision.rungs.append(Int32(index)) }
    }
    guard able > 0 else {
      decision.status = .suppressed
      decision.reasons.append(Int32(ReasonCode.c01.rawValue))
      return false
    }
    if let last = decision.lastContact, last + tables.gap > now {
      decision.reasons.append(Int32(ReasonCode.c02.rawValue))
    }
    if decision.contacts30d >= tables.cap30d { decision.reasons.append(Int32(ReasonCode.c03.rawValue)) }
    for channel in decision.rungs
    where decision.contacts30d == 0 || decision.recentOn[Int(channel)] < tables.channels[Int(channel)].cap30d {
      decision.free.append(channel)
    }
    if decision.free.isEmpty { decision.reasons.append(Int32(ReasonCode.c04.rawValue)) }
    if row.known.leasedUntil > now { decision.reasons.append(Int32(ReasonCode.c05.rawValue)) }
    if decision.reasons.isEmpty { return true }
    decision.status = .resting
    return false
  }

  /// The latest of the ends of the reasons to rest.
  private func findRestEnd(_ row: CandidateRow, _ decision: inout Decision) {
    let contact = policy.definition.contact
    var ends: [Int64] = []
    for reason in decision.reasons {
      switch ReasonCode(rawValue: Int(reason)) {
      case .c02: if let last = decision.lastContact { ends.append(last + contact.gapDays * Moment.day) }
      case .c03: ends.append(recent(row, on: nil)[contact.cap30d - 1] + 30 * Moment.day)
      case .c04:
        let free = decision.rungs.map { channel in
          recent(row, on: Int(channel))[policy.channels[Int(channel)].cap30d - 1] + 30 * Moment.day
        }
        if let first = free.min() { ends.append(first) }
      case .c05: ends.append(row.known.leasedUntil)
      default: break
      }
    }
    decision.until = ends.max()
  }

  /// Moments of the contacts of the last 30 days, on one channel or on any, the latest first.
  private func recent(_ row: CandidateRow, on channel: Int?) -> [Int64] {
    var moments: [Int64] = []
    for contact in row.contacts where now - contact.at < 30 * Moment.day {
      if channel == nil || contact.channel == channel { moments.append(contact.at) }
    }
    return moments.sorted(by: >)
  }

  // MARK: - Response and value (model 7)

  private func value(_ row: CandidateRow, _ decision: inout Decision) {
    guard let recall = tables.stages[decision.stage].recall else { return }
    decision.depth = .value
    let money = tables.money
    let silent = decision.silentDays ?? 0
    decision.recency =
      silent >= 0 && silent < Int64(tables.lostDays)
      ? -Int(tables.lost[recall.recency + Int(silent)])
      : policy.stages[decision.stage].recall?.recency.points(silentDays: silent) ?? 0
    decision.approval = 0
    if recall.isAheadOfUnderwriting {
      let points = Double(decision.riskScore - tables.riskRules.baseScore)
      decision.approval = Int(Micros.halfUp(points * tables.riskRules.follow))
    }
    let card = tables.response
    let bits = row.bits
    let states = row.states
    if decision.responseBins.count != card.count {
      decision.responseBins = [Int32](repeating: Scorecard.Bin.missing, count: card.count)
    }
    var points = recall.points + decision.recency + decision.approval
    var anyBelow = false
    decision.responseBins.withUnsafeMutableBufferPointer { bins in
      for index in bins.indices {
        let bin = card.bin(index, bits, states, below: &anyBelow)
        bins[index] = bin
        points += card.points(index, bin)
      }
    }
    if anyBelow { noteBelow(card, row, &decision) }
    decision.points = points

    var amount = recall.loan
    if recall.loanFrom >= 0, let from = row.number(recall.loanFrom), from > 0 { amount = from * money.useOfLimit }
    amount = min(amount, money.maxLoan)
    let perLoan = amount * ((1 - decision.pd) * money.margin - decision.pd * money.lossGivenDefault)
    decision.amount = amount
    decision.perLoan = perLoan
    for channel in decision.free {
      let index = Int(channel)
      let channel = tables.channels[index]
      let p = Odds.share(Odds.scale(tables.base[recall.base + index], points))
      let spend = channel.cost + p * recall.coupon
      let quitting = channel.quit * Double(1 + decision.contacts30d) * money.relationship
      let value = p * recall.incremental * perLoan - spend - quitting
      decision.options.append(
        Option(
          value: Micros.from(value), spend: Micros.from(spend), capital: Micros.from(p * amount),
          p: Int32(truncatingIfNeeded: Micros.from(p)), channel: Int32(truncatingIfNeeded: index)))
    }
    decision.best = 0
    for index in decision.options.indices.dropFirst()
    where isBetter(decision.options[index], decision.options[decision.best]) {
      decision.best = index
    }
  }

  /// Greater worth, then less spend; the earlier channel stays on a tie.
  private func isBetter(_ option: Option, _ other: Option) -> Bool {
    let worth = tables.worth(option)
    let otherWorth = tables.worth(other)
    return worth != otherWorth ? worth > otherWorth : option.spend < other.spend
  }

  // MARK: - Experiment (model 8)

  private func experiment(_ row: CandidateRow, _ decision: inout Decision) {
    var channel: UInt64 = 0
    if row.share >= 0, case let arm = tables.arms.arm(share: UInt64(row.share)), arm != .explore {
      decision.arm = arm
    } else {
      let draw = policy.experiment.draw(row.userID)
      decision.arm = policy.experiment.arm(draw)
      decision.tie = draw.tie
      channel = draw.channel
    }
    switch decision.arm {
    case .holdout:
      decision.status = .holdout
      decision.reasons.append(Int32(ReasonCode.x01.rawValue))
    case .explore:
      decision.best = Int(channel % UInt64(decision.options.count))
      decision.status = .eligible
    case .policy:
      let best = decision.options[decision.best]
      if tables.worth(best) > 0 {
        decision.status = .eligible
      } else {
        decision.status = .unprofitable
        decision.reasons.append(Int32(ReasonCode.e01.rawValue))
      }
    }
  }
}

/// The earliest moment from now on whose local time lies in one of the channel's windows.
private func sendTime(_ channel: Policy.Channel, now: Int64, offsetMinutes: Int) -> Int64 {
  let local = now + Int64(offsetMinutes) * 60
  let midnight = floorDivide(local, Moment.day) * Moment.day
  let second = local - midnight
  var earliest = Int64.max
  for window in channel.windows {
    let start = second < window.start ? window.start : second < window.end ? second : window.start + Moment.day
    earliest = min(earliest, midnight + start)
  }
  return earliest == .max ? now : earliest - Int64(offsetMinutes) * 60
}
