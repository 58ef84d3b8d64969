/// The bytes of a file, known to be UTF-8, of a sane size, and without characters that no text file has.
struct SourceText {
  let bytes: [UInt8]
  /// For YAML only: its parser counts in characters.
  let scalars: [Unicode.Scalar]
  /// Just after the last character.
  let end: Document.Mark

  init(_ bytes: [UInt8], format: Document.Format) throws(Fault) {
    self.bytes = bytes
    if bytes.count > Document.mostBytes {
      throw Fault("the file is larger than \(Document.mostBytes >> 20) MiB", at: .start(format))
    }
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) {
      throw Fault("the file begins with a byte order mark; save it as UTF-8 without one", at: .start(format))
    }
    var scalars: [Unicode.Scalar] = []
    if format == .yaml { scalars.reserveCapacity(bytes.count) }
    var decoder = UTF8()
    var iterator = bytes.makeIterator()
    var place = (line: 1, column: 1)
    var afterReturn = false
    decoding: while true {
      switch decoder.decode(&iterator) {
      case .emptyInput: break decoding
      case .error:
        throw Fault("here the file is not UTF-8", at: place, format)
      case .scalarValue(let scalar):
        guard Self.mayStand(scalar, format) else {
          let code = String(scalar.value, radix: 16, uppercase: true)
          throw Fault(
            "the character U+\(String(repeating: "0", count: max(0, 4 - code.count)) + code) may not stand in the file",
            at: place, format)
        }
        if format == .yaml { scalars.append(scalar) }
        switch scalar.value {
        case 0x0A where afterReturn: break
        case 0x0A, 0x0D, 0x85, 0x2028, 0x2029: place = (place.line + 1, 1)
        default: place.column += 1
        }
        afterReturn = scalar == "\r"
      }
    }
    self.scalars = scalars
    end = .place(line: place.line, column: place.column)
  }

  /// YAML 1.1's printable characters; JSON's grammar itself decides on those below U+0020, save NUL.
  private static func mayStand(_ scalar: Unicode.Scalar, _ format: Document.Format) -> Bool {
    switch scalar.value {
    case 0x09, 0x0A, 0x0D, 0x20...0x7E, 0x85, 0xA0...0xFFFD, 0x10000...0x10FFFF: true
    case 0: false
    default: format == .json
    }
  }
}

extension Document.Mark {
  static func start(_ format: Document.Format) -> Document.Mark {
    switch format {
    case .yaml: .place(line: 1, column: 1)
    case .json: .offset(0)
    }
  }
}

extension Fault {
  /// A JSON file's diagnostics carry no place, so the message names it.
  init(_ message: String, at place: (line: Int, column: Int), _ format: Document.Format) {
    switch format {
    case .yaml: self.init(message, at: .place(line: place.line, column: place.column))
    case .json: self.init("line \(place.line), column \(place.column): \(message)", at: .offset(0))
    }
  }
}
