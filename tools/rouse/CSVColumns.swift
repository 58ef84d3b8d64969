import RouseCore
import RouseReview
import RouseWire

/// The columns of a CSV file as a tree: `device.os` and `device.tier` are members of one object.
struct CSVColumns {
  struct Fault: Error {
    let message: String
  }

  private enum Content {
    case cell(column: Int, kind: Kind)
    case object([Node])
  }

  private enum Kind {
    case text, number, flag, time, contacts
  }

  private struct Node {
    let name: String
    /// `"name":`
    let key: [UInt8]
    var content: Content
  }

  /// Members within members; so deep may a policy's text be nested too.
  private static let deepest = 64

  let count: Int
  let names: [String]
  /// Of times without an offset.
  private let utcOffset: String
  private var nodes: [Node] = []

  /// - Parameters:
  ///   - known: all that there may be; nil: any.
  ///   - needsUserID: `user_id` must be among them, or `id` where the policy has no such field.
  ///   - renamesAll: no policy says yet which names are fields: each column is called what a field may be, and what looks like a
  ///     time is one.
  ///   - utcOffset: of times that have none.
  init(
    _ names: [String], kinds: [String: FieldKind], known: [String]? = nil, needsUserID: Bool = true,
    renamesAll: Bool = false, utcOffset: String = "Z"
  ) throws {
    self.utcOffset = utcOffset
    count = names.count
    // Most tables of users call their key so.
    var names = names
    if needsUserID, known == nil, !names.contains("user_id"), names.count(where: { $0.lowercased() == "id" }) == 1,
      let key = names.firstIndex(where: { $0.lowercased() == "id" }), kinds[names[key]] == nil
    {
      names[key] = "user_id"
    }
    // A policy that was made from a file calls `Marital Status` what a field may be called.
    names = names.map { [names] name in
      guard kinds[name] == nil, name != "user_id", !name.isEmpty, case let usable = FieldNames.usable(name),
        usable != name,
        renamesAll || kinds[usable] != nil, !names.contains(usable)
      else { return name }
      return usable
    }
    self.names = names
    if let known, let stray = names.first(where: { !$0.isEmpty && !$0.hasPrefix("x_") && !known.contains($0) }) {
      throw Fault(
        message: "column '\(stray)' is none of \(known.joined(separator: ", "))"
          + Suggestion.sentence(for: stray, among: known))
    }
    for (column, name) in names.enumerated() {
      if name.isEmpty {
        throw Fault(message: "column \(column + 1) has no name; name it after a field, or remove it")
      }
      let steps = name.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
      if steps.count > 1, steps[0] == "contacts" {
        throw Fault(
          message: "column '\(name)': contacts have no columns of their own; give a column 'contacts' with JSON")
      }
      guard steps.count <= Self.deepest else {
        throw Fault(
          message:
            "column \(column + 1) has \(steps.count - 1) dots in its name, and fields lie at most \(Self.deepest) deep")
      }
      try Self.insert(
        steps[...], .cell(column: column, kind: renamesAll ? .time : Self.kind(of: name, kinds)), into: &nodes,
        name: name)
    }
    if needsUserID, !names.contains("user_id") {
      let hint = Suggestion.sentence(for: "user_id", among: names)
      throw Fault(
        message:
          "the first line must name the columns, and one of them is 'user_id', or 'id', or named with --id\(hint)")
    }
  }

  private static func kind(of name: String, _ kinds: [String: FieldKind]) -> Kind {
    switch kinds[name] {
    case .numbers: .number
    case .flags: .flag
    case .times, .timesAhead: .time
    case .texts: .text
    case nil: name == "contacts" ? .contacts : .text
    }
  }

