/// Every text that a policy names, each with a number; a text nobody names is `other`. Candidates' texts become such
/// numbers as they are read, so that nothing later compares texts.
package final class TextTable: @unchecked Sendable {
  // Sendable because nothing in it changes after init.

  /// The number of a text that the policy does not name.
  package static let other: UInt64 = 0

  /// Texts by number; the first stands for `other`.
  package let texts: [[UInt8]]
  /// Open addressing, at most half full; -1 is empty.
  private let buckets: UnsafeMutablePointer<Int32>
  private let mask: Int
  /// The texts once more, one after another: where each starts, and where the last ends.
  private let starts: UnsafeMutablePointer<Int>
  private let bytes: UnsafeMutablePointer<UInt8>

  init(_ builder: Builder) {
    texts = builder.texts
    var size = 16
    while size < texts.count * 2 { size *= 2 }
    var buckets = [Int32](repeating: -1, count: size)
    for (id, text) in texts.enumerated().dropFirst() {
      var at = text.withUnsafeBytes { Self.hash($0) } & (size - 1)
      while buckets[at] >= 0 { at = (at + 1) & (size - 1) }
      buckets[at] = Int32(id)
    }
    self.buckets = plainMemory(buckets)
    mask = size - 1
    var starts = [0]
    for text in texts { starts.append((starts.last ?? 0) + text.count) }
    self.starts = plainMemory(starts)
    bytes = plainMemory(texts.joined().map { $0 })
  }

  deinit {
    buckets.deallocate()
    starts.deallocate()
    bytes.deallocate()
  }

  struct Builder {
    fileprivate(set) var texts: [[UInt8]] = [[]]
    private var ids: [ExactText: Int] = [:]

    init() {}

    /// Goes on where a table ended: its texts keep their numbers.
    init(_ table: TextTable) {
      texts = table.texts
      for (id, text) in texts.enumerated().dropFirst() { ids[ExactText(bytes: text)] = id }
    }

    mutating func intern(_ text: String) -> Int {
      let exact = ExactText(text)
      if let id = ids[exact] { return id }
      texts.append(exact.bytes)
      ids[exact] = texts.count - 1
      return texts.count - 1
    }
  }

  package var count: Int { texts.count }

  /// The number of a text, or `other`.
  package func id(of text: UnsafeRawBufferPointer) -> UInt64 {
    var at = Self.hash(text) & mask
    while true {
      let id = Int(buckets[at])
      if id < 0 { return Self.other }
      let start = starts[id]
      if starts[id + 1] - start == text.count,
        equal(UnsafeRawBufferPointer(start: bytes + start, count: text.count), text)
      {
        return UInt64(id)
      }
      at = (at + 1) & mask
    }
  }

  package func id(of text: String) -> UInt64 {
    var copy = text
    return copy.withUTF8 { id(of: UnsafeRawBufferPointer($0)) }
  }

  /// The table is made from the policy, never from candidates, so nobody can fill one bucket: any mixing will do.
  @inline(__always)
  private static func hash(_ text: UnsafeRawBufferPointer) -> Int {
    var value = UInt64(truncatingIfNeeded: text.count) &* 0x9E37_79B9_7F4A_7C15
    var at = 0
    while at + 8 <= text.count {
      value = (value ^ text.loadUnaligned(fromByteOffset: at, as: UInt64.self)) &* 0xFF51_AFD7_ED55_8CCD
      value ^= value >> 32
      at += 8
    }
    while at < text.count {
      value = (value ^ UInt64(text[at])) &* 0x0000_0100_0000_01B3
      at += 1
    }
    value ^= value >> 29
    return Int(truncatingIfNeeded: value & 0x7FFF_FFFF)
  }
}

/// Equal bytes; both of one length.
@inline(__always)
func equal(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
  var at = 0
  while at + 8 <= left.count {
    if left.loadUnaligned(fromByteOffset: at, as: UInt64.self)
      != right.loadUnaligned(fromByteOffset: at, as: UInt64.self)
    {
      return false
    }
    at += 8
  }
  while at < left.count {
    if left[at] != right[at] { return false }
    at += 1
  }
  return true
}
