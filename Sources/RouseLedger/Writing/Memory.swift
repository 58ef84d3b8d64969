import Synchronization

/// What decisions read while the writer's thread changes it.
final class Memory: @unchecked Sendable {
  /// The writer's thread alone changes it, and may read it without the lock.
  let standing: Standing
  private let lock = ReadersWriterLock()
  private let changes = Atomic<UInt64>(0)
  private let failed = Mutex<LedgerError?>(nil)

  init(_ standing: Standing) { self.standing = standing }

  var sequence: UInt64 { changes.load(ordering: .acquiring) }

  var failure: LedgerError? { failed.withLock { $0 } }

  func fail(_ error: LedgerError) { failed.withLock { $0 = $0 ?? error } }

  func read<Answer>(_ body: (Standing) throws -> Answer) rethrows -> Answer { try lock.read { try body(standing) } }

  func write(_ body: (Standing) -> Void) { lock.write { body(standing) } }

  /// Who reads the sequence and then the memory finds nothing in it that is not of that sequence or later.
  func apply(_ outcome: Outcome, channels: [String]) {
    write { standing in
      let next = sequence + 1
      standing.apply(outcome, channels: channels, sequence: next)
      if !outcome.effects.isEmpty { changes.store(next, ordering: .releasing) }
    }
  }
}
