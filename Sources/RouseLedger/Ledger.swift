import RouseCore

/// What lasts: contacts, outcomes, committed plans, policies, the standing audience. Writing is asynchronous and
/// durable when it is answered; what decisions need at once is kept in memory as well.
///
/// One thread of the ledger's own writes. It takes what waits, up to a bound, into one transaction, commits it (one
/// fsync for all), applies it to the memory, and answers. Answers are called on that thread: hand on, never block.
package final class Ledger: Sendable {
  package struct Settings: Sendable, Equatable {
    /// The SQLite file; beside it stand `-wal`, `-shm` and `.lock`.
    package var file: String
    /// For how long the contacts of a committed plan are taken.
    package var leaseSeconds: Int64
    package var retention: Retention
    /// Whether what is no longer kept is removed once an hour, by the system's clock.
    package var sweepsByItself = true

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

  let store: any LedgerStore
  private let memory: Memory
  private let writer: Writer
  private let thread: WriterThread
  let settings: Settings

  package convenience init(_ settings: Settings, note: @escaping @Sendable (String) -> Void) throws(LedgerError) {
    try self.init(settings, store: try SQLiteStore(settings.file), note: note)
  }

  /// - Parameter store: the engine, which is closed with the ledger.
  package init(
    _ settings: Settings, store: any LedgerStore, note: @escaping @Sendable (String) -> Void
  ) throws(LedgerError) {
    let restored: Restored
    do {
      restored = try Restored(store, sweeps: settings.sweepsByItself)
    } catch {
      store.close(isSound: false)
      switch error {
      case let error as LedgerError: throw error
      case StoreError.storage(let what), StoreError.refused(let what):
        throw what.contains("(SQLite 13)") ? .full(settings.file) : .damaged(settings.file, what)
      default: throw .damaged(settings.file, "\(error)")
      }
    }
    self.settings = settings
    self.store = store
    memory = Memory(restored.standing)
    let writer = Writer(store: store, memory: memory, settings: settings, restored: restored, note: note)
    self.writer = writer
    guard let thread = WriterThread({ writer.run() }) else {
      store.close(isSound: true)
      throw LedgerError(
        .unreadable, "\(settings.file): the system has no thread left for the ledger; end other processes")
    }
    self.thread = thread
  }

  deinit { close() }

  /// Answers all that waits with `closed`, and leaves the file to others. Not to be called on the ledger's own thread.
  package func close() {
    for work in writer.inbox.close() { work.fail(Writer.closed) }
    thread.join()
  }

  package var health: Health {
    memory.failure.map { .degraded($0.message) } ?? .sound
  }

  /// Counts what has been committed and applied: it grows with every change of a user's facts.
  package var sequence: UInt64 { memory.sequence }

  /// Has somebody told how long each group of changes took to be durable, in nanoseconds, on the ledger's own thread.
  package func observeCommits(_ tell: @escaping @Sendable (UInt64) -> Void) { writer.observer.withLock { $0 = tell } }

  // MARK: - Memory

  /// Reads the memory under a lock that keeps writing out: for a few milliseconds at a time, and never within itself.
  package func read<Answer>(_ body: (Standing) throws -> Answer) rethrows -> Answer { try memory.read(body) }

  // MARK: - Writing

  package typealias Done<Answer> = @Sendable (Result<Answer, LedgerError>) -> Void

  /// Records events, each by itself, in order.
  /// - Parameter now: seconds since 1970, by the server's clock.
  package func record(_ events: [EventEntry], now: Int64, done: @escaping Done<[EventResult]>) {
    writer.submit(.record(events, now: now, done: done))
  }

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
  ) {
    writer.submit(.load(candidates, apply: apply, done: done))
  }

  package struct LoadCounts: Sendable, Equatable {
    package var loaded = 0
    package var removed = 0
    /// Not loaded, for the user has been erased.
    package var gone = 0

    package init() {}
  }

  /// Commits a plan, or says why not. Nothing of a stale plan is kept.
  package func commit(_ draft: PlanDraft, done: @escaping Done<PlanCommit>) {
    writer.submit(.commit(draft, done: done))
  }

  /// Forgets users everywhere; what they were part of stays counted.
  /// - Parameter apply: as in `load`, the numbers that users had, -1 for one that was not known.
  package func erase(
    _ userIDs: [[UInt8]], apply: @escaping @Sendable (_ users: [Int]) -> Void, done: @escaping Done<Int>
  ) {
    writer.submit(.erase(userIDs, apply: apply, done: done))
  }

  /// Keeps a policy's text. One that is kept already stays as it is, but for when it was last made live.
  package func keep(policy version: String, text: [UInt8], format: String, at: Int64, by: String) {
    writer.submit(.keep(StoredPolicy(version: version, text: text, format: format, at: at, by: by)))
  }

  /// Removes what is no longer kept by that moment; it is done by itself once an hour.
  package func sweep(now: Int64, done: @escaping Done<Void>) { writer.submit(.sweep(now: now, done: done)) }

  func ask<Answer>(_ body: (any LedgerReading) throws -> Answer) throws(LedgerError) -> Answer {
    do {
      return try store.read(body)
    } catch let error as LedgerError {
      throw error
    } catch StoreError.storage(let what), StoreError.refused(let what) {
      throw LedgerError(
        .unreadable, "\(settings.file): the ledger cannot be read: \(what); see rouse-server ledger check")
    } catch {
      throw LedgerError(.unreadable, "\(settings.file): the ledger cannot be read: \(error)")
    }
  }
}
