extension SQLiteSession {
  package func plan(_ plan: Int) throws -> StoredPlan? {
    try sql(
      """
      SELECT plan, key, digest, campaign, policy, as_of, as_of_text, made, leased_until, contacts, ghosts, erased,
      value, spend, capital, request, totals FROM plans WHERE plan = ?
      """
    ).bind(plan).first(Self.plan)
  }

  package func plan(key: String) throws -> StoredPlan? {
    try sql(
      """
      SELECT plan, key, digest, campaign, policy, as_of, as_of_text, made, leased_until, contacts, ghosts, erased,
      value, spend, capital, request, totals FROM plans WHERE key = ?
      """
    ).bind(key).first(Self.plan)
  }

  package func plans(before: Int?, most: Int) throws -> [StoredPlan] {
    try sql(
      """
      SELECT plan, key, digest, campaign, policy, as_of, as_of_text, made, leased_until, contacts, ghosts, erased,
      value, spend, capital, request, totals FROM plans WHERE plan < ? ORDER BY plan DESC LIMIT ?
      """
    ).bind(before ?? .max).bind(most).all(Self.plan)
  }

  package func contacts(of plan: Int, from rank: Int, most: Int) throws -> [Ledger.PlanRow] {
    guard let places = PlanPlace.all(of: plan) else { return [] }
    // A contact's rank is at most its index plus 1.
    let first = places.lowerBound + min(max(rank, 1), PlanPlace.most)
    return try sql(
      """
      SELECT rank, id, row FROM plan_rows JOIN plan_texts USING(place) JOIN users USING(user)
      WHERE place >= ? AND place <= ? AND rank >= ? AND rank > 0 AND NOT erased ORDER BY place LIMIT ?
      """
    ).bind(first).bind(places.upperBound).bind(rank).bind(most).all {
      Ledger.PlanRow(rank: try $0.int(0), userID: try $0.bytes(1), row: try $0.bytes(2))
    }
  }

  package func plans(of user: Int) throws -> [StoredPlace] {
    try sql(
      "SELECT place, rank, channel, coalesce(ended, leased_until) FROM plan_rows WHERE user = ? ORDER BY place DESC"
    ).bind(user)
      .all {
        StoredPlace(
          plan: PlanPlace.plan(try $0.int(0)), rank: try $0.int(1), channel: try $0.text(2),
          leasedUntil: try $0.optionalInteger(3))
      }
  }

  package func eachLease(after: Int64, _ body: (Int, Int, Int64) throws -> Void) throws {
    let plans = try sql("SELECT plan FROM plans WHERE leased_until > ?").bind(after).all { try $0.int(0) }
    for plan in plans {
      guard let places = PlanPlace.all(of: plan) else { continue }
      try sql("SELECT user, leased_until FROM plan_rows WHERE place BETWEEN ? AND ? AND leased_until > ?")
        .bind(places.lowerBound).bind(places.upperBound).bind(after).each {
          try body(try $0.int(0), plan, try $0.integer(1))
        }
    }
  }

  private static func plan(_ row: SQLStatement) throws -> StoredPlan {
    let number = try row.int(0)
    return StoredPlan(
      head: PlanHead(
        id: PlanName.id(number), key: try row.optionalText(1), campaign: try row.optionalText(3),
        policy: try row.text(4), asOf: try row.integer(5), asOfText: try row.text(6), made: try row.integer(7),
        leasedUntil: try row.integer(8), contacts: try row.int(9), ghosts: try row.int(10), erased: try row.int(11),
        value: try row.integer(12), spend: try row.integer(13), capital: try row.integer(14),
        request: try row.bytes(15), totals: try row.bytes(16)),
      number: number, digest: try row.bytes(2))
  }
}

/// Where the rows of a plan stand.
enum PlanPlace {
  /// Rows of a plan, and plans.
  static let most = 1 << 31 - 1

  /// nil: there is no such plan.
  static func all(of plan: Int) -> ClosedRange<Int>? {
    guard plan > 0, plan < most else { return nil }
    return plan << 32...plan << 32 | 0xFFFF_FFFF
  }

  static func plan(_ place: Int) -> Int { place >> 32 }
}
