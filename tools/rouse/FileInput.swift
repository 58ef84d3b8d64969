import Foundation
import RouseClient

/// A file, or standard input, as bytes.
final class FileInput {
  /// As messages name it.
  let name: String
  private let descriptor: Int32

  /// - Parameter path: nil or `-` for standard input.
  init(_ path: String?) throws {
    guard let path, path != "-" else {
      name = "standard input"
      descriptor = STDIN_FILENO
      if Terminal.isInput { StandardError.write("rouse: reading candidates from the terminal; Ctrl-D ends them\n") }
      return
    }
    name = path
    descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw Failure(.usage, "cannot read \(path): \(SystemFault(errno))") }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT != S_IFDIR else {
      throw Failure(.usage, "cannot read \(path): it is a directory; give a file")
    }
  }

  deinit { if descriptor != STDIN_FILENO { close(descriptor) } }

  /// At most as many bytes as the buffer holds; 0 at the end.
  func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    while true {
      let count = Foundation.read(descriptor, buffer.baseAddress, buffer.count)
      if count >= 0 { return count }
      switch errno {
      case EINTR: continue
      case EAGAIN: wait(-1)
      case let code: throw Failure(.usage, "cannot read \(name): \(SystemFault(code))")
      }
    }
  }

  /// Whether a read would not wait: who has lines should not hold them back for more.
  var isReady: Bool { wait(0) }

  @discardableResult
  private func wait(_ milliseconds: Int32) -> Bool {
    var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return poll(&request, 1, milliseconds) > 0
  }

  /// The whole of a small file, such as a policy.
  static func contents(of path: String, most: Int = 8 << 20) throws -> [UInt8] {
    let input = try FileInput(path)
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = try chunk.withUnsafeMutableBytes { try input.read(into: $0) }
      if count == 0 { return bytes }
      bytes += chunk[..<count]
      if bytes.count > most {
        throw Failure(.usage, "\(input.name) is larger than \(most >> 20) MiB; is it the right file?")
      }
    }
  }
}
