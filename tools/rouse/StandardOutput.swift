import Foundation
import RouseClient

/// The tool's standard output, whole or not at all: short writes go on, and a closed reader ends the work quietly.
final class StandardOutput: @unchecked Sendable {
  // Sendable because one thread at a time writes: those who work in parallel take turns.

  /// Whoever read it has gone.
  struct Closed: Error {}

  func write(_ bytes: UnsafeRawBufferPointer) throws {
    var at = 0
    while at < bytes.count {
      guard let base = bytes.baseAddress else { return }
      let written = Foundation.write(STDOUT_FILENO, base + at, bytes.count - at)
      if written > 0 {
        at += written
        continue
      }
      switch errno {
      case EINTR: continue
      case EAGAIN:
        var wait = pollfd(fd: STDOUT_FILENO, events: Int16(POLLOUT), revents: 0)
        poll(&wait, 1, -1)
      case EPIPE: throw Closed()
      case let code: throw Failure(.usage, "cannot write to standard output: \(SystemFault(code))")
      }
    }
  }

  func write(_ text: String) throws {
    try Array(text.utf8).withUnsafeBytes { try write($0) }
  }

  func write(line: [UInt8]) throws {
    try (line + [0x0A]).withUnsafeBytes { try write($0) }
  }
}

enum StandardError {
  static func write(_ text: String) {
    Array(text.utf8).withUnsafeBytes { _ = Foundation.write(STDERR_FILENO, $0.baseAddress, $0.count) }
  }
}

/// What is known of the terminals we are joined to.
enum Terminal {
  static var isOutput: Bool { isatty(STDOUT_FILENO) == 1 }
  static var isError: Bool { isatty(STDERR_FILENO) == 1 }
  static var isInput: Bool { isatty(STDIN_FILENO) == 1 }

  /// Columns of standard output; nil when it is no terminal and COLUMNS does not say either.
  static var width: Int? {
    var size = winsize()
    if ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 { return Int(size.ws_col) }
    if let columns = ProcessInfo.processInfo.environment["COLUMNS"].flatMap({ Int($0) }), columns > 0 { return columns }
    return isOutput ? 80 : nil
  }
}
