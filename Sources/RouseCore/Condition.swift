/// A condition as its text says it: checked, typed, with names as slots. `ConditionPool` takes it in to be evaluated.
package struct Condition: Sendable {
  package let text: String
  /// In post-order; the last is the root.
  let nodes: [Node]
  /// Operands of AND, OR, latest, after and the items of IN, which have any number of them.
  let lists: [Item]

  /// TRUE or FALSE: what a YAML boolean in place of a condition means.
  package init(constant: Bool) {
    text = constant ? "TRUE" : "FALSE"
    nodes = [Node(constant ? .alwaysTrue : .alwaysFalse)]
    lists = []
  }

  init(text: String, nodes: [Node], lists: [Item]) {
    self.text = text
    self.nodes = nodes
    self.lists = lists
  }

  /// The slots that the condition reads, each once, in order of first use.
  package var slots: [Int] {
    var seen: [Int] = []
    for node in nodes where node.operation.readsSlot && !seen.contains(Int(node.a)) { seen.append(Int(node.a)) }
    return seen
  }

  /// The numbers, and the texts, that the condition compares with.
  package var literals: (numbers: [Double], texts: [String]) {
    var numbers: [Double] = []
    var texts: [String] = []
    for node in nodes {
      if node.operation == .number { numbers.append(node.number) }
      if node.operation == .text { texts.append(node.literal) }
    }
    for item in lists {
      switch item {
      case .number(let value): numbers.append(value)
      case .text(let value): texts.append(value)
      case .node, .boolean: break
      }
    }
    return (numbers, texts)
  }

  enum Item: Sendable {
    case node(Int32)
    case number(Double)
    case text(String)
    case boolean(Bool)
  }

  struct Node: Sendable {
    enum Operation: UInt8, Sendable, BitwiseCopyable {
      case alwaysTrue, alwaysFalse, flag
      case and, or, not
      case compareNumber, compareTime, compareText, compareTruth
      case betweenNumber, betweenTime
      case inNumbers, inTexts, inTruths
      case isNullNumber, isNullTime, isNullText, isNullTruth
      case after
      case number, numberSlot, daysSince
      case timeSlot, latest
      case text, textSlot

      var readsSlot: Bool {
        switch self {
        case .flag, .numberSlot, .timeSlot, .textSlot: true
        default: false
        }
      }
    }
    var operation: Operation
    var relation = Relation.equal
    /// NOT IN, NOT BETWEEN, IS NOT NULL.
    var negated = false
    /// Nodes, a slot, or the start of a list.
    var a: Int32 = 0
    var b: Int32 = 0
    /// The third node of BETWEEN, or the length of a list.
    var c: Int32 = 0
    var number = 0.0
    var literal = ""

    init(_ operation: Operation) { self.operation = operation }
  }
}

/// The first fault of a condition, in reading order.
package struct ConditionError: Error, Equatable {
  package enum Kind: String, Sendable {
    case syntax = "condition_syntax"
    case type = "condition_type"
    case unknownField = "unknown_field"
    case unknownFunction = "unknown_function"
    case forbidden
    case proxy
  }
  package let kind: Kind
  /// 1-based, in characters.
  package let column: Int
  package let message: String

  package init(kind: Kind, column: Int, message: String) {
    self.kind = kind
    self.column = column
    self.message = message
  }
}

/// Which names a condition may use.
package struct ConditionScope: Sendable {
  package var fields: FieldTable
  /// What is known after the stage: not in stage conditions.
  package var derivedAllowed: Bool
  /// ASCII lower case.
  package var forbidden: Set<String>
  /// Names that may whisper in a card, but never decide.
  package var proxies: Set<String>

  package init(fields: FieldTable, derivedAllowed: Bool, forbidden: Set<String> = [], proxies: Set<String> = []) {
    self.fields = fields
    self.derivedAllowed = derivedAllowed
    self.forbidden = forbidden
    self.proxies = proxies
  }

  /// The forbidden word that a name, or a dotted part of it, equals; case ignored.
  package func forbiddenWord(in name: String) -> String? {
    let lower = name.asciiLowercased
    if forbidden.contains(lower) { return lower }
    return lower.split(separator: ".").first { forbidden.contains(String($0)) }.map(String.init)
  }

  /// The slot of a name that may stand here.
  func slot(named name: String) -> Int? {
    guard let slot = fields.slot(named: name) else { return nil }
    return derivedAllowed || fields.derived(atSlot: slot) == nil ? slot : nil
  }

  /// All names that may stand here, for a did-you-mean.
  package var names: [String] {
    fields.declared.map(\.name) + ["now"] + (derivedAllowed ? DerivedField.allCases.map(\.name) : [])
  }
}
