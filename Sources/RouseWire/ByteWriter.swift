import RouseCore

/// Bytes under way to the wire: grows by doubling, and writes JSON's texts and numbers without making strings.
package struct ByteWriter: ~Copyable {
  private var base: UnsafeMutablePointer<UInt8>
  private var capacity: Int
  package private(set) var count = 0

  package init(capacity: Int = 4096) {
    self.capacity = max(64, capacity)
    base = .allocate(capacity: self.capacity)
  }

  deinit { base.deallocate() }

  /// What has been written; valid until the next write.
  package var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

  package var array: [UInt8] { Array(bytes) }

  /// The byte written last; 0 before there is one.
  var last: UInt8 { count > 0 ? base[count - 1] : 0 }

  package mutating func removeAll() { count = 0 }

  /// Forgets what was written, and gives memory back beyond what is to be kept.
  package mutating func removeAll(keeping most: Int) {
    count = 0
    guard capacity > most else { return }
    base.deallocate()
    capacity = 64
    base = .allocate(capacity: capacity)
  }

  /// Forgets what was written after the first `count` bytes.
  package mutating func truncate(to count: Int) { self.count = min(self.count, max(0, count)) }

  @inline(__always)
  private mutating func reserve(_ more: Int) {
    if count + more > capacity { grow(more) }
  }

  /// A cursor at the end, with room for so many bytes; what it wrote counts once it has been handed back to `end`.
  @inline(__always)
  mutating func cursor(_ most: Int) -> ByteCursor {
    reserve(most + ByteCursor.slack)
    return ByteCursor(at: base + count)
  }

  @inline(__always)
  mutating func end(_ cursor: ByteCursor) { count = base.distance(to: cursor.at) }

  private mutating func grow(_ more: Int) {
    capacity = max(capacity * 2, count + more)
    let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
    larger.update(from: base, count: count)
    base.deallocate()
    base = larger
  }

  @inline(__always)
  package mutating func put(_ byte: UInt8) {
    reserve(1)
    base[count] = byte
    count += 1
  }

  @inline(__always)
  package mutating func write(_ bytes: UnsafeRawBufferPointer) {
    guard let start = bytes.baseAddress else { return }
    reserve(bytes.count)
    UnsafeMutableRawPointer(base + count).copyMemory(from: start, byteCount: bytes.count)
    count += bytes.count
  }

  @inline(__always)
  package mutating func write(_ bytes: [UInt8]) { bytes.withUnsafeBytes { write($0) } }

  @inline(__always)
  package mutating func write(_ text: StaticString) {
    write(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  @inline(__always)
  mutating func write(_ fragment: Fragment, of texts: UnsafePointer<UInt8>) {
    var cursor = cursor(Int(fragment.count))
    cursor.write(fragment, of: texts)
    end(cursor)
  }

  package mutating func write(_ text: String) {
    var copy = text
    copy.withUTF8 { write(UnsafeRawBufferPointer($0)) }
  }

  // MARK: - JSON

  package mutating func writeQuoted(_ text: String) {
    var copy = text
    copy.withUTF8 { writeQuoted(UnsafeRawBufferPointer($0)) }
  }

  /// A JSON string: UTF-8 as it is, but for `"`, `\` and controls (model 10).
  package mutating func writeQuoted(_ text: UnsafeRawBufferPointer) {
    put(0x22)
    writeEscaped(text)
    put(0x22)
  }

  /// The same without the quotes.
  mutating func writeEscaped(_ text: UnsafeRawBufferPointer) {
    reserve(text.count)
    var start = 0
    for index in text.indices {
      let byte = text[index]
      if byte >= 0x20, byte != 0x22, byte != 0x5C { continue }
      write(UnsafeRawBufferPointer(rebasing: text[start..<index]))
      start = index + 1
      put(0x5C)
      switch byte {
      case 0x08: put(0x62)
      case 0x0C: put(0x66)
      case 0x0A: put(0x6E)
      case 0x0D: put(0x72)
      case 0x09: put(0x74)
      case 0x22, 0x5C: put(byte)
      default:
        write("u00")
        put(byte < 0x10 ? 0x30 : 0x31)
        put(byte & 15 < 10 ? 0x30 + byte & 15 : 0x57 + byte & 15)
      }
    }
    write(UnsafeRawBufferPointer(rebasing: text[start...]))
  }

  package mutating func write(_ value: Int) { write(Int64(value)) }

  package mutating func write(_ value: Int64) {
    var cursor = cursor(ByteCursor.longestNumber)
    cursor.write(value)
    end(cursor)
  }

  /// The shortest decimal that reads back as the same double; null for what JSON cannot say.
  package mutating func write(number: Double) {
    guard number.isFinite else { return write("null") }
    // Most are whole, and a string of its own costs more than its digits.
    if abs(number) < 1e18, number == Double(Int64(number)) { return write(Int64(number)) }
    var text = number.description
    let isPlain = text.withUTF8 { digits in
      // An exponent stands near the end.
      if digits.suffix(5).contains(0x65) { return false }
      write(UnsafeRawBufferPointer(digits))
      return true
    }
    if !isPlain { write(shortest(number)) }
  }

  /// A number made from micros: up to six decimals, no trailing zeros, no point when whole (model 10).
  package mutating func write(micros: Int64) {
    var cursor = cursor(ByteCursor.longestNumber)
    cursor.write(micros: micros)
    end(cursor)
  }

  /// The same from millionths that may exceed 64 bits.
  package mutating func write(micros: Int128) {
    if let small = Int64(exactly: micros) { return write(micros: small) }
    var cursor = cursor(ByteCursor.longestNumber)
    cursor.write(large: micros, units: 1_000_000, decimals: 6)
    end(cursor)
  }

  /// A moment as a JSON string: RFC 3339 in UTC.
  mutating func write(moment: Int64) {
    var cursor = cursor(ByteCursor.longestNumber)
    cursor.put(0x22)
    cursor.write(moment: moment)
    cursor.put(0x22)
    end(cursor)
  }
}
