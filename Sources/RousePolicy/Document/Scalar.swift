extension Document {
  /// One value that is no map and no list: its text decides what it is (model 1.1).
  package struct Scalar: Sendable {
    package var text: String
    /// A quoted scalar is a text, whatever it looks like.
    package var quoted: Bool

    package init(text: String, quoted: Bool) {
      self.text = text
      self.quoted = quoted
    }

    package enum Reading: Sendable {
      case null
      case boolean(Bool)
      /// At most 15 digits.
      case whole(Int64)
      /// Digits, a point, digits.
      case number(Double)
      case text(String)
    }

    package var reading: Reading {
      if quoted { return .text(text) }
      if text.isEmpty || text == "~" || text == "null" { return .null }
      if text == "true" { return .boolean(true) }
      if text == "false" { return .boolean(false) }
      return Self.number(text) ?? .text(text)
    }

    /// `-?[0-9]{1,15}` is whole, `-?[0-9]+\.[0-9]+` a number; nil: anything else.
    package static func number(_ text: String) -> Reading? {
      let digits = text.utf8.first == UInt8(ascii: "-") ? text.utf8.dropFirst() : text.utf8[...]
      let isDigit: (UInt8) -> Bool = { (0x30...0x39).contains($0) }
      guard let point = digits.firstIndex(where: { !isDigit($0) }) else {
        guard (1...15).contains(digits.count), let whole = Int64(text) else { return nil }
        return .whole(whole)
      }
      let fraction = digits[point...].dropFirst()
      guard digits[point] == UInt8(ascii: "."), point > digits.startIndex, !fraction.isEmpty,
        fraction.allSatisfy(isDigit), let number = Double(text)
      else { return nil }
      return .number(number)
    }
  }
}
