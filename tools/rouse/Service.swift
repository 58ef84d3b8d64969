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

  /// Streams the candidates, hands rows over as they come, and then the totals under `totals`.
  ///
  /// - Returns: how many candidates were invalid.
  func stream(
    _ request: RequestLine, _ source: any CandidateSource, totals: String, to sink: any RowSink, _ progress: Progress
  ) async throws -> Int {
    var request = request
    request.set("stream", json: "true")
    let reader = BackgroundReader(source, progress)
    let reply = try await client.withConnection { [request] connection in
      try await connection.stream(request.line, candidates: { try await reader.next() }) { rows in
        progress.pause()
        try sink.rows(rows)
      }
    }
    progress.finish()
    guard let value = reply.value[totals] else {
      throw ClientError.garbled("the server's answer has no '\(totals)'; is it a newer version?")
    }
    try sink.finish(Array("{\(JSONText.quoted(totals)):\(value.json)}".utf8))
    return value["status"]?["invalid"]?.whole ?? 0
  }
}

/// Reads the source on a thread of its own: a read may wait for a person, and the tasks' threads are few.
private final class BackgroundReader: @unchecked Sendable {
  // Sendable because the source is used on the queue alone.
  private let source: any CandidateSource
  private let progress: Progress
  private let queue = DispatchQueue(label: "candidates")

  init(_ source: any CandidateSource, _ progress: Progress) {
    self.source = source
    self.progress = progress
  }

  func next() async throws -> Block? {
    try await withCheckedThrowingContinuation { continuation in
      queue.async { [self] in
        continuation.resume(
          with: Result {
            guard let candidates = try source.next() else { return nil }
            progress.add(candidates.lines)
            return candidates.block
          })
      }
    }
  }
}
