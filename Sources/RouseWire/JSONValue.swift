import RouseCore

/// A JSON value as a tree: for the few members of a request that are not candidates.
package enum JSONValue: Sendable {
  case null
  case boolean(Bool)
  /// - Parameter isInteger: neither point nor exponent in its text.
  case number(Double, isInteger: Bool)
  case string(String)
  case list([JSONValue])
  /// In the text's order; names are distinct.
  case object([(name: String, value: JSONValue)])

  package var kind: String {
    switch self {
    case .null: "null"
    case .boolean: "a boolean"
    case .number: "a number"
    case .string: "a string"
    case .list: "a list"
    case .object: "an object"
    }
  }
}

extension JSONScanner {
  /// Reads any value into a tree.
  mutating func value(_ depth: Int, _ names: inout KeyNames, _ scratch: inout [UInt8]) throws(JSONFault) -> JSONValue {
    switch byte {
    case 0x22:
      return .string(text(try string()))
    case 0x2D, 0x30...0x39:
      let number = try number()
      return .number(double(number), isInteger: number.isInteger)
    case 0x7B:
      try enter(depth + 1)
      let mark = names.mark
      var isFirst = true
      var members: [(name: String, value: JSONValue)] = []
      while let key = try nextKey(&isFirst) {
        try note(key, in: &names, since: mark, &scratch)
        members.append((text(key), try value(depth + 1, &names, &scratch)))
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
