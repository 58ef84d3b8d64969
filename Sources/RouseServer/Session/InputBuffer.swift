import Glibc
import RouseWire

/// Bytes that have come and not been used yet.
struct InputBuffer {
  private var bytes: [UInt8] = []
  private var head = 0
  /// How far no LF has been found: a line that drips in is not searched twice.
  private var searched = 0
  /// How far LFs have been counted, and how many there were from `head` on.
  private var counted = (upTo: 0, lines: 0)
  /// Bytes that came before `bytes[head]`.
  private var gone = 0
  /// Up to which byte, counted from the first of all, what came when. Only what had to wait has a mark.
  private var marks: [(end: Int, time: UInt64)] = []
  private static let mostMarks = 256

  var count: Int { bytes.count - head }
  /// Bytes of memory.
  var capacity: Int { bytes.capacity }
  /// When the last byte of the line came that was taken last; nil when it is not known, and so not long ago.
  private(set) var arrivalOfTaken: UInt64?

  /// - Parameter time: nanoseconds since some moment.
  mutating func append(_ more: UnsafeRawBufferPointer, at time: UInt64) {
    compact()
    let needed = bytes.count + more.count
    // Not by doubling: what a long line takes is counted, and shared with others.
    if needed > bytes.capacity { bytes.reserveCapacity(needed + needed / 4) }
    bytes.append(contentsOf: more)
    let end = gone + count
    // Those that come too thickly share the first one's time: a request may end early, never late.
    if marks.count >= Self.mostMarks { marks[marks.count - 1].end = end } else { marks.append((end, time)) }
  }

  /// Gives back bytes that came before all that is here.
  mutating func prepend(_ parts: [UnsafeRawBufferPointer]) {
    var all: [UInt8] = []
    all.reserveCapacity(parts.reduce(count) { $0 + $1.count })
    for part in parts { all.append(contentsOf: part) }
    gone -= all.count
    all.append(contentsOf: bytes[head...])
    bytes = all
    head = 0
    searched = 0
    counted = (0, 0)
  }

  mutating func removeAll() { self = InputBuffer() }

  /// Whether the next line has more bytes, as far as it has come.
  func nextLineIsLonger(than most: Int) -> Bool {
    guard count > most else { return false }
    return bytes.withUnsafeBytes { all in
      guard let base = all.baseAddress else { return false }
      return memchr(base + head, 0x0A, most + 1) == nil
    }
  }

  /// Whole lines that wait; counts no further than it must.
  mutating func lines(upTo most: Int) -> Int {
    var (upTo, lines) = counted
    upTo = max(upTo, head)
    bytes.withUnsafeBytes { all in
      while lines < most, upTo < all.count, let base = all.baseAddress {
        guard let lf = memchr(base + upTo, 0x0A, all.count - upTo) else {
          upTo = all.count
          return
        }
        lines += 1
        upTo = base.distance(to: UnsafeRawPointer(lf)) + 1
      }
    }
    counted = (upTo, lines)
    return lines
  }

  private mutating func compact() {
    guard head > 0 else { return }
    if head == bytes.count {
      bytes.removeAll(keepingCapacity: bytes.capacity <= 1 << 16)
      searched = 0
      counted = (0, 0)
      head = 0
    } else if head > 1 << 16 || head * 2 > bytes.count {
      bytes.removeFirst(head)
      searched = max(0, searched - head)
      counted.upTo = max(0, counted.upTo - head)
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
    take(to: found.end)
    searched = found.end
    return found.block
  }

  /// Whole lines, taken out, about `most` bytes of them but at least one; nil while there is none.
  mutating func takeLines(most: Int) -> Block? {
    let start = max(searched, head)
    let head = self.head
    let found = bytes.withUnsafeBytes { all -> (end: Int, block: Block)? in
      guard start < all.count, let base = all.baseAddress else { return nil }
      // The last line is short against a block, so going back byte by byte is soon done.
      let last = all[min(start, head + most)..<min(all.count, head + most)].lastIndex(of: 0x0A)
      let end: Int
      if let last, last >= start {
        end = last + 1
      } else {
        guard let lf = memchr(base + start, 0x0A, all.count - start) else { return nil }
        end = base.distance(to: UnsafeRawPointer(lf)) + 1
      }
      return (end, Block(UnsafeRawBufferPointer(rebasing: all[head..<end])))
    }
    guard let found else {
      searched = bytes.count
      return nil
    }
    take(to: found.end)
    counted = (found.end, 0)
    searched = found.end
    return found.block
  }

  private mutating func take(to end: Int) {
    if counted.upTo <= end {
      counted = (end, 0)
    } else if counted.lines > 0 {
      counted.lines -= 1
    }
    gone += end - head
    head = end
    while let first = marks.first, first.end < gone { marks.removeFirst() }
    arrivalOfTaken = marks.first?.time
    if marks.first?.end == gone { marks.removeFirst() }
  }
}
