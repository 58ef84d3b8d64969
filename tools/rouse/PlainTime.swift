import RouseCore

/// Times as spreadsheets write them: a date alone, or one without an offset.
enum PlainTime {
  private static let pattern: [UInt8] = Array("0000-00-00 00:00:00".utf8)

  /// `2026-03-01`, `2026-03-01 08:30` or `2026-03-01T08:30:00.5` as RFC 3339 with this offset; nil for any other text. A date
  /// alone is its first second.
  static func completed(_ cell: ArraySlice<UInt8>, offset: String) -> [UInt8]? {
    guard cell.count >= 10, let first = cell.first, isDigit(first) else { return nil }
    var text = Array(cell)
    let known = min(text.count, pattern.count)
    for index in 0..<known {
      switch pattern[index] {
      case 0x30: guard isDigit(text[index]) else { return nil }
      case 0x20: guard text[index] == 0x20 || text[index] == 0x54 else { return nil }
      default: guard text[index] == pattern[index] else { return nil }
      }
    }
    switch text.count {
    case 10: text += Array("T00:00:00".utf8)
    case 16: text += Array(":00".utf8)
    case 19: break
    case 21...: guard text[19] == 0x2E, text[20...].allSatisfy(isDigit) else { return nil }
    default: return nil
    }
    text[10] = 0x54
    return text + Array(offset.utf8)
  }

  private static func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }
}
