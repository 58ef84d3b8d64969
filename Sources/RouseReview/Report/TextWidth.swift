/// How wide a text is at most in any of the page's fonts, of which DejaVu Sans is the widest: drawings are laid out
/// without one.
enum TextWidth {
  static func of(_ text: String, size: Double, isBold: Bool = false) -> Double {
    text.unicodeScalars.reduce(0) { $0 + width($1) } * size * (isBold ? 1.1 : 1)
  }

  /// The text, cut with an ellipsis where it is wider.
  static func fit(_ text: String, in room: Double, size: Double, isBold: Bool = false) -> String {
    // Names of thousands of characters are not measured whole.
    let text = Name.cut(text, most: 120)
    if of(text, size: size, isBold: isBold) <= room { return text }
    var short = ""
    var used = of("…", size: size, isBold: isBold)
    if used > room { return "" }
    for character in text {
      used += of(String(character), size: size, isBold: isBold)
      if used > room { break }
      short.append(character)
    }
    while short.last == " " { short.removeLast() }
    return short + "…"
  }

  /// Lines of words.
  static func wrap(_ text: String, in room: Double, size: Double) -> [String] {
    var lines: [String] = []
    for word in text.split(separator: " ") {
      if let last = lines.last, of(last + " " + word, size: size) <= room {
        lines[lines.count - 1] = last + " " + word
      } else {
        lines.append(fit(String(word), in: room, size: size))
      }
    }
    return lines
  }

  /// In ems.
  private static func width(_ scalar: Unicode.Scalar) -> Double {
    switch scalar.value {
    case 0x20, 0x27, 0x2C, 0x2E, 0x3A, 0x3B, 0x7C, 0x21, 0x49, 0x69, 0x6A, 0x6C, 0x202F, 0xA0: 0.36
    case 0x28, 0x29, 0x2F, 0x5B, 0x5D, 0x66, 0x74, 0x72, 0x2D: 0.43
    case 0x30...0x39: 0.64
    case 0x4D, 0x57, 0x6D, 0x77, 0x25, 0x40: 1.0
    case 0x41...0x5A, 0x26: 0.75
    case 0x61...0x7A: 0.62
    case 0x22, 0x2A, 0x5C, 0x5F, 0x60: 0.52
    case 0x2B, 0x3C...0x3E, 0x7E, 0x2212, 0xD7: 0.84
    case 0x21..<0x7F: 0.64
    case 0x300...0x36F, 0x200B...0x200D, 0xFE00...0xFE0F: 0
    case 0xA1...0x24F: 0.8
    case 0x370...0x5FF: 0.85
    case 0x600...0x6FF: 0.75
    case 0x2190...0x21FF, 0x2026: 1.0
    case 0x2010...0x2014: 1.0
    default: scalar.value >= 0x1100 ? 1.3 : 1.0
    }
  }
}
