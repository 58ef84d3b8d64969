import Foundation
import Glibc

/// A process as a person knows it.
struct ProcessName: CustomStringConvertible, Equatable {
  let number: Int32
  /// Its command's name, as far as the system keeps it.
  let name: String

  init(_ number: Int32) {
    self.number = number
    name =
      KernelFile.text("/proc/\(number)/comm")?
      .trimmingCharacters(in: .whitespacesAndNewlines) ?? "unknown"
  }

  var description: String { "\(name), process \(number)" }
}

/// A file of the kernel's, which is as long as it is when it is read: it comes a page at a time, and its size says nothing.
enum KernelFile {
  /// nil: it is not there, or not for us.
  static func text(_ path: String) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = read(descriptor, &chunk, chunk.count)
      if count > 0 {
        bytes += chunk[..<count]
      } else if count == 0 {
        return String(decoding: bytes, as: UTF8.self)
      } else if errno != EINTR {
        return nil
      }
    }
  }
}

/// Who holds the lock of a file.
enum FileHolder: Equatable {
  case nobody
  case process(ProcessName)
  /// In another container, or of another user.
  case somebody

  static func find(_ path: String) -> FileHolder {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
    guard descriptor >= 0 else { return .nobody }
    defer { close(descriptor) }
    // To try the lock would take it for an instant: a server that starts just then would be told that it is in use. So the
    // system is asked, whose list may lack a line while others come and go: one look that finds nobody is not enough.
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { return .somebody }
    for look in 0..<5 {
      if look > 0 { usleep(2000) }
      guard let locks = KernelFile.text("/proc/locks") else { return .somebody }
      if let found = holder(of: status.st_ino, in: locks) { return found }
    }
    return .nobody
  }

  /// nil: the list names none.
  private static func holder(of inode: ino_t, in locks: String) -> FileHolder? {
    for line in locks.split(separator: "\n") {
      // 1: FLOCK  ADVISORY  WRITE 1234 fe:00:5678 0 EOF
      let words = line.split(separator: " ")
      guard words.count >= 6, words[1] == "FLOCK", words[5].split(separator: ":").last == "\(inode)" else { continue }
      guard let number = Int32(words[4]), number > 0 else { return .somebody }
      return .process(ProcessName(number))
    }
    return nil
  }
}