  private static func insert(
    _ steps: ArraySlice<String>, _ cell: Content, into nodes: inout [Node], name: String
  ) throws {
    guard let step = steps.first else { return }
    let index = nodes.firstIndex { $0.name.utf8.elementsEqual(step.utf8) }
    if steps.count == 1 {
      guard index == nil else {
        throw Fault(message: "column '\(name)' is there twice, or is also the start of another")
      }
      nodes.append(Node(name: step, key: Array((JSONText.quoted(step) + ":").utf8), content: cell))
      return
    }
    var children: [Node] = []
    if let index {
      guard case .object(let existing) = nodes[index].content else {
        throw Fault(message: "columns '\(step)' and '\(name)' cannot both be there")
      }
      children = existing
    }
    try insert(steps.dropFirst(), cell, into: &children, name: name)
    if let index {
      nodes[index].content = .object(children)
    } else {
      nodes.append(Node(name: step, key: Array((JSONText.quoted(step) + ":").utf8), content: .object(children)))
    }
  }

  /// One record as a JSON object. Empty cells are missing.
  func write(_ record: CSVParser.Record, into out: inout ByteWriter) throws {
    try write(nodes, record, into: &out)
  }

  private func write(_ nodes: [Node], _ record: CSVParser.Record, into out: inout ByteWriter) throws {
    out.put(0x7B)
    var isFirst = true
    for node in nodes where Self.isPresent(node, record) {
      if !isFirst { out.put(0x2C) }
      isFirst = false
      out.write(node.key)
      switch node.content {
      case .object(let children): try write(children, record, into: &out)
      case .cell(let column, let kind): try write(record[column], kind, into: &out)
      }
    }
    out.put(0x7D)
  }

  private static func isPresent(_ node: Node, _ record: CSVParser.Record) -> Bool {
    switch node.content {
    case .cell(let column, _): !record[column].isEmpty
    case .object(let children): children.contains { isPresent($0, record) }
    }
  }

  /// A cell that does not fit its type goes as a text, so that the model reports it.
  private func write(_ cell: ArraySlice<UInt8>, _ kind: Kind, into out: inout ByteWriter) throws {
    switch kind {
    case .number where Self.isNumber(cell), .time where Self.isSeconds(cell): cell.withUnsafeBytes { out.write($0) }
    case .flag where Self.isWord(cell, "true"): out.write("true")
    case .flag where Self.isWord(cell, "false"): out.write("false")
    case .contacts:
      // Line ends are white space there, but would end our line.
      let list = cell.map { $0 == 0x0A || $0 == 0x0D ? 0x20 : $0 }
      guard case .list? = JSONValue(list) else {
        throw Fault(message: "the cell 'contacts' is no JSON array, such as [{\"channel\":\"sms\",\"at\":\"…\"}]")
      }
      out.write(list)
    case .time:
      if let time = PlainTime.completed(cell, offset: utcOffset) {
        time.withUnsafeBytes { out.writeQuoted($0) }
      } else {
        cell.withUnsafeBytes { out.writeQuoted($0) }
      }
    case .text, .number, .flag: cell.withUnsafeBytes { out.writeQuoted($0) }
    }
  }

  /// JSON's spelling of a number.
  private static func isNumber(_ cell: ArraySlice<UInt8>) -> Bool {
    guard let first = cell.first, first == 0x2D || first >= 0x30 && first <= 0x39, let last = cell.last, last >= 0x30,
      last <= 0x39
    else { return false }
    if case .number? = JSONValue(cell) { return true }
    return false
  }

  /// Seconds since 1970, and not a day such as 20260301: those have eight digits, and seconds nine since 1973.
  private static func isSeconds(_ cell: ArraySlice<UInt8>) -> Bool {
    cell.count >= 9 && cell.first != 0x30 && cell.allSatisfy { $0 >= 0x30 && $0 <= 0x39 }
  }

  /// In any case: spreadsheets write TRUE.
  private static func isWord(_ cell: ArraySlice<UInt8>, _ word: String) -> Bool {
    cell.count == word.utf8.count && zip(cell, word.utf8).allSatisfy { $0 | 0x20 == $1 }
  }
}
