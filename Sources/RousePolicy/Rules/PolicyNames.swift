import RouseCore

/// What one part of a policy names and others refer to.
struct PolicyNames {
  enum Direction: String, CaseIterable {
    case up, down
  }

  var fields = FieldTable(declared: [])
  /// A list of fields could not be read: names that look unknown may be known.
  var fieldsAreIncomplete = false
  /// Words of guardrails.forbidden, in ASCII lower case.
  var forbidden: Set<String> = []
  /// Points that a field's bins may carry, of either sign.
  private(set) var maxPoints: [String: Int] = [:]
  /// The fields that have such a cap: no condition may use them.
  private(set) var proxies: Set<String> = []
  var monotone: [String: Direction] = [:]
  /// nil: could not be read, so no reference to one is at fault.
  var steps: NameList?
  var channels: NameList?

  mutating func cap(_ field: String, at points: Int) {
    maxPoints[field] = points
    proxies.insert(field)
  }

  /// The slot of a declared or derived field. Only such names are ASCII, and only among those is `==` exact.
  func slot(named name: String) -> Int? {
    guard name.utf8.allSatisfy({ $0 < 0x80 }), let slot = fields.slot(named: name), slot != fields.nowSlot else {
      return nil
    }
    return slot
  }

  /// For a did-you-mean.
  var fieldNames: [String] { fields.declared.map(\.name) + DerivedField.allCases.map(\.name) }

  func forbiddenWord(in name: String) -> String? {
    ConditionScope(fields: fields, derivedAllowed: true, forbidden: forbidden).forbiddenWord(in: name)
  }
}

/// Names in the order of the policy, found by their code points.
struct NameList {
  let all: [String]
  private let indices: [ExactText: Int]

  /// - Parameter all: distinct by code points.
  init(_ all: [String]) {
    self.all = all
    indices = Dictionary(all.enumerated().map { (ExactText($1), $0) }) { first, _ in first }
  }

  func index(of name: String) -> Int? { indices[ExactText(name)] }
}

extension PolicyReader {
  /// The slot of a field that a key names; `unknown_field` at the key when there is none.
  func slot(ofKey setting: Setting) -> Int? {
    if let slot = names.slot(named: setting.key) { return slot }
    if !names.fieldsAreIncomplete {
      setting.refuseKey(
        .unknownField,
        "no field \(setting.key.shown) is declared" + Suggestion.sentence(for: setting.key, among: names.fieldNames))
    }
    return nil
  }

  /// The index of a step of the response that a text names.
  func step(_ setting: Setting) -> Int? {
    guard let name = setting.text(), let steps = names.steps else { return nil }
    if let index = steps.index(of: name) { return index }
    setting.refuse(
      .reference, "response.steps has no \(name.shown)" + Suggestion.sentence(for: name, among: steps.all))
    return nil
  }

  /// - Parameter ofStage: what is derived from the stage is not known yet.
  func condition(_ setting: Setting?, ofStage: Bool = false) -> Condition? {
    guard let setting, !report.isFull else { return nil }
    guard case .scalar(let scalar) = setting.node.content else {
      setting.wrongType("a condition, written as a text on one line")
      return nil
    }
    switch scalar.reading {
    case .boolean(let constant): return Condition(constant: constant)
    case .text(let text):
      let scope = ConditionScope(
        fields: names.fields, derivedAllowed: !ofStage, forbidden: names.forbidden, proxies: names.proxies)
      do throws(ConditionError) {
        return try ConditionParser.parse(text, in: scope)
      } catch {
        refuse(setting, quoted: scalar.quoted, error)
        return nil
      }
    default:
      setting.wrongType("a condition, written as a text")
      return nil
    }
  }

  private func refuse(_ setting: Setting, quoted: Bool, _ error: ConditionError) {
    if error.kind == .unknownField, names.fieldsAreIncomplete { return }
    let kind: Diagnostic.Kind =
      switch error.kind {
      case .syntax: .conditionSyntax
      case .type: .conditionType
      case .unknownField: .unknownField
      case .unknownFunction: .unknownFunction
      case .forbidden: .forbidden
      case .proxy: .proxy
      }
    let mark = setting.node.mark.moved(by: error.column - 1 + (quoted ? 1 : 0))
    let place = mark.line == nil ? " (character \(error.column) of the condition)" : ""
    report.add(kind, path: setting.path, at: mark, error.message + place)
  }
}
