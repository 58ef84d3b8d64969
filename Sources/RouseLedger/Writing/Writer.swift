import Glibc
import Synchronization

/// The one thread that writes. It takes what waits into one transaction, up to a bound, carries it into the memory, and
/// answers.
final class Writer: @unchecked Sendable {
  let store: any LedgerStore
  let memory: Memory
  let settings: Ledger.Settings
  let secret: LedgerSecret
  let inbox = Inbox()
  private let note: @Sendable (String) -> Void
  /// Told how long each transaction took, in nanoseconds.
  let observer = Mutex<(@Sendable (UInt64) -> Void)?>(nil)

  // Of the writer's thread.
  var names: Names
  var group = Group(after: 0)
  /// Nobody's id need be looked for among the erased while there are none.
  var hasErased: Bool
  /// What is known of `changed` users goes back to this sequence.
  var changesSince: UInt64 = 0
  private var lastPass: UInt64 = 0
  var sweeps: [Sweep] = []
  private var owesScrub = false
  private var nextPass = Writer.monotonic() + 60

  /// Events, candidates and rows of one transaction, about.
  private static let mostWeight = 20_000

  init(
    store: any LedgerStore, memory: Memory, settings: Ledger.Settings, restored: Restored,
    note: @escaping @Sendable (String) -> Void
  ) {
    self.store = store
    self.memory = memory
    self.settings = settings
    self.note = note
    secret = restored.secret
    names = restored.names
    hasErased = restored.hasErased
  }

  private static func monotonic() -> Int { Int(nanoseconds() / 1_000_000_000) }

  private static func nanoseconds() -> UInt64 {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return UInt64(clamping: now.tv_sec) &* 1_000_000_000 &+ UInt64(clamping: now.tv_nsec)
  }

  func submit(_ work: Work) {
    if !inbox.put(work) { work.fail(Self.closed) }
  }

  static let closed = LedgerError(.closed, "the ledger is being closed")

  /// Returns when the inbox has been closed.
  func run() {
    while let works = inbox.take(waiting: sweeps.isEmpty ? (owesScrub ? 1 : 60) : 0) {
      var rest = works[...]
      while !rest.isEmpty { serve(Self.cut(&rest)) }
      if owesScrub { scrub(patience: 0) }
      if settings.sweepsByItself, Self.monotonic() >= nextPass {
        nextPass = Self.monotonic() + 3600
        (changesSince, lastPass) = (lastPass, memory.sequence)
        sweeps.append(Sweep(now: Int64(time(nil)), done: { _ in }))
      }
      sweepOn()
    }
    for sweep in sweeps { sweep.done(.failure(Self.closed)) }
    store.close(isSound: memory.failure == nil)
  }

  /// Takes off as much as goes into one transaction.
  private static func cut(_ rest: inout ArraySlice<Work>) -> ArraySlice<Work> {
    var weight = 0
    var count = 0
    for work in rest {
      weight = weight &+ work.weight
      if count > 0, weight > mostWeight { break }
      count += 1
    }
    defer { rest = rest.dropFirst(count) }
    return rest.prefix(count)
  }

  private func serve(_ works: ArraySlice<Work>) {
    if let failure = memory.failure {
      for work in works { work.fail(failure) }
      return
    }
    group = Group(after: memory.standing.userCount)
    var outcomes: [Outcome] = []
    let began = Self.nanoseconds()
    do {
      outcomes = try store.write { writing in try works.map { try piece($0, writing) } }
      observer.withLock { $0 }?(Self.nanoseconds() &- began)
    } catch {
      let failure = fail(error)
      for work in works { work.fail(failure) }
      return
    }
    for outcome in outcomes where !outcome.isErasure { finish(outcome) }
    if outcomes.contains(where: \.isErasure) {
      for outcome in outcomes where outcome.isErasure { memory.apply(outcome, channels: names.channels) }
      scrub(patience: 200)
      // Where the files could not be cleaned they may still hold the ids.
      for outcome in outcomes where outcome.isErasure { memory.failure.map(outcome.fail) ?? outcome.answer() }
    }
    if memory.failure != nil { return }
    do { try store.settle() } catch { fail(error) }
  }

  private func finish(_ outcome: Outcome) {
    memory.apply(outcome, channels: names.channels)
    outcome.answer()
  }

  /// One piece of work; a fault of its own is its own answer. What is thrown is a failure of storage.
  private func piece(_ work: Work, _ writing: any LedgerWriting) throws -> Outcome {
    let users = group.ids.count
    let known = names
    // Users who seem erased and are not would be lost; a copy of the rest of it costs too much.
    let before: Group? = if case .erase = work { group } else { nil }
    var outcome = Outcome()
    do {
      try writing.attempt { outcome = try self.carryOut(work, writing) }
      outcome.ids = group.ids[users...]
    } catch StoreError.refused(let what) {
      if let before { group = before }
      group.forgetUsers(after: users)
      names = known
      outcome = Outcome()
      let error = LedgerError(.damaged, "the ledger cannot take this: \(what); see rouse-server ledger check")
      outcome.answer = { work.fail(error) }
    }
    return outcome
  }

  private func carryOut(_ work: Work, _ writing: any LedgerWriting) throws -> Outcome {
    switch work {
    case .record(let entries, let now, let done): try record(entries, now, writing, done)
    case .load(let candidates, let apply, let done): try load(candidates, writing, apply, done)
    case .commit(let draft, let done): try commit(draft, writing, done)
    case .erase(let users, let apply, let done): try erase(users, writing, apply, done)
    case .keep(let policy): try keep(policy, writing)
    case .sweep(let now, let done): begin(Sweep(now: now, done: done))
    }
  }

  private func keep(_ policy: StoredPolicy, _ writing: any LedgerWriting) throws -> Outcome {
    try writing.keep(policy)
    return Outcome()
  }

  private func begin(_ sweep: Sweep) -> Outcome {
    var outcome = Outcome()
    outcome.answer = { self.sweeps.append(sweep) }
    return outcome
  }

  /// Nothing is written from here on: what the disk has taken of it nobody knows.
  @discardableResult func fail(_ error: any Error) -> LedgerError {
    if let failure = memory.failure { return failure }
    let reason =
      switch error {
      case StoreError.storage(let what), StoreError.refused(let what): what
      default: "\(error)"
      }
    let failure = LedgerError(
      .storage,
      "\(settings.file): nothing more is recorded, for the ledger could not be written: \(reason); see to its disk, "
        + "then start the server again")
    memory.fail(failure)
    note(failure.message)
    return failure
  }

  func say(_ text: String) { note(text) }

  /// Until what has been erased stands in no file any more; a reader may be in the way for a while.
  /// - Parameter patience: milliseconds.
  private func scrub(patience: Int) {
    if memory.failure != nil { return }
    do {
      owesScrub = try !store.scrub()
      var waited = 0
      while owesScrub, waited < patience {
        usleep(5000)
        waited += 5
        owesScrub = try !store.scrub()
      }
    } catch {
      fail(error)
    }
  }
}
