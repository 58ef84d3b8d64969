/// What is changed in the file.
extension SQLiteSession: LedgerWriting {
  package func attempt(_ body: () throws -> Void) throws {
    try sql("SAVEPOINT piece").run()
    do {
      try body()
    } catch let error as StoreError {
      // After a failure of storage all is rolled back.
      if case .refused = error {
        try sql("ROLLBACK TO piece").run()
        try sql("RELEASE piece").run()
      }
      throw error
    }
    try sql("RELEASE piece").run()
  }

  package func set(meta name: String, to value: [UInt8]) throws {
    try sql("INSERT OR REPLACE INTO meta(name, value) VALUES(?, ?)").bind(name).bind(value).run()
  }

  package func insert(user: Int, id: [UInt8]) throws {
    try sql("INSERT INTO users(user, id, erased) VALUES(?, ?, 0)").bind(user).bind(id).run()
  }

  package func insert(kind: StoredKind) throws {
    try sql("INSERT INTO kinds(kind, name, swept) VALUES(?, ?, ?)").bind(kind.number).bind(kind.name).bind(kind.swept)
      .run()
  }

  package func insert(channel: Int, name: String) throws {
    try sql("INSERT INTO channels(channel, name) VALUES(?, ?)").bind(channel).bind(name).run()
  }

  package func insert(event: StoredEvent, key: KeyedHash, recorded: Int64) throws {
    let insert = try sql(
      """
      INSERT INTO events(key, user, kind, at, channel, plan, campaign, amount, cost, recorded)
      VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      """)
    insert.bind(key).bind(event.user).bind(event.kind).bind(event.at).bind(event.channel.map { Int64($0) })
    if let plan = event.plan, let number = PlanName.number(plan) {
      insert.bind(number)
    } else {
      insert.bind(event.plan)
    }
    try insert.bind(event.campaign).bind(event.amount).bind(event.cost).bind(recorded).run()
  }

  package func add(_ sums: DailySums, to day: DailyKey) throws {
    let channel = day.channel ?? -1
    let known = try sql("SELECT count, amount, cost FROM daily WHERE day = ? AND kind = ? AND channel = ?")
      .bind(day.day).bind(day.kind).bind(channel).first {
        DailySums(try $0.integer(0), amount: try $0.integer(1), cost: try $0.integer(2))
      }
    var total = known ?? DailySums()
    total.add(sums)
    try sql("INSERT OR REPLACE INTO daily(day, kind, channel, count, amount, cost) VALUES(?, ?, ?, ?, ?, ?)")
      .bind(day.day).bind(day.kind).bind(channel).bind(total.count).bind(total.amount).bind(total.cost).run()
  }

  package func put(candidate user: Int, line: [UInt8]) throws {
    // One that stays as it is costs no page.
    try sql(
      """
      INSERT INTO candidates(user, line) VALUES(?, ?)
      ON CONFLICT(user) DO UPDATE SET line = excluded.line WHERE line <> excluded.line
      """
    ).bind(user).bind(line).run()
  }

  package func remove(candidate user: Int) throws {
    try sql("DELETE FROM candidates WHERE user = ?").bind(user).run()
  }

  package func keep(_ policy: StoredPolicy) throws {
    try sql(
      """
      INSERT INTO policies(version, text, format, at, by) VALUES(?, ?, ?, ?, ?)
      ON CONFLICT(version) DO UPDATE SET at = excluded.at, by = excluded.by
      """
    ).bind(policy.version).bind(policy.text).bind(policy.format).bind(policy.at).bind(policy.by).run()
  }
}
