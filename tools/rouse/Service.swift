import Foundation
import RouseClient
import RouseCore
import RouseWire

/// The model in a server: the same jobs as `Filter`, over TLS.
struct Service {
  let client: Client

  /// The fields of the server's policy, by name: CSV cells are typed by them.
  func kinds() async throws -> [String: FieldKind] {
    let reply = try await client.withConnection { try await $0.request(RequestLine("fields").line) }
    var kinds: [String: FieldKind] = [:]
    for field in reply.value["fields"]?.items ?? [] {
      guard let name = field["name"]?.text, let key = field["kind"]?.text else { continue }
      kinds[name] = FieldKind.allCases.first { $0.key == key }
    }
    return kinds
  }

  /// Streams the candidates, or lets the server take those that it has, and hands rows over as they come, then the totals
  /// under `totals` and what a committed plan is called.
  ///
  /// - Parameter source: nil where the request names the candidates itself.
  /// - Returns: how many candidates were invalid.
  func answer(
    _ request: RequestLine, _ source: (any CandidateSource)?, totals: String, to sink: any RowSink, _ progress: Progress
  ) async throws -> Int {
    let reply: RouseClient.Reply
    if let source {
      reply = try await client.stream(request, source, progress) { try sink.rows($0) }
    } else {
      reply = try await client.withConnection { try await $0.request(request.line) { try sink.rows($0) } }
    }
    guard let value = reply.value[totals] else {
      throw ClientError.garbled("the server's answer has no '\(totals)'; is it a newer version?")
    }
    let members = reply.value.members.filter { $0.name == totals || PlanCommitment.members.contains($0.name) }
    try sink.finish(Array(JSONValue.object(members).json.utf8))
    return value["status"]?["invalid"]?.whole ?? 0
  }
}

extension Client {
  /// Sends a request with its lines, and hands rows over as they come.
  func stream(
    _ request: RequestLine, _ source: any CandidateSource, _ progress: Progress,
    rows: (UnsafeRawBufferPointer) throws -> Void
  ) async throws -> RouseClient.Reply {
    var request = request
    request.set("stream", json: "true")
    let reader = BackgroundReader(source, progress)
    defer { progress.finish() }
    return try await withConnection { [request] connection in
      try await connection.stream(request.line, candidates: { try await reader.next() }) { bytes in
        progress.pause()
        try rows(bytes)
      }
    }
  }
}
