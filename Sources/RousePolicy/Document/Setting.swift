/// A value at its path in a configuration file. What does not fit is reported where it stands, and read as nil, so that
/// the reading goes on to the next fault.
package struct Setting {
  /// The last step of the path.
  package let key: String
  package let path: String
  package let node: Document.Node
  package let keyMark: Document.Mark
  let report: Report

  /// Something is wrong with the value.
  package func refuse(_ kind: Diagnostic.Kind, _ message: @autoclosure () -> String) {
    report.add(kind, path: path, at: node.mark, message())
  }

  /// Something is wrong with the key itself.
  package func refuseKey(_ kind: Diagnostic.Kind, _ message: @autoclosure () -> String) {
    report.add(kind, path: path, at: keyMark, message())
  }

  /// The path, or a name for the whole document, to begin a message with.
  var subject: String { path.isEmpty ? "the document" : String(path.shown.dropFirst().dropLast()) }

  func path(to step: String) -> String { path.isEmpty ? step : "\(path).\(step)" }

  /// What a scalar's text says; nil for a map or a list.
  package var reading: Document.Scalar.Reading? {
    if case .scalar(let scalar) = node.content { scalar.reading } else { nil }
  }

  /// Nothing is given: empty, `~` or `null`.
  package var isNull: Bool { if case .null = reading { true } else { false } }

  // MARK: Scalars

  /// `type` when it is no whole number, `range` when it lies outside.
  package func whole(in range: ClosedRange<Int>) -> Int? {
    guard case .whole(let value) = reading else {
      wrongType("a whole number")
      return nil
    }
    guard let value = Int(exactly: value), range.contains(value) else {
      outside("\(range.lowerBound)", "\(range.upperBound)")
      return nil
    }
    return value
  }

  /// A whole number or one with a fraction, likewise.
  package func number(in range: ClosedRange<Double>) -> Double? {
    let value: Double
    switch reading {
    case .whole(let whole): value = Double(whole)
    case .number(let number): value = number
    default:
      wrongType("a number")
      return nil
    }
    guard range.contains(value) else {
      outside(Self.plain(range.lowerBound), Self.plain(range.upperBound))
      return nil
    }
    return value
  }

  /// A text, the empty one too.
  package func text() -> String? {
    if case .text(let text) = reading { return text }
    wrongType("a text")
    return nil
  }

  /// `true` or `false`, unquoted.
  package func flag() -> Bool? {
    if case .boolean(let flag) = reading { return flag }
    wrongType("true or false")
    return nil
  }

  /// One of the texts that the type names.
  package func choice<Choice: RawRepresentable<String> & CaseIterable>(of type: Choice.Type) -> Choice? {
    guard let text = text() else { return nil }
    if let choice = type.allCases.first(where: { $0.rawValue.isExactly(text) }) { return choice }
    let known = type.allCases.map { $0.rawValue.shown }.joined(separator: " or ")
    refuse(.value, "\(subject) must be \(known), and \(text.shown) is neither")
    return nil
  }

  // MARK: Lists and maps

  /// The items of a list; their path is the list's and an index from 0.
  package func items(atLeastOne: Bool = false) -> [Setting]? {
    guard case .list(let nodes) = node.content else {
      wrongType("a list, such as [a, b]")
      return nil
    }
    if atLeastOne, nodes.isEmpty {
      refuse(.range, "\(subject) must have at least one item, and this list is empty")
      return nil
    }
    return nodes.enumerated().map { index, item in
      Setting(key: "\(index)", path: path(to: "\(index)"), node: item, keyMark: item.mark, report: report)
    }
  }

  /// The values of a map whose keys are the writer's own, in order.
  package func members(atLeastOne: Bool = false) -> [Setting]? {
    guard case .map(let entries) = node.content else {
      wrongType("a map of names to values")
      return nil
    }
    if atLeastOne, entries.isEmpty {
      refuse(.range, "\(subject) must have at least one entry, and this map is empty")
      return nil
    }
    return entries.map(member)
  }

  func member(_ entry: Document.Entry) -> Setting {
    Setting(key: entry.key, path: path(to: entry.key), node: entry.value, keyMark: entry.keyMark, report: report)
  }

  /// The value as a map with fixed keys.
  package func settings(needed: [String], optional: [String] = []) -> Settings? {
    Settings(of: self, needed: needed, optional: optional)
  }

  // MARK: Messages

  /// `type`: names what was wanted and what was found.
  package func wrongType(_ wanted: String) {
    refuse(.type, "\(subject) must be \(wanted), and \(found)")
  }

  private func outside(_ low: String, _ high: String) {
    guard case .scalar(let scalar) = node.content else { return }
    refuse(.range, "\(subject) must be between \(low) and \(high), and \(scalar.text.shown) is not")
  }

  private var found: String {
    switch node.content {
    case .map: return "this is a map"
    case .list: return "this is a list"
    case .scalar(let scalar):
      switch scalar.reading {
      case .null: return "nothing is given"
      case .boolean: return "\(scalar.text) is a boolean; put it in quotes where a text is meant"
      case .whole: return "\(scalar.text) is a whole number; put it in quotes where a text is meant"
      case .number: return "\(scalar.text.shown) is a number with a fraction"
      case .text:
        let number = scalar.quoted && Document.Scalar.number(scalar.text) != nil
        return "\(scalar.text.shown) is a text" + (number ? "; remove the quotes" : "")
      }
    }
  }

  /// Bounds are whole, or short fractions: no exponent where a person wrote none.
  private static func plain(_ bound: Double) -> String {
    Int(exactly: bound).map(String.init) ?? "\(bound)"
  }
}
