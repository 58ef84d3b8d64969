import RouseCore

/// Strict JSON (RFC 8259 and 7493) as a document: no name twice, no unpaired surrogate, nothing after the value. A
/// number keeps its text, which is then read like a plain scalar.
struct JSONReader {
  private let bytes: [UInt8]
  private var at = 0
  private var depth = 0
  private var steps: [String] = []

  static func read(_ bytes: [UInt8]) throws(Fault) -> Document.Node {
    var reader = JSONReader(bytes: bytes)
    let root = try reader.value()
    reader.skipSpace()
    if reader.at < bytes.count { throw reader.fault("the value has ended, and nothing may follow it") }
    return root
  }

  private init(bytes: [UInt8]) { self.bytes = bytes }

  private var next: UInt8? { at < bytes.count ? bytes[at] : nil }

  private mutating func skipSpace() {
    while let byte = next, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { at += 1 }
  }

  private mutating func accept(_ character: Unicode.Scalar) -> Bool {
    guard next == UInt8(ascii: character) else { return false }
    at += 1
    return true
  }

  private func fault(_ message: String) -> Fault {
    var line = 1
    var column = 1
    for byte in bytes[..<min(at, bytes.count)] {
      if byte == 0x0A {
        (line, column) = (line + 1, 1)
      } else if byte & 0xC0 != 0x80 {
        column += 1
      }
    }
    return Fault(message, at: (line, column), .json)
  }

  private mutating func value() throws(Fault) -> Document.Node {
    skipSpace()
    let mark = Document.Mark.offset(at)
    switch next {
    case UInt8(ascii: "{"): return Document.Node(content: .map(try map()), mark: mark)
    case UInt8(ascii: "["): return Document.Node(content: .list(try list()), mark: mark)
    case UInt8(ascii: "\""):
      return Document.Node(content: .scalar(Document.Scalar(text: try text(), quoted: true)), mark: mark)
    case nil: throw fault("the file ends where a value should stand")
    default:
      return Document.Node(content: .scalar(Document.Scalar(text: try word(), quoted: false)), mark: mark)
    }
  }

  private mutating func enter() throws(Fault) {
    depth += 1
    if depth > Document.deepest { throw fault("objects and arrays may nest at most \(Document.deepest) deep") }
    at += 1
    skipSpace()
  }

  private mutating func map() throws(Fault) -> [Document.Entry] {
    try enter()
    defer { depth -= 1 }
    var entries: [Document.Entry] = []
    var keys: Set<ExactText> = []
    if accept("}") { return entries }
    repeat {
      skipSpace()
      let mark = Document.Mark.offset(at)
      guard next == UInt8(ascii: "\"") else { throw fault("a name in double quotes should stand here") }
      let key = try text()
      steps.append(key)
      if !keys.insert(ExactText(key)).inserted {
        throw Fault(
          .duplicate, path: steps.joined(separator: "."), at: mark,
          "the key \(key.shown) is given twice; remove one of them")
      }
      skipSpace()
      guard accept(":") else { throw fault("a ':' should stand here") }
      entries.append(Document.Entry(key: key, keyMark: mark, value: try value()))
      steps.removeLast()
      skipSpace()
    } while accept(",")
    guard accept("}") else { throw fault("an object goes on with ',' or ends with '}'") }
    return entries
  }

  private mutating func list() throws(Fault) -> [Document.Node] {
    try enter()
    defer { depth -= 1 }
    var items: [Document.Node] = []
    if accept("]") { return items }
    repeat {
      steps.append(String(items.count))
      items.append(try value())
      steps.removeLast()
      skipSpace()
    } while accept(",")
    guard accept("]") else { throw fault("an array goes on with ',' or ends with ']'") }
    return items
  }

  /// A number, `true`, `false` or `null`, as it is spelled.
  private mutating func word() throws(Fault) -> String {
    let start = at
    while let byte = next, byte > 0x20, ![0x2C, 0x3A, 0x5B, 0x5D, 0x7B, 0x7D, 0x22].contains(byte) { at += 1 }
    let word = String(decoding: bytes[start..<at], as: UTF8.self)
    if ["true", "false", "null"].contains(word) || Self.isNumber(bytes[start..<at]) { return word }
    at = start
    throw fault(
      "a value should stand here: an object, an array, a text in double quotes, a number, true, false or null")
  }

  /// `-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?`
  private static func isNumber(_ word: ArraySlice<UInt8>) -> Bool {
    var rest = word
    func digits() -> Int {
      let count = rest.prefix { (0x30...0x39).contains($0) }.count
      rest = rest.dropFirst(count)
      return count
    }
    if rest.first == UInt8(ascii: "-") { rest = rest.dropFirst() }
    let leadsWithZero = rest.first == UInt8(ascii: "0")
    let whole = digits()
    if whole == 0 || leadsWithZero && whole > 1 { return false }
    if rest.first == UInt8(ascii: ".") {
      rest = rest.dropFirst()
      if digits() == 0 { return false }
    }
    if rest.first == UInt8(ascii: "e") || rest.first == UInt8(ascii: "E") {
      rest = rest.dropFirst()
      if rest.first == UInt8(ascii: "+") || rest.first == UInt8(ascii: "-") { rest = rest.dropFirst() }
      if digits() == 0 { return false }
    }
    return rest.isEmpty
  }

  private mutating func text() throws(Fault) -> String {
    at += 1
    var text: [UInt8] = []
    while let byte = next {
      switch byte {
      case UInt8(ascii: "\""):
        at += 1
        return String(decoding: text, as: UTF8.self)
      case ..<0x20: throw fault("a control character stands in a text only as an escape, such as \\n or \\u0007")
      case UInt8(ascii: "\\"): text.append(contentsOf: UTF8.encode(try escape()) ?? UTF8.encodedReplacementCharacter)
      default:
        text.append(byte)
        at += 1
      }
    }
    throw fault("the file ends inside a text: a '\"' is missing")
  }

  private mutating func escape() throws(Fault) -> Unicode.Scalar {
    let start = at
    at += 2
    switch at <= bytes.count ? bytes[at - 1] : 0 {
    case UInt8(ascii: "\""): return "\""
    case UInt8(ascii: "\\"): return "\\"
    case UInt8(ascii: "/"): return "/"
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"):
      if let high = hexadecimal() {
        if let scalar = Unicode.Scalar(high) { return scalar }
        if (0xD800..<0xDC00).contains(high), accept("\\"), accept("u"), let low = hexadecimal(),
          (0xDC00..<0xE000).contains(low),
          let scalar = Unicode.Scalar(0x10000 + (high - 0xD800) << 10 + (low - 0xDC00))
        {
          return scalar
        }
      }
      at = start
      throw fault("\\u is followed by four hexadecimal digits, and a surrogate by its other half")
    default:
      at = start
      throw fault("there is no such escape; JSON has \\\" \\\\ \\/ \\b \\f \\n \\r \\t and \\uXXXX")
    }
  }

  private mutating func hexadecimal() -> UInt32? {
    guard at + 4 <= bytes.count else { return nil }
    var value: UInt32 = 0
    for byte in bytes[at..<at + 4] {
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
