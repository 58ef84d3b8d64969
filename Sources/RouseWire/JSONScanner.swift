import CScan

/// A strict pull reader of I-JSON (RFC 8259 and 7493) over one line: no tree, no copies where there are no escapes.
///
/// It may be lax with bounds because the line is followed by an LF, which is no byte of any JSON token and no white space
/// here, and by `padding` bytes that can be read: whoever makes one guarantees both.
struct JSONScanner {
  /// Readable bytes after the LF.
  static let padding = 32
  static let deepest = 64

  let base: UnsafePointer<UInt8>
  /// Offset of the LF.
  let end: Int
  var at: Int

  /// A string's bytes, between its quotes and as they stand in the line.
  struct Text {
    let start: Int
    let count: Int
    let hasEscapes: Bool
  }

  init(base: UnsafePointer<UInt8>, count: Int, at: Int = 0) {
    self.base = base
    end = count
    self.at = at
  }

  @inline(__always)
  var byte: UInt8 { base[at] }

  /// Eight bytes, the first one lowest.
  @inline(__always)
  func word(_ offset: Int) -> UInt64 {
    UInt64(littleEndian: UnsafeRawPointer(base + offset).loadUnaligned(as: UInt64.self))
  }

  @inline(__always)
  mutating func skipSpace() {
    while base[at] <= 0x20, base[at] == 0x20 || base[at] == 0x09 || base[at] == 0x0D { at += 1 }
  }

  func fault(_ kind: JSONFault.Kind = .syntax) -> JSONFault { JSONFault(kind, at) }

  // MARK: - Strings

  /// Reads a string; `at` stands on its opening quote, and then after its closing one.
  @inline(__always)
  mutating func string() throws(JSONFault) -> Text {
    let start = at + 1
    var cursor = start
    // Sixteen bytes at a time while all of them mean themselves.
    while true {
      let plain = Int(scan_plain_bytes(base + cursor))
      cursor += plain
      if base[cursor] == 0x22 {
        at = cursor + 1
        return Text(start: start, count: cursor - start, hasEscapes: false)
      }
      if plain < 16 { break }
    }
    return try slowString(start, cursor)
  }

  /// The rest of a string that has an escape, a control or a byte beyond ASCII.
  private mutating func slowString(_ start: Int, _ from: Int) throws(JSONFault) -> Text {
    at = from
    var hasEscapes = false
    while true {
      switch base[at] {
      case 0x22:
        at += 1
        return Text(start: start, count: at - 1 - start, hasEscapes: hasEscapes)
      case 0x5C:
        hasEscapes = true
        try escape()
      case 0..<0x20: throw fault()
      case 0x80...: try multibyte()
      default: at += 1
      }
    }
  }

  private mutating func escape() throws(JSONFault) {
    switch base[at + 1] {
    case 0x22, 0x5C, 0x2F, 0x62, 0x66, 0x6E, 0x72, 0x74: at += 2
    case 0x75:
      guard let unit = hex(at + 2) else { throw fault() }
      if unit & 0xF800 == 0xD800 {
        // A pair of surrogates or none: I-JSON knows no lone ones.
        guard unit < 0xDC00, base[at + 6] == 0x5C, base[at + 7] == 0x75, let low = hex(at + 8), low & 0xFC00 == 0xDC00
        else { throw fault() }
        at += 6
      }
      at += 6
    default: throw fault()
    }
  }

  /// The four hex digits at an offset. They stop at the LF before they can leave the line.
  private func hex(_ offset: Int) -> UInt32? {
    var value: UInt32 = 0
    for index in offset..<(offset + 4) {
      switch base[index] {
      case 0x30...0x39: value = value << 4 | UInt32(base[index] - 0x30)
      case 0x41...0x46: value = value << 4 | UInt32(base[index] - 0x37)
      case 0x61...0x66: value = value << 4 | UInt32(base[index] - 0x57)
      default: return nil
      }
    }
    return value
  }

  /// One character of two to four bytes, by the table of well-formed sequences (Unicode 3.9, table 3-7).
  private mutating func multibyte() throws(JSONFault) {
    let first = base[at]
    let second = base[at + 1]
    let isContinued: Bool
    let length: Int
    switch first {
    case 0xC2...0xDF:
      length = 2
      isContinued = true
    case 0xE0:
      length = 3
      isContinued = second >= 0xA0
    case 0xED:
      length = 3
      isContinued = second <= 0x9F
    case 0xE1...0xEF:
      length = 3
      isContinued = true
    case 0xF0:
      length = 4
      isContinued = second >= 0x90
    case 0xF4:
      length = 4
      isContinued = second <= 0x8F
    case 0xF1...0xF3:
      length = 4
      isContinued = true
    default: throw fault()
    }
    guard isContinued else { throw fault() }
    for index in 1..<length where base[at + index] & 0xC0 != 0x80 { throw fault() }
    at += length
  }

