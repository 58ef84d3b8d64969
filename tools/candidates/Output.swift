#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#elseif canImport(Darwin)
  import Darwin
#endif

struct OutputError: Error {
  let message: String

  init(_ action: String, _ name: String, _ code: Int32) {
    message = "\(action) \(name): \(String(cString: strerror(code)))"
  }
}

/// One big byte buffer in front of write(2). A line is written straight into it; it never holds less than `longestLine` when one begins.
struct Output: ~Copyable {
  static let capacity = 1 << 20
  static let longestLine = 4096

  private let descriptor: Int32
  private let name: String
  private let start: UnsafeMutablePointer<UInt8>
  private let calendar: Calendar
  var cursor: UnsafeMutablePointer<UInt8>
  /// The reader has gone away: there is nothing left to do, and nothing wrong.
  private(set) var closed = false

  /// Standard output when there is no path.
  init(path: String?, calendar: Calendar) throws {
    name = path ?? "standard output"
    if let path {
      descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
      guard descriptor >= 0 else { throw OutputError("cannot open", path, errno) }
    } else {
      descriptor = STDOUT_FILENO
    }
    signal(SIGPIPE, SIG_IGN)
    start = .allocate(capacity: Output.capacity)
    cursor = start
    self.calendar = calendar
  }

  deinit { start.deallocate() }

  @inline(__always)
  mutating func makeRoom() throws {
    if cursor - start > Output.capacity - Output.longestLine { try flush() }
  }

  mutating func flush() throws {
    var from = start
    while from < cursor, !closed {
      let written = write(descriptor, from, cursor - from)
      if written >= 0 {
        from += written
      } else if errno == EPIPE {
        closed = true
      } else if errno != EINTR {
        throw OutputError("cannot write", name, errno)
      }
    }
    cursor = start
  }

  /// The file system may first tell here that the bytes found no place.
  mutating func finish() throws {
    try flush()
    if close(descriptor) != 0 { throw OutputError("cannot close", name, errno) }
  }

  @inline(__always)
  mutating func put(_ text: StaticString) {
    cursor.update(from: text.utf8Start, count: text.utf8CodeUnitCount)
    cursor += text.utf8CodeUnitCount
  }

  @inline(__always)
  mutating func put(byte: UInt8) {
    cursor.pointee = byte
    cursor += 1
  }

  /// A number of 0 or more.
  @inline(__always)
  mutating func put(_ number: Int) {
    var digits = 1
    var bound = 10
    while number >= bound {
      digits += 1
      bound &*= 10
    }
    put(number, digits: digits)
  }

  @inline(__always)
  mutating func put(_ number: Int, digits: Int) {
    var rest = UInt64(truncatingIfNeeded: number)
    var at = digits
    while at > 0 {
      at &-= 1
      cursor[at] = 48 &+ UInt8(truncatingIfNeeded: rest % 10)
      rest /= 10
    }
    cursor += digits
  }

  /// `,"name":true` or `,"name":false`, the name given with its comma, quotes and colon.
  @inline(__always)
  mutating func put(_ key: StaticString, _ flag: Bool) {
    put(key)
    if flag { put("true") } else { put("false") }
  }

  @inline(__always)
  mutating func put(_ key: StaticString, _ number: Int) {
    put(key)
    put(number)
  }

  /// A time as quoted RFC 3339 in UTC; `null` when there is none.
  @inline(__always)
  mutating func put(_ key: StaticString, time: Int) {
    put(key)
    guard time != Story.never else { return put("null") }
    cursor = calendar.write(time, to: cursor)
  }
}
