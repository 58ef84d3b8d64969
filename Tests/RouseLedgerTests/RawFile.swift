import GRDB

/// The file by hand, for what the ledger never does to it.
enum RawFile {
  static func execute(_ sql: String, _ file: String) throws {
    let queue = try DatabaseQueue(path: file)
    try queue.inDatabase { try $0.execute(sql: sql) }
    try queue.close()
  }
}

/// A connection that keeps looking at the file as it was.
struct SQLiteReader {
  private let queue: DatabaseQueue

  static func hold(_ file: String) -> SQLiteReader? {
    var configuration = Configuration()
    configuration.allowsUnsafeTransactions = true
    guard let queue = try? DatabaseQueue(path: file, configuration: configuration) else { return nil }
    try? queue.inDatabase { database in
      try database.execute(sql: "BEGIN")
      _ = try Int.fetchOne(database, sql: "SELECT count(*) FROM users")
    }
    return SQLiteReader(queue: queue)
  }

  func end() {
    try? queue.inDatabase { try $0.execute(sql: "COMMIT") }
    try? queue.close()
  }
}
