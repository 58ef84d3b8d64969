import RouseCore
import TestData
import Testing

@testable import RouseWire

/// What holds of every rank, whatever the candidates.
@Suite struct RankPropertyTests {
  private static func lines() throws -> [[UInt8]] {
    try Vectors.bytes("golden/candidates.ndjson").split(separator: 0x0A).map { Array($0) }
  }

  private static func policy(_ setting: String) throws -> Policy {
    try Vectors.policy("policy.yaml", overrides: Vectors.goldenSettings[setting] ?? [])
  }

  /// The order of the input does not matter, but for which of two lines with one user_id is the earlier.
  @Test(arguments: Vectors.goldenSettings.keys.sorted()) func shuffledInput(_ setting: String) throws {
    let offline = try Offline(policy: Self.policy(setting), asOf: Vectors.asOf)
    // Repeated user_ids would make the first of them matter: golden marks them I03, and so they are left out here.
    let rows = offline.rank([Array(try Self.lines().joined(separator: [0x0A]))]).split(separator: "\n")
    let all = try Self.lines().filter { !$0.withUnsafeBytes { isBlank($0) } }
    let unique = zip(all, rows).filter { !$1.contains("\"I03\"") }.map(\.0)
    let wanted = offline.rank([Array(unique.joined(separator: [0x0A]))], rows: .contacts)
    for _ in 0..<3 {
      let got = offline.rank([Array(unique.shuffled().joined(separator: [0x0A]))], rows: .contacts)
      #expect(firstDifference(got, wanted) == nil)
    }
  }

  /// Nor does it matter how the input is cut into blocks.
  @Test(arguments: [1, 7, 100, 1999]) func anyBlocks(_ size: Int) throws {
    let offline = try Offline(policy: Self.policy("all-limits"), asOf: Vectors.asOf)
    let lines = try Self.lines()
    let wanted = offline.rank([Array(lines.joined(separator: [0x0A]))])
    let blocks = stride(from: 0, to: lines.count, by: size).map { start in
      Array(lines[start..<min(lines.count, start + size)].joined(separator: [0x0A]))
    }
    #expect(firstDifference(offline.rank(blocks), wanted) == nil)
    #expect(firstDifference(offline.score(blocks), offline.score([Array(lines.joined(separator: [0x0A]))])) == nil)
  }

  /// The limits hold, and the bound is one.
  @Test(arguments: [0, 1, 5, 50, 500, 5000]) func limitsHold(_ limit: Int64) throws {
    let policy = try Self.policy("no-limits")
    let offline = try Offline(policy: policy, asOf: Vectors.asOf)
    let worker = offline.worker()
    let part = RankPart(policy: policy, rows: .all)
    _ = try Vectors.bytes("golden/candidates.ndjson").withUnsafeBytes { worker.rank(Block($0), into: part) }
    let users = part.users
    var limits = PlanLimits(policy: policy)
    limits.limit = limit
    limits.budget = Double(limit) / 10
    limits.capacity[0] = limit / 3
    let plan = Plan(users: users, policy: policy, limits: limits, rankWaitlist: true)
    #expect(plan.contacts <= Int(limit))
    #expect(plan.spend <= Int128(Micros.from(Double(limit) / 10)))
    #expect(plan.byChannel[0] <= Int(limit / 3))
    #expect(plan.netValue <= plan.netValueAtMost)
    for user in plan.outcomes.indices where users.users[user].arm == .holdout {
      #expect(plan.outcomes[user].taken == -1)
    }
  }
}