  /// Appends a string's characters, its escapes resolved. It has been read, so its escapes are sound.
  func decode(_ text: Text, into bytes: inout [UInt8]) {
    var cursor = text.start
    let stop = text.start + text.count
    while cursor < stop {
      guard base[cursor] == 0x5C else {
        bytes.append(base[cursor])
        cursor += 1
        continue
      }
      let escaped = base[cursor + 1]
      cursor += 2
      switch escaped {
      case 0x62: bytes.append(0x08)
      case 0x66: bytes.append(0x0C)
      case 0x6E: bytes.append(0x0A)
      case 0x72: bytes.append(0x0D)
      case 0x74: bytes.append(0x09)
      case 0x75:
        var scalar = hex(cursor) ?? 0xFFFD
        cursor += 4
        if scalar & 0xFC00 == 0xD800 {
          scalar = 0x10000 + (scalar & 0x3FF) << 10 + (hex(cursor + 2) ?? 0xDC00) & 0x3FF
          cursor += 6
        }
        if let encoded = Unicode.Scalar(scalar) { bytes.append(contentsOf: UTF8.encode(encoded) ?? .init()) }
      default: bytes.append(escaped)
      }
    }
  }

  @inline(__always)
  func raw(_ text: Text) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: base + text.start, count: text.count)
  }

  // MARK: - Numbers

  /// A number's grammar, with what a fast conversion needs.
  struct Number {
    let start: Int
    let end: Int
    /// The first digits, as far as they fit.
    let mantissa: UInt64
    let exponent: Int
    let isNegative: Bool
    /// The mantissa holds every digit.
    let isExact: Bool
  }

  @inline(__always)
  mutating func number() throws(JSONFault) -> Number {
    let start = at
    let isNegative = base[at] == 0x2D
    if isNegative { at += 1 }
    var mantissa: UInt64 = 0
    var digits = 0
    var exponent = 0
    if base[at] == 0x30 {
      at += 1
    } else {
      guard base[at] >= 0x31, base[at] <= 0x39 else { throw fault() }
      while case let digit = base[at] &- 0x30, digit <= 9 {
        if digits < 19 { mantissa = mantissa &* 10 &+ UInt64(digit) } else { exponent += 1 }
        digits += 1
        at += 1
      }
    }
    if base[at] == 0x2E {
      at += 1
      guard base[at] &- 0x30 <= 9 else { throw fault() }
      while case let digit = base[at] &- 0x30, digit <= 9 {
        if digits < 19 {
          mantissa = mantissa &* 10 &+ UInt64(digit)
          exponent -= 1
          if mantissa != 0 { digits += 1 }
        } else {
          digits += 1
        }
        at += 1
      }
    }
    if base[at] | 0x20 == 0x65 {
      at += 1
      let isMinus = base[at] == 0x2D
      if isMinus || base[at] == 0x2B { at += 1 }
      guard base[at] &- 0x30 <= 9 else { throw fault() }
      var value = 0
      while case let digit = base[at] &- 0x30, digit <= 9 {
        if value < 100_000 { value = value * 10 + Int(digit) }
        at += 1
      }
      exponent += isMinus ? -value : value
    }
    return Number(
      start: start, end: at, mantissa: mantissa, exponent: exponent, isNegative: isNegative, isExact: digits <= 19)
  }

  /// The whole number at a place, if it has no sign and at most 15 digits and a comma or a brace follows it, and the count of
  /// its digits; 0 of them for anything else, of which `number` knows more.
  @inline(__always)
  func plainWhole(_ at: Int) -> (value: UInt64, count: Int) {
    var (value, count) = Self.leadingDigits(word(at))
    if count == 8 {
      let (more, others) = Self.leadingDigits(word(at + 8))
      if others == 8 { return (0, 0) }
      if others > 0 { value = value &* Self.wholePowers[others] &+ more }
      count += others
    }
    let next = base[at + count]
    // A zero stands alone.
    guard next == 0x2C || next == 0x7D, base[at] != 0x30 || count == 1 else { return (0, 0) }
    return (value, count)
  }

  /// The number that the first of eight bytes spell, and how many of them are digits.
  @inline(__always)
  private static func leadingDigits(_ word: UInt64) -> (value: UInt64, count: Int) {
    let digits = word ^ 0x3030_3030_3030_3030
    // 10 and more have their top bit set by it, and so has what is beyond ASCII.
    let others = ((digits &+ 0x7676_7676_7676_7676) | digits) & 0x8080_8080_8080_8080
    let count = others.trailingZeroBitCount / 8
    // Zeros before them instead of what follows them. Without a digit the value is of no use.
    let eight = digits &<< UInt64(truncatingIfNeeded: 64 &- 8 &* count)
    let pairs = (eight &* 10 &+ eight &>> 8) & 0x00FF_00FF_00FF_00FF
    let fours = (pairs &* 100 &+ pairs &>> 16) & 0x0000_FFFF_0000_FFFF
    return ((fours &* 10_000 &+ fours &>> 32) & 0xFFFF_FFFF, count)
  }

  /// The double nearest to a number's text. Clinger's fast path where it is exact; else the library's.
  func double(_ number: Number) -> Double {
    if number.isExact, number.mantissa < 1 << 53, number.exponent >= -22, number.exponent <= 22 {
      let value = Double(number.mantissa)
      let scaled =
        number.exponent < 0 ? value / Self.powers[-number.exponent] : value * Self.powers[number.exponent]
      return number.isNegative ? -scaled : scaled
    }
    let text = UnsafeBufferPointer(start: base + number.start, count: number.end - number.start)
    return Double(String(decoding: text, as: UTF8.self)) ?? .infinity
  }

  private static let powers: [Double] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
  ]

  private static let wholePowers: [UInt64] = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000]

  // MARK: - Literals

  /// `true`, `false` and `null`, four or five bytes at once.
  @inline(__always)
  mutating func literal(_ bytes: UInt32, longer: UInt8 = 0) -> Bool {
    let four = UnsafeRawPointer(base + at).loadUnaligned(as: UInt32.self).littleEndian
    guard four == bytes else { return false }
    if longer == 0 {
      at += 4
      return true
    }
    guard base[at + 4] == longer else { return false }
    at += 5
    return true
  }

  @inline(__always) mutating func acceptTrue() -> Bool { literal(0x6575_7274) }
  @inline(__always) mutating func acceptFalse() -> Bool { literal(0x736C_6166, longer: 0x65) }
  @inline(__always) mutating func acceptNull() -> Bool { literal(0x6C6C_756E) }

  // MARK: - Objects and lists

  /// The next key of an object, `at` left on its value; nil when the object has ended. Before the first call `at` stands
  /// after the `{`.
  @inline(__always)
  mutating func nextKey(_ isFirst: inout Bool) throws(JSONFault) -> Text? {
    skipSpace()
    if byte == 0x7D {
      at += 1
      return nil
    }
    if isFirst {
      isFirst = false
    } else {
      guard byte == 0x2C else { throw fault() }
      at += 1
      skipSpace()
    }
    guard byte == 0x22 else { throw fault() }
    let key = try string()
    skipSpace()
    guard byte == 0x3A else { throw fault() }
    at += 1
    skipSpace()
    return key
  }

  /// Whether a list goes on, `at` left on the item. Before the first call `at` stands after the `[`.
  @inline(__always)
  mutating func nextItem(_ isFirst: inout Bool) throws(JSONFault) -> Bool {
    skipSpace()
    if byte == 0x5D {
      at += 1
      return false
    }
    if isFirst {
      isFirst = false
    } else {
      guard byte == 0x2C else { throw fault() }
      at += 1
      skipSpace()
    }
    return true
  }

  /// Steps into an object or a list.
  @inline(__always)
  mutating func enter(_ depth: Int) throws(JSONFault) {
    guard depth <= Self.deepest else { throw fault(.tooDeep) }
    at += 1
  }

  /// Adds a key to its object's names; a second one of the name is a fault at its quote.
  func note(
    _ key: Text, in names: inout KeyNames, since mark: KeyNames.Mark, _ scratch: inout [UInt8]
  ) throws(JSONFault) {
    let isNew: Bool
    if key.hasEscapes {
      scratch.removeAll(keepingCapacity: true)
      decode(key, into: &scratch)
      isNew = scratch.withUnsafeBytes { names.insert($0, since: mark) }
    } else {
      isNew = names.insert(raw(key), since: mark)
    }
    if !isNew { throw JSONFault(.duplicateKey, key.start - 1) }
  }

  /// Any value, checked and left.
  /// - Parameter depth: of the object or list that holds it.
  mutating func skip(_ depth: Int, _ names: inout KeyNames, _ scratch: inout [UInt8]) throws(JSONFault) {
    switch byte {
    case 0x22: _ = try string()
    case 0x2D, 0x30...0x39: _ = try number()
    case 0x74: if !acceptTrue() { throw fault() }
    case 0x66: if !acceptFalse() { throw fault() }
    case 0x6E: if !acceptNull() { throw fault() }
    case 0x7B:
      try enter(depth + 1)
      let mark = names.mark
      var isFirst = true
      while let key = try nextKey(&isFirst) {
        try note(key, in: &names, since: mark, &scratch)
        try skip(depth + 1, &names, &scratch)
      }
      names.forget(from: mark)
    case 0x5B:
      try enter(depth + 1)
      var isFirst = true
      while try nextItem(&isFirst) { try skip(depth + 1, &names, &scratch) }
    default: throw fault()
    }
  }
}
