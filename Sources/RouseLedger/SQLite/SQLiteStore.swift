import GRDB
import GRDBSQLite
import Glibc

/// A ledger in one SQLite file with a write-ahead log.
package final class SQLiteStore: LedgerStore {
  private let file: String
  private let lock: FileLock?
  private let writer: SQLiteConnection
  private let readers: SQLiteReaders
  private let log = LogLength()

  /// Pages of the log after which it is brought into the file.
  private static let checkpointAt = 4000

  package convenience init(_ file: String, schema: SQLiteSchema = .current) throws(LedgerError) {
    try self.init(file, lock: try FileLock(file), schema: schema)
  }

  /// - Parameter mostPages: what the file may have, as on a small disk.
  package convenience init(_ file: String, mostPages: Int) throws(LedgerError) {
    try self.init(file)
    do {
      try writer.queue.inDatabase { _ = try Int.fetchOne($0, sql: "PRAGMA max_page_count = \(mostPages)") }
    } catch {
      throw SQLiteFile.fault(file, error)
    }
  }

  /// - Parameter lock: given back with the store; nil: whoever opens it holds it longer.
  init(_ file: String, lock: FileLock?, schema: SQLiteSchema = .current) throws(LedgerError) {
    self.file = file
    self.lock = lock
    try Self.make(file)
    try SQLiteFile.check(file, schema)
    do {
      let queue = try DatabaseQueue(path: file, configuration: SQLiteFile.writing)
      try Self.setUp(queue, file, schema)
      writer = SQLiteConnection(queue)
      readers = SQLiteReaders(file)
      queue.writeWithoutTransaction { log.watch($0) }
      // What a crash has left in the log is brought into the file, and nothing that was erased stays behind.
      _ = try scrub()
    } catch {
      throw SQLiteFile.fault(file, error)
    }
  }

  /// Makes an empty file that nobody else may read, where there is none.
  private static func make(_ file: String) throws(LedgerError) {
    let descriptor = open(file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0o600)
    guard descriptor >= 0 else { throw .system(file, "the ledger cannot be opened") }
    _ = Glibc.close(descriptor)
  }

  private static func setUp(_ queue: DatabaseQueue, _ file: String, _ schema: SQLiteSchema) throws {
    try queue.writeWithoutTransaction { database in
      let (kind, isEmpty) = try SQLiteFile.kind(database)
      guard kind == SQLiteSchema.applicationID || (kind == 0 && isEmpty) else { throw LedgerError.foreign(file) }
      guard try SQLiteFile.version(database) <= schema.version else { throw LedgerError.newer(file) }
      guard try String.fetchOne(database, sql: "PRAGMA journal_mode = WAL")?.lowercased() == "wal" else {
        throw LedgerError(.unreadable, "\(file): its folder keeps no write-ahead log; name a file on a local disk")
      }
      try database.execute(sql: "PRAGMA synchronous = FULL")
      // A failure of SQLite's own checkpoints would go by unseen, and the next would take what is lost for durable.
      _ = try Int.fetchOne(database, sql: "PRAGMA wal_autocheckpoint = 0")
    }
    try schema.migrator.migrate(queue)
    try queue.read { database in
      guard try !schema.migrator.hasBeenSuperseded(database) else { throw LedgerError.newer(file) }
    }
  }

  package func write<Answer>(_ body: (any LedgerWriting) throws -> Answer) throws -> Answer {
    try writer.run { session in
      try session.sql("BEGIN IMMEDIATE").run()
      do {
        let answer = try body(session)
        try session.sql("COMMIT").run()
        return answer
      } catch {
        // SQLite has rolled back by itself after some failures.
        if session.database.isInsideTransaction { try? session.sql("ROLLBACK").run() }
        throw error
      }
    }
  }

  package func read<Answer>(_ body: (any LedgerReading) throws -> Answer) throws -> Answer {
    try readers.read(body)
  }

  package func settle() throws {
    if log.pages > Self.checkpointAt { _ = try checkpoint(.passive) }
  }

  package func scrub() throws -> Bool { try checkpoint(.truncate) }

  /// False: someone reads, and not all of it could be done.
  private func checkpoint(_ mode: Database.CheckpointMode) throws -> Bool {
    try writer.run { session in
      // Nobody is waited for here: a reader may take its time.
      sqlite3_busy_timeout(session.database.sqliteConnection, 0)
      defer { sqlite3_busy_timeout(session.database.sqliteConnection, SQLiteFile.patience) }
      do {
        let (all, done) = try session.database.checkpoint(mode)
        log.pages = all - done
        return all == done
      } catch let error as DatabaseError where error.resultCode == .SQLITE_BUSY {
        return false
      }
    }
  }

  package func close(isSound: Bool) {
    if isSound {
      readers.close()
      try? writer.close()
    } else {
      // The last connection to close would write once more; one that only reads cannot.
      _ = try? readers.read { _ = try $0.meta("") }
      try? writer.close()
      readers.close()
    }
    lock?.giveBack()
  }
}

/// How many pages the write-ahead log has, as SQLite tells it after each commit: on the writer's queue alone.
private final class LogLength: @unchecked Sendable {
  var pages = 0

  /// To be called where this lives as long as the connection.
  func watch(_ database: Database) {
    sqlite3_wal_hook(
      database.sqliteConnection,
      { length, _, _, pages in
        if let length { Unmanaged<LogLength>.fromOpaque(length).takeUnretainedValue().pages = Int(pages) }
        return SQLITE_OK
      }, Unmanaged.passUnretained(self).toOpaque())
  }
}
