import Foundation

/// A JSON value as Foundation reads it: for files of our own, and to look at replies with other eyes than the server's.
package enum JSONNode: Sendable, Equatable, Decodable {
  case null
  case boolean(Bool)
  case number(Double)
  case text(String)
  case list([JSONNode])
  case object([String: JSONNode])

  package init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let value = try? container.decode(Bool.self) {
      self = .boolean(value)
    } else if let value = try? container.decode(Double.self) {
      self = .number(value)
    } else if let value = try? container.decode(String.self) {
      self = .text(value)
    } else if let value = try? container.decode([JSONNode].self) {
      self = .list(value)
    } else {
      self = .object(try container.decode([String: JSONNode].self))
    }
  }

  package init(_ json: some Sequence<UInt8>) throws { self = try JSONDecoder().decode(Self.self, from: Data(json)) }

  package subscript(_ name: String) -> JSONNode? { members[name] }

  package var members: [String: JSONNode] { if case .object(let members) = self { members } else { [:] } }
  package var items: [JSONNode] { if case .list(let items) = self { items } else { [] } }
  package var text: String? { if case .text(let text) = self { text } else { nil } }
  package var number: Double? { if case .number(let number) = self { number } else { nil } }
  package var boolean: Bool? { if case .boolean(let flag) = self { flag } else { nil } }

  /// Every member that is wanted is there, at every depth of objects.
  package func has(_ wanted: JSONNode) -> Bool {
    guard case .object(let members) = wanted else { return self == wanted }
    guard case .object = self else { return false }
    return members.allSatisfy { name, value in self[name].map { $0.has(value) } ?? false }
  }
}
