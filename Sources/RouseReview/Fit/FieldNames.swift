import Glibc
import RouseCore

/// Names and numbers as a policy's text has them.
package enum FieldNames {
  static let keywords = ["AND", "OR", "NOT", "IN", "BETWEEN", "IS", "NULL", "TRUE", "FALSE"]

  /// Whether a field may be called so (model 2.2).
  package static func isUsable(_ name: String) -> Bool {
    isWellFormed(name) && !isTaken(name)
  }

  private static func isWellFormed(_ name: String) -> Bool {
    !name.isEmpty
      && name.utf8.split(separator: 0x2E, omittingEmptySubsequences: false).allSatisfy { part in
        guard let first = part.first, !(0x30...0x39).contains(first) else { return false }
        return part.allSatisfy(isWord)
      }
  }

  private static func isWord(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5A, 0x5F, 0x61...0x7A: true
    default: false
    }
  }

  private static func isTaken(_ name: String) -> Bool {
    keywords.contains(name.uppercased()) || name == "now" || name == "user_id" || name == "contacts"
      || name == StartPolicy.setTime || DerivedField.allCases.contains { $0.name == name }
  }

  /// What a column of any name may be called: `Marital Status` becomes `Marital_Status`, `9th` becomes `_9th`.
  package static func usable(_ name: String) -> String {
    if isUsable(name) { return name }
    var bytes: [UInt8] = []
    for byte in name.utf8 {
      if isWord(byte) {
        bytes.append(byte)
      } else if bytes.last != 0x5F {
        bytes.append(0x5F)
      }
    }
    while bytes.count > 1, bytes.last == 0x5F { bytes.removeLast() }
    if bytes.first.map({ (0x30...0x39).contains($0) }) ?? true { bytes.insert(0x5F, at: 0) }
    let made = String(decoding: bytes, as: UTF8.self)
    return isTaken(made) ? made + "_" : made
  }

  /// The forbidden word that a name, or a dotted part of it, is.
  static func forbidden(_ name: String, _ words: [String]) -> String? {
    let parts = [name] + name.split(separator: ".").map(String.init)
    return words.first { word in parts.contains { $0.lowercased() == word } }
  }

  /// Whether one of two names lies inside the other.
  static func overlaps(_ name: String, _ others: [String]) -> Bool {
    others.contains { $0.hasPrefix(name + ".") || name.hasPrefix($0 + ".") }
  }

  /// A text as YAML has it, in quotes where it could be read as something else.
  static func quoted(_ text: String) -> String {
    let isPlain =
      text.utf8.allSatisfy { isWord($0) || $0 == 0x2E || $0 == 0x2D } && !text.isEmpty && text.utf8.count < 60
      && text.utf8.first.map { (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x5F } == true
      && text != "null" && text != "true" && text != "false"
    if isPlain { return text }
    if text == "true" || text == "false" { return text }
    var out = "\""
    for scalar in text.unicodeScalars {
      switch scalar.value {
      case 0..<0x20, 0x7F..<0xA0, 0x2028, 0x2029, 0xFEFF, 0xFFFE, 0xFFFF:
        // What may not stand in the file itself, or would end its line.
        let digits = String(scalar.value, radix: 16, uppercase: true)
        out += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      case 0x22, 0x5C:
        out += "\\"
        out.unicodeScalars.append(scalar)
      default: out.unicodeScalars.append(scalar)
      }
    }
    return out + "\""
  }

  /// For a message or a comment: on one line.
  static func shown(_ text: String) -> String {
    String(
      String.UnicodeScalarView(
        text.unicodeScalars.prefix(60).map {
          $0.value < 0x20 || (0x7F..<0xA0).contains($0.value) || [0x2028, 0x2029, 0xFEFF].contains($0.value)
            ? "\u{FFFD}" : $0
        }))
  }

  /// The lower bounds of bins, rising, as a policy can have them: whole numbers have at most 15 digits there.
  static func bounds(_ bounds: [Double]) -> [String] {
    let most = 999_999_999_999_999.0
    var texts: [String] = []
    var last: Double?
    for bound in bounds.map({ min(max($0, -most), most) }) where last.map({ bound > $0 }) ?? true {
      texts.append(shortest(bound))
      last = bound
    }
    return texts
  }

  static func plain(_ value: Double) -> String { shortest(PolicyFit.rounded(value, digits: 9)) }

  /// With so many decimals.
  package static func decimals(_ value: Double, _ digits: Int) -> String {
    guard value.isFinite, abs(value) < 1e12 else { return "\(value)" }
    let scale = pow(10, Double(digits))
    let whole = Int64((abs(value) * scale).rounded())
    let sign = value < 0 && whole > 0 ? "-" : ""
    if digits == 0 { return sign + "\(whole)" }
    let unit = Int64(scale)
    let fraction = String(whole % unit)
    return sign + "\(whole / unit)." + String(repeating: "0", count: digits - fraction.count) + fraction
  }
}
