import Glibc

/// The lines of an audit log's file from the first, in memory of one size however long the file is.
struct AuditLines: ~Copyable {
  /// No line of ours is as long.
  static let longest = 1 << 20

  struct Line {
    /// From 1.
    let number: Int
    /// Without its LF; valid until the next one is asked for.
    let bytes: UnsafeRawBufferPointer
    /// An LF ends it. Else it is the file's last.
    let isWhole: Bool
  }

  private let file: String
  private let descriptor: Int32
  /// Bytes from here on are not read.
  private let end: Int
  private let memory: UnsafeMutableRawPointer
  private static let capacity = longest + 1
  private var offset = 0
  private var start = 0
  private var count = 0
  private var number = 0

  /// - Parameter descriptor: stays the caller's, and its position as it is.
  init(_ descriptor: Int32, file: String, end: Int) {
    self.file = file
    self.descriptor = descriptor
    self.end = end
    memory = .allocate(byteCount: Self.capacity, alignment: 16)
  }

  deinit { memory.deallocate() }

  /// The next line; nil after the last.
  mutating func next() throws(AuditError) -> Line? {
    var searched = 0
    while true {
      if let found = memchr(memory + start + searched, 0x0A, count - searched) {
        let length = UnsafeRawPointer(found) - UnsafeRawPointer(memory + start)
        return take(length, isWhole: true)
      }
      searched = count
      if count == Self.capacity {
        throw AuditError(file, "line \(number + 1) is longer than \(Self.longest) bytes; this is no audit log")
      }
      guard try fill() else { return count > 0 ? take(count, isWhole: false) : nil }
    }
  }

  private mutating func take(_ length: Int, isWhole: Bool) -> Line {
    number += 1
    let line = Line(
      number: number, bytes: UnsafeRawBufferPointer(start: memory + start, count: length), isWhole: isWhole)
    let taken = length + (isWhole ? 1 : 0)
    start += taken
    count -= taken
    return line
  }

  /// Reads on; false at the end.
  private mutating func fill() throws(AuditError) -> Bool {
    if start > 0 {
      memmove(memory, memory + start, count)
      start = 0
    }
    let room = min(Self.capacity - count, end - offset)
    guard room > 0 else { return false }
    var got = pread(descriptor, memory + count, room, offset)
    while got < 0, errno == EINTR { got = pread(descriptor, memory + count, room, offset) }
    guard got >= 0 else { throw .system(file, "cannot be read") }
    offset += got
    count += got
    return got > 0
  }
}
