import GRDB
import Glibc

/// What command lines do with a ledger's file. What only reads goes on beside a running server.
package enum LedgerFile {
  /// A file that is being made beside the one it will be: 0600, and gone unless it is put in place.
  struct Part: ~Copyable {
    let path: String
    let target: String

    init(for target: String) throws(LedgerError) {
      self.target = target
      path = "\(target).\(getpid()).part"
      unlink(path)
      let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
      guard descriptor >= 0 else { throw .system(path, "the file cannot be made") }
      // What root makes at the command line must be usable for the server's own user, whose folder it is.
      var folder = stat()
      if geteuid() == 0, stat(LedgerFile.folder(of: target), &folder) == 0 {
        _ = fchown(descriptor, folder.st_uid, folder.st_gid)
      }
      close(descriptor)
    }

    deinit {
      for suffix in ["", "-journal", "-wal", "-shm"] { unlink(path + suffix) }
    }

    /// Gives it its name, durably.
    /// - Parameter replaces: whether a file of that name gives way.
    consuming func putInPlace(replaces: Bool) throws(LedgerError) {
      try LedgerFile.sync(path)
      guard (replaces ? rename(path, target) : link(path, target)) == 0 else {
        throw .system(target, "the file cannot be put in place")
      }
      try LedgerFile.sync(LedgerFile.folder(of: target))
    }
  }

  static func folder(of path: String) -> String {
    guard let slash = path.utf8.lastIndex(of: 0x2F) else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  static func sync(_ path: String) throws(LedgerError) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .system(path, "it cannot be made durable") }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw .system(path, "it cannot be made durable") }
  }

  static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

  static func size(_ path: String) -> Int {
    var status = stat()
    return stat(path, &status) == 0 ? Int(status.st_size) : 0
  }

  /// A connection that only reads, to a file that is a ledger of this version or an earlier one.
  static func reading<Answer>(_ file: String, _ body: (SQLiteConnection) throws -> Answer) throws(LedgerError) -> Answer
  {
    try SQLiteFile.check(file, .current)
    do {
      let connection = SQLiteConnection(try DatabaseQueue(path: file, configuration: SQLiteFile.reading))
      defer { try? connection.close() }
      try connection.queue.inDatabase { database in
        let (kind, _) = try SQLiteFile.kind(database)
        guard kind == SQLiteSchema.applicationID else { throw LedgerError.foreign(file) }
        guard try SQLiteFile.version(database) <= SQLiteSchema.current.version else { throw LedgerError.newer(file) }
      }
      return try body(connection)
    } catch {
      throw SQLiteFile.fault(file, error)
    }
  }

  /// The version of a file's schema, whatever it is.
  package static func version(_ file: String) throws(LedgerError) -> Int32 {
    do {
      let queue = try DatabaseQueue(path: file, configuration: SQLiteFile.reading)
      defer { try? queue.close() }
      return try queue.inDatabase { try SQLiteFile.version($0) }
    } catch {
      throw SQLiteFile.fault(file, error)
    }
  }
}
