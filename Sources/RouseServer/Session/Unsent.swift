import NIOCore

/// Replies that the socket has no room for yet, in pieces: what has been sent is free at once, and a peer that does not
/// read costs no more than what it has not read.
struct Unsent {
  // No room for any as long as there is none: most connections are silent most of the time.
  private var pieces = CircularBuffer<ByteBuffer>(initialCapacity: 0)
  private(set) var count = 0
  /// Bytes of a piece; encrypted it fits 32 KiB, the least that a buffer of so many bytes takes.
  static let piece = 1 << 15 - 256

  var isEmpty: Bool { count == 0 }

  mutating func append(_ bytes: UnsafeRawBufferPointer) {
    count += bytes.count
    var rest = bytes[...]
    // What comes in small parts goes together.
    if let last = pieces.last, last.readableBytes < Self.piece {
      let part = rest.prefix(Self.piece - last.readableBytes)
      pieces[pieces.index(before: pieces.endIndex)].writeBytes(UnsafeRawBufferPointer(rebasing: part))
      rest = rest.dropFirst(part.count)
    }
    while !rest.isEmpty {
      let part = rest.prefix(Self.piece)
      pieces.append(ByteBuffer(bytes: UnsafeRawBufferPointer(rebasing: part)))
      rest = rest.dropFirst(part.count)
    }
  }

  mutating func takeFirst() -> ByteBuffer? {
    guard let first = pieces.popFirst() else { return nil }
    count -= first.readableBytes
    return first
  }

  mutating func removeAll() { self = Unsent() }
}
