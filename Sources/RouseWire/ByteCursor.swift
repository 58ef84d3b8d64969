import RouseCore

/// A piece of text among others in one memory.
struct Fragment: BitwiseCopyable {
  let start: Int32
  let count: Int32
}

/// Fragments in one plain memory, to be copied without a thought to where one ends.
struct FragmentTexts {
  private(set) var bytes: [UInt8] = []

  mutating func add(_ text: [UInt8]) -> Fragment {
    let start = bytes.count
    bytes += text
    return Fragment(start: Int32(start), count: Int32(text.count))
  }

  mutating func add(_ text: String) -> Fragment { add(Array(text.utf8)) }

  /// With room after them for what `ByteCursor` reads too much.
  var padded: [UInt8] { bytes + [UInt8](repeating: 0, count: ByteCursor.slack) }
}

/// Writes where there is room enough already, `slack` bytes more than what is written: no step asks.
struct ByteCursor: BitwiseCopyable {
  static let slack = 64
  /// Bytes of the longest number of 128 bits, its sign and a fraction's point.
  static let longestNumber = 48

  static let longestPacked = 10

  var at: UnsafeMutablePointer<UInt8>

  /// Copies 32 bytes at a time, whatever of them is wanted: most fragments are shorter, and a call of memcpy is longer.
  @inline(__always)
  mutating func write(_ fragment: Fragment, of texts: UnsafePointer<UInt8>) {
    let from = UnsafeRawPointer(texts + Int(fragment.start))
    let to = UnsafeMutableRawPointer(at)
    let count = Int(fragment.count)
    var done = 0
    repeat {
      to.storeBytes(
        of: from.loadUnaligned(fromByteOffset: done, as: SIMD32<UInt8>.self), toByteOffset: done,
        as: SIMD32<UInt8>.self)
      done += 32
    } while done < count
    at += count
  }

  @inline(__always)
  mutating func put(_ byte: UInt8) {
    at.pointee = byte
    at += 1
  }

  @inline(__always)
  mutating func write(_ value: Int64) {
    if value < 0 { put(0x2D) }
    write(value.magnitude)
  }

  @inline(__always)
  mutating func write(_ value: Int) { write(Int64(value)) }

  @inline(__always)
  mutating func write(_ value: UInt64) {
    if value < 10 { return put(0x30 + UInt8(truncatingIfNeeded: value)) }
    if value < 100 { return pair(value) }
    writeLong(value)
  }

  private mutating func writeLong(_ value: UInt64) {
    var count = 3
    var limit: UInt64 = 1000
    while count < 20, value >= limit {
      count += 1
      // 10^20 is out of range, and the count ends at 20 before it is compared with.
      limit = limit &* 10
    }
    var rest = value
    var end = at + count
    while rest >= 100 {
      end -= 2
      Self.put(rest % 100, at: end)
      rest /= 100
    }
    if rest >= 10 { Self.put(rest, at: end - 2) } else { at.pointee = 0x30 + UInt8(truncatingIfNeeded: rest) }
    at += count
  }

  @inline(__always)
  private mutating func pair(_ value: UInt64) {
    Self.put(value, at: at)
    at += 2
  }

  /// Two digits of a number below 100: a product in place of a division or a table.
  @inline(__always)
  private static func put(_ value: UInt64, at place: UnsafeMutablePointer<UInt8>) {
    let tens = (value &* 103) &>> 10
    let digits = tens | (value &- 10 &* tens) &<< 8 | 0x3030
    UnsafeMutableRawPointer(place).storeBytes(of: UInt16(truncatingIfNeeded: digits).littleEndian, as: UInt16.self)
  }

  /// A number made from micros: up to six decimals, no trailing zeros, no point when whole (model 10).
  @inline(__always)
  mutating func write(micros: Int64) {
    if micros < 0 { put(0x2D) }
    let magnitude = micros.magnitude
    write(magnitude / 1_000_000)
    let rest = magnitude % 1_000_000
    if rest == 0 { return }
    put(0x2E)
    pair(rest / 10_000)
    pair(rest / 100 % 100)
    pair(rest % 100)
    while at[-1] == 0x30 { at -= 1 }
  }

