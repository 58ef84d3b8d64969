import GRDB

/// The file's tables by version: an older file is brought up to it.
package struct SQLiteSchema: Sendable {
  /// "Rous" in ASCII, where SQLite keeps the kind of a file.
  static let applicationID: Int32 = 0x526F_7573

  package let version: Int32
  let migrator: DatabaseMigrator

  package static var current: SQLiteSchema { SQLiteSchema(version: 1, migrator: first) }

  /// The schema with a step more: what a later version will do.
  package func adding(_ step: String) -> SQLiteSchema {
    var later = migrator
    let next = version + 1
    later.registerMigration("\(next)") { database in
      try database.execute(sql: step)
      try database.execute(sql: "PRAGMA user_version = \(next)")
    }
    return SQLiteSchema(version: next, migrator: later)
  }

  /// Ids of users stand in `users` alone. It only ever grows at its end, so that no page of it is ever split and no
  /// copy of an id is left behind; an erased one is overwritten where it stands, by as many zeros.
  ///
  /// `plan_rows.place` is the plan's number times 2^32 and the row's index in the draft plus 1; a lease that a contact
  /// has ended has no `leased_until` any more. What reviews add up stands there; the long texts stand apart.
  private static var first: DatabaseMigrator {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("1") { database in
      try database.execute(
        sql: """
          CREATE TABLE meta(name TEXT PRIMARY KEY NOT NULL, value BLOB NOT NULL) WITHOUT ROWID;
          CREATE TABLE users(user INTEGER PRIMARY KEY, id BLOB NOT NULL, erased INTEGER NOT NULL);
          CREATE TABLE erased(hash BLOB PRIMARY KEY NOT NULL) WITHOUT ROWID;
          CREATE TABLE kinds(kind INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, swept INTEGER);
          CREATE TABLE channels(channel INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
          CREATE TABLE events(
            event INTEGER PRIMARY KEY, key BLOB NOT NULL, user INTEGER NOT NULL, kind INTEGER NOT NULL,
            at INTEGER NOT NULL, channel INTEGER, plan, campaign TEXT, amount INTEGER, cost INTEGER,
            recorded INTEGER NOT NULL);
          CREATE UNIQUE INDEX events_by_key ON events(key);
          CREATE INDEX events_by_user ON events(user, at);
          CREATE INDEX events_by_kind ON events(kind, at);
          CREATE TABLE daily(
            day INTEGER NOT NULL, kind INTEGER NOT NULL, channel INTEGER NOT NULL, count INTEGER NOT NULL,
            amount INTEGER NOT NULL, cost INTEGER NOT NULL, PRIMARY KEY(day, kind, channel)) WITHOUT ROWID;
          CREATE TABLE plans(
            plan INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT UNIQUE, digest BLOB NOT NULL, campaign TEXT,
            policy TEXT NOT NULL, as_of INTEGER NOT NULL, as_of_text TEXT NOT NULL, made INTEGER NOT NULL,
            leased_until INTEGER NOT NULL, contacts INTEGER NOT NULL, ghosts INTEGER NOT NULL, erased INTEGER NOT NULL,
            value INTEGER NOT NULL, spend INTEGER NOT NULL, capital INTEGER NOT NULL, request BLOB NOT NULL,
            totals BLOB NOT NULL);
          CREATE INDEX plans_by_made ON plans(made);
          CREATE TABLE plan_rows(
            place INTEGER PRIMARY KEY, user INTEGER NOT NULL, rank INTEGER NOT NULL, channel TEXT NOT NULL,
            value INTEGER NOT NULL, spend INTEGER NOT NULL, capital INTEGER NOT NULL, p INTEGER NOT NULL,
            pd INTEGER NOT NULL, propensity INTEGER NOT NULL, arm TEXT NOT NULL, stage TEXT NOT NULL,
            tier TEXT NOT NULL, region_group TEXT, leased_until INTEGER, ended INTEGER);
          CREATE INDEX plan_rows_by_user ON plan_rows(user);
          CREATE TABLE plan_texts(
            place INTEGER PRIMARY KEY, row BLOB NOT NULL, candidate BLOB NOT NULL, known BLOB NOT NULL);
          CREATE TABLE candidates(user INTEGER PRIMARY KEY, line BLOB NOT NULL);
          CREATE TABLE policies(
            version TEXT PRIMARY KEY NOT NULL, text BLOB NOT NULL, format TEXT NOT NULL, at INTEGER NOT NULL,
            by TEXT NOT NULL);
          """)
      try database.execute(sql: "PRAGMA application_id = \(applicationID)")
      try database.execute(sql: "PRAGMA user_version = 1")
    }
    return migrator
  }
}
