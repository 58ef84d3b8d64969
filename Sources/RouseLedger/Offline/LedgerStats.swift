/// What a ledger holds, in numbers.
package struct LedgerStats: Sendable, Equatable {
  package struct Kind: Sendable, Equatable {
    package var name: String
    package var events: Int
  }

  package var version = 0
  /// Who have a number, and those of them who have been erased.
  package var users = 0
  package var erasedUsers = 0
  package var audience = 0
  package var events = 0
  package var kinds: [Kind] = []
  /// Seconds since 1970.
  package var oldestEvent: Int64?
  package var newestEvent: Int64?
  package var plans = 0
  package var planRows = 0
  package var policies = 0
  /// Of the file, of its write-ahead log, and what of the file nothing takes.
  package var bytes = 0
  package var logBytes = 0
  package var freeBytes = 0
}

extension LedgerFile {
  package static func stats(_ file: String) throws(LedgerError) -> LedgerStats {
    var stats = try reading(file) { connection in
      try connection.run { session in
        try session.sql("BEGIN").run()
        defer { try? session.sql("COMMIT").run() }
        return try counted(session)
      }
    }
    stats.bytes = size(file)
    stats.logBytes = size(file + "-wal")
    return stats
  }

  private static func counted(_ session: SQLiteSession) throws -> LedgerStats {
    func count(_ sql: StaticString) throws -> Int { try session.sql(sql).first { try $0.int(0) } ?? 0 }
    var stats = LedgerStats()
    stats.version = try count("PRAGMA user_version")
    stats.users = try count("SELECT count(*) FROM users")
    stats.erasedUsers = try count("SELECT count(*) FROM users WHERE erased")
    stats.audience = try count("SELECT count(*) FROM candidates")
    stats.plans = try count("SELECT count(*) FROM plans")
    stats.planRows = try count("SELECT count(*) FROM plan_rows")
    stats.policies = try count("SELECT count(*) FROM policies")
    stats.freeBytes = try count("PRAGMA freelist_count") * count("PRAGMA page_size")
    try session.sql(
      "SELECT name, count(*), min(at), max(at) FROM events JOIN kinds USING(kind) GROUP BY kind ORDER BY kind"
    ).each { row in
      let kind = LedgerStats.Kind(name: try row.text(0), events: try row.int(1))
      stats.kinds.append(kind)
      stats.events += kind.events
      stats.oldestEvent = min(stats.oldestEvent ?? .max, try row.integer(2))
      stats.newestEvent = max(stats.newestEvent ?? .min, try row.integer(3))
    }
    return stats
  }
}
