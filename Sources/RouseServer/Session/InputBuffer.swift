import Glibc
import RouseWire

/// Bytes that have come and not been used yet, followed by the room that reading a line in place needs.
struct InputBuffer: ~Copyable {
  private var memory: UnsafeMutableRawPointer?
  /// Bytes of memory, without the room behind them.
  private(set) var capacity = 0
  private var head = 0
  private var end = 0
  /// How far no LF has been found: a line that drips in is not searched twice.
  private var searched = 0
  /// How far LFs have been counted, and how many there were from `head` on.
  private var counted = (upTo: 0, lines: 0)
  /// Bytes that came before the one at `head`.
  private var gone = 0
  /// Up to which byte, counted from the first of all, what came when. Only what had to wait has a mark.
  private var marks: [(end: Int, time: UInt64)] = []
  private static let mostMarks = 256

  var count: Int { end - head }
  /// When the last byte of the line came that was taken last; nil when it is not known, and so not long ago.
  private(set) var arrivalOfTaken: UInt64?

  deinit { memory?.deallocate() }

  private var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: memory, count: end) }

  /// - Parameter time: nanoseconds since some moment.
  mutating func append(_ more: UnsafeRawBufferPointer, at time: UInt64) {
    compact()
    let needed = self.end + more.count
    // Not by doubling: what a long line takes is counted, and shared with others.
    if needed > capacity { grow(to: needed + needed / 4) }
    if let start = more.baseAddress { memory?.advanced(by: self.end).copyMemory(from: start, byteCount: more.count) }
    self.end = needed
    let end = gone + count
    // Those that come too thickly share the first one's time: a request may end early, never late.
    if marks.count >= Self.mostMarks { marks[marks.count - 1].end = end } else { marks.append((end, time)) }
  }

  private mutating func grow(to wanted: Int) {
    let larger = UnsafeMutableRawPointer.allocate(byteCount: wanted + Block.room, alignment: 16)
    if let memory {
      larger.copyMemory(from: memory, byteCount: end)
      memory.deallocate()
    }
    memory = larger
    capacity = wanted
  }

  /// Gives back bytes that came before all that is here.
  mutating func prepend(_ parts: [UnsafeRawBufferPointer]) {
    let total = parts.reduce(count) { $0 + $1.count }
    let all = UnsafeMutableRawPointer.allocate(byteCount: total + Block.room, alignment: 16)
    var at = 0
    for part in parts + [UnsafeRawBufferPointer(rebasing: bytes[head...])] {
      if let start = part.baseAddress { (all + at).copyMemory(from: start, byteCount: part.count) }
      at += part.count
    }
    gone -= total - count
    memory?.deallocate()
    memory = all
    capacity = total
    end = total
    head = 0
    searched = 0
    counted = (0, 0)
  }

  mutating func removeAll() { self = InputBuffer() }

  /// Gives memory back that nothing stands in, for a connection may be silent for long.
  mutating func shrink() {
    guard head == end, capacity > Self.kept else { return }
    memory?.deallocate()
    memory = nil
    capacity = 0
    head = 0
    end = 0
    searched = 0
    counted = (0, 0)
  }
  private static let kept = 1 << 12

  /// Whether the next line has more bytes, as far as it has come.
  func nextLineIsLonger(than most: Int) -> Bool {
    guard count > most, let memory else { return false }
    return memchr(memory + head, 0x0A, most + 1) == nil
  }

  /// Whole lines that wait; counts no further than it must.
  mutating func lines(upTo most: Int) -> Int {
    var (upTo, lines) = counted
    upTo = max(upTo, head)
    while lines < most, upTo < end, let memory {
      guard let lf = memchr(memory + upTo, 0x0A, end - upTo) else {
        upTo = end
        break
      }
      lines += 1
      upTo = UnsafeRawPointer(memory).distance(to: UnsafeRawPointer(lf)) + 1
    }
    counted = (upTo, lines)
    return lines
  }

  private mutating func compact() {
    guard head > 0 else { return }
    if head < end {
      guard head > 1 << 16 || head * 2 > end, let memory else { return }
      memmove(memory, memory + head, end - head)
    }
    end -= head
    searched = max(0, searched - head)
    counted.upTo = max(0, counted.upTo - head)
    head = 0
  }

  /// Offset behind the LF of the next line; nil while there is none.
  private mutating func endOfLine() -> Int? {
    let start = max(searched, head)
    guard start < end, let memory, let lf = memchr(memory + start, 0x0A, end - start) else {
      searched = end
      return nil
    }
    let behind = UnsafeRawPointer(memory).distance(to: UnsafeRawPointer(lf)) + 1
    // It is found again at once, if it is only looked at.
    searched = behind - 1
    return behind
  }

  /// The next line with its LF, taken out; nil while there is none.
  mutating func takeLine() -> Block? {
    guard let end = endOfLine() else { return nil }
    let block = Block(UnsafeRawBufferPointer(rebasing: bytes[head..<end]))
    take(to: end)
    return block
  }

  /// Takes the next line out if the body is done with it. It stands before `Block.room` readable bytes and more.
  /// - Parameter body: gets the line without its LF, valid until it returns.
  /// - Returns: false while there is no line, and when the body has left it.
  mutating func takeLine(_ body: (UnsafeRawBufferPointer) -> Bool) -> Bool {
    guard let end = endOfLine(), body(UnsafeRawBufferPointer(rebasing: bytes[head..<(end - 1)])) else { return false }
    take(to: end)
    return true
  }

  /// Whole lines, taken out, about `most` bytes of them but at least one; nil while there is none.
  mutating func takeLines(most: Int) -> Block? {
    let start = max(searched, head)
    guard start < end else { return nil }
    // The last line is short against a block, so going back byte by byte is soon done.
    let last = bytes[min(start, head + most)..<min(end, head + most)].lastIndex(of: 0x0A)
    let cut: Int
    if let last, last >= start {
      cut = last + 1
    } else {
      guard let next = endOfLine() else { return nil }
      cut = next
    }
    let block = Block(UnsafeRawBufferPointer(rebasing: bytes[head..<cut]))
    take(to: cut)
    counted = (cut, 0)
    return block
  }

  private mutating func take(to end: Int) {
    if counted.upTo <= end {
      counted = (end, 0)
    } else if counted.lines > 0 {
      counted.lines -= 1
    }
    searched = end
    gone += end - head
    head = end
    while let first = marks.first, first.end < gone { marks.removeFirst() }
    arrivalOfTaken = marks.first?.time
    if marks.first?.end == gone { marks.removeFirst() }
  }
}
