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
      if let descriptor = held {
        // To close it is not enough: a child that another thread is just starting shares it until its exec.
        flock(descriptor, LOCK_UN)
        close(descriptor)
      }
      held = nil
    }
  }
}
