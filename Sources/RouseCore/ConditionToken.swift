/// A token of a condition (model 1.3), with the place of its first character.
struct ConditionToken {
  enum Kind: Equatable {
    case number(Double)
    case text(String)
    /// A name, dotted or not, that is no keyword.
    case name(String)
    case keyword(Keyword)
    case relation(Relation)
    case open, close, comma, minus
    case end
  }
  let kind: Kind
  /// 1-based, in characters (Unicode scalars).
  let column: Int

  /// The whole text as tokens, `end` last; or the place of the first character that begins none.
  static func split(_ text: String) throws(ConditionError) -> [ConditionToken] {
    let scalars = Array(text.unicodeScalars)
    var tokens: [ConditionToken] = []
    var at = 0
    while at < scalars.count {
      let start = at
      let kind: Kind
      switch scalars[at] {
      case " ", "\t", "\r", "\n":
        at += 1
        continue
      case "(": kind = .open
      case ")": kind = .close
      case ",": kind = .comma
      case "-": kind = .minus
      case "=": kind = .relation(.equal)
      case "<":
        if at + 1 < scalars.count, scalars[at + 1] == "=" {
          kind = .relation(.atMost)
          at += 1
        } else if at + 1 < scalars.count, scalars[at + 1] == ">" {
          kind = .relation(.notEqual)
          at += 1
        } else {
          kind = .relation(.less)
        }
      case ">":
        if at + 1 < scalars.count, scalars[at + 1] == "=" {
          kind = .relation(.atLeast)
          at += 1
        } else {
          kind = .relation(.greater)
        }
      case "'":
        var value = String.UnicodeScalarView()
        at += 1
        while true {
          guard at < scalars.count else {
            throw ConditionError(kind: .syntax, column: start + 1, message: "this text does not end: a ' is missing")
          }
          if scalars[at] == "'" {
            guard at + 1 < scalars.count, scalars[at + 1] == "'" else { break }
            at += 1
          }
          value.append(scalars[at])
          at += 1
        }
        kind = .text(String(value))
      case "0"..."9":
        while at < scalars.count, isDigit(scalars[at]) { at += 1 }
        if at + 1 < scalars.count, scalars[at] == ".", isDigit(scalars[at + 1]) {
          at += 1
          while at < scalars.count, isDigit(scalars[at]) { at += 1 }
        }
        if at < scalars.count, isNamePart(scalars[at]) || scalars[at] == "." {
          throw ConditionError(
            kind: .syntax, column: start + 1,
            message: "a number is digits, and may have one point with digits on both sides; a space must follow it")
        }
        var digits = String.UnicodeScalarView()
        digits.append(contentsOf: scalars[start..<at])
        at -= 1
        kind = .number(Double(String(digits)) ?? .infinity)
      case let first where isNameStart(first):
        at += 1
        while at < scalars.count {
          if isNamePart(scalars[at]) {
            at += 1
          } else if scalars[at] == ".", at + 1 < scalars.count, isNameStart(scalars[at + 1]) {
            at += 2
          } else {
            break
          }
        }
        var name = String.UnicodeScalarView()
        name.append(contentsOf: scalars[start..<at])
        at -= 1
        kind = Keyword(ignoringCase: String(name)).map(Kind.keyword) ?? .name(String(name))
      case let other:
        throw ConditionError(kind: .syntax, column: start + 1, message: strange(other))
      }
      at += 1
      tokens.append(ConditionToken(kind: kind, column: start + 1))
    }
    tokens.append(ConditionToken(kind: .end, column: scalars.count + 1))
    return tokens
  }

  private static func isDigit(_ scalar: Unicode.Scalar) -> Bool { ("0"..."9").contains(scalar) }

  static func isNameStart(_ scalar: Unicode.Scalar) -> Bool {
    ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || scalar == "_"
  }

  static func isNamePart(_ scalar: Unicode.Scalar) -> Bool { isNameStart(scalar) || isDigit(scalar) }

  private static func strange(_ scalar: Unicode.Scalar) -> String {
    switch scalar {
    case "!": "a condition has no '!': write <> for unequal, NOT for not"
    case "&": "a condition has no '&': write AND"
    case "|": "a condition has no '|': write OR"
    case "\"": "texts stand in single quotes: 'like this'"
    case ".": "a '.' stands only between two names or two digits"
    default: "a condition has no such character here"
    }
  }

  /// How a message names the token.
  var shown: String {
    switch kind {
    case .number: "a number"
    case .text: "a text"
    case .name(let name): "'\(name)'"
    case .keyword(let keyword): keyword.rawValue
    case .relation(let relation): "'\(relation.rawValue)'"
    case .open: "'('"
    case .close: "')'"
    case .comma: "','"
    case .minus: "'-'"
    case .end: "the end"
    }
  }
}

enum Keyword: String, CaseIterable {
  case and = "AND"
  case or = "OR"
  case not = "NOT"
  case `in` = "IN"
  case between = "BETWEEN"
  case `is` = "IS"
  case null = "NULL"
  case `true` = "TRUE"
  case `false` = "FALSE"

  init?(ignoringCase name: String) {
    self.init(rawValue: name.asciiUppercased)
  }
}

/// How two values are compared.
package enum Relation: String, Sendable, BitwiseCopyable {
  case equal = "="
  case notEqual = "<>"
  case less = "<"
  case atMost = "<="
  case greater = ">"
  case atLeast = ">="

  var needsOrder: Bool { self != .equal && self != .notEqual }
}

extension String {
  /// ASCII letters only: the locale has no say.
  package var asciiUppercased: String {
    String(decoding: utf8.map { (0x61...0x7A).contains($0) ? $0 - 0x20 : $0 }, as: UTF8.self)
  }

  /// ASCII letters only: the locale has no say.
  package var asciiLowercased: String {
    String(decoding: utf8.map { (0x41...0x5A).contains($0) ? $0 + 0x20 : $0 }, as: UTF8.self)
  }
}
