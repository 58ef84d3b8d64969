import Glibc

/// The audit log cannot be written or read: one line that names the file, and says what is wrong and what to do.
package struct AuditError: Error, Sendable, Equatable, CustomStringConvertible {
  package let description: String

  init(_ file: String, _ reason: String) { description = "\(file): \(reason)" }

  /// What the system has said to it.
  static func system(_ file: String, _ action: String, _ code: Int32 = errno) -> AuditError {
    let reason = String(cString: strerror(code))
    let remedy =
      switch code {
      case EACCES, EPERM, EROFS: "give the server's user the right to write it, or name another file under audit"
      case ENOENT, ENOTDIR: "check its path, and that its folder is there"
      case EISDIR: "name a file under audit, not a folder"
      case ENOSPC, EDQUOT, EFBIG: "make room on its disk"
      default: "see to its disk"
      }
    return AuditError(file, "the audit log \(action): \(reason); \(remedy)")
  }
}
