import Foundation
import RouseClient

/// A file, or standard input, as bytes.
final class FileInput {
  /// As messages name it.
  let name: String
  /// What its lines stand for.
  let subject: Subject
  /// Bytes; nil where that cannot be known, as of a pipe.
  let size: Int?
  /// Bytes that have been read.
  private(set) var position = 0
  private let descriptor: Int32

  /// - Parameter path: nil or `-` for standard input.
  init(_ path: String?, of subject: Subject = .candidate) throws {
    self.subject = subject
    guard let path, path != "-" else {
      name = "standard input"
      descriptor = STDIN_FILENO
      size = Self.size(STDIN_FILENO)
      if Terminal.isInput {
        StandardError.write("rouse: reading \(subject.many) from the terminal; Ctrl-D ends them\n")
      }
      return
    }
    name = path
    descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw Failure(.usage, "cannot read \(path): \(SystemFault(errno))") }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT != S_IFDIR else {
      throw Failure(.usage, "cannot read \(path): it is a directory; give a file")
    }
    size = Self.size(descriptor)
  }

  private static func size(_ descriptor: Int32) -> Int? {
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
    return Int(status.st_size)
  }

  /// Takes a descriptor over.
  init(descriptor: Int32, name: String, of subject: Subject = .candidate) {
    self.name = name
    self.subject = subject
    self.descriptor = descriptor
    size = Self.size(descriptor)
  }

  deinit { if descriptor != STDIN_FILENO { close(descriptor) } }

  /// At most as many bytes as the buffer holds; 0 at the end.
  func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    while true {
      let count = Foundation.read(descriptor, buffer.baseAddress, buffer.count)
      if count >= 0 {
        position += count
        return count
      }
      switch errno {
      case EINTR: continue
      case EAGAIN: wait(-1)
      case let code: throw Failure(.usage, "cannot read \(name): \(SystemFault(code))")
      }
    }
  }

  /// Which part has been read, from 0 to 1; nil where that cannot be known.
  var share: Double? { size.map { $0 == 0 ? 1 : min(1, Double(position) / Double($0)) } }

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
