import Foundation
import RouseCore
import RousePolicy
import RouseWire
import TestData
import Testing

/// The vectors against the real daemon over real TLS.
@Suite(.ownThreads) struct OverTLSTests {
  /// A policy with overrides set, as a JSON policy: a server takes no overrides.
  static func policy(_ file: String, overrides: [String]) throws -> [UInt8] {
    var document = try Document.parse(try Vectors.bytes(file), format: Document.Format(fileName: file))
    for override in overrides { try document.set(try Override(parsing: override)) }
    return Array(json(document.root).utf8)
  }

  private static func json(_ node: Document.Node) -> String {
    switch node.content {
    case .map(let entries):
      "{" + entries.map { JSONText.quoted($0.key) + ":" + json($0.value) }.joined(separator: ",") + "}"
    case .list(let nodes): "[" + nodes.map(json).joined(separator: ",") + "]"
    case .scalar(let scalar):
      switch scalar.reading {
      case .null: "null"
      case .boolean(let value): value ? "true" : "false"
      case .whole, .number: scalar.text
      case .text: JSONText.quoted(scalar.text)
      }
    }
  }

  /// Streams candidates and compares every row, and the totals in the line that has `ok`.
  static func check(
    _ server: ServerProcess, op: String, asOf: String, candidates: [UInt8], expected: String
  ) async throws {
    let peer = try await server.connect()
    let rows = op == "rank" ? #","rows":"all""# : ""
    async let lines = peer.replies(1)
    try await peer.send(
      Array("{\"op\":\"\(op)\",\"as_of\":\"\(asOf)\",\"stream\":true\(rows)}\n".utf8) + candidates
        + Array("{\"op\":\"end\"}\n".utf8))
    let got = try await lines
    await peer.close()
    let wanted = expected.utf8.split(separator: 0x0A).map { String(decoding: Array($0), as: UTF8.self) }
    #expect(got.count == wanted.count)
    for (left, right) in zip(got.dropLast(), wanted.dropLast()) where !left.utf8.elementsEqual(right.utf8) {
      Issue.record("got \(left) wanted \(right)")
      return
    }
    let totals = (wanted.last ?? "").dropFirst()
    #expect(got.last?.hasPrefix(#"{"ok":true,"policy":"#) == true)
    #expect(got.last?.utf8.suffix(totals.utf8.count).elementsEqual(totals.utf8) == true, "\(got.last ?? "")")
  }

  @Test(arguments: EdgeCase.all) func edge(_ edge: EdgeCase) async throws {
    let server = try ServerProcess(
      policy: ("policy.json", try Self.policy(edge.policy, overrides: edge.overrides)))
    try await Self.check(
      server, op: edge.op, asOf: edge.asOf, candidates: try edge.candidates, expected: try edge.expected)
  }

  @Test func golden() async throws {
    let server = try ServerProcess()
    let candidates = try Vectors.bytes("golden/candidates.ndjson")
    try await Self.check(
      server, op: "score", asOf: Vectors.asOf, candidates: candidates,
      expected: try Vectors.text("golden/expected.score.ndjson"))
  }
}
