import RouseCore
import RousePolicy
import TestData
import Testing

@testable import RouseWire

/// Everything compares byte for byte.
@Suite struct ModelVectorTests {
  @Test func examples() throws {
    let offline = try Offline(policy: Vectors.policy("policy.yaml"), asOf: Vectors.asOf)
    let candidates = try Vectors.bytes("examples/candidates.ndjson")
    #expect(
      firstDifference(offline.score([candidates]), try Vectors.text("examples/expected.score.ndjson")) == nil)
    #expect(firstDifference(offline.rank([candidates]), try Vectors.text("examples/expected.rank.ndjson")) == nil)
  }

  @Test func goldenScore() throws {
    let offline = try Offline(policy: Vectors.policy("policy.yaml"), asOf: Vectors.asOf)
    let wanted = try Vectors.text("golden/expected.score.ndjson")
    #expect(firstDifference(offline.score([try Vectors.bytes("golden/candidates.ndjson")]), wanted) == nil)
  }

  @Test(arguments: Vectors.goldenSettings.keys.sorted()) func goldenRank(_ name: String) throws {
    let policy = try Vectors.policy("policy.yaml", overrides: Vectors.goldenSettings[name] ?? [])
    let offline = try Offline(policy: policy, asOf: Vectors.asOf)
    let wanted = try Vectors.text("golden/expected.rank.\(name).ndjson")
    #expect(firstDifference(offline.rank([try Vectors.bytes("golden/candidates.ndjson")]), wanted) == nil)
  }

  @Test func vectorsAreThere() {
    #expect(EdgeCase.all.count >= 47)
    #expect(Vectors.goldenSettings.count == 5)
  }

  @Test(arguments: EdgeCase.all) func edge(_ edge: EdgeCase) throws {
    let offline = try Offline(policy: Vectors.policy(edge.policy, overrides: edge.overrides), asOf: edge.asOf)
    let candidates = try edge.candidates
    let got = edge.op == "score" ? offline.score([candidates]) : offline.rank([candidates])
    #expect(firstDifference(got, try edge.expected) == nil)
  }
}
