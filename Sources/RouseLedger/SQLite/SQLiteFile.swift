import GRDB
import GRDBSQLite
import Glibc

/// What holds of a ledger's file before it is opened, and how connections to it are set.
enum SQLiteFile {
  /// How many milliseconds another process may keep the file locked.
  static let patience: Int32 = 10_000

  static var writing: Configuration {
    var configuration = Configuration()
    configuration.label = "ledger.writer"
    // A rollback that fails leaves a transaction open, which GRDB would end the process for.
    configuration.allowsUnsafeTransactions = true
    configuration.foreignKeysEnabled = false
    configuration.busyMode = .timeout(Double(patience) / 1000)
    configuration.prepareDatabase { database in
      for pragma in ["secure_delete = ON", "temp_store = MEMORY", "cache_size = -65536"] + common {
        _ = try Row.fetchOne(database, sql: "PRAGMA " + pragma)
      }
    }
    return configuration
  }

  static var reading: Configuration {
    var configuration = Configuration()
    configuration.label = "ledger.reader"
    // A rollback that fails leaves a transaction open, which GRDB would end the process for.
    configuration.allowsUnsafeTransactions = true
    configuration.readonly = true
    configuration.foreignKeysEnabled = false
    configuration.busyMode = .timeout(Double(patience) / 1000)
    configuration.prepareDatabase { database in
      for pragma in ["temp_store = MEMORY", "cache_size = -8192"] + common {
        _ = try Row.fetchOne(database, sql: "PRAGMA " + pragma)
      }
    }
    return configuration
  }

  /// No mapping of the file into memory: where a disk fails, or a file is cut short, that kills the process.
  private static let common = ["mmap_size = 0", "trusted_schema = OFF", "cell_size_check = ON"]

  /// Refuses what is no ledger before SQLite has touched it.
  static func check(_ file: String, _ schema: SQLiteSchema) throws(LedgerError) {
    let descriptor = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
    guard descriptor >= 0 else { throw .system(file, "the ledger cannot be opened") }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw LedgerError(.unreadable, "\(file): this is no regular file; name another")
    }
    if status.st_size == 0 { return }
    var head = [UInt8](repeating: 0, count: 100)
    guard pread(descriptor, &head, head.count, 0) == head.count, head.starts(with: Array("SQLite format 3\0".utf8))
    else { throw .foreign(file) }
    func number(_ at: Int) -> UInt32 { head[at..<(at + 4)].reduce(0) { $0 << 8 | UInt32($1) } }
    // 0: it was made, and a crash came before what it is reached the file itself.
    let kind = number(68)
    guard kind == 0 || kind == UInt32(bitPattern: SQLiteSchema.applicationID) else { throw .foreign(file) }
    guard number(60) <= UInt32(bitPattern: schema.version) else { throw .newer(file) }
  }

  static func kind(_ database: Database) throws -> (kind: Int32, isEmpty: Bool) {
    let kind = try Int32.fetchOne(database, sql: "PRAGMA application_id") ?? 0
    let tables = try Int.fetchOne(database, sql: "SELECT count(*) FROM sqlite_master") ?? 0
    return (kind, tables == 0)
  }

  static func version(_ database: Database) throws -> Int32 {
    try Int32.fetchOne(database, sql: "PRAGMA user_version") ?? 0
  }

  /// Why a file cannot be opened or asked.
  static func fault(_ file: String, _ error: any Error) -> LedgerError {
    switch error {
    case let error as LedgerError: return error
    case let error as DatabaseError:
      switch error.resultCode {
      case .SQLITE_NOTADB: return .foreign(file)
      case .SQLITE_CORRUPT: return .damaged(file, error.message ?? "its pages do not fit together")
      case .SQLITE_BUSY, .SQLITE_LOCKED:
        return LedgerError(.inUse, "\(file): another process keeps the ledger locked; end it, and try again")
      case .SQLITE_CANTOPEN, .SQLITE_PERM, .SQLITE_READONLY, .SQLITE_AUTH:
        return LedgerError(
          .unreadable,
          "\(file): the ledger cannot be opened: \(error.message ?? "no reason given"); give the server's user the "
            + "right to write it and its folder")
      case .SQLITE_FULL:
        return .full(file)
      case .SQLITE_IOERR:
        return LedgerError(
          .unreadable, "\(file): the ledger cannot be read: \(error.message ?? "I/O error"); see to its disk")
      default: return .damaged(file, error.message ?? "SQLite \(error.extendedResultCode.rawValue)")
      }
    case StoreError.storage(let what), StoreError.refused(let what):
      return what.contains("(SQLite 13)") ? .full(file) : .damaged(file, what)
    default: return .damaged(file, "\(error)")
    }
  }
}
