import RouseWire

/// The line that begins a request.
package struct RequestLine: Sendable {
  private var members: [String]

  package init(_ op: String) { members = ["\"op\":\(JSONText.quoted(op))"] }

  /// - Parameter json: a JSON value, as it goes out.
  package mutating func set(_ name: String, json: String) { members.append("\(JSONText.quoted(name)):\(json)") }

  package mutating func set(_ name: String, text: String?) {
    if let text { set(name, json: JSONText.quoted(text)) }
  }

  package var line: String { "{" + members.joined(separator: ",") + "}" }
}
