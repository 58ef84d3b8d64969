import RouseClient
import RouseCore
import RouseWire

/// Where the field of a candidate is found whose row is on the list.
enum FieldLookup {
  /// A file of candidates, CSV or not; read once more, so that no more is kept in memory than the list needs.
  case file(String, isCSV: Bool)
  /// The candidates that the server has.
  case audience(Client)

  /// Requests that are on their way at a time.
  private static let batch = 32

  /// Hands over the candidate of each of these users who has one, the first one of each.
  ///
  /// - Parameter users: the number of each.
  func each(_ users: [ExactText: Int32], _ body: (Int, JSONValue) throws -> Void) async throws {
    switch self {
    case .file(let path, let isCSV): try Self.read(path, isCSV, users, body)
    case .audience(let client):
      let all = users.sorted { $0.value < $1.value }
      try await client.withConnection { connection in
        for start in stride(from: 0, to: all.count, by: Self.batch) {
          let part = all[start..<min(start + Self.batch, all.count)]
          let lines = part.map { user in
            var request = RequestLine("user")
            request.set("user_id", text: user.key.text)
            return request.line
          }
          for (user, reply) in zip(part, try await connection.requests(lines)) {
            if let candidate = reply.value["candidate"], !candidate.isNull { try body(Int(user.value), candidate) }
          }
        }
      }
    }
  }

  private static func read(
    _ path: String, _ isCSV: Bool, _ users: [ExactText: Int32], _ body: (Int, JSONValue) throws -> Void
  ) throws {
    let input = try FileInput(path)
    // Every cell stays a text: a number in it may be a telephone number.
    let source: any CandidateSource = isCSV ? try CSVSource(input, kinds: [:]) : LineSource(input)
    var found: Set<Int32> = []
    while let block = try source.next()?.block {
      for line in block.bytes.split(separator: 0x0A) {
        guard let candidate = JSONValue(line), let id = candidate.userID, let number = users[ExactText(id)],
          found.insert(number).inserted
        else { continue }
        try body(Int(number), candidate)
      }
    }
  }
}
