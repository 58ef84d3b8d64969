/// An engine that keeps a ledger: all that `Ledger` knows of it. One thread writes, any number read.
///
/// Whoever implements it promises: what `write` has returned from is durable; a `write` that throws has changed
/// nothing; a read sees all of what was written before it began, and nothing of what is being written.
package protocol LedgerStore: Sendable {
  /// One transaction.
  func write<Answer>(_ body: (any LedgerWriting) throws -> Answer) throws -> Answer

  /// One consistent view.
  func read<Answer>(_ body: (any LedgerReading) throws -> Answer) throws -> Answer

  /// Does what is due between writes; to be called after each, when it has been answered.
  func settle() throws

  /// Sees to it that what has been erased stands in no file any more; false: a reader is in the way, try again.
  func scrub() throws -> Bool

  /// - Parameter isSound: false after a failure: nothing more may be written, for what is not durable might come to
  ///   look so.
  func close(isSound: Bool)
}

/// What can be asked of an engine. Users, kinds, channels and plans are numbers of the ledger's.
package protocol LedgerReading {
  func meta(_ name: String) throws -> [UInt8]?
  /// All users in order of their numbers, which go from 0 without a gap; nil: erased.
  func eachUser(_ body: (_ user: Int, _ id: UnsafeRawBufferPointer?) throws -> Void) throws
  func isErased(_ hash: KeyedHash) throws -> Bool
  func erasedCount() throws -> Int
  func kinds() throws -> [StoredKind]
  /// In order of their numbers, which go from 0 without a gap.
  func channels() throws -> [String]
  /// Events of a kind from a moment on, in any order.
  func eachEvent(of kind: Int, from at: Int64, _ body: (_ user: Int, _ at: Int64, _ channel: Int?) throws -> Void)
    throws
  /// Leases that end after a moment, in any order.
  func eachLease(after: Int64, _ body: (_ user: Int, _ plan: Int, _ until: Int64) throws -> Void) throws

  func event(_ key: KeyedHash) throws -> StoredEvent?
  /// The latest first.
  func events(of user: Int, most: Int) throws -> [StoredEvent]
  func eventCount(of user: Int) throws -> Int

  /// The totals of days, in their order.
  func days() throws -> [(day: DailyKey, sums: DailySums)]

  func plan(_ plan: Int) throws -> StoredPlan?
  func plan(key: String) throws -> StoredPlan?
  /// The latest first.
  func plans(before: Int?, most: Int) throws -> [StoredPlan]
  func contacts(of plan: Int, from rank: Int, most: Int) throws -> [Ledger.PlanRow]
  /// The latest first.
  func plans(of user: Int) throws -> [StoredPlace]
  /// Plans made in a period, in any order.
  func plans(madeIn period: Range<Int64>) throws -> [PlanLine]
  /// When the first plan was made, of those made before a moment whose leases ended after it.
  func firstMade(leasedBeyond moment: Int64) throws -> Int64?
  /// The rows of a plan in rank order, then the ghosts, until the body says no more; whether it never did.
  func eachRow(of plan: Int, withTexts: Bool, _ body: (StoredRow, StoredTexts?) throws -> Bool) throws -> Bool
  /// Events of a kind in a period, by time, until the body says no more; whether it never did.
  func eachEvent(of kind: Int, in period: Range<Int64>, _ body: (StoredEvent) throws -> Bool) throws -> Bool

  func candidate(_ user: Int) throws -> [UInt8]?
  /// In order of users' numbers.
  func candidates(from user: Int, most: Int) throws -> [(user: Int, line: [UInt8])]

  /// The one made live last first.
  func policies(most: Int) throws -> [StoredPolicy]
  func policy(_ version: String) throws -> StoredPolicy?
}

/// What can be changed in an engine, within one transaction.
package protocol LedgerWriting: LedgerReading {
  /// Does all of the body or, when it throws, nothing of it.
  func attempt(_ body: () throws -> Void) throws

  func set(meta name: String, to value: [UInt8]) throws
  /// - Parameter user: the number after the last one.
  func insert(user: Int, id: [UInt8]) throws
  func insert(kind: StoredKind) throws
  /// - Parameter channel: the number after the last one.
  func insert(channel: Int, name: String) throws

  func insert(event: StoredEvent, key: KeyedHash, recorded: Int64) throws
  /// Adds to the totals of a day, which outlast the events.
  func add(_ sums: DailySums, to day: DailyKey) throws

  func put(candidate user: Int, line: [UInt8]) throws
  func remove(candidate user: Int) throws

  /// Returns the plan's number: the one after the highest that ever was.
  func insert(plan: StoredPlan) throws -> Int
  /// - Parameter index: in the draft.
  func insert(row: PlanDraft.Row, index: Int, user: Int, plan: Int, leasedUntil: Int64?) throws
  func endLease(of user: Int, plan: Int, at: Int64) throws

  /// Removes the user's id, candidate, events and rows of plans.
  func erase(user: Int) throws
  func insert(erased hash: KeyedHash) throws

  func keep(_ policy: StoredPolicy) throws

  /// Events of the kind before that moment are no longer kept: a new one is too old.
  func set(swept: Int64, of kind: Int) throws
  /// Removes events of a kind before a moment; how many, at most `most`.
  func sweepEvents(of kind: Int, before: Int64, most: Int) throws -> Int
  /// Removes plans made before a moment whose leases have ended by it; how many rows and plans, at most about `most`.
  func sweepPlans(before: Int64, most: Int) throws -> Int
}
