/// A piece of a page. A literal is markup as it stands; whatever is put into it by interpolation is text, and is
/// escaped, unless it is a `Markup` itself. So nothing from outside becomes markup by being forgotten.
struct Markup: ExpressibleByStringInterpolation, Sendable {
  private(set) var html: String

  init() { html = "" }
  init(stringLiteral literal: String) { html = literal }
  init(stringInterpolation parts: StringInterpolation) { html = parts.html }
  init(_ pieces: [Markup], separator: String = "\n") { html = pieces.map(\.html).joined(separator: separator) }

  /// Text from anywhere.
  static func text(_ text: String) -> Markup {
    var piece = Markup()
    piece.append(text: text)
    return piece
  }

  var isEmpty: Bool { html.isEmpty }

  mutating func append(_ other: Markup) { html += other.html }
  mutating func append(text: String) { Self.escape(text, into: &html) }

  static func + (left: Markup, right: Markup) -> Markup {
    var sum = left
    sum.append(right)
    return sum
  }

  struct StringInterpolation: StringInterpolationProtocol {
    fileprivate var html = ""

    init(literalCapacity: Int, interpolationCount: Int) {
      html.reserveCapacity(literalCapacity + interpolationCount * 16)
    }

    mutating func appendLiteral(_ literal: String) { html += literal }
    mutating func appendInterpolation(_ markup: Markup) { html += markup.html }
    mutating func appendInterpolation(_ text: String) { Markup.escape(text, into: &html) }
    mutating func appendInterpolation(_ number: Int) { html += String(number) }
    mutating func appendInterpolation(_ pieces: [Markup]) { for piece in pieces { html += piece.html } }
  }

  /// Fit for text and for attributes in quotes. What would change how its surroundings are read is shown by its number:
  /// control characters, and those that turn the direction of writing.
  private static func escape(_ text: String, into html: inout String) {
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": html += "&amp;"
      case "<": html += "&lt;"
      case ">": html += "&gt;"
      case "\"": html += "&quot;"
      case "'": html += "&#39;"
      case "\t", "\n", "\r": html += " "
      case _ where isUnfit(scalar): html += number(scalar)
      default: html.unicodeScalars.append(scalar)
      }
    }
  }

  static func isUnfit(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0..<0x09, 0x0B...0x0C, 0x0E..<0x20, 0x7F...0x9F, 0x061C, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x206F,
      0xFFF9...0xFFFB, 0xFEFF:
      true
    case 0xFDD0...0xFDEF: true
    default: scalar.value & 0xFFFE == 0xFFFE
    }
  }

  /// U+202E.
  static func number(_ scalar: Unicode.Scalar) -> String {
    let hex = String(scalar.value, radix: 16, uppercase: true)
    return "U+" + String(repeating: "0", count: max(0, 4 - hex.count)) + hex
  }
}

extension Markup {
  /// A name from outside, as text of its own direction: cut where it is long, with the whole of it (of 160 characters)
  /// to be seen by whoever points at it.
  static func name(_ name: String, most: Int = 40) -> Markup {
    let short = Name.cut(name, most: most)
    if short == name { return "<bdi>\(name)</bdi>" }
    return "<bdi title=\"\(Name.cut(name, most: 160))\">\(short)</bdi>"
  }
}

/// Names from outside have any length and any marks.
enum Name {
  /// - Parameter most: characters, the ellipsis among them.
  static func cut(_ name: String, most: Int) -> String {
    var short = ""
    var count = 0
    for character in name {
      let scalars = character.unicodeScalars
      let shown: String =
        if scalars.contains(where: Markup.isUnfit) {
          // As it will be shown, so that it has its room.
          scalars.reduce(into: "") { $0 += Markup.isUnfit($1) ? Markup.number($1) : String($1) }
        } else if scalars.count > 10 {
          // Marks upon marks would run over the lines above and below.
          String(String.UnicodeScalarView(scalars.prefix(3)))
        } else {
          String(character)
        }
      count += shown.count
      if count > most { break }
      short += shown
    }
    guard count > most else { return short }
    if short.count >= most, !short.isEmpty { short.removeLast() }
    return short + "…"
  }
}
