/// What reviews read: along `plans_by_made`, the places of a plan's rows, and `events_by_kind`.
extension SQLiteSession {
  package func plans(madeIn period: Range<Int64>) throws -> [PlanLine] {
    try sql(
      """
      SELECT plan, made, as_of, leased_until, policy, campaign FROM plans INDEXED BY plans_by_made
      WHERE made >= ? AND made < ?
      """
    ).bind(period.lowerBound).bind(period.upperBound).all {
      PlanLine(
        number: try $0.int(0), made: try $0.integer(1), asOf: try $0.integer(2), leasedUntil: try $0.integer(3),
        policy: try $0.text(4), campaign: try $0.optionalText(5))
    }
  }

  package func firstMade(leasedBeyond moment: Int64) throws -> Int64? {
    try sql("SELECT min(made) FROM plans WHERE made < ? AND leased_until > ?").bind(moment).bind(moment).first {
      try $0.optionalInteger(0)
    } ?? nil
  }

  package func eachRow(
    of plan: Int, withTexts: Bool, _ body: (StoredRow, StoredTexts?) throws -> Bool
  ) throws -> Bool {
    guard let places = PlanPlace.all(of: plan) else { return true }
    let statement =
      if withTexts {
        try sql(
          """
          SELECT user, rank, channel, value, spend, capital, p, pd, propensity, arm, stage, tier, region_group,
          id, row, candidate, known FROM plan_rows JOIN plan_texts USING(place) JOIN users USING(user)
          WHERE place BETWEEN ? AND ? AND NOT erased ORDER BY place
          """)
      } else {
        try sql(
          """
          SELECT user, rank, channel, value, spend, capital, p, pd, propensity, arm, stage, tier, region_group
          FROM plan_rows WHERE place BETWEEN ? AND ? ORDER BY place
          """)
      }
    statement.bind(places.lowerBound).bind(places.upperBound)
    defer { statement.end() }
    while try statement.step() {
      let texts =
        withTexts
        ? StoredTexts(
          userID: try statement.bytes(13), row: try statement.bytes(14), candidate: try statement.bytes(15),
          known: try statement.bytes(16)) : nil
      guard try body(try Self.row(statement), texts) else { return false }
    }
    return true
  }

  package func eachEvent(of kind: Int, in period: Range<Int64>, _ body: (StoredEvent) throws -> Bool) throws -> Bool {
    let statement = try sql(
      """
      SELECT user, kind, at, channel, plan, campaign, amount, cost FROM events INDEXED BY events_by_kind
      WHERE kind = ? AND at >= ? AND at < ? ORDER BY at, event
      """)
    statement.bind(kind).bind(period.lowerBound).bind(period.upperBound)
    defer { statement.end() }
    while try statement.step() {
      guard try body(try Self.event(statement)) else { return false }
    }
    return true
  }

  package func policy(_ version: String) throws -> StoredPolicy? {
    try sql("SELECT version, text, format, at, by FROM policies WHERE version = ?").bind(version).first {
      StoredPolicy(
        version: try $0.text(0), text: try $0.bytes(1), format: try $0.text(2), at: try $0.integer(3),
        by: try $0.text(4))
    }
  }

  private static func row(_ row: SQLStatement) throws -> StoredRow {
    StoredRow(
      user: try row.int(0), rank: try row.int(1), channel: try row.text(2), value: try row.integer(3),
      spend: try row.integer(4), capital: try row.integer(5), p: try row.integer(6), pd: try row.integer(7),
      propensity: try row.integer(8), arm: try row.text(9), stage: try row.text(10), tier: try row.text(11),
      regionGroup: try row.optionalText(12))
  }
}
