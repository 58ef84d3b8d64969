import Foundation
import RouseClient

/// A file that is there whole or not at all: it has no name while it is written, so whatever ends the tool leaves
/// nothing of it, and the old one stays until the new one takes its place in one step.
final class NewFile {
  private let path: String
  private let folder: String
  private let mode: mode_t
  private let descriptor: Int32
  /// Where the file system has no files without a name: this is it, until it gets its own.
  private var temporary: String?
  private var held: [UInt8] = []
  private static let enough = 1 << 18

  /// A list of people is for its user alone, unless the file was there and others may read it.
  init(_ path: String) throws {
    self.path = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
    folder = (self.path as NSString).deletingLastPathComponent
    var status = stat()
    var mode: mode_t = 0o600
    if stat(self.path, &status) == 0 {
      guard status.st_mode & S_IFMT == S_IFREG else {
        throw Failure(.usage, "cannot write \(path): it is no file; give the name of one")
      }
      mode = status.st_mode & 0o777
    }
    self.mode = mode
    // O_TMPFILE, which the compiler does not see: 0o20000000 with O_DIRECTORY.
    let nameless = open(folder, O_WRONLY | O_DIRECTORY | 0o20_000_000 | O_CLOEXEC, mode)
    if nameless >= 0, access(Self.link(nameless), F_OK) == 0 {
      descriptor = nameless
      return
    }
    if nameless >= 0 { close(nameless) }
    let name = "\(self.path).new-\(getpid())"
    unlink(name)
    descriptor = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
    guard descriptor >= 0 else { throw Self.failure(path) }
    temporary = name
  }

  deinit {
    close(descriptor)
    if let temporary { unlink(temporary) }
  }

  private static func link(_ descriptor: Int32) -> String { "/proc/self/fd/\(descriptor)" }

  private static func failure(_ path: String) -> Failure {
    Failure(.usage, "cannot write \(path): \(SystemFault(errno)); what was there is as it was")
  }

  func write(_ bytes: UnsafeRawBufferPointer) throws {
    held.append(contentsOf: bytes)
    if held.count >= Self.enough { try flush() }
  }

  private func flush() throws {
    defer { held.removeAll(keepingCapacity: true) }
    try held.withUnsafeBytes { try Self.write($0, to: descriptor, path) }
  }

  static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32, _ path: String) throws {
    var at = 0
    while at < bytes.count, let base = bytes.baseAddress {
      let written = Foundation.write(descriptor, base + at, bytes.count - at)
      if written < 0, errno == EINTR { continue }
      guard written > 0 else { throw failure(path) }
      at += written
    }
  }

  /// Puts the file in its place, once all of it is on the disk.
  func commit() throws {
    try flush()
    guard fchmod(descriptor, mode) == 0, fsync(descriptor) == 0 else { throw Self.failure(path) }
    if temporary == nil {
      let name = "\(path).new-\(getpid())"
      unlink(name)
      guard linkat(AT_FDCWD, Self.link(descriptor), AT_FDCWD, name, AT_SYMLINK_FOLLOW) == 0 else {
        throw Self.failure(path)
      }
      temporary = name
    }
    guard let name = temporary, rename(name, path) == 0 else { throw Self.failure(path) }
    temporary = nil
    let parent = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if parent >= 0 {
      fsync(parent)
      close(parent)
    }
  }
}

/// Rows that must wait on the disk: nobody else can open it, and it goes with the tool.
final class Spool {
  private let folder: String
  private let descriptor: Int32

  /// - Parameter path: of a file in the same folder.
  init(beside path: String) throws {
    folder = (URL(fileURLWithPath: path).resolvingSymlinksInPath().path as NSString).deletingLastPathComponent
    var template = Array("\(folder)/.rouse-XXXXXX".utf8CString)
    descriptor = mkstemp(&template)
    guard descriptor >= 0 else { throw Failure(.usage, "cannot write to \(folder): \(SystemFault(errno))") }
    unlink(template)
  }

  func write(_ bytes: UnsafeRawBufferPointer) throws { try NewFile.write(bytes, to: descriptor, folder) }

  /// All of it, from the start; the source owns it from here on.
  func read() throws -> LineSource {
    let copy = dup(descriptor)
    guard copy >= 0, lseek(copy, 0, SEEK_SET) == 0 else {
      throw Failure(.usage, "cannot read in \(folder): \(SystemFault(errno))")
    }
    return LineSource(FileInput(descriptor: copy, name: folder))
  }

  deinit { close(descriptor) }
}
