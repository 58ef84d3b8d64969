/// A JSON document of the wire vectors, and whether it may stand on the wire as the value of a member.
package struct JSONCase: Sendable, Decodable, CustomStringConvertible {
  package let name: String
  private let text: String?
  private let hex: String?
  /// `ok`, or an error's code.
  package let verdict: String
  /// Of the fault in the document.
  package let offset: Int?

  package var bytes: [UInt8] { hex.map { Vectors.bytes(hex: $0) } ?? Array((text ?? "").utf8) }
  package var isAccepted: Bool { verdict == "ok" }
  package var description: String { name }

  package static let all: [JSONCase] = Vectors.objects("wire/json.ndjson", of: JSONCase.self)
}

/// A user's hashes as anyone may compute them.
package struct HashCase: Sendable, Decodable, CustomStringConvertible {
  package let salt: String
  package let userID: String
  package let arm: String
  package let channel: String
  package let tie: String
  package let share: Int
  /// Under the shares of the vectors' policy.
  package let drawn: String?

  private enum CodingKeys: String, CodingKey {
    case salt, arm, channel, tie, share, drawn
    case userID = "user_id"
  }

  package var description: String { "\(salt):\(userID)" }

  package static let all: [HashCase] = Vectors.objects("wire/hashes.ndjson", of: HashCase.self)
}
