import GRDB
import GRDBSQLite

/// A prepared statement: values are bound one after the other, columns are read with their types checked, for a damaged
/// file may hold anything.
final class SQLStatement {
  private let statement: Statement
  private let handle: OpaquePointer
  private var bound: Int32 = 0

  init(_ sql: String, _ database: Database) throws {
    do {
      statement = try database.makeStatement(sql: sql)
    } catch let error as DatabaseError {
      throw StoreError(error)
    }
    handle = statement.sqliteStatement
  }

  // MARK: - Values

  /// To be called before values are bound.
  func begin() -> SQLStatement {
    sqlite3_reset(handle)
    bound = 0
    return self
  }

  @discardableResult func bind(_ value: Int) -> SQLStatement {
    bound += 1
    sqlite3_bind_int64(handle, bound, Int64(value))
    return self
  }

  @discardableResult func bind(_ value: Int64?) -> SQLStatement {
    bound += 1
    if let value { sqlite3_bind_int64(handle, bound, value) } else { sqlite3_bind_null(handle, bound) }
    return self
  }

  @discardableResult func bind(_ value: String?) -> SQLStatement {
    guard var value else { return bindNull() }
    bound += 1
    value.withUTF8 { bytes in
      // An empty buffer may have no address, and without one this would be NULL.
      bytes.withMemoryRebound(to: CChar.self) { text in
        _ = sqlite3_bind_text(
          handle, bound, text.baseAddress ?? Self.nothing, Int32(clamping: text.count), Self.isCopied)
      }
    }
    return self
  }

  @discardableResult func bind(_ value: [UInt8]) -> SQLStatement {
    value.withUnsafeBytes { bind($0) }
  }

  @discardableResult func bind(_ value: UnsafeRawBufferPointer) -> SQLStatement {
    bound += 1
    if value.isEmpty {
      sqlite3_bind_zeroblob(handle, bound, 0)
    } else {
      sqlite3_bind_blob(handle, bound, value.baseAddress, Int32(clamping: value.count), Self.isCopied)
    }
    return self
  }

  @discardableResult func bind(_ hash: KeyedHash) -> SQLStatement {
    withUnsafeBytes(of: (hash.high.bigEndian, hash.low.bigEndian)) { bind($0) }
  }

  private func bindNull() -> SQLStatement {
    bound += 1
    sqlite3_bind_null(handle, bound)
    return self
  }

  nonisolated(unsafe) private static let isCopied = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
  nonisolated(unsafe) private static let nothing = UnsafePointer(UnsafeMutablePointer<CChar>.allocate(capacity: 1))

  // MARK: - Running

  func run() throws {
    while try step() {}
  }

  /// How many rows it changed.
  func runCounting() throws -> Int {
    try run()
    return Int(sqlite3_changes(sqlite3_db_handle(handle)))
  }

  /// Whether there is a row.
  func step() throws -> Bool {
    switch sqlite3_step(handle) {
    case SQLITE_ROW: return true
    case SQLITE_DONE:
      sqlite3_reset(handle)
      return false
    case let code:
      let error = StoreError(code: code, text: String(cString: sqlite3_errmsg(sqlite3_db_handle(handle))))
      sqlite3_reset(handle)
      throw error
    }
  }

  /// The first row, if there is one; nothing stays open.
  func first<Answer>(_ body: (SQLStatement) throws -> Answer) throws -> Answer? {
    defer { end() }
    return try step() ? try body(self) : nil
  }

  func each(_ body: (SQLStatement) throws -> Void) throws {
    defer { end() }
    while try step() { try body(self) }
  }

  func all<Answer>(_ body: (SQLStatement) throws -> Answer) throws -> [Answer] {
    var answers: [Answer] = []
    try each { answers.append(try body($0)) }
    return answers
  }

  func end() { sqlite3_reset(handle) }

  // MARK: - Columns

  func integer(_ column: Int32) throws -> Int64 {
    guard sqlite3_column_type(handle, column) == SQLITE_INTEGER else { throw unexpected(column) }
    return sqlite3_column_int64(handle, column)
  }

  func int(_ column: Int32) throws -> Int { Int(try integer(column)) }

  func optionalInteger(_ column: Int32) throws -> Int64? { isNull(column) ? nil : try integer(column) }

  func text(_ column: Int32) throws -> String {
    guard sqlite3_column_type(handle, column) == SQLITE_TEXT, let start = sqlite3_column_text(handle, column) else {
      throw unexpected(column)
    }
    let count = Int(sqlite3_column_bytes(handle, column))
    return String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
  }

  func optionalText(_ column: Int32) throws -> String? { isNull(column) ? nil : try text(column) }

  func isInteger(_ column: Int32) -> Bool { sqlite3_column_type(handle, column) == SQLITE_INTEGER }
  func isNull(_ column: Int32) -> Bool { sqlite3_column_type(handle, column) == SQLITE_NULL }

  func bytes(_ column: Int32) throws -> [UInt8] { try withBytes(column) { Array($0) } }

  /// Valid within the body.
  func withBytes<Answer>(_ column: Int32, _ body: (UnsafeRawBufferPointer) throws -> Answer) throws -> Answer {
    guard sqlite3_column_type(handle, column) == SQLITE_BLOB else { throw unexpected(column) }
    let start = sqlite3_column_blob(handle, column)
    return try body(UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, column))))
  }

  private func unexpected(_ column: Int32) -> StoreError {
    let name = sqlite3_column_name(handle, column).map { String(cString: $0) } ?? "\(column)"
    return .damaged("a value of \(name) is of another type")
  }
}

extension StoreError {
  init(_ error: DatabaseError) {
    self.init(code: error.extendedResultCode.rawValue, text: error.message ?? "no reason given")
  }

  init(code: Int32, text: String) {
    switch code & 0xFF {
    case SQLITE_CONSTRAINT, SQLITE_TOOBIG, SQLITE_MISMATCH: self = .refused(text)
    default: self = .storage("\(text) (SQLite \(code))")
    }
  }
}
