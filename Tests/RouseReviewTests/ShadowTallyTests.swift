import RouseCore
import RouseWire
import TestData
import Testing

@testable import RouseReview

/// What is gathered without end, in bounded memory.
struct ShadowTallyTests {
  /// The sample is of the same users in whatever order they come, and however often.
  @Test func sampleKnowsNoOrder() {
    var random = SplitMix(state: 5)
    let users = (0..<45_000).map { ("u\($0)", Int64($0 % 977), Int64($0 % 1009)) }
    func sample(_ users: [(String, Int64, Int64)]) -> UserSample {
      var sample = UserSample()
      for (id, old, new) in users { Array(id.utf8).withUnsafeBytes { sample.add($0, old, new) } }
      return sample
    }
    let straight = sample(users).pairs
    #expect(straight.count == UserSample.most)
    for _ in 0..<3 {
      let mixed = (users + users.prefix(20_000)).shuffled(using: &random)
      let pairs = sample(mixed).pairs
      #expect(pairs.map(\.old) == straight.map(\.old) && pairs.map(\.new) == straight.map(\.new))
    }
    #expect(Set(straight.map(\.old)).count > 900)
    let few = sample(Array(users.prefix(100)))
    #expect(few.pairs.count == 100)
  }

  /// Decisions are counted each time, movers once; without repeats it says what a comparison without limits says of them.
  @Test func againstAComparison() throws {
    let lines = try Vectors.text("golden/candidates.ndjson").split(separator: "\n").map(String.init)
    let old = try ComparisonRun.policy(["plan.capacity={}", "plan.quota={}", "experiment.explore=0"])
    let new = try ComparisonRun.policy([
      "plan.capacity={}", "plan.quota={}", "experiment.explore=0", "risk.cutoff=545",
      "response.card.clicked_before.is.true=40",
    ])
    let comparison = try ComparisonRun.compare(lines, old: old, new: new)
    let sides = (ComparedPolicy(old, now: ComparisonRun.now), ComparedPolicy(new, now: ComparisonRun.now))
    let worker = ComparisonWorker(
      old: sides.0.worker(longestLine: 1 << 20), new: sides.1.worker(longestLine: 1 << 20), longestLine: 1 << 20)
    var tally = ShadowTally(old: sides.0, new: sides.1)
    let block = Array((lines.joined(separator: "\n") + "\n").utf8).withUnsafeBytes { Block($0) }
    func addAll() {
      var at = 0
      while let line = block.nextLine(&at, longest: 1 << 20) {
        _ = worker.decide(line) { tally.add(old: $0, $1, new: $2, $3) }
      }
    }
    addAll()
    let once = try #require(JSONValue(tally.result(asOf: ComparisonRun.now).json()))
    // One of the golden users comes twice, which a plan counts as an error.
    let repeated = comparison["errors"]?.items.last?["new"]?.whole ?? 0
    for side in ["old", "new"] {
      let eligible = once["statuses"]?[side]?["eligible"]?.whole ?? 0
      let contacts = comparison["totals"]?[side]?["contacts"]?.whole ?? 0
      #expect(eligible == once["totals"]?[side]?["contacts"]?.whole)
      #expect(eligible >= contacts && eligible - contacts <= repeated && contacts > 100, "\(eligible) \(contacts)")
    }
    let users = comparison["movers"]?["up"]?.items.compactMap { $0["user_id"]?.text }
    #expect(once["movers"]?["up"]?.items.compactMap { $0["user_id"]?.text } == users && users?.count == 20)
    addAll()
    let twice = try #require(JSONValue(tally.result(asOf: ComparisonRun.now).json()))
    #expect(twice["lines"]?.whole == 2 * lines.count)
    #expect(twice["movers"]?.json == once["movers"]?.json && twice["spearman"]?.json == once["spearman"]?.json)
    let schemas = try JSONSchema.specification.get()
    #expect(try schemas.fault(JSONNode(twice.json.utf8), "comparison.schema.json") == nil)
  }
}
