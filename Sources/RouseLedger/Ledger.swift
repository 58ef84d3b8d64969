import RouseCore

/// What lasts: contacts, outcomes, committed plans, policies, the standing audience. Writing is asynchronous and durable
/// when it is answered; what decisions need at once is kept in memory as well.
///
/// One thread of the ledger's own writes. It takes what waits, up to a bound, into one transaction, commits it (one fsync
/// for all), applies it to the memory, and answers. Answers are called on that thread: hand on, never block.
package final class Ledger: Sendable {
  package struct Settings: Sendable, Equatable {
    /// The SQLite file; beside it stand `-wal`, `-shm` and `.lock`.
    package var file: String
    /// For how long the contacts of a committed plan are taken.
    package var leaseSeconds: Int64
    package var retention: Retention

    package init(file: String, leaseSeconds: Int64 = 3 * 86_400, retention: Retention = Retention()) {
      self.file = file
      self.leaseSeconds = leaseSeconds
      self.retention = retention
    }
  }

  /// For how many days what is kept.
  package struct Retention: Sendable, Equatable {
    /// Of every kind of event that is not named in `byKind`.
    package var events = 400
    /// By the kind's name; nil: for ever, as opt-outs and complaints are unless told otherwise.
    package var byKind: [String: Int?] = ["opt_out": nil, "opt_in": nil, "complaint": nil]
    package var plans = 400

    package init() {}

    /// nil: for ever.
    package func days(_ kind: EventKind) -> Int? {
      if let own = byKind[kind.name] { return own }
      return events
    }
  }

  package enum Health: Sendable, Equatable {
    case sound
    /// Nothing can be recorded until the server is started again; why, for the operator.
    case degraded(String)
  }

  package init(_ settings: Settings, note: @escaping @Sendable (String) -> Void) throws(LedgerError) {
    throw LedgerError(.unreadable, "stub")
  }

  /// Answers all that waits with `closed`, and leaves the file to others.
  package func close() {}

  package var health: Health { .sound }

  /// Counts what has been committed and applied: it grows with every change of a user's facts.
  package var sequence: UInt64 { 0 }

  // MARK: - Memory

  /// Reads the memory under a lock that keeps writing out: for a few milliseconds at a time.
  package func read<Answer>(_ body: (Standing) throws -> Answer) rethrows -> Answer { try body(Standing()) }

  // MARK: - Writing

  package typealias Done<Answer> = @Sendable (Result<Answer, LedgerError>) -> Void

  /// Records events, each by itself, in order.
  /// - Parameter now: seconds since 1970, by the server's clock.
  package func record(_ events: [EventEntry], now: Int64, done: @escaping Done<[EventResult]>) {}

  /// A change of the standing audience.
  package struct Candidate: Sendable {
    package var userID: [UInt8]
    /// The candidate's line with an empty user_id; nil: it is no longer of the audience.
    package var line: [UInt8]?

    package init(userID: [UInt8], line: [UInt8]?) {
      self.userID = userID
      self.line = line
    }
  }

  /// Puts candidates into the audience, or takes them out, in order.
  /// - Parameter apply: called once all is durable, with the memory locked for writing: the number of each candidate's
  ///   user; -1: the user has been erased, or was to be taken out and is not known.
  package func load(
    _ candidates: [Candidate], apply: @escaping @Sendable (_ users: [Int]) -> Void, done: @escaping Done<LoadCounts>
  ) {}

  package struct LoadCounts: Sendable, Equatable {
    package var loaded = 0
    package var removed = 0
    /// Not loaded, for the user has been erased.
    package var gone = 0

    package init() {}
  }

  /// Commits a plan, or says why not. Nothing of a stale plan is kept.
  package func commit(_ draft: PlanDraft, done: @escaping Done<PlanCommit>) {}

  /// Forgets users everywhere; what they were part of stays counted.
  /// - Parameter apply: as in `load`, the numbers that users had, -1 for one that was not known.
  package func erase(
    _ userIDs: [[UInt8]], apply: @escaping @Sendable (_ users: [Int]) -> Void, done: @escaping Done<Int>
  ) {}

  /// Keeps a policy's text. One that is kept already stays as it is, but for when it was last made live.
  package func keep(policy version: String, text: [UInt8], format: String, at: Int64, by: String) {}

  // MARK: - Asking

  /// Committed plans, the latest first.
  /// - Parameter before: the id of a plan; nil: from the latest on.
  package func plans(before: String?, most: Int) throws(LedgerError) -> [PlanHead] { [] }

  package func plan(_ id: String) throws(LedgerError) -> PlanHead? { nil }

  /// A plan by its key.
  package func plan(key: String) throws(LedgerError) -> PlanHead? { nil }

  /// The contacts of a plan in rank order: those whose user has been erased are left out.
  /// - Parameter from: the first rank.
  package func rows(of plan: String, from rank: Int, most: Int) throws(LedgerError) -> [PlanRow] { [] }

  package struct PlanRow: Sendable {
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
    /// The latest first.
    package var events: [Event]
    /// How many there are in all.
    package var eventCount: Int
    /// Plans that hold the user: id, rank (0: a ghost), channel, end of the lease.
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
  package func user(_ userID: [UInt8], most: Int) throws(LedgerError) -> UserRecord? { nil }

  /// Every candidate of the audience as it stands durably, in the order of users' numbers.
  /// - Parameter take: false: no more.
  package func eachCandidate(
    from user: Int, batch: Int, _ take: (_ batch: [(user: Int, line: [UInt8])]) -> Bool
  ) throws(LedgerError) {}

  /// The lines of some candidates, in the order asked for; nil where there is none.
  package func lines(of users: [Int]) throws(LedgerError) -> [[UInt8]?] { [] }

  /// Policies that were kept, the one made live last first.
  package func policies(most: Int) throws(LedgerError) -> [(
    version: String, text: [UInt8], format: String, at: Int64, by: String
  )] { [] }
}

/// What decisions need at once: which users there are, whom they heard from, and what they asked for.
package final class Standing {
  /// Channels by the ledger's own numbers; more are only ever added at the end.
  package var channels: [String] { [] }

  /// Users that have a number: numbers go from 0 to below this. An erased user's number stands for nobody.
  package var userCount: Int { 0 }

  /// nil: nothing is known of the user.
  package func number(of userID: UnsafeRawBufferPointer) -> Int? { nil }

  /// Empty where the user has been erased.
  package func userID(_ user: Int) -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: nil, count: 0) }

  /// Tells a row what is known of a user.
  /// - Parameters:
  ///   - channels: the policy's channel for each of the ledger's, or -1.
  ///   - now: of the request.
  package func tell(_ user: Int, to row: CandidateRow, channels: [Int], now: Int64) {}

  /// Whether there is anything to tell.
  package func hasFacts(_ user: Int) -> Bool { false }
}
