import Glibc

/// An audit log's open file. Closing it gives its lock back.
struct AuditFile: ~Copyable {
  let path: String
  let descriptor: Int32

  /// How many milliseconds another process may hold the lock.
  static let patience = 5000

  /// Opens a regular file, and nothing else.
  init(_ path: String, flags: Int32) throws(AuditError) {
    // O_NONBLOCK: opening a FIFO that nobody reads would wait for good.
    let opened = open(path, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0o600)
    guard opened >= 0 else { throw .system(path, "cannot be opened") }
    guard Self.status(opened).st_mode & S_IFMT == S_IFREG else {
      close(opened)
      throw AuditError(path, "this is no regular file, and an audit log must be one; name another under audit")
    }
    self.path = path
    descriptor = opened
    if flags & O_CREAT != 0 { giveToOwnerOfFolder() }
  }

  deinit { close(descriptor) }

  /// What root makes at the command line must be writable for the server's own user, whose folder it is. A link, which that
  /// user may have put there, gives nothing away.
  private func giveToOwnerOfFolder() {
    var entry = stat()
    var folder = stat()
    let status = Self.status(descriptor)
    guard geteuid() == 0, status.st_size == 0, status.st_nlink == 1, lstat(path, &entry) == 0,
      entry.st_ino == status.st_ino, entry.st_dev == status.st_dev, stat(Self.folder(of: path), &folder) == 0
    else { return }
    _ = fchown(descriptor, folder.st_uid, folder.st_gid)
  }

  func size() -> Int { max(0, Int(Self.status(descriptor).st_size)) }

  /// Whether the path still leads here: it does not once the file has been moved away.
  func isInPlace() -> Bool {
    var there = stat()
    let here = Self.status(descriptor)
    return stat(path, &there) == 0 && there.st_ino == here.st_ino && there.st_dev == here.st_dev
  }

  /// Keeps other processes out (LOCK_EX), or only those that write (LOCK_SH). One that never gives it back is not waited
  /// for.
  func lock(_ kind: Int32, patience: Int = patience) throws(AuditError) {
    for _ in 0..<patience {
      if flock(descriptor, kind | LOCK_NB) == 0 { return }
      guard errno == EWOULDBLOCK || errno == EINTR else { throw .system(path, "cannot be locked") }
      usleep(1000)
    }
    throw AuditError(path, "another process holds the audit log's lock; fuser \(path) tells which")
  }

  func unlock() { _ = flock(descriptor, LOCK_UN) }

  /// Puts what has been written on the disk; for a new file its name too.
  func sync(isNew: Bool) throws(AuditError) {
    guard fsync(descriptor) == 0 else { throw .system(path, "cannot be put on the disk") }
    guard isNew else { return }
    let folder = open(Self.folder(of: path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard folder >= 0 else { return }
    fsync(folder)
    close(folder)
  }

  /// Takes back everything behind the first `count` bytes.
  func cut(to count: Int) throws(AuditError) {
    guard ftruncate(descriptor, off_t(count)) == 0 else { throw .system(path, "cannot be cut") }
  }

  static func folder(of path: String) -> String { path.lastIndex(of: "/").map { String(path[...$0]) } ?? "." }

  private static func status(_ descriptor: Int32) -> stat {
    var status = stat()
    fstat(descriptor, &status)
    return status
  }
}
