/// What is asked of the file.
extension SQLiteSession: LedgerReading {
  package func meta(_ name: String) throws -> [UInt8]? {
    try sql("SELECT value FROM meta WHERE name = ?").bind(name).first { try $0.bytes(0) }
  }

  package func eachUser(_ body: (Int, UnsafeRawBufferPointer?) throws -> Void) throws {
    var next = 0
    try sql("SELECT user, id, erased FROM users ORDER BY user").each { row in
      guard try row.int(0) == next else { throw StoreError.damaged("user \(next) is not there") }
      next += 1
      let isErased = try row.int(2) != 0
      try row.withBytes(1) { id in
        guard isErased || (id.count >= 1 && id.count <= UserBlock.longestID) else {
          throw StoreError.damaged("the id of user \(next - 1) has \(id.count) bytes")
        }
        try body(next - 1, isErased ? nil : id)
      }
    }
  }

  package func isErased(_ hash: KeyedHash) throws -> Bool {
    try sql("SELECT 1 FROM erased WHERE hash = ?").bind(hash).first { _ in true } ?? false
  }

  package func erasedCount() throws -> Int {
    try sql("SELECT count(*) FROM erased").first { try $0.int(0) } ?? 0
  }

  package func kinds() throws -> [StoredKind] {
    try sql("SELECT kind, name, swept FROM kinds ORDER BY kind").all {
      StoredKind(number: try $0.int(0), name: try $0.text(1), swept: try $0.optionalInteger(2))
    }
  }

  package func channels() throws -> [String] {
    var names: [String] = []
    try sql("SELECT channel, name FROM channels ORDER BY channel").each { row in
      guard try row.int(0) == names.count else { throw StoreError.damaged("channel \(names.count) is not there") }
      names.append(try row.text(1))
    }
    return names
  }

  package func candidate(_ user: Int) throws -> [UInt8]? {
    try sql("SELECT line FROM candidates WHERE user = ?").bind(user).first { try $0.bytes(0) }
  }

  package func candidates(from user: Int, most: Int) throws -> [(user: Int, line: [UInt8])] {
    try sql("SELECT user, line FROM candidates WHERE user >= ? ORDER BY user LIMIT ?").bind(user).bind(most).all {
      (user: try $0.int(0), line: try $0.bytes(1))
    }
  }

  package func policies(most: Int) throws -> [StoredPolicy] {
    try sql("SELECT version, text, format, at, by FROM policies ORDER BY at DESC, version LIMIT ?").bind(most).all {
      StoredPolicy(
        version: try $0.text(0), text: try $0.bytes(1), format: try $0.text(2), at: try $0.integer(3),
        by: try $0.text(4))
    }
  }
}
