import Glibc
import RouseWire

/// Bytes that have come and not been used yet.
struct InputBuffer {
  private var bytes: [UInt8] = []
  private var head = 0
  /// How far no LF has been found: a line that drips in is not searched twice.
  private var searched = 0

  var count: Int { bytes.count - head }

  mutating func append(_ more: UnsafeRawBufferPointer) {
    compact()
    bytes.append(contentsOf: more)
  }

  /// Gives back bytes that came before all that is here.
  mutating func prepend(_ parts: [UnsafeRawBufferPointer]) {
    var all: [UInt8] = []
    all.reserveCapacity(parts.reduce(count) { $0 + $1.count })
    for part in parts { all.append(contentsOf: part) }
    all.append(contentsOf: bytes[head...])
    bytes = all
    head = 0
    searched = 0
  }

  mutating func removeAll() {
    bytes = []
    head = 0
    searched = 0
  }

  private mutating func compact() {
    guard head > 0 else { return }
    if head == bytes.count {
      bytes.removeAll(keepingCapacity: bytes.capacity <= 1 << 17)
      searched = 0
      head = 0
    } else if head > 1 << 16 || head * 2 > bytes.count {
      bytes.removeFirst(head)
      searched = max(0, searched - head)
      head = 0
    }
  }

  /// The next line with its LF, taken out; nil while there is none.
  mutating func takeLine() -> Block? {
    let start = max(searched, head)
    let head = self.head
    let found = bytes.withUnsafeBytes { all -> (end: Int, block: Block)? in
      guard start < all.count, let base = all.baseAddress, let lf = memchr(base + start, 0x0A, all.count - start) else {
        return nil
      }
      let end = base.distance(to: UnsafeRawPointer(lf)) + 1
      return (end, Block(UnsafeRawBufferPointer(rebasing: all[head..<end])))
    }
    guard let found else {
      searched = bytes.count
      return nil
    }
    self.head = found.end
    searched = found.end
    return found.block
  }

  /// All whole lines, taken out; nil while there is none.
  mutating func takeLines() -> Block? {
    let start = max(searched, head)
    let head = self.head
    let found = bytes.withUnsafeBytes { all -> (end: Int, block: Block)? in
      // The last line is short against a block, so going back byte by byte is soon done.
      guard start < all.count, let last = all[start...].lastIndex(of: 0x0A) else { return nil }
      let end = last + 1
      return (end, Block(UnsafeRawBufferPointer(rebasing: all[head..<end])))
    }
    guard let found else {
      searched = bytes.count
      return nil
    }
    self.head = found.end
    searched = bytes.count
    return found.block
  }
}
