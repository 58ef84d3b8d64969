extension SQLiteSession {
  package func erase(user: Int) throws {
    let places = try sql("SELECT place FROM plan_rows WHERE user = ?").bind(user).all { try $0.int(0) }
    for place in places {
      try sql("DELETE FROM plan_texts WHERE place = ?").bind(place).run()
      try sql("UPDATE plans SET erased = erased + 1 WHERE plan = ?").bind(PlanPlace.plan(place)).run()
    }
    try sql("DELETE FROM plan_rows WHERE user = ?").bind(user).run()
    try sql("DELETE FROM events WHERE user = ?").bind(user).run()
    try sql("DELETE FROM candidates WHERE user = ?").bind(user).run()
    // As many bytes, so that they take the place of the id's and no copy of it is left in the page.
    try sql("UPDATE users SET id = zeroblob(length(id)), erased = 1 WHERE user = ?").bind(user).run()
  }

  package func insert(erased hash: KeyedHash) throws {
    try sql("INSERT OR IGNORE INTO erased(hash) VALUES(?)").bind(hash).run()
  }

  package func set(swept: Int64, of kind: Int) throws {
    try sql("UPDATE kinds SET swept = ? WHERE kind = ?").bind(swept).bind(kind).run()
  }

  package func sweepEvents(of kind: Int, before: Int64, most: Int) throws -> Int {
    try sql(
      "DELETE FROM events WHERE event IN (SELECT event FROM events WHERE kind = ? AND at < ? ORDER BY at LIMIT ?)"
    ).bind(kind).bind(before).bind(most).runCounting()
  }
}
