extension SQLiteSession {
  package func insert(plan: StoredPlan) throws -> Int {
    let head = plan.head
    try sql(
      """
      INSERT INTO plans(key, digest, campaign, policy, as_of, as_of_text, made, leased_until, contacts, ghosts, erased,
      value, spend, capital, request, totals) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      """
    ).bind(head.key).bind(plan.digest).bind(head.campaign).bind(head.policy).bind(head.asOf).bind(head.asOfText)
      .bind(head.made).bind(head.leasedUntil).bind(head.contacts).bind(head.ghosts).bind(head.erased).bind(head.value)
      .bind(head.spend).bind(head.capital).bind(head.request).bind(head.totals).run()
    let number = try sql("SELECT last_insert_rowid()").first { try $0.int(0) } ?? 0
    guard PlanPlace.all(of: number) != nil else { throw StoreError.refused("no number is left for a plan") }
    return number
  }

  package func insert(row: PlanDraft.Row, index: Int, user: Int, plan: Int, leasedUntil: Int64?) throws {
    guard let places = PlanPlace.all(of: plan), index >= 0, index < PlanPlace.most else {
      throw StoreError.refused("plan \(plan) has no room for row \(index)")
    }
    let place = places.lowerBound + index + 1
    try sql(
      """
      INSERT INTO plan_rows(place, user, rank, channel, value, spend, capital, p, pd, propensity, arm, stage, tier,
      region_group, leased_until) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      """
    ).bind(place).bind(user).bind(row.rank).bind(row.channel).bind(row.value).bind(row.spend).bind(row.capital)
      .bind(row.p).bind(row.pd).bind(row.propensity).bind(row.arm).bind(row.stage).bind(row.tier)
      .bind(row.regionGroup).bind(leasedUntil).run()
    try sql("INSERT INTO plan_texts(place, row, candidate, known) VALUES(?, ?, ?, ?)").bind(place).bind(row.row)
      .bind(row.candidate).bind(row.known).run()
  }

  package func endLease(of user: Int, plan: Int, at: Int64) throws {
    guard let places = PlanPlace.all(of: plan) else { return }
    try sql(
      """
      UPDATE plan_rows SET leased_until = NULL, ended = ? WHERE user = ? AND place BETWEEN ? AND ?
      AND leased_until IS NOT NULL
      """
    ).bind(at).bind(user).bind(places.lowerBound).bind(places.upperBound).run()
  }

  package func sweepPlans(before: Int64, most: Int) throws -> Int {
    let due = try sql("SELECT plan FROM plans WHERE made < ? AND leased_until <= ? ORDER BY made LIMIT 1")
      .bind(before).bind(before).first { try $0.int(0) }
    guard let due, let places = PlanPlace.all(of: due) else { return 0 }
    let last = try sql("SELECT place FROM plan_rows WHERE place BETWEEN ? AND ? ORDER BY place LIMIT 1 OFFSET ?")
      .bind(places.lowerBound).bind(places.upperBound).bind(max(0, most - 1)).first { try $0.int(0) }
    let upper = last ?? places.upperBound
    try sql("DELETE FROM plan_texts WHERE place BETWEEN ? AND ?").bind(places.lowerBound).bind(upper).run()
    let rows = try sql("DELETE FROM plan_rows WHERE place BETWEEN ? AND ?").bind(places.lowerBound).bind(upper)
      .runCounting()
    if last == nil {
      try sql("DELETE FROM plans WHERE plan = ?").bind(due).run()
    } else {
      try sql("UPDATE plans SET erased = erased + ? WHERE plan = ?").bind(rows).bind(due).run()
    }
    return rows + 1
  }
}