  /// The same with four decimals, from ten-thousandths.
  @inline(__always)
  mutating func write(tenThousandths value: Int128) {
    guard let value = Int64(exactly: value) else { return write(large: value, units: 10_000, decimals: 4) }
    if value < 0 { put(0x2D) }
    let magnitude = value.magnitude
    write(magnitude / 10_000)
    let rest = magnitude % 10_000
    if rest == 0 { return }
    put(0x2E)
    pair(rest / 100)
    pair(rest % 100)
    while at[-1] == 0x30 { at -= 1 }
  }

  /// A number made from so many parts of a unit.
  mutating func write(large value: Int128, units: UInt128, decimals: Int) {
    if value < 0 { put(0x2D) }
    for digit in String(value.magnitude / units).utf8 { put(digit) }
    var rest = UInt64(truncatingIfNeeded: value.magnitude % units)
    if rest == 0 { return }
    put(0x2E)
    for index in stride(from: decimals - 1, through: 0, by: -1) {
      at[index] = 0x30 + UInt8(truncatingIfNeeded: rest % 10)
      rest /= 10
    }
    at += decimals
    while at[-1] == 0x30 { at -= 1 }
  }

  /// RFC 3339 in UTC, as `Moment.format`.
  mutating func write(moment: Int64) {
    let days = floorDivide(moment, Moment.day)
    let second = UInt64(truncatingIfNeeded: moment - days * Moment.day)
    let (year, month, day) = Moment.date(daysSince1970: days)
    // A rest may end after the last year that a candidate can name.
    guard year >= 0, year <= 9999 else {
      for byte in Moment.format(moment).utf8 { put(byte) }
      return
    }
    pair(UInt64(truncatingIfNeeded: year / 100))
    pair(UInt64(truncatingIfNeeded: year % 100))
    put(0x2D)
    pair(UInt64(truncatingIfNeeded: month))
    put(0x2D)
    pair(UInt64(truncatingIfNeeded: day))
    put(0x54)
    pair(second / 3600)
    put(0x3A)
    pair(second / 60 % 60)
    put(0x3A)
    pair(second % 60)
    put(0x5A)
  }

  /// Bytes of a JSON string that need no escape, as far as they go; how many they are.
  @inline(__always)
  mutating func writePlain(_ text: UnsafeRawBufferPointer) -> Int {
    guard let start = text.baseAddress else { return 0 }
    var done = 0
    while done + 8 <= text.count {
      let eight = start.loadUnaligned(fromByteOffset: done, as: UInt64.self)
      // A borrow may also mark a byte above one that is marked rightly: then each is looked at by itself.
      let below = (eight &- 0x2020_2020_2020_2020) & ~eight
      let quote = eight ^ 0x2222_2222_2222_2222
      let backslash = eight ^ 0x5C5C_5C5C_5C5C_5C5C
      let isQuote = (quote &- 0x0101_0101_0101_0101) & ~quote
      let isBackslash = (backslash &- 0x0101_0101_0101_0101) & ~backslash
      if (below | isQuote | isBackslash) & 0x8080_8080_8080_8080 != 0 { break }
      UnsafeMutableRawPointer(at).storeBytes(of: eight, toByteOffset: done, as: UInt64.self)
      done += 8
    }
    while done < text.count {
      let byte = text[done]
      guard byte >= 0x20, byte != 0x22, byte != 0x5C else { break }
      at[done] = byte
      done += 1
    }
    at += done
    return done
  }

  /// A signed integer in as few bytes as it needs; `PackedReader` reads it back.
  @inline(__always)
  mutating func pack(_ value: Int64) {
    var rest = UInt64(bitPattern: value &<< 1 ^ value &>> 63)
    while rest >= 0x80 {
      put(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest &>>= 7
    }
    put(UInt8(truncatingIfNeeded: rest))
  }

  @inline(__always) mutating func pack(_ value: Int) { pack(Int64(value)) }
}
