/// A text's first and last bytes and its length: all of a text of at most 16 bytes, and of a longer one what is compared
/// before the rest is.
package struct TextKey: Equatable, BitwiseCopyable {
  /// The first 8 bytes, the first one lowest; zeros for those that are not there.
  package let first: UInt64
  /// The last 8 bytes; 0 for a text that has no more than the first ones.
  package let last: UInt64
  package let count: Int

  package init() {
    first = 0
    last = 0
    count = 0
  }

  /// - Parameter start: of a text with 8 readable bytes from there on.
  @inline(__always)
  package init(_ start: UnsafeRawPointer, count: Int) {
    let word = UInt64(littleEndian: start.loadUnaligned(as: UInt64.self))
    if count < 8 {
      first = word & (1 &<< UInt64(truncatingIfNeeded: 8 &* count) &- 1)
      last = 0
    } else {
      first = word
      last = count == 8 ? 0 : UInt64(littleEndian: (start + (count - 8)).loadUnaligned(as: UInt64.self))
    }
    self.count = count
  }

  package init(_ text: UnsafeRawBufferPointer) {
    let count = text.count
    @inline(__always) func word(_ at: Int) -> UInt64 {
      UInt64(littleEndian: text.loadUnaligned(fromByteOffset: at, as: UInt64.self))
    }
    self.count = count
    if count >= 8 {
      first = word(0)
      last = count > 8 ? word(count - 8) : 0
      return
    }
    last = 0
    if count >= 4 {
      // Two words that overlap: what both have is the same.
      let start = UInt64(UInt32(littleEndian: text.loadUnaligned(as: UInt32.self)))
      let end = UInt64(UInt32(littleEndian: text.loadUnaligned(fromByteOffset: count - 4, as: UInt32.self)))
      first = start | end &<< UInt64(truncatingIfNeeded: 8 &* (count - 4))
    } else {
      var bytes: UInt64 = 0
      for (index, byte) in text.enumerated() { bytes |= UInt64(byte) &<< UInt64(truncatingIfNeeded: 8 &* index) }
      first = bytes
    }
  }

  /// Whether it is the whole text.
  package var isWhole: Bool { count <= 16 }

  /// A place in a table of 2^(64 - shift).
  @inline(__always)
  package func hash(_ factor: UInt64, _ shift: UInt64) -> Int {
    let mixed = (first ^ (last &* 0xFF51_AFD7_ED55_8CCD)) &+ UInt64(truncatingIfNeeded: count)
    return Int(truncatingIfNeeded: ((mixed ^ mixed &>> 32) &* factor) &>> shift)
  }
}
