import Glibc

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

  static func full(_ file: String) -> LedgerError {
    LedgerError(.unreadable, "\(file): its disk is full; make room, and start again: nothing in the ledger is lost")
  }

  static func foreign(_ file: String) -> LedgerError {
    LedgerError(.damaged, "\(file): this is no ledger; name another file, or restore a backup in its place")
  }

  static func newer(_ file: String) -> LedgerError {
    LedgerError(
      .newer, "\(file): a later version of Rouse has written this ledger; run that version, or restore an older backup")
  }
}
