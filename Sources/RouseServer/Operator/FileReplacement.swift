import Foundation
import Glibc

/// A file's new contents, written and synced beside it; `commit` puts them in its place in one step. Given up, nothing is
/// left of it.
struct FileReplacement: ~Copyable {
  struct Failed: Error, CustomStringConvertible {
    let description: String
    init(_ file: String) { description = "\(file): \(String(cString: strerror(errno)))" }
  }

  private let file: String
  private let temporary: String
  private var isDone = false

  /// A symbolic link stays: it is the file it leads to that is replaced. The new one gets the old one's mode, and its owner
  /// where the system lets us give files away: what root replaces must stay readable for the server's own user.
  /// - Parameter mode: of a file that is not there yet.
  init(_ path: String, _ bytes: [UInt8], mode: mode_t = 0o644) throws(Failed) {
    file = URL(filePath: path).resolvingSymlinksInPath().path
    temporary = "\(file).new-\(getpid())"
    var status = stat()
    let isThere = stat(file, &status) == 0
    let mode = isThere ? status.st_mode & 0o777 : mode
    unlink(temporary)
    // Given away before it is opened up: a key is never readable by others.
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode & 0o700)
    guard descriptor >= 0 else { throw Failed(temporary) }
    defer { close(descriptor) }
    if isThere, geteuid() == 0 { _ = fchown(descriptor, status.st_uid, status.st_gid) }
    guard writeAll(bytes, to: descriptor) else {
      let failure = Failed(temporary)
      unlink(temporary)
      throw failure
    }
    guard fchmod(descriptor, mode) == 0, fsync(descriptor) == 0 else {
      let failure = Failed(temporary)
      unlink(temporary)
      throw failure
    }
  }

  consuming func commit() throws(Failed) {
    guard rename(temporary, file) == 0 else { throw Failed(file) }
    isDone = true
    let folder = open((file as NSString).deletingLastPathComponent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if folder >= 0 {
      fsync(folder)
      close(folder)
    }
  }

  deinit { if !isDone { unlink(temporary) } }
}
