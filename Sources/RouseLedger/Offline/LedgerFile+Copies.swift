import GRDB
import Glibc

extension LedgerFile {
  /// Copies a ledger as it is at one moment, also while a server writes it.
  /// - Parameter target: a file that is not there yet.
  package static func backup(_ file: String, to target: String) throws(LedgerError) {
    guard !exists(target) else {
      throw LedgerError(.unreadable, "\(target): there is such a file; name another, or move it away")
    }
    let part = try Part(for: target)
    try copy(file, to: part.path)
    try part.putInPlace(replaces: false)
  }

  /// Puts a backup in the place of a ledger that no server has.
  /// - Returns: where the former file is kept; nil: there was none.
  @discardableResult
  package static func restore(from backup: String, to file: String) throws(LedgerError) -> String? {
    let lock = try FileLock(file)
    defer { lock.giveBack() }
    let part = try Part(for: file)
    try copy(backup, to: part.path)
    try reading(part.path) { connection in
      let faults = try connection.queue.inDatabase { try String.fetchAll($0, sql: "PRAGMA quick_check(1)") }
      if faults != ["ok"] { throw LedgerError.damaged(backup, faults.first ?? "its pages do not fit together") }
    }
    guard exists(file) else {
      // A log that was left behind would be taken for the new file's.
      for suffix in ["-wal", "-shm"] { unlink(file + suffix) }
      try part.putInPlace(replaces: true)
      return nil
    }
    // What stands in the former file's log goes into it, where that can still be done.
    if let store = try? SQLiteStore(file, lock: nil) { store.close(isSound: true) }
    let aside = try keepAside(file)
    try part.putInPlace(replaces: true)
    return aside
  }

  private static func copy(_ source: String, to target: String) throws(LedgerError) {
    try reading(source) { connection in
      var configuration = Configuration()
      // It is made durable as a whole, before it gets its name.
      configuration.prepareDatabase { try $0.execute(sql: "PRAGMA synchronous = OFF") }
      let copy = try DatabaseQueue(path: target, configuration: configuration)
      do {
        try connection.queue.backup(to: copy)
        // A copy is one file, and can be read where nothing can be written: no log belongs to it.
        try copy.writeWithoutTransaction { try $0.execute(sql: "PRAGMA journal_mode = DELETE") }
        try copy.close()
      } catch let error as DatabaseError where error.resultCode == .SQLITE_FULL || error.resultCode == .SQLITE_IOERR {
        throw LedgerError(
          .unreadable, "\(target): the copy cannot be written: \(error.message ?? "I/O error"); see to its disk")
      }
    }
  }

  /// Gives the file a second name, so that at no moment there is none of its own.
  private static func keepAside(_ file: String) throws(LedgerError) -> String {
    let stem = "\(file).before-\(time(nil))"
    var aside = stem
    var number = 1
    while link(file, aside) != 0 {
      guard errno == EEXIST, number < 100 else { throw .system(file, "it cannot be kept as \(aside)") }
      number += 1
      aside = "\(stem)-\(number)"
    }
    if exists(file + "-wal"), rename(file + "-wal", aside + "-wal") != 0 {
      throw .system(file + "-wal", "it cannot be kept as \(aside)-wal")
    }
    unlink(file + "-shm")
    return aside
  }

  /// Writes a ledger that no server has anew, without the room that nothing takes any more.
  /// - Returns: bytes before and after.
  @discardableResult
  package static func compact(_ file: String) throws(LedgerError) -> (before: Int, after: Int) {
    guard exists(file) else { throw .system(file, "the ledger cannot be opened", ENOENT) }
    let lock = try FileLock(file)
    defer { lock.giveBack() }
    // What stands in the log goes into the file, and an older file is brought up.
    try SQLiteStore(file, lock: nil).close(isSound: true)
    let before = size(file)
    let part = try Part(for: file)
    let path = part.path
    try reading(file) { connection in
      try connection.queue.inDatabase { try $0.execute(sql: "VACUUM INTO ?", arguments: [path]) }
    }
    for suffix in ["-wal", "-shm"] { unlink(file + suffix) }
    try part.putInPlace(replaces: true)
    return (before, size(file))
  }
}
