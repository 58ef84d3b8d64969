/// Reads one JSON value; every failure is nil. Nesting is bounded, as the bytes are a peer's.
struct JSONParser {
  private let bytes: [UInt8]
  private var at = 0
  private var depth = 0
  private static let deepest = 128

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  mutating func document() -> JSONValue? {
    guard String(validating: bytes, as: UTF8.self) != nil, let value = value() else { return nil }
    skipSpace()
    return at == bytes.count ? value : nil
  }

  private var next: UInt8? { at < bytes.count ? bytes[at] : nil }

  private mutating func skipSpace() {
    while let byte = next, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { at += 1 }
  }

  private mutating func accept(_ byte: UInt8) -> Bool {
    skipSpace()
    guard next == byte else { return false }
    at += 1
    return true
  }

  private mutating func accept(_ word: StaticString) -> Bool {
    let end = at + word.utf8CodeUnitCount
    guard end <= bytes.count, bytes[at..<end].elementsEqual(UnsafeBufferPointer(start: word.utf8Start, count: end - at))
    else { return false }
    at = end
    return true
  }

  private mutating func value() -> JSONValue? {
    skipSpace()
    switch next {
    case 0x7B: return nested { $0.object() }
    case 0x5B: return nested { $0.list() }
    case 0x22: return string().map { .text($0) }
    case 0x74: return accept("true") ? .boolean(true) : nil
    case 0x66: return accept("false") ? .boolean(false) : nil
    case 0x6E: return accept("null") ? .null : nil
    default: return number()
    }
  }

  private mutating func nested(_ read: (inout JSONParser) -> JSONValue?) -> JSONValue? {
    depth += 1
    defer { depth -= 1 }
    at += 1
    return depth > Self.deepest ? nil : read(&self)
  }

  private mutating func object() -> JSONValue? {
    var members: [JSONValue.Member] = []
    if accept(0x7D) { return .object([]) }
    repeat {
      skipSpace()
      guard let name = string(), accept(0x3A), let value = value() else { return nil }
      members.append(JSONValue.Member(name: name, value: value))
    } while accept(0x2C)
    return accept(0x7D) ? .object(members) : nil
  }

  private mutating func list() -> JSONValue? {
    var items: [JSONValue] = []
    if accept(0x5D) { return .list([]) }
    repeat {
      guard let value = value() else { return nil }
      items.append(value)
    } while accept(0x2C)
    return accept(0x5D) ? .list(items) : nil
  }

  /// `-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?`
  private mutating func number() -> JSONValue? {
    let start = at
    if next == 0x2D { at += 1 }
    let leadsWithZero = next == 0x30
    let whole = digits()
    guard whole > 0, !leadsWithZero || whole == 1 else { return nil }
    if next == 0x2E {
      at += 1
      guard digits() > 0 else { return nil }
    }
    if next == 0x65 || next == 0x45 {
      at += 1
      if next == 0x2B || next == 0x2D { at += 1 }
      guard digits() > 0 else { return nil }
    }
    return .number(String(decoding: bytes[start..<at], as: UTF8.self))
  }

  private mutating func digits() -> Int {
    let start = at
    while let byte = next, byte >= 0x30, byte <= 0x39 { at += 1 }
    return at - start
  }

  private mutating func string() -> String? {
    guard next == 0x22 else { return nil }
    at += 1
    var text: [UInt8] = []
    while let byte = next {
      at += 1
      switch byte {
      case 0x22: return String(decoding: text, as: UTF8.self)
      case 0..<0x20: return nil
      case 0x5C:
        guard let scalar = escape(), let encoded = UTF8.encode(scalar) else { return nil }
        text.append(contentsOf: encoded)
      default: text.append(byte)
      }
    }
    return nil
  }

  private mutating func escape() -> Unicode.Scalar? {
    guard let byte = next else { return nil }
    at += 1
    switch byte {
    case 0x22, 0x5C, 0x2F: return Unicode.Scalar(byte)
    case 0x62: return "\u{8}"
    case 0x66: return "\u{C}"
    case 0x6E: return "\n"
    case 0x72: return "\r"
    case 0x74: return "\t"
    case 0x75:
      guard let high = hexadecimal() else { return nil }
      guard (0xD800..<0xDC00).contains(high) else { return Unicode.Scalar(high) }
      guard accept("\\u"), let low = hexadecimal(), (0xDC00..<0xE000).contains(low) else { return nil }
      return Unicode.Scalar(0x10000 + (high - 0xD800) << 10 + (low - 0xDC00))
    default: return nil
    }
  }

  private mutating func hexadecimal() -> UInt32? {
    guard at + 4 <= bytes.count else { return nil }
    var value: UInt32 = 0
    for byte in bytes[at..<(at + 4)] {
      switch byte {
      case 0x30...0x39: value = value << 4 | UInt32(byte - 0x30)
      case 0x41...0x46, 0x61...0x66: value = value << 4 | UInt32((byte & 0xDF) - 0x37)
      default: return nil
      }
    }
    at += 4
    return value
  }
}
