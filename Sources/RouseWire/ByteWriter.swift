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
    reserve(text.count + 2)
    put(0x22)
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
    put(0x22)
  }

  package mutating func write(_ value: Int) { write(Int64(value)) }

  package mutating func write(_ value: Int64) {
    if value < 0 { put(0x2D) }
    writeDigits(value.magnitude)
  }

  private mutating func writeDigits(_ value: UInt64) {
    reserve(20)
    var rest = value
    var digits = 1
    var limit: UInt64 = 10
    while digits < 20, value >= limit {
      digits += 1
      let (next, overflow) = limit.multipliedReportingOverflow(by: 10)
      if overflow { break }
      limit = next
    }
    for index in stride(from: digits - 1, through: 0, by: -1) {
      base[count + index] = 0x30 + UInt8(truncatingIfNeeded: rest % 10)
      rest /= 10
    }
    count += digits
  }

  /// The shortest decimal that reads back as the same double; null for what JSON cannot say.
  package mutating func write(number: Double) {
    if number.isFinite { write(shortest(number)) } else { write("null") }
  }

  /// A number made from micros: up to six decimals, no trailing zeros, no point when whole (model 10).
  package mutating func write(micros: Int64) { write(fixed: micros, scale: 1_000_000, decimals: 6) }

  /// The same from millionths that may exceed 64 bits.
  package mutating func write(micros: Int128) {
    if let small = Int64(exactly: micros) { return write(micros: small) }
    if micros < 0 { put(0x2D) }
    let magnitude = micros.magnitude
    write(String(magnitude / 1_000_000))
    writeFraction(UInt64(magnitude % 1_000_000), decimals: 6)
  }

  /// The same with four decimals, from ten-thousandths.
  package mutating func write(roi: Int128) {
    if let small = Int64(exactly: roi) { return write(fixed: small, scale: 10_000, decimals: 4) }
    if roi < 0 { put(0x2D) }
    let magnitude = roi.magnitude
    write(String(magnitude / 10_000))
    writeFraction(UInt64(magnitude % 10_000), decimals: 4)
  }

  private mutating func write(fixed value: Int64, scale: UInt64, decimals: Int) {
    if value < 0 { put(0x2D) }
    let magnitude = value.magnitude
    writeDigits(magnitude / scale)
    writeFraction(magnitude % scale, decimals: decimals)
  }

  private mutating func writeFraction(_ fraction: UInt64, decimals: Int) {
    guard fraction != 0 else { return }
    var digits = decimals
    var rest = fraction
    while rest % 10 == 0 {
      rest /= 10
      digits -= 1
    }
    reserve(digits + 1)
    base[count] = 0x2E
    for index in stride(from: digits, through: 1, by: -1) {
      base[count + index] = 0x30 + UInt8(truncatingIfNeeded: rest % 10)
      rest /= 10
    }
    count += digits + 1
  }

  // MARK: - Packed integers

  /// A signed integer in as few bytes as it needs; `PackedReader` reads it back.
  mutating func pack(_ value: Int64) {
    var rest = UInt64(bitPattern: value << 1 ^ value >> 63)
    while rest >= 0x80 {
      put(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    put(UInt8(truncatingIfNeeded: rest))
  }

  @inline(__always) mutating func pack(_ value: Int) { pack(Int64(value)) }
}
