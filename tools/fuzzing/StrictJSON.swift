/// I-JSON on one line, read as plainly as can be: what the product's scanner is held against. It shares no code with it,
/// works on characters and not on bytes, and makes a tree.
indirect enum StrictJSON: Equatable {
  case null
  case boolean(Bool)
  /// As it is spelled.
  case number(String)
  case text([Unicode.Scalar])
  case list([StrictJSON])
  case object([Member])

  struct Member: Equatable {
    let name: [Unicode.Scalar]
    /// As it is spelled.
    let spelling: [UInt8]
    let value: StrictJSON
  }

  static let deepest = 64

  /// nil for anything but one value that nests no deeper than it may.
  static func read(_ line: some Sequence<UInt8>) -> StrictJSON? {
    var scalars: [Unicode.Scalar] = []
    var decoder = UTF8()
    var bytes = line.makeIterator()
    decoding: while true {
      switch decoder.decode(&bytes) {
      case .scalarValue(let scalar): scalars.append(scalar)
      case .emptyInput: break decoding
      case .error: return nil
      }
    }
    var reader = Reader(scalars: scalars)
    do throws(Wrong) {
      let value = try reader.value(depth: 0)
      reader.space()
      return reader.at == scalars.count ? value : nil
    } catch {
      return nil
    }
  }

  subscript(_ name: String) -> StrictJSON? { members.first { $0.name == Array(name.unicodeScalars) }?.value }

  var members: [Member] { if case .object(let members) = self { members } else { [] } }

  func isText(_ text: String) -> Bool { self == .text(Array(text.unicodeScalars)) }

  /// Lists and objects inside one another.
  var depth: Int {
    switch self {
    case .list(let items): 1 + (items.map(\.depth).max() ?? 0)
    case .object(let members): 1 + (members.map(\.value.depth).max() ?? 0)
    default: 0
    }
  }

  private struct Wrong: Error {}

  private struct Reader {
    let scalars: [Unicode.Scalar]
    var at = 0

    var next: Unicode.Scalar? { at < scalars.count ? scalars[at] : nil }

    mutating func space() { while let next, next == " " || next == "\t" || next == "\r" { at += 1 } }

    mutating func take(_ scalar: Unicode.Scalar) -> Bool {
      guard next == scalar else { return false }
      at += 1
      return true
    }

    mutating func need(_ text: String) throws(Wrong) {
      for scalar in text.unicodeScalars where !take(scalar) { throw Wrong() }
    }

    mutating func value(depth: Int) throws(Wrong) -> StrictJSON {
      space()
      switch next {
      case "n":
        try need("null")
        return .null
      case "t":
        try need("true")
        return .boolean(true)
      case "f":
        try need("false")
        return .boolean(false)
      case "\"": return .text(try text())
      case "[": return .list(try list(depth: depth + 1))
      case "{": return .object(try object(depth: depth + 1))
      default: return .number(try number())
      }
    }

    mutating func list(depth: Int) throws(Wrong) -> [StrictJSON] {
      guard depth <= StrictJSON.deepest else { throw Wrong() }
      try need("[")
      space()
      if take("]") { return [] }
      var items: [StrictJSON] = []
      repeat {
        items.append(try value(depth: depth))
        space()
      } while take(",")
      try need("]")
      return items
    }

    mutating func object(depth: Int) throws(Wrong) -> [Member] {
      guard depth <= StrictJSON.deepest else { throw Wrong() }
      try need("{")
      space()
      if take("}") { return [] }
      var members: [Member] = []
      var names: Set<[UInt32]> = []
      repeat {
        space()
        let name = try text()
        guard names.insert(name.map(\.value)).inserted else { throw Wrong() }
        space()
        try need(":")
        space()
        let start = at
        let value = try value(depth: depth)
        var spelling = String.UnicodeScalarView()
        spelling.append(contentsOf: scalars[start..<at])
        members.append(Member(name: name, spelling: Array(String(spelling).utf8), value: value))
        space()
      } while take(",")
      try need("}")
      return members
    }

    mutating func text() throws(Wrong) -> [Unicode.Scalar] {
      try need("\"")
      var text: [Unicode.Scalar] = []
      while let scalar = next {
        at += 1
        switch scalar {
        case "\"": return text
        case "\\": text.append(try escape())
        default:
          guard scalar.value >= 0x20 else { throw Wrong() }
          text.append(scalar)
        }
      }
      throw Wrong()
    }

    mutating func escape() throws(Wrong) -> Unicode.Scalar {
      guard let letter = next else { throw Wrong() }
      at += 1
      switch letter {
      case "\"", "\\", "/": return letter
      case "b": return "\u{8}"
      case "f": return "\u{C}"
      case "n": return "\n"
      case "r": return "\r"
      case "t": return "\t"
      case "u":
        var unit = try fourDigits()
        if (0xD800..<0xDC00).contains(unit) {
          try need("\\u")
          let low = try fourDigits()
          guard (0xDC00..<0xE000).contains(low) else { throw Wrong() }
          unit = 0x10000 + (unit - 0xD800) * 0x400 + (low - 0xDC00)
        }
        guard let scalar = Unicode.Scalar(unit) else { throw Wrong() }
        return scalar
      default: throw Wrong()
      }
    }

    mutating func fourDigits() throws(Wrong) -> UInt32 {
      var value: UInt32 = 0
      for _ in 0..<4 {
        guard let next, next.isASCII, let digit = Character(next).hexDigitValue else { throw Wrong() }
        value = value * 16 + UInt32(digit)
        at += 1
      }
      return value
    }

    mutating func digits() throws(Wrong) {
      let start = at
      while let next, ("0"..."9").contains(next) { at += 1 }
      if at == start { throw Wrong() }
    }

    mutating func number() throws(Wrong) -> String {
      let start = at
      _ = take("-")
      if !take("0") { try digits() }
      if take(".") { try digits() }
      if take("e") || take("E") {
        _ = take("-") || take("+")
        try digits()
      }
      var spelling = String.UnicodeScalarView()
      spelling.append(contentsOf: scalars[start..<at])
      return String(spelling)
    }
  }
}
