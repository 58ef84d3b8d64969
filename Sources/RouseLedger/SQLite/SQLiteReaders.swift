import GRDB
import Glibc
import Synchronization

/// A few connections that only read, each made when it is needed.
final class SQLiteReaders: Sendable {
  private let file: String
  private let idle = Mutex<[SQLiteConnection]?>([])

  /// More are made when all are in use; so many are kept.
  private static let kept = 4

  init(_ file: String) { self.file = file }

  func read<Answer>(_ body: (any LedgerReading) throws -> Answer) throws -> Answer {
    let taken: SQLiteConnection? = try idle.withLock { idle in
      guard idle != nil else { throw LedgerError(.closed, "the ledger is closed") }
      return idle?.popLast()
    }
    let connection = try taken ?? make()
    defer { giveBack(connection) }
    return try connection.run { session in
      try session.sql("BEGIN").run()
      defer { try? session.sql("COMMIT").run() }
      return try body(session)
    }
  }

  private func make() throws -> SQLiteConnection {
    do {
      return SQLiteConnection(try DatabaseQueue(path: file, configuration: SQLiteFile.reading))
    } catch let error as DatabaseError {
      throw StoreError(error)
    }
  }

  private func giveBack(_ connection: SQLiteConnection) {
    let isKept = idle.withLock { idle in
      guard let count = idle?.count, count < Self.kept else { return false }
      idle?.append(connection)
      return true
    }
    if !isKept { try? connection.close() }
  }

  func close() {
    let rest = idle.withLock { idle in
      defer { idle = nil }
      return idle ?? []
    }
    for connection in rest { try? connection.close() }
  }
}
