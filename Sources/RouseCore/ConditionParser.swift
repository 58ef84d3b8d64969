/// Reads a condition by the grammar of model 1.3, one function a rule. Types are checked as the text is read, so the
/// first fault in reading order is the one reported.
package struct ConditionParser {
  /// Parentheses, NOTs and calls inside one another.
  package static let deepest = 64

  private let tokens: [ConditionToken]
  private let scope: ConditionScope
  private var at = 0
  private var depth = 0
  private var nodes: [Condition.Node] = []
  private var lists: [Condition.Item] = []

  private struct Part {
    let node: Int32
    let type: ValueType
    let column: Int
  }

  package static func parse(_ text: String, in scope: ConditionScope) throws(ConditionError) -> Condition {
    var parser = ConditionParser(tokens: try ConditionToken.split(text), scope: scope)
    let whole = try parser.condition()
    if parser.token.kind != .end { throw parser.unexpected("the condition should end here, or go on with AND or OR") }
    if whole.type != .boolean {
      throw ConditionError(
        kind: .type, column: 1, message: "a condition is TRUE or FALSE, and this is a \(whole.type.rawValue)")
    }
    return Condition(text: text, nodes: parser.nodes, lists: parser.lists)
  }

  private init(tokens: [ConditionToken], scope: ConditionScope) {
    self.tokens = tokens
    self.scope = scope
  }

  private var token: ConditionToken { tokens[at] }

  private mutating func advance() { if at + 1 < tokens.count { at += 1 } }

  private mutating func accept(_ kind: ConditionToken.Kind) -> Bool {
    guard token.kind == kind else { return false }
    advance()
    return true
  }

  private func unexpected(_ wanted: String) -> ConditionError {
    ConditionError(kind: .syntax, column: token.column, message: "found \(token.shown); \(wanted)")
  }

  private mutating func emit(_ node: Condition.Node, _ type: ValueType, _ column: Int) -> Part {
    nodes.append(node)
    return Part(node: Int32(nodes.count - 1), type: type, column: column)
  }

  private mutating func nest(_ column: Int) throws(ConditionError) {
    depth += 1
    if depth > Self.deepest {
      throw ConditionError(
        kind: .syntax, column: column, message: "parentheses, NOTs and calls may nest at most \(Self.deepest) deep")
    }
  }

  // condition = both { "OR" both }
  private mutating func condition() throws(ConditionError) -> Part {
    try chain(.or, .or) { parser throws(ConditionError) in try parser.both() }
  }

  // both = negation { "AND" negation }
  private mutating func both() throws(ConditionError) -> Part {
    try chain(.and, .and) { parser throws(ConditionError) in try parser.negation() }
  }

  /// One node for a whole chain: a tree of a long one would be as deep as it is long.
  private mutating func chain(
    _ keyword: Keyword, _ operation: Condition.Node.Operation,
    _ next: (inout ConditionParser) throws(ConditionError) -> Part
  ) throws(ConditionError) -> Part {
    let first = try next(&self)
    guard token.kind == .keyword(keyword) else { return first }
    try needTruth(first, of: keyword.rawValue)
    var parts = [first.node]
    while accept(.keyword(keyword)) {
      let part = try next(&self)
      try needTruth(part, of: keyword.rawValue)
      parts.append(part.node)
    }
    var node = Condition.Node(operation)
    node.a = Int32(lists.count)
    node.c = Int32(parts.count)
    lists.append(contentsOf: parts.map(Condition.Item.node))
    return emit(node, .boolean, first.column)
  }

  private func needTruth(_ part: Part, of what: String) throws(ConditionError) {
    if part.type != .boolean {
      throw ConditionError(
        kind: .type, column: part.column, message: "\(what) joins conditions, and this is a \(part.type.rawValue)")
    }
  }

  // negation = "NOT" negation | comparison
  private mutating func negation() throws(ConditionError) -> Part {
    guard token.kind == .keyword(.not) else { return try comparison() }
    let column = token.column
    try nest(column)
    advance()
    let inner = try negation()
    depth -= 1
    try needTruth(inner, of: "NOT")
    var node = Condition.Node(.not)
    node.a = inner.node
    return emit(node, .boolean, column)
  }

  // comparison = operand [ relation operand | [NOT] IN (...) | [NOT] BETWEEN .. AND .. | IS [NOT] NULL ]
  private mutating func comparison() throws(ConditionError) -> Part {
    let left = try operand()
    switch token.kind {
    case .relation(let relation):
      let operatorColumn = token.column
      advance()
      let right = try operand()
      return try compare(left, relation, right, operatorColumn)
    case .keyword(.is):
      advance()
      let negated = accept(.keyword(.not))
      guard accept(.keyword(.null)) else { throw unexpected("IS is followed by NULL or NOT NULL") }
      var node = Condition.Node(
        pick(left.type, number: .isNullNumber, time: .isNullTime, text: .isNullText, boolean: .isNullTruth))
      node.negated = negated
      node.a = left.node
      return emit(node, .boolean, left.column)
    case .keyword(.in):
      return try list(left, negated: false)
    case .keyword(.between):
      return try between(left, negated: false)
    case .keyword(.not):
      advance()
      switch token.kind {
      case .keyword(.in): return try list(left, negated: true)
      case .keyword(.between): return try between(left, negated: true)
      default: throw unexpected("NOT is followed by IN or BETWEEN here")
      }
    default:
      return left
    }
  }

  private func pick(
    _ type: ValueType, number: Condition.Node.Operation, time: Condition.Node.Operation,
    text: Condition.Node.Operation, boolean: Condition.Node.Operation
  ) -> Condition.Node.Operation {
    switch type {
    case .number: number
    case .time: time
    case .text: text
    case .boolean: boolean
    }
  }

  private mutating func compare(
    _ left: Part, _ relation: Relation, _ right: Part, _ column: Int
  ) throws(ConditionError) -> Part {
    if left.type != right.type {
      throw ConditionError(
        kind: .type, column: column,
        message: "a \(left.type.rawValue) cannot be compared with a \(right.type.rawValue)"
          + (left.type == .time || right.type == .time ? "; days_since(t) makes a number of a time" : ""))
    }
    if relation.needsOrder, left.type == .text || left.type == .boolean {
      throw ConditionError(
        kind: .type, column: column, message: "a \(left.type.rawValue) has no order; only = and <> compare it")
    }
    var node = Condition.Node(
      pick(left.type, number: .compareNumber, time: .compareTime, text: .compareText, boolean: .compareTruth))
    node.relation = relation
    node.a = left.node
    node.b = right.node
    return emit(node, .boolean, left.column)
  }

  private mutating func list(_ left: Part, negated: Bool) throws(ConditionError) -> Part {
    advance()
    guard accept(.open) else { throw unexpected("IN is followed by a list in parentheses") }
    var items: [Condition.Item] = []
    repeat {
      let column = token.column
      let (item, type) = try literalItem()
      if type != left.type {
        throw ConditionError(
          kind: .type, column: column,
          message: left.type == .time
            ? "IN looks for a number, a text or a boolean, not for a time"
            : "the list of a \(left.type.rawValue) holds \(left.type.rawValue)s only")
      }
      items.append(item)
    } while accept(.comma)
    guard accept(.close) else { throw unexpected("a list goes on with ',' or ends with ')'") }
    var node = Condition.Node(pick(left.type, number: .inNumbers, time: .inNumbers, text: .inTexts, boolean: .inTruths))
    node.negated = negated
    node.a = left.node
    node.b = Int32(lists.count)
    node.c = Int32(items.count)
    lists.append(contentsOf: items)
    return emit(node, .boolean, left.column)
  }

  private mutating func literalItem() throws(ConditionError) -> (Condition.Item, ValueType) {
    switch token.kind {
    case .number(let value):
      advance()
      return (.number(value), .number)
    case .minus:
      return (.number(try negativeNumber()), .number)
    case .text(let value):
      advance()
      return (.text(value), .text)
    case .keyword(.true):
      advance()
      return (.boolean(true), .boolean)
    case .keyword(.false):
      advance()
      return (.boolean(false), .boolean)
    default:
      throw unexpected("a list holds numbers, 'texts', TRUE or FALSE")
    }
  }

  private mutating func negativeNumber() throws(ConditionError) -> Double {
    if at + 1 < tokens.count, case .number(let value) = tokens[at + 1].kind {
      advance()
      advance()
      return -value
    }
    throw unexpected("a '-' stands only before a number")
  }

  private mutating func between(_ left: Part, negated: Bool) throws(ConditionError) -> Part {
    advance()
    let low = try operand()
    try checkBound(low, of: left)
    guard accept(.keyword(.and)) else { throw unexpected("BETWEEN has two bounds, joined by AND") }
    let high = try operand()
    try checkBound(high, of: left)
    var node = Condition.Node(left.type == .time ? .betweenTime : .betweenNumber)
    node.negated = negated
    node.a = left.node
    node.b = low.node
    node.c = high.node
    return emit(node, .boolean, left.column)
  }

  private func checkBound(_ bound: Part, of value: Part) throws(ConditionError) {
    guard bound.type == value.type, value.type == .number || value.type == .time else {
      throw ConditionError(
        kind: .type, column: bound.column,
        message:
          "BETWEEN takes three numbers or three times; here a \(value.type.rawValue) meets a \(bound.type.rawValue)")
    }
  }

  // operand = literal | field | call | "(" condition ")"
  private mutating func operand() throws(ConditionError) -> Part {
    let column = token.column
    switch token.kind {
    case .number(let value):
      advance()
      return number(value, column)
    case .minus:
      return number(try negativeNumber(), column)
    case .text(let value):
      advance()
      var node = Condition.Node(.text)
      node.literal = value
      return emit(node, .text, column)
    case .keyword(.true):
      advance()
      return emit(Condition.Node(.alwaysTrue), .boolean, column)
    case .keyword(.false):
      advance()
      return emit(Condition.Node(.alwaysFalse), .boolean, column)
    case .open:
      try nest(column)
      advance()
      let inner = try condition()
      guard accept(.close) else { throw unexpected("a ')' is missing") }
      depth -= 1
      return Part(node: inner.node, type: inner.type, column: column)
    case .name(let name):
      if at + 1 < tokens.count, tokens[at + 1].kind == .open { return try call(name, column) }
      advance()
      return try field(name, column)
    case .keyword(.null):
      throw unexpected("NULL stands only after IS or IS NOT")
    default:
      throw unexpected("a field, a number, a 'text', TRUE, FALSE or '(' should stand here")
    }
  }

  private mutating func number(_ value: Double, _ column: Int) -> Part {
    var node = Condition.Node(.number)
    node.number = value
    return emit(node, .number, column)
  }

  private mutating func field(_ name: String, _ column: Int) throws(ConditionError) -> Part {
    if let word = scope.forbiddenWord(in: name) {
      throw ConditionError(kind: .forbidden, column: column, message: "guardrails.forbidden names '\(word)'")
    }
    if scope.proxies.contains(name) {
      throw ConditionError(
        kind: .proxy, column: column,
        message:
          "'\(name)' stands in guardrails.max_points: it may carry a few points, but no condition may decide by it")
    }
    guard let slot = scope.slot(named: name) else {
      let derived = DerivedField.allCases.contains { $0.name == name }
      throw ConditionError(
        kind: .unknownField, column: column,
        message: derived
          ? "'\(name)' is known only after the stage, so a stage cannot depend on it"
          : "no field '\(name)' is declared" + Suggestion.sentence(for: name, among: scope.names))
    }
    let type = scope.fields.type(ofSlot: slot)
    var node = Condition.Node(pick(type, number: .numberSlot, time: .timeSlot, text: .textSlot, boolean: .flag))
    node.a = Int32(slot)
    return emit(node, type, column)
  }

  // call = function "(" [ operand { "," operand } ] ")"
  private mutating func call(_ name: String, _ column: Int) throws(ConditionError) -> Part {
    let functions = ["days_since", "latest", "after"]
    let function = name.asciiLowercased
    guard functions.contains(function) else {
      throw ConditionError(
        kind: .unknownFunction, column: column,
        message: "there is no function '\(name)'" + Suggestion.sentence(for: function, among: functions))
    }
    try nest(column)
    advance()
    advance()
    var arguments: [Part] = []
    if token.kind != .close {
      repeat {
        let argument = try operand()
        if argument.type != .time {
          throw ConditionError(
            kind: .type, column: argument.column,
            message: "\(function) takes times, and this is a \(argument.type.rawValue)")
        }
        arguments.append(argument)
      } while accept(.comma)
    }
    guard accept(.close) else { throw unexpected("the call goes on with ',' or ends with ')'") }
    depth -= 1
    let fits =
      switch function {
      case "days_since": arguments.count == 1
      case "latest": !arguments.isEmpty
      default: arguments.count >= 2
      }
    guard fits else {
      let wanted = ["days_since": "one time", "latest": "one time or more", "after": "two times or more"]
      throw ConditionError(
        kind: .type, column: column,
        message: "\(function) takes \(wanted[function] ?? "times"), not \(arguments.count)")
    }
    if function == "days_since" {
      var node = Condition.Node(.daysSince)
      node.a = arguments[0].node
      return emit(node, .number, column)
    }
    var node = Condition.Node(function == "latest" ? .latest : .after)
    node.a = Int32(lists.count)
    node.c = Int32(arguments.count)
    lists.append(contentsOf: arguments.map { .node($0.node) })
    return emit(node, function == "latest" ? .time : .boolean, column)
  }
}
