extension SQLiteSession {
  package func event(_ key: KeyedHash) throws -> StoredEvent? {
    try sql("SELECT user, kind, at, channel, plan, campaign, amount, cost FROM events WHERE key = ?").bind(key)
      .first(Self.event)
  }

  package func events(of user: Int, most: Int) throws -> [StoredEvent] {
    try sql(
      """
      SELECT user, kind, at, channel, plan, campaign, amount, cost FROM events WHERE user = ?
      ORDER BY at DESC, event DESC LIMIT ?
      """
    ).bind(user).bind(most).all(Self.event)
  }

  package func eventCount(of user: Int) throws -> Int {
    try sql("SELECT count(*) FROM events WHERE user = ?").bind(user).first { try $0.int(0) } ?? 0
  }

  package func eachEvent(
    of kind: Int, from at: Int64, _ body: (Int, Int64, Int?) throws -> Void
  ) throws {
    try sql("SELECT user, at, channel FROM events WHERE kind = ? AND at >= ?").bind(kind).bind(at).each {
      try body(try $0.int(0), try $0.integer(1), try $0.optionalInteger(2).map { Int($0) })
    }
  }

  package func days() throws -> [(day: DailyKey, sums: DailySums)] {
    try sql("SELECT day, kind, channel, count, amount, cost FROM daily ORDER BY day, kind, channel").all { row in
      let channel = try row.int(2)
      let day = DailyKey(day: try row.integer(0), kind: try row.int(1), channel: channel < 0 ? nil : channel)
      return (day: day, sums: DailySums(try row.integer(3), amount: try row.integer(4), cost: try row.integer(5)))
    }
  }

  /// A plan's number, or the text that is none.
  static func event(_ row: SQLStatement) throws -> StoredEvent {
    let plan = row.isInteger(4) ? PlanName.id(try row.int(4)) : try row.optionalText(4)
    return StoredEvent(
      user: try row.int(0), kind: try row.int(1), at: try row.integer(2),
      channel: try row.optionalInteger(3).map { Int($0) }, plan: plan, campaign: try row.optionalText(5),
      amount: try row.optionalInteger(6), cost: try row.optionalInteger(7))
  }
}
