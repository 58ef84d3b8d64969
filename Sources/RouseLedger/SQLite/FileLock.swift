import Glibc
import Synchronization

/// The lock that keeps a second server off a ledger: held on a file beside it, until it is given back. The file is
/// never removed: who removes a lock file takes another's lock away.
final class FileLock: Sendable {
  private let held: Mutex<Int32?>

  /// - Parameter file: the ledger's.
  init(_ file: String) throws(LedgerError) {
    let path = file + ".lock"
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0o600)
    guard descriptor >= 0 else { throw .system(file, "its lock \(path) cannot be opened") }
    guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
      let code = errno
      close(descriptor)
      if code == EWOULDBLOCK {
        throw LedgerError(.inUse, "\(file): another server has this ledger; stop it first, or name another file")
      }
      throw .system(file, "its lock \(path) cannot be taken", code)
    }
    held = Mutex(descriptor)
  }

  deinit { giveBack() }

  func giveBack() {
    held.withLock { held in
      if let descriptor = held { close(descriptor) }
      held = nil
    }
  }
}

extension LedgerError {
  /// What the system has said to it.
  static func system(_ file: String, _ action: String, _ code: Int32 = errno) -> LedgerError {
    let reason = String(cString: strerror(code))
    let remedy =
      switch code {
      case EACCES, EPERM, EROFS: "give the server's user the right to write it and its folder, or name another file"
      case ENOENT, ENOTDIR: "check its path, and that its folder is there"
      case EISDIR: "name a file, not a folder"
      case ENOSPC, EDQUOT, EFBIG: "make room on its disk"
      default: "see to its disk"
      }
    return LedgerError(.unreadable, "\(file): \(action): \(reason); \(remedy)")
  }

  static func damaged(_ file: String, _ what: String) -> LedgerError {
    LedgerError(
      .damaged, "\(file): the ledger is damaged: \(what); see rouse-server ledger check, and restore a backup")
  }

  static func foreign(_ file: String) -> LedgerError {
    LedgerError(.damaged, "\(file): this is no ledger; name another file, or restore a backup in its place")
  }

  static func newer(_ file: String) -> LedgerError {
    LedgerError(
      .newer, "\(file): a later version of Rouse has written this ledger; run that version, or restore an older backup")
  }
}
