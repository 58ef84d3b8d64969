import RouseCore

/// A scorecard of PMML 4 as rows of a policy's card.
package struct PMMLScorecard {
  package struct Settings: Sendable {
    /// Points of the file that double the odds; in a policy 20 do.
    package var pointsToDouble = 20.0
    /// In the file more points are more risk, or a less likely outcome.
    package var isTurned = false
    /// For `response.card`: without codes.
    package var isResponse = false

    package init() {}
  }

  /// YAML, to stand under `card:`.
  package let text: String

  package init(_ bytes: [UInt8], _ settings: Settings) throws(ReviewError) {
    let root = try XMLText.read(bytes)
    guard root.name == "PMML" else { throw ReviewError(.invalid, "the file is no PMML: its element is <\(root.name)>") }
    guard let card = root.first("Scorecard") else {
      let models = root.children.map(\.name).filter {
        $0.hasSuffix("Model") || $0.hasSuffix("Network") || $0 == "Scorecard"
      }
      throw ReviewError(.notFound, "the file has no Scorecard" + (models.first.map { "; it is a \($0)" } ?? ""))
    }
    guard let list = card.first("Characteristics"), !list.all("Characteristic").isEmpty else {
      throw ReviewError(.notFound, "the Scorecard has no Characteristics")
    }
    var out = ""
    if let initial = card.attributes["initialScore"] {
      out += "# initialScore \(FieldNames.shown(initial)): add it to base.score, or leave it: only differences count\n"
    }
    var fields: [String] = []
    for (index, element) in list.all("Characteristic").enumerated() {
      let row = try Row(element, settings)
      if fields.contains(row.field) {
        throw ReviewError(
          .invalid,
          "line \(element.line): '\(FieldNames.shown(row.field))' has two characteristics, and a card has one row a field; join them"
        )
      }
      fields.append(row.field)
      out += try row.lines(index, settings)
    }
    text = out
  }

  // MARK: -

  private struct Row {
    let field: String
    let name: String
    let reason: String?
    let attributes: [(predicate: Predicate, points: Int)]
    let line: Int

    init(_ element: XMLElement, _ settings: Settings) throws(ReviewError) {
      line = element.line
      let name = element.attributes["name"] ?? "?"
      self.name = name
      reason = element.attributes["reasonCode"]
      var attributes: [(Predicate, Int)] = []
      var fields: [String] = []
      for attribute in element.all("Attribute") {
        guard let text = attribute.attributes["partialScore"], let score = Double(text), score.isFinite else {
          throw ReviewError(
            .invalid,
            "line \(attribute.line): this Attribute of '\(FieldNames.shown(name))' has no partialScore that is a number"
          )
        }
        let points = (score * 20 / settings.pointsToDouble * (settings.isTurned ? -1 : 1)).rounded()
        guard abs(points) <= 1000 else {
          throw ReviewError(
            .invalid,
            "line \(attribute.line): \(shortest(points)) points are more than the 1000 a policy allows; give --points-to-double"
          )
        }
        let known = ["SimplePredicate", "CompoundPredicate", "SimpleSetPredicate", "True", "False"]
        guard let element = attribute.children.first(where: { known.contains($0.name) }) else {
          throw ReviewError(.invalid, "line \(attribute.line): this Attribute has no predicate that can be read")
        }
        attributes.append((try Predicate(element, &fields, 0), Int(points)))
      }
      guard let field = fields.first, fields.allSatisfy({ $0 == field }) else {
        throw ReviewError(
          .invalid,
          "line \(element.line): '\(FieldNames.shown(name))' looks at \(fields.isEmpty ? "no field" : "more than one field"), "
            + "and a card's row scores one")
      }
      self.field = field
      self.attributes = attributes
    }

    /// Of the first attribute that holds; nil: none does.
    private func points(_ value: Value) -> Int? { attributes.first { $0.predicate.holds(value) == true }?.points }

    func lines(_ index: Int, _ settings: Settings) throws(ReviewError) -> String {
      let field = FieldNames.usable(self.field)
      var out =
        "\(FieldNames.quoted(field)):" + (field == self.field ? "" : "  # in the file: \(FieldNames.shown(self.field))")
        + "\n"
      let missing = points(.missing)
      let cuts = Set(attributes.flatMap { $0.predicate.cuts }).sorted()
      let words = attributes.flatMap { $0.predicate.words }
      if !cuts.isEmpty {
        if let odd = words.first { throw refusal("compares with numbers and with '\(FieldNames.shown(odd))'") }
        out += "  at_least:\n"
        var last: Int?
        if let low = cuts.first, let points = points(.number(low.nextDown)), points != missing ?? 0 {
          out += "    -999999999999999: \(points)\n"
          last = points
        }
        for cut in cuts {
          guard let points = points(.number(cut)) else {
            throw refusal("has no Attribute for \(shortest(cut)) and above; a card's bins go on to the next one")
          }
          guard abs(cut) < 1e15 else { throw refusal("has a bound beyond 15 digits") }
          if points != last { out += "    \(shortest(cut)): \(points)\n" }
          last = points
        }
      } else {
        var seen: [String] = []
        for word in words where !seen.contains(where: { ExactText($0) == ExactText(word) }) { seen.append(word) }
        if seen.isEmpty { throw refusal("tells no values apart") }
        out += "  is:\n"
        for word in seen { out += "    \(FieldNames.quoted(word)): \(points(.text(word)) ?? 0)\n" }
        if let other = points(.other) { out += "  other: \(other)\n" }
      }
      out += "  missing: \(missing ?? 0)\n"
      if !settings.isResponse {
        guard index < 99 else { throw refusal("is the hundredth, and codes end at R99") }
        out += "  code: R\(index < 9 ? "0" : "")\(index + 1)\n"
        out +=
          "  say: \(FieldNames.quoted(FieldNames.shown(name) + (reason.map { " (\(FieldNames.shown($0)))" } ?? "")))\n"
      }
      return out
    }

    private func refusal(_ what: String) -> ReviewError {
      ReviewError(.invalid, "line \(line): the Characteristic '\(FieldNames.shown(name))' \(what)")
    }
  }

  private enum Value {
    case missing
    case number(Double)
    case text(String)
    /// A text that no predicate names.
    case other
  }

  private indirect enum Predicate {
    case always, never
    case compare(String, Double)
    /// `true`: equal, `false`: not equal.
    case equal(String, Bool)
    case among([String], Bool)
    case isMissing(Bool)
    case all([Predicate])
    case any([Predicate])
    case odd([Predicate])
    /// The first that is known.
    case surrogate([Predicate])

    init(_ element: XMLElement, _ fields: inout [String], _ depth: Int) throws(ReviewError) {
      func refusal(_ what: String) -> ReviewError { ReviewError(.invalid, "line \(element.line): \(what)") }
      func field() throws(ReviewError) -> String {
        guard let field = element.attributes["field"] else { throw refusal("<\(element.name)> names no field") }
        return field
      }
      switch element.name {
      case "True": self = .always
      case "False": self = .never
      case "SimplePredicate":
        fields.append(try field())
        let sign = element.attributes["operator"] ?? ""
        switch sign {
        case "isMissing": self = .isMissing(true)
        case "isNotMissing": self = .isMissing(false)
        case "equal", "notEqual", "lessThan", "lessOrEqual", "greaterThan", "greaterOrEqual":
          guard let value = element.attributes["value"] else { throw refusal("the predicate has no value") }
          if sign == "equal" || sign == "notEqual" {
            self = .equal(value, sign == "equal")
          } else {
            guard let number = Double(value), number.isFinite else {
              throw refusal("'\(FieldNames.shown(value))' is no number")
            }
            self = .compare(sign, number)
          }
        default: throw refusal("there is no operator '\(FieldNames.shown(sign))'")
        }
      case "SimpleSetPredicate":
        fields.append(try field())
        guard let text = element.first("Array")?.text else { throw refusal("the set has no Array") }
        self = .among(Self.words(text), element.attributes["booleanOperator"] != "isNotIn")
      case "CompoundPredicate":
        guard depth < 32 else { throw refusal("predicates nest too deep") }
        var parts: [Predicate] = []
        for child in element.children where child.name != "Extension" {
          parts.append(try Predicate(child, &fields, depth + 1))
        }
        switch element.attributes["booleanOperator"] {
        case "and": self = .all(parts)
        case "or": self = .any(parts)
        case "xor": self = .odd(parts)
        case "surrogate": self = .surrogate(parts)
        default: throw refusal("a CompoundPredicate joins by and, or, xor or surrogate")
        }
      default: throw refusal("<\(element.name)> is no predicate that can be read")
      }
    }

    /// `a "b c" d`
    private static func words(_ text: String) -> [String] {
      var words: [String] = []
      var word = ""
      var isQuoted = false
      var isOpen = false
      var isEscaped = false
      for character in text {
        if isEscaped {
          word.append(character)
          isEscaped = false
        } else if character == "\\", isQuoted {
          isEscaped = true
        } else if character == "\"" {
          isQuoted.toggle()
          isOpen = true
        } else if character.isWhitespace, !isQuoted {
          if isOpen { words.append(word) }
          (word, isOpen) = ("", false)
        } else {
          word.append(character)
          isOpen = true
        }
      }
      return isOpen ? words + [word] : words
    }

    /// Where it may turn, as the least numbers of what follows.
    var cuts: [Double] {
      switch self {
      case .compare("lessThan", let value), .compare("greaterOrEqual", let value): [value]
      case .compare(_, let value): [value.nextUp]
      case .all(let parts), .any(let parts), .odd(let parts), .surrogate(let parts): parts.flatMap(\.cuts)
      default: []
      }
    }

    var words: [String] {
      switch self {
      case .equal(let word, _): [word]
      case .among(let words, _): words
      case .all(let parts), .any(let parts), .odd(let parts), .surrogate(let parts): parts.flatMap(\.words)
      default: []
      }
    }

    /// nil: not known, as of a missing value.
    func holds(_ value: Value) -> Bool? {
      switch self {
      case .always: return true
      case .never: return false
      case .isMissing(let wanted):
        if case .missing = value { return wanted }
        return !wanted
      case .compare(let sign, let bound):
        guard case .number(let number) = value else { return nil }
        switch sign {
        case "lessThan": return number < bound
        case "lessOrEqual": return number <= bound
        case "greaterThan": return number > bound
        default: return number >= bound
        }
      case .equal(let word, let wanted): return Self.equals(value, word).map { $0 == wanted }
      case .among(let words, let wanted):
        if case .missing = value { return nil }
        return words.contains { Self.equals(value, $0) == true } == wanted
      case .all(let parts):
        let found = parts.map { $0.holds(value) }
        return found.contains(false) ? false : found.contains(nil) ? nil : true
      case .any(let parts):
        let found = parts.map { $0.holds(value) }
        return found.contains(true) ? true : found.contains(nil) ? nil : false
      case .odd(let parts):
        let found = parts.map { $0.holds(value) }
        return found.contains(nil) ? nil : found.count { $0 == true } % 2 == 1
      case .surrogate(let parts): return parts.lazy.compactMap { $0.holds(value) }.first
      }
    }

    private static func equals(_ value: Value, _ word: String) -> Bool? {
      switch value {
      case .missing: nil
      case .other: false
      case .number(let number): Double(word) == number
      case .text(let text): ExactText(text) == ExactText(word)
      }
    }
  }
}
