import RouseWire

/// Texts from anywhere, made safe for a log: what is written is one line, and a terminal shows it as it is.
extension ByteWriter {
  /// A JSON string. Control characters, line separators and invisible ones (they reorder or hide what a terminal shows)
  /// are escaped, so no text can end its line, or look like another.
  /// - Parameter room: so many bytes are written at most, quotes included; a longer text is cut, and ends with `…`.
  mutating func writeLogged(_ text: String, room: Int) {
    let last = count + max(room, 16) - 1 - 3
    put(0x22)
    for scalar in text.unicodeScalars {
      let start = count
      writeLogged(scalar)
      guard count > last else { continue }
      truncate(to: start)
      write("…")
      break
    }
    put(0x22)
  }

  /// A value of `key=value`: quoted only where something in it would be taken for more than a word.
  mutating func writeWord(_ text: String, room: Int) {
    if text.isLogWord, text.utf8.count <= room {
      write(text)
    } else {
      writeLogged(text, room: room)
    }
  }

  private mutating func writeLogged(_ scalar: Unicode.Scalar) {
    switch scalar {
    case "\"", "\\":
      put(0x5C)
      put(UInt8(ascii: scalar))
    case "\n": write("\\n")
    case "\r": write("\\r")
    case "\t": write("\\t")
    default:
      guard scalar.hidesInLogs else { return put(scalar) }
      for unit in UTF16.encode(scalar) ?? .init() {
        write("\\u")
        for shift in [12, 8, 4, 0] {
          let digit = UInt8(truncatingIfNeeded: unit >> UInt16(shift) & 15)
          put(digit < 10 ? 0x30 + digit : 0x57 + digit)
        }
      }
    }
  }

  private mutating func put(_ scalar: Unicode.Scalar) {
    for byte in UTF8.encode(scalar) ?? .init() { put(byte) }
  }
}

extension StringProtocol {
  /// Visible ASCII, and nothing that quotes, escapes or ends a key.
  var isLogWord: Bool {
    !isEmpty && utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x3D && $0 != 0x5C }
  }
}

extension Unicode.Scalar {
  /// Not shown as a character of its own.
  fileprivate var hidesInLogs: Bool {
    if isASCII { return value < 0x20 || value == 0x7F }
    switch properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned, .privateUse: return true
    default: return false
    }
  }
}
