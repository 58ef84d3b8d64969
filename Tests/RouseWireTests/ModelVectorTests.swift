import Foundation
import RouseCore
import RousePolicy
import Testing

@testable import RouseWire

/// Everything compares byte for byte.
@Suite struct ModelVectorTests {
  static let goldenSettings: [String: [String]] = [
    "no-limits": ["plan.capacity.call=null", "plan.quota={}"],
    "budget": ["plan.budget=12.5", "plan.capacity.call=null", "plan.quota={}"],
    "all-limits": [
      "plan.budget=25", "plan.capital=5000", "plan.capacity.call=12", "plan.capacity.sms=60",
      "plan.quota.never_logged_in.max=3",
    ],
    "zero-budget": ["plan.budget=0"],
    "tiers-first": ["plan.budget=10", "plan.tier_first=true", "money.hurdle=0.5"],
  ]

  struct EdgeCase: Decodable {
    let as_of: String
    let op: String
    let set: [String]
    let what: String
  }

  static let edges: [String] =
    (try? FileManager.default.contentsOfDirectory(atPath: Vectors.folder.appending(path: "edges").path))?.sorted() ?? []

  @Test func examples() throws {
    let offline = try Offline(policy: Vectors.policy("policy.yaml"), asOf: "2026-03-01T02:00:00Z")
    let candidates = try Vectors.bytes("examples/candidates.ndjson")
    let score = String(decoding: try Vectors.bytes("examples/expected.score.ndjson"), as: UTF8.self)
    #expect(firstDifference(offline.score([candidates]), score) == nil)
    let rank = String(decoding: try Vectors.bytes("examples/expected.rank.ndjson"), as: UTF8.self)
    #expect(firstDifference(offline.rank([candidates]), rank) == nil)
  }

  @Test func goldenScore() throws {
    let offline = try Offline(policy: Vectors.policy("policy.yaml"), asOf: "2026-03-01T02:00:00Z")
    let wanted = String(decoding: try Vectors.bytes("golden/expected.score.ndjson"), as: UTF8.self)
    #expect(firstDifference(offline.score([try Vectors.bytes("golden/candidates.ndjson")]), wanted) == nil)
  }

  @Test(arguments: goldenSettings.keys.sorted()) func goldenRank(_ name: String) throws {
    let policy = try Vectors.policy("policy.yaml", overrides: Self.goldenSettings[name] ?? [])
    let offline = try Offline(policy: policy, asOf: "2026-03-01T02:00:00Z")
    let wanted = String(decoding: try Vectors.bytes("golden/expected.rank.\(name).ndjson"), as: UTF8.self)
    #expect(firstDifference(offline.rank([try Vectors.bytes("golden/candidates.ndjson")]), wanted) == nil)
  }

  @Test func thereAreEdges() { #expect(Self.edges.count >= 47) }

  @Test(arguments: edges) func edge(_ name: String) throws {
    let folder = "edges/" + name
    let edge = try JSONDecoder().decode(EdgeCase.self, from: Data(try Vectors.bytes(folder + "/case.json")))
    let isJSON = FileManager.default.fileExists(atPath: Vectors.folder.appending(path: folder + "/policy.json").path)
    let policy = try Vectors.policy(folder + (isJSON ? "/policy.json" : "/policy.yaml"), overrides: edge.set)
    let offline = try Offline(policy: policy, asOf: edge.as_of)
    let candidates = try Vectors.bytes(folder + "/candidates.ndjson")
    let got = edge.op == "score" ? offline.score([candidates]) : offline.rank([candidates])
    let wanted = String(decoding: try Vectors.bytes(folder + "/expected.ndjson"), as: UTF8.self)
    #expect(firstDifference(got, wanted) == nil, "\(edge.what)")
  }
}
