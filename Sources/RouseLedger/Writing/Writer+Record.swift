import RouseCore

extension Writer {
  func record(
    _ entries: [EventEntry], _ now: Int64, _ writing: any LedgerWriting, _ done: @escaping Ledger.Done<[EventResult]>
  ) throws -> Outcome {
    var outcome = Outcome()
    var results: [EventResult] = []
    results.reserveCapacity(entries.count)
    var days: [DailyKey: DailySums] = [:]
    for entry in entries { results.append(try record(entry, now, writing, &days, &outcome)) }
    for (day, sums) in days { try writing.add(sums, to: day) }
    for effect in outcome.effects { group.changed.insert(effect.user) }
    let answers = results
    outcome.answer = { done(.success(answers)) }
    return outcome
  }

  private func record(
    _ entry: EventEntry, _ now: Int64, _ writing: any LedgerWriting, _ days: inout [DailyKey: DailySums],
    _ outcome: inout Outcome
  ) throws -> EventResult {
    let event = entry.event
    guard !event.key.isEmpty, event.key.count <= Event.longestKey else { return entry.fault ?? .invalid }
    let whom = try whom(event.userID, writing)
    switch whom {
    case .erased: return .gone
    case .nobody: return entry.fault ?? .invalid
    case .known, .unknown: break
    }
    let key = secret.hash(.event, event.key)
    if let known = try writing.event(key) { return isSame(known, event, whom) ? .replayed : .conflict }
    if let fault = entry.fault { return fault }
    if event.at < oldest(event.kind, now) { return .tooOld }

    guard try names.learn(event, writing), let kind = names.kind(event.kind) else { return .unknownChannel }
    let user = if case .known(let user) = whom { user } else { try add(event.userID, writing) }
    let stored = stored(event, user, kind)
    try writing.insert(event: stored, key: key, recorded: now)
    let day = DailyKey(
      day: (event.at - (event.at % 86_400 + 86_400) % 86_400) / 86_400, kind: kind, channel: stored.channel)
    days[day, default: DailySums()].add(stored)
    try effects(of: stored, now, writing, &outcome)
    return .recorded
  }

  private func stored(_ event: Event, _ user: Int, _ kind: Int) -> StoredEvent {
    StoredEvent(
      user: user, kind: kind, at: event.at, channel: event.channel.flatMap { names.channel($0) }, plan: event.plan,
      campaign: event.campaign, amount: event.amount, cost: event.cost)
  }

  private func isSame(_ known: StoredEvent, _ event: Event, _ whom: Whom) -> Bool {
    guard case .known(let user) = whom, let kind = names.kind(event.kind) else { return false }
    if let channel = event.channel, names.channel(channel) == nil { return false }
    return known == stored(event, user, kind)
  }

  /// The first moment that is kept of a kind. What has been removed stays too old, whatever the clock and the settings
  /// say now: its keys are not known any more, and it would count twice.
  private func oldest(_ kind: EventKind, _ now: Int64) -> Int64 {
    let swept = names.kind(kind).flatMap { names.swept[$0] } ?? .min
    return max(swept, settings.retention.oldest(kind, now) ?? .min)
  }

  private func effects(
    of event: StoredEvent, _ now: Int64, _ writing: any LedgerWriting, _ outcome: inout Outcome
  ) throws {
    let user = event.user
    switch event.kind {
    case Names.contact:
      outcome.effects.append(.contact(user: user, at: event.at, channel: event.channel ?? ContactFact.noChannel))
      guard let plan = event.plan.flatMap({ PlanName.number($0) }) else { return }
      let lease = Group.Lease(user: user, plan: plan)
      guard group.leases.contains(lease) || memory.standing.lease(user, plan: plan) != nil else { return }
      try writing.endLease(of: user, plan: plan, at: now)
      outcome.effects.append(.endLease(user: user, plan: plan))
    case Names.optOut: outcome.effects.append(.note(user: user, kind: Fact.Kind.optOut, at: event.at))
    case Names.optIn: outcome.effects.append(.note(user: user, kind: Fact.Kind.optIn, at: event.at))
    case Names.complaint: outcome.effects.append(.note(user: user, kind: Fact.Kind.complaint, at: event.at))
    default: break
    }
  }
}

extension Event {
  static let longestKey = 128
}

extension Ledger.Retention {
  /// The first moment that is kept of a kind; nil: all are.
  func oldest(_ kind: EventKind, _ now: Int64) -> Int64? {
    days(EventKind(named: kind.name)).map { Self.moment(now, daysBefore: $0) }
  }

  static func moment(_ now: Int64, daysBefore days: Int) -> Int64 {
    let (seconds, isOver) = Int64(days).multipliedReportingOverflow(by: 86_400)
    return isOver ? .min : now.subtracting(seconds)
  }
}
