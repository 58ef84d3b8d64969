import RouseCore

/// Questions: each is answered from a consistent view of the file, on a connection of its own, and never waits for what
/// is being written.
extension Ledger {
  /// Committed plans, the latest first.
  /// - Parameter before: the id of a plan; nil: from the latest on.
  package func plans(before: String?, most: Int) throws(LedgerError) -> [PlanHead] {
    let number = before.map { PlanName.number($0) ?? 0 }
    return try ask { try $0.plans(before: number, most: most).map(\.head) }
  }

  package func plan(_ id: String) throws(LedgerError) -> PlanHead? {
    guard let number = PlanName.number(id) else { return nil }
    return try ask { try $0.plan(number)?.head }
  }

  /// A plan by its key.
  package func plan(key: String) throws(LedgerError) -> PlanHead? { try ask { try $0.plan(key: key)?.head } }

  /// The contacts of a plan in rank order: those whose user has been erased are left out.
  /// - Parameter from: the first rank.
  package func rows(of plan: String, from rank: Int, most: Int) throws(LedgerError) -> [PlanRow] {
    guard let number = PlanName.number(plan) else { return [] }
    return try ask { try $0.contacts(of: number, from: rank, most: most) }
  }

  package struct PlanRow: Sendable, Equatable {
    package var rank: Int
    package var userID: [UInt8]
    /// What follows the user_id's value in the reply's row.
    package var row: [UInt8]

    package init(rank: Int, userID: [UInt8], row: [UInt8]) {
      self.rank = rank
      self.userID = userID
      self.row = row
    }
  }

  /// What is known of one user.
  package struct UserRecord: Sendable {
    /// The latest first, without their keys, of which the ledger keeps hashes alone.
    package var events: [Event]
    /// How many there are in all.
    package var eventCount: Int
    /// Plans that hold the user, the latest first: id, rank (0: a ghost), channel, when the lease ends or ended (0:
    /// there was none).
    package var plans: [(id: String, rank: Int, channel: String, leasedUntil: Int64)]
    /// The candidate's line with an empty user_id, when it is of the audience.
    package var candidate: [UInt8]?

    package init(
      events: [Event], eventCount: Int, plans: [(id: String, rank: Int, channel: String, leasedUntil: Int64)],
      candidate: [UInt8]?
    ) {
      self.events = events
      self.eventCount = eventCount
      self.plans = plans
      self.candidate = candidate
    }
  }

  /// nil: nothing is known of the user.
  /// - Parameter most: events at most.
  package func user(_ userID: [UInt8], most: Int) throws(LedgerError) -> UserRecord? {
    guard let user = read({ $0.number(of: userID) }) else { return nil }
    let record = try ask { reading in
      let names = try Names(reading)
      return UserRecord(
        events: try reading.events(of: user, most: most).map { names.event($0, userID: userID) },
        eventCount: try reading.eventCount(of: user),
        plans: try reading.plans(of: user).map {
          (id: PlanName.id($0.plan), rank: $0.rank, channel: $0.channel, leasedUntil: $0.leasedUntil ?? 0)
        }, candidate: try reading.candidate(user))
    }
    // The user may have been erased meanwhile.
    return record.eventCount == 0 && record.plans.isEmpty && record.candidate == nil ? nil : record
  }

  /// Every candidate of the audience as it stands durably, in the order of users' numbers.
  /// - Parameter take: false: no more.
  package func eachCandidate(
    from user: Int, batch: Int, _ take: (_ batch: [(user: Int, line: [UInt8])]) -> Bool
  ) throws(LedgerError) {
    var next = user
    while true {
      let from = next
      let some = try ask { try $0.candidates(from: from, most: max(1, batch)) }
      guard let last = some.last, take(some) else { return }
      next = last.user + 1
    }
  }

  /// The lines of some candidates, in the order asked for; nil where there is none.
  package func lines(of users: [Int]) throws(LedgerError) -> [[UInt8]?] {
    try ask { reading in try users.map { try reading.candidate($0) } }
  }

  /// What was counted on a day, of a kind, on a channel: it outlasts the events.
  package struct DayTotal: Sendable, Equatable {
    /// Days since 1970, by UTC.
    package var day: Int64
    package var kind: String
    package var channel: String?
    package var count: Int64
    /// Micros.
    package var amount: Int64
    package var cost: Int64
  }

  package func totals() throws(LedgerError) -> [DayTotal] {
    try ask { reading in
      let names = try Names(reading)
      return try reading.days().map { day, sums in
        DayTotal(
          day: day.day, kind: names.kind(day.kind)?.name ?? "\(day.kind)", channel: names.name(ofChannel: day.channel),
          count: sums.count, amount: sums.amount, cost: sums.cost)
      }
    }
  }

  /// Policies that were kept, the one made live last first.
  package func policies(most: Int) throws(LedgerError) -> [(
    version: String, text: [UInt8], format: String, at: Int64, by: String
  )] {
    try ask { try $0.policies(most: most) }.map { ($0.version, $0.text, $0.format, $0.at, $0.by) }
  }
}

extension Names {
  fileprivate func name(ofChannel number: Int?) -> String? {
    number.flatMap { channels.indices.contains($0) ? channels[$0] : nil }
  }

  fileprivate func event(_ stored: StoredEvent, userID: [UInt8]) -> Event {
    return Event(
      key: [], userID: userID, kind: kind(stored.kind) ?? .step("\(stored.kind)"), at: stored.at,
      channel: name(ofChannel: stored.channel),
      plan: stored.plan, campaign: stored.campaign, amount: stored.amount, cost: stored.cost)
  }
}
