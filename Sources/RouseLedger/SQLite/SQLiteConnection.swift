import GRDB

/// A connection and its prepared statements, each found by the place of its literal. To be used on the connection's
/// queue.
final class SQLiteConnection: @unchecked Sendable {
  let queue: DatabaseQueue
  private var prepared: [UnsafeRawPointer: SQLStatement] = [:]

  init(_ queue: DatabaseQueue) { self.queue = queue }

  func run<Answer>(_ body: (SQLiteSession) throws -> Answer) throws -> Answer {
    do {
      return try queue.writeWithoutTransaction { try body(SQLiteSession(connection: self, database: $0)) }
    } catch let error as DatabaseError {
      throw StoreError(error)
    }
  }

  fileprivate func statement(_ sql: StaticString, _ database: Database) throws -> SQLStatement {
    let place = UnsafeRawPointer(sql.utf8Start)
    if let known = prepared[place] { return known.begin() }
    let made = try SQLStatement(sql.description, database)
    prepared[place] = made
    return made.begin()
  }

  func close() throws {
    // A connection does not close while it has statements.
    queue.writeWithoutTransaction { _ in prepared = [:] }
    try queue.close()
  }
}

/// A connection in use.
struct SQLiteSession {
  let connection: SQLiteConnection
  let database: Database

  /// - Parameter sql: a literal, the same place for the same text.
  func sql(_ sql: StaticString) throws -> SQLStatement { try connection.statement(sql, database) }
}
