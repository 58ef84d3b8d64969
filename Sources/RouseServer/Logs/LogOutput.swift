import Glibc
import RouseWire
import Synchronization

/// Where log lines go: each in one write(2), and never waited for. A line that the reader of a full pipe leaves no room
/// for is dropped and counted, and the next one that finds room comes after the count.
package final class LogOutput: Sendable {
  private struct State {
    var dropped = 0
    /// A write took only the beginning of a line.
    var isAmidLine = false
  }

  private enum Kind {
    /// A file: nobody has to read it.
    case file
    /// Asked before each write whether it would wait.
    case polled
    /// Refuses a write that would wait.
    case nonBlocking
    case socket
  }

  let format: LogFormat
  private let descriptor: Int32
  private let kind: Kind
  private let state = Mutex(State())

  /// - Parameter descriptor: stays open as long as this lives, and stays as it is: whoever shares it expects it to block.
  package init(_ descriptor: Int32, format: LogFormat) {
    self.format = format
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      self.descriptor = descriptor
      kind = .polled
      return
    }
    switch status.st_mode & S_IFMT {
    case S_IFIFO:
      // The same pipe opened anew may be non-blocking without its other writers being so. Without /proc it is polled: then
      // another writer may still take the room between the question and the write.
      let own = open("/proc/self/fd/\(descriptor)", O_WRONLY | O_NONBLOCK | O_CLOEXEC)
      self.descriptor = own >= 0 ? own : descriptor
      kind = own >= 0 ? .nonBlocking : .polled
    case S_IFSOCK:
      self.descriptor = descriptor
      kind = .socket
    case let other:
      self.descriptor = descriptor
      kind = other == S_IFREG ? .file : .polled
    }
  }

  deinit { if kind == .nonBlocking { close(descriptor) } }

  /// How many lines have been dropped and not yet been told of.
  package var dropped: Int { state.withLock { $0.dropped } }

  func write(_ line: LogLine) {
    var out = ByteWriter(capacity: 512)
    line.write(format, into: &out)
    let bytes = out.bytes
    state.withLock { state in
      if state.dropped > 0 {
        guard put(noticeOf(state.dropped, time: line.time), &state) else {
          state.dropped += 1
          return
        }
        state.dropped = 0
      }
      if !put(bytes, &state) { state.dropped += 1 }
    }
  }

  private func noticeOf(_ dropped: Int, time: LogTime) -> [UInt8] {
    let notice = LogLine(
      time: time, level: .warning, message: "log lines were dropped: whoever reads them is too slow",
      metadata: ["lines": .stringConvertible(dropped)])
    var out = ByteWriter(capacity: 256)
    notice.write(format, into: &out)
    return out.array
  }

  private func put(_ line: [UInt8], _ state: inout State) -> Bool { line.withUnsafeBytes { put($0, &state) } }

  /// Whether the whole line was taken.
  private func put(_ line: UnsafeRawBufferPointer, _ state: inout State) -> Bool {
    if state.isAmidLine {
      guard [0x0A].withUnsafeBytes({ send($0) }) == 1 else { return false }
      state.isAmidLine = false
    }
    let count = send(line)
    state.isAmidLine = count > 0 && count < line.count
    return count == line.count
  }

  private func send(_ bytes: UnsafeRawBufferPointer) -> Int {
    while true {
      if kind == .polled {
        var question = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        guard poll(&question, 1, 0) == 1 else { return 0 }
      }
      let count =
        kind == .socket
        ? Glibc.send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_DONTWAIT | MSG_NOSIGNAL))
        : Glibc.write(descriptor, bytes.baseAddress, bytes.count)
      if count >= 0 || errno != EINTR { return count }
    }
  }
}
