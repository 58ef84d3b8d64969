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

  /// A symbolic link stays: it is the file it leads to that is replaced. The new one gets the old one's mode.
  init(_ path: String, _ bytes: [UInt8]) throws(Failed) {
    file = URL(filePath: path).resolvingSymlinksInPath().path
    temporary = "\(file).new-\(getpid())"
    var status = stat()
    let mode = stat(file, &status) == 0 ? status.st_mode & 0o777 : 0o644
    unlink(temporary)
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
    guard descriptor >= 0 else { throw Failed(temporary) }
    defer { close(descriptor) }
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
