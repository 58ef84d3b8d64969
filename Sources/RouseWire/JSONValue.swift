/// A JSON value as a tree: for the few members of a request that are not candidates, and for what a client reads of a reply.
package enum JSONValue: Sendable {
  case null
  case boolean(Bool)
  /// As it is spelled.
  case number(String)
  case text(String)
  case list([JSONValue])
  /// In the text's order; names are distinct.
  case object([Member])

  package struct Member: Sendable {
    package let name: String
    package let value: JSONValue

    package init(name: String, value: JSONValue) {
      self.name = name
      self.value = value
    }
  }

  /// One value on one line, by the rules of the wire; nil when the bytes are anything else.
  package init?(_ bytes: some Collection<UInt8>) {
    let block = Array(bytes).withUnsafeBytes { Block($0) }
    guard let value = withExtendedLifetime(block, { Self.read(block) }) else { return nil }
    self = value
  }

  private static func read(_ block: Block) -> JSONValue? {
    guard let base = block.bytes.baseAddress else { return nil }
    var scanner = JSONScanner(base: base.assumingMemoryBound(to: UInt8.self), count: max(0, block.count - 1))
    var names = KeyNames()
    var scratch: [UInt8] = []
    scanner.skipSpace()
    guard let value = try? scanner.value(0, &names, &scratch) else { return nil }
    scanner.skipSpace()
    return scanner.at == scanner.end ? value : nil
  }

  /// The member of that name; nil too when this is no object.
  package subscript(_ name: String) -> JSONValue? { members.first { $0.name == name }?.value }

  package var members: [Member] { if case .object(let members) = self { members } else { [] } }
  package var items: [JSONValue] { if case .list(let items) = self { items } else { [] } }
  package var text: String? { if case .text(let text) = self { text } else { nil } }
  package var boolean: Bool? { if case .boolean(let flag) = self { flag } else { nil } }
  package var number: Double? { if case .number(let text) = self { Double(text) } else { nil } }
  /// nil too for a number with a point or an exponent.
  package var whole: Int? { if case .number(let text) = self { Int(text) } else { nil } }
  /// A number without point and exponent, of any length.
  var isInteger: Bool {
    guard case .number(let text) = self else { return false }
    return text.utf8.allSatisfy { $0 == 0x2D || $0 >= 0x30 && $0 <= 0x39 }
  }
  package var isNull: Bool { if case .null = self { true } else { false } }

  /// As JSON again, compact.
  package var json: String {
    switch self {
    case .null: "null"
    case .boolean(let flag): flag ? "true" : "false"
    case .number(let text): text
    case .text(let text): JSONText.quoted(text)
    case .list(let items): "[" + items.map(\.json).joined(separator: ",") + "]"
    case .object(let members):
      "{" + members.map { JSONText.quoted($0.name) + ":" + $0.value.json }.joined(separator: ",") + "}"
    }
  }
}

package enum JSONText {
  package static func quoted(_ text: String) -> String {
    var out = ByteWriter(capacity: text.utf8.count + 2)
    out.writeQuoted(text)
    return String(decoding: out.bytes, as: UTF8.self)
  }
}

extension JSONScanner {
  /// Reads any value into a tree.
  /// - Parameter depth: of the object or list that holds it.
  mutating func value(_ depth: Int, _ names: inout KeyNames, _ scratch: inout [UInt8]) throws(JSONFault) -> JSONValue {
    switch byte {
    case 0x22:
      return .text(text(try string()))
    case 0x2D, 0x30...0x39:
      let number = try number()
      let digits = UnsafeBufferPointer(start: base + number.start, count: number.end - number.start)
      return .number(String(decoding: digits, as: UTF8.self))
    case 0x7B:
      try enter(depth + 1)
      let mark = names.mark
      var isFirst = true
      var members: [JSONValue.Member] = []
      while let key = try nextKey(&isFirst) {
        try note(key, in: &names, since: mark, &scratch)
        members.append(JSONValue.Member(name: text(key), value: try value(depth + 1, &names, &scratch)))
      }
      names.forget(from: mark)
      return .object(members)
    case 0x5B:
      try enter(depth + 1)
      var isFirst = true
      var items: [JSONValue] = []
      while try nextItem(&isFirst) { items.append(try value(depth + 1, &names, &scratch)) }
      return .list(items)
    default:
      if acceptTrue() { return .boolean(true) }
      if acceptFalse() { return .boolean(false) }
      if acceptNull() { return .null }
      throw fault()
    }
  }

  /// A string that has been read, its escapes resolved.
  func text(_ text: Text) -> String {
    guard text.hasEscapes else { return String(decoding: raw(text), as: UTF8.self) }
    var bytes: [UInt8] = []
    decode(text, into: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }
}
