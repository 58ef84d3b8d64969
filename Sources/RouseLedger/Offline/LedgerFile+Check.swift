import GRDB

extension LedgerFile {
  /// Looks a ledger through, also while a server writes it: what is wrong with it, a line each. It takes seconds a
  /// gigabyte.
  /// - Parameter quickly: only the pages, and without their order by indexes: what a restart needs.
  package static func check(_ file: String, quickly: Bool = false) throws(LedgerError) -> [String] {
    try reading(file) { connection in
      let question = quickly ? "PRAGMA quick_check(100)" : "PRAGMA integrity_check(100)"
      let pages = try connection.queue.inDatabase { try String.fetchAll($0, sql: question) }
      if quickly { return pages == ["ok"] ? [] : pages.map { "pages: \($0)" } }
      let rules = try connection.run { session in
        try session.sql("BEGIN").run()
        defer { try? session.sql("COMMIT").run() }
        return try Rule.all.compactMap { try $0.finding(session) }
      }
      return (pages == ["ok"] ? [] : pages.map { "pages: \($0)" }) + rules
    }
  }

  /// What holds of every ledger: a question whose answer is how often it does not.
  private struct Rule {
    let what: String
    let sql: StaticString

    func finding(_ session: SQLiteSession) throws -> String? {
      do {
        let count = try session.sql(sql).first { try $0.int(0) } ?? 0
        return count == 0 ? nil : "\(what): \(count)"
      } catch StoreError.storage(let reason) {
        return "\(what): cannot be told: \(reason)"
      }
    }

    static let all = [
      Rule(
        what: "the secret is not there or cut off",
        sql: "SELECT 1 - count(*) FROM meta WHERE name = 'secret' AND length(value) = 32"),
      Rule(
        what: "users' numbers that are missing", sql: "SELECT coalesce(max(user) + 1, 0) - count(*) FROM users"),
      Rule(
        what: "users whose id is none",
        sql:
          "SELECT count(*) FROM users WHERE NOT erased AND (typeof(id) <> 'blob' OR length(id) NOT BETWEEN 1 AND 128)"),
      Rule(
        what: "events whose values are of another type",
        sql: """
          SELECT count(*) FROM events WHERE typeof(user) <> 'integer' OR typeof(kind) <> 'integer'
            OR typeof(at) <> 'integer' OR typeof(key) <> 'blob' OR length(key) <> 16
          """),
      Rule(
        what: "erased users whose id still stands there",
        sql: "SELECT count(*) FROM users WHERE erased AND id <> zeroblob(length(id))"),
      Rule(
        what: "events of users who are not there",
        sql: "SELECT count(*) FROM events LEFT JOIN users USING(user) WHERE users.user IS NULL OR erased"),
      Rule(
        what: "candidates of users who are not there",
        sql: "SELECT count(*) FROM candidates LEFT JOIN users USING(user) WHERE users.user IS NULL OR erased"),
      Rule(
        what: "rows of plans whose users are not there",
        sql: "SELECT count(*) FROM plan_rows LEFT JOIN users USING(user) WHERE users.user IS NULL OR erased"),
      Rule(
        what: "events of kinds that are not there",
        sql: "SELECT count(*) FROM events LEFT JOIN kinds USING(kind) WHERE kinds.kind IS NULL"),
      Rule(
        what: "events on channels that are not there",
        sql: """
          SELECT count(*) FROM events LEFT JOIN channels USING(channel)
          WHERE events.channel IS NOT NULL AND channels.channel IS NULL
          """),
      Rule(
        what: "days whose totals are less than their events",
        sql: """
          SELECT count(*) FROM (
            SELECT (at - ((at % 86400) + 86400) % 86400) / 86400 AS day, kind, coalesce(channel, -1) AS channel,
              count(*) AS events FROM events GROUP BY 1, 2, 3)
          LEFT JOIN daily USING(day, kind, channel) WHERE coalesce(count, 0) < events
          """),
      Rule(
        what: "plans whose rows do not add up",
        sql: """
          SELECT count(*) FROM plans WHERE contacts + ghosts - erased <>
            (SELECT count(*) FROM plan_rows WHERE place BETWEEN plan * 4294967296 AND plan * 4294967296 + 4294967295)
          """),
      Rule(
        what: "rows of plans that are not there",
        sql: "SELECT count(*) FROM plan_rows WHERE place / 4294967296 NOT IN (SELECT plan FROM plans)"),
      Rule(
        what: "rows of plans without their texts",
        sql: "SELECT count(*) FROM plan_rows LEFT JOIN plan_texts USING(place) WHERE plan_texts.place IS NULL"),
      Rule(
        what: "texts of plans without their rows",
        sql: "SELECT count(*) FROM plan_texts LEFT JOIN plan_rows USING(place) WHERE plan_rows.place IS NULL"),
      Rule(
        what: "leases that end at another time than their plan's",
        sql: """
          SELECT count(*) FROM plan_rows JOIN plans ON plan = place / 4294967296
          WHERE plan_rows.leased_until <> plans.leased_until OR (rank = 0 AND plan_rows.leased_until IS NOT NULL)
          """),
    ]
  }
}
