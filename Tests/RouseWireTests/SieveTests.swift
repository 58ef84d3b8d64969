import RouseCore
import TestData
import Testing

@testable import RouseWire

/// A rank that drops users on the way answers, byte for byte, what one that keeps them all does.
@Suite struct SieveTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var limit: Int64
    var overrides: [String] = []
    var seed: UInt64 = 1
    var testDescription: String { "\(limit) \(overrides)" }
  }

  private static let experiments = [
    "experiment={\"salt\":\"s\",\"holdout\":0.2,\"explore\":0.3}",
    "experiment={\"salt\":\"t\",\"holdout\":0.3,\"explore\":0}",
  ]
  static let cases: [Case] = [
    Case(limit: 0), Case(limit: 1), Case(limit: 7, seed: 2), Case(limit: 300), Case(limit: 2500, seed: 3),
    Case(limit: 40_000), Case(limit: 0, overrides: experiments), Case(limit: 1, overrides: [experiments[0]]),
    Case(limit: 30, overrides: [experiments[0]], seed: 4), Case(limit: 900, overrides: [experiments[0]], seed: 5),
    Case(limit: 3000, overrides: [experiments[0]]), Case(limit: 30, overrides: [experiments[1]], seed: 6),
    Case(limit: 40, overrides: ["money.hurdle=0.37", experiments[0]], seed: 7),
    Case(limit: 200, overrides: ["money.hurdle=2.5", "money.relationship=0"], seed: 8),
    // Worths far below what the limit asks for: nobody may be left out.
    Case(limit: 50, overrides: ["money.hurdle=0.000001", "money.margin=0.07", experiments[0]], seed: 9),
    Case(limit: 500, overrides: [experiments[1]], seed: 11),
    Case(limit: 20, overrides: ["ladder=\"best\"", experiments[1]], seed: 10),
  ]

  /// Candidates of few kinds, so that many are worth the same, in an order by worth or none, some of them twice.
  private static func lines(_ offline: Offline, seed: UInt64, count: Int) throws -> [[UInt8]] {
    let golden = try Vectors.bytes("golden/candidates.ndjson").split(separator: 0x0A).map { Array($0) }.filter {
      !$0.withUnsafeBytes { isBlank($0) }
    }
    let rows = offline.score([Array(golden.joined(separator: [0x0A]))]).split(separator: "\n")
    var random = SplitMix(state: seed)
    var kinds = zip(golden, rows).filter { $1.contains("\"eligible\"") || $1.contains("\"holdout\"") }.map(\.0)
      .map { String(decoding: $0, as: UTF8.self) }.filter { $0.hasPrefix("{\"user_id\":\"") && !$0.contains("\\") }
    kinds.shuffle(using: &random)
    kinds = Array(kinds.prefix([3, 40, 400][Int(seed % 3)]))
    return (0..<count).map { _ in
      let kind = kinds.randomElement(using: &random) ?? ""
      let rest = kind.dropFirst("{\"user_id\":\"".count).drop { $0 != "\"" }
      return Array("{\"user_id\":\"u\(Int.random(in: 0..<count * 4, using: &random))\(rest)".utf8)
    }
  }

  private func answer(_ ranking: Ranking, _ limits: PlanLimits, isForCommit: Bool) -> String {
    ranking.finish(limits)
    var out = ByteWriter()
    var cursor = Ranking.Cursor()
    while !cursor.isAtEnd { ranking.writeRows(&cursor, into: &out, enough: 1000, asLines: true) }
    ranking.writePlan(into: &out)
    var text = String(decoding: out.array, as: UTF8.self)
    for one in ranking.chosen() where isForCommit {
      text += "\n\(one.rank) \(String(decoding: one.userID + one.row, as: UTF8.self)) \(one.option)"
    }
    return text
  }

  private func rank(
    _ lines: [[UInt8]], _ offline: Offline, _ limits: PlanLimits, sieved: Bool, block: Int, early: Int = 0,
    isForCommit: Bool
  ) -> String {
    let ranking = Ranking(
      scorer: offline.scorer, writer: offline.writer, rows: .contacts, limits: sieved ? limits : nil,
      isForCommit: isForCommit)
    let worker = offline.worker()
    // Some parts are made long before they are added, as on another thread.
    var waiting: [RankPart] = []
    for start in stride(from: 0, to: lines.count, by: block) {
      let part = ranking.part()
      let bytes = Array(lines[start..<min(lines.count, start + block)].joined(separator: [0x0A]))
      _ = bytes.withUnsafeBytes { worker.rank(Block($0), into: part) }
      waiting.append(part)
      while waiting.count > early { ranking.add(waiting.removeFirst()) }
    }
    for part in waiting { ranking.add(part) }
    return answer(ranking, limits, isForCommit: isForCommit)
  }

  private func setUp(_ one: Case) throws -> (Offline, PlanLimits) {
    let policy = try Vectors.policy(
      "policy.yaml", overrides: (Vectors.goldenSettings["no-limits"] ?? []) + one.overrides)
    var limits = PlanLimits(policy: policy)
    limits.limit = one.limit
    limits.capacity = limits.capacity.map { _ in nil }
    limits.quotas = limits.quotas.map { _ in nil }
    limits.budget = nil
    limits.capital = nil
    return (try Offline(policy: policy, asOf: Vectors.asOf), limits)
  }

  @Test(arguments: cases) func lines(_ one: Case) throws {
    let (offline, limits) = try setUp(one)
    let isForCommit = one.seed % 2 == 0
    #expect(Sieve(policy: offline.policy, limits: limits) != nil)
    let lines = try Self.lines(offline, seed: one.seed, count: 6000)
    let wanted = rank(lines, offline, limits, sieved: false, block: 6000, isForCommit: isForCommit)
    #expect(wanted.contains("contact") || one.limit == 0)
    for (block, early) in [(300, 9), (2500, 0)] {
      #expect(
        firstDifference(
          rank(lines, offline, limits, sieved: true, block: block, early: early, isForCommit: isForCommit), wanted)
          == nil)
    }
  }

  /// The audience's candidates in any order of their parts.
  @Test(arguments: cases) func audience(_ one: Case) throws {
    let (offline, limits) = try setUp(one)
    let isForCommit = one.seed % 2 == 0
    var seen: Set<[UInt8]> = []
    let lines = try Self.lines(offline, seed: one.seed, count: 6000).filter {
      seen.insert(Array($0.prefix { $0 != 0x2C })).inserted
    }
    let wanted = rank(lines, offline, limits, sieved: false, block: 6000, isForCommit: isForCommit)
    let crowd = Crowd(lines, offline: offline)
    var random = SplitMix(state: one.seed)
    let ranking = Ranking(
      scorer: offline.scorer, writer: offline.writer, rows: .contacts, limits: limits, isForCommit: isForCommit)
    let worker = AudienceWorker(
      audience: crowd.audience, scorer: offline.scorer, writer: offline.writer, condition: nil)
    var waiting: [RankPart] = []
    for start in stride(from: 0, to: crowd.audience.slotCount, by: 400).shuffled(using: &random) {
      let part = ranking.part()
      worker.rank(start..<(start + 400), of: crowd, into: part)
      waiting.append(part)
      if waiting.count > 3 { ranking.add(waiting.remove(at: Int.random(in: 0..<4, using: &random))) }
    }
    for part in waiting { ranking.add(part) }
    #expect(firstDifference(answer(ranking, limits, isForCommit: isForCommit), wanted) == nil)
  }

  /// Nothing is dropped where something else binds.
  @Test func otherLimits() throws {
    let (offline, limits) = try setUp(Case(limit: 5))
    func sieve(_ change: (inout PlanLimits) -> Void) -> Sieve? {
      var changed = limits
      change(&changed)
      return Sieve(policy: offline.policy, limits: changed)
    }
    #expect(sieve { _ in } != nil)
    #expect(sieve { $0.budget = 1e9 } == nil)
    #expect(sieve { $0.capital = 1e9 } == nil)
    #expect(sieve { $0.capacity[0] = 5 } == nil)
    #expect(sieve { $0.quotas = [5] } == nil)
    #expect(sieve { $0.tierFirst = true } == nil)
    #expect(sieve { $0.limit = nil } == nil)
    #expect(sieve { $0.limit = 10_000_000 } == nil)
  }

  /// It does drop: of many candidates a rank keeps few.
  @Test func keepsFew() throws {
    let (offline, limits) = try setUp(Case(limit: 10))
    let lines = try Self.lines(offline, seed: 2, count: 6000)
    let ranking = Ranking(scorer: offline.scorer, writer: offline.writer, rows: .contacts, limits: limits)
    let worker = offline.worker()
    var kept = 0
    for start in stride(from: 0, to: lines.count, by: 1500) {
      let part = ranking.part()
      let bytes = Array(lines[start..<(start + 1500)].joined(separator: [0x0A]))
      _ = bytes.withUnsafeBytes { worker.rank(Block($0), into: part) }
      if start > 3000 { kept += part.users.count }
      ranking.add(part)
    }
    #expect(kept < 200)
  }
}
