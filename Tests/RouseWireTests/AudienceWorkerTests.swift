import RouseCore
import TestData
import Testing

@testable import RouseWire

/// Whatever is asked of an audience is answered as it would be for the lines it was loaded from.
@Suite struct AudienceWorkerTests {
  /// The first line of each user, those that are no candidates left out.
  private static func distinct(_ lines: [[UInt8]], _ offline: Offline) -> [[UInt8]] {
    let rows = offline.rank([Array(lines.joined(separator: [0x0A]))]).split(separator: "\n")
    return zip(lines, rows).filter { !$1.contains("\"I01\"") && !$1.contains("\"I03\"") }.map(\.0)
  }

  private static func golden() throws -> [[UInt8]] {
    try Vectors.bytes("golden/candidates.ndjson").split(separator: 0x0A).map { Array($0) }.filter {
      !$0.withUnsafeBytes { isBlank($0) }
    }
  }

  private func score(_ crowd: Crowd, _ offline: Offline, _ extras: Extras, condition: AudienceCondition? = nil)
    -> String
  {
    let worker = AudienceWorker(
      audience: crowd.audience, scorer: offline.scorer, writer: offline.writer, condition: condition, extras: extras)
    var out = ByteWriter()
    var totals = Totals()
    for start in stride(from: 0, to: crowd.audience.slotCount, by: 700) {
      worker.score(start..<(start + 700), of: crowd, into: &out, totals: &totals)
    }
    out.write("{\"summary\":")
    totals.writeSummary(into: &out)
    out.write("}\n")
    return String(decoding: out.array, as: UTF8.self)
  }

  private func lines(_ lines: [[UInt8]], _ offline: Offline, _ extras: Extras) -> String {
    var out = ByteWriter()
    var totals = Totals()
    _ = lines.joined(separator: [0x0A]).map { $0 }.withUnsafeBytes {
      offline.worker(extras).score(Block($0), into: &out, totals: &totals)
    }
    out.write("{\"summary\":")
    totals.writeSummary(into: &out)
    out.write("}\n")
    return String(decoding: out.array, as: UTF8.self)
  }

  @Test(arguments: [[], .explain, .validUntil, [.explain, .validUntil]] as [Extras], [true, false])
  func golden(_ extras: Extras, _ hashed: Bool) throws {
    let offline = try Offline(policy: Vectors.policy("policy.yaml"), asOf: Vectors.asOf)
    let lines = Self.distinct(try Self.golden(), offline)
    #expect(lines.count > 1500)
    let crowd = Crowd(lines, offline: offline, every: 3, hashed: hashed)
    #expect(firstDifference(score(crowd, offline, extras), self.lines(lines, offline, extras)) == nil)
  }

  @Test(arguments: [1, 2, 3] as [UInt64]) func random(_ seed: UInt64) throws {
    let offline = try Offline(policy: Vectors.policy("valid-until/policy.yaml"), asOf: Vectors.asOf)
    var random = SplitMix(state: seed)
    var seen: [[UInt8]] = []
    for index in 0..<3000 {
      let line = RandomCandidate.line(at: offline.now, using: &random)
      seen.append(
        Array(("{\"x_\":1,\"user_id\":\"v\(index)\"," + line.dropFirst().split(separator: ",", maxSplits: 1)[1]).utf8))
    }
    let crowd = Crowd(seen, offline: offline)
    #expect(firstDifference(score(crowd, offline, .explain), lines(seen, offline, .explain)) == nil)
  }

  private func rank(_ crowd: Crowd, _ offline: Offline, rows: RankRows, condition: AudienceCondition? = nil) -> String {
    let ranking = Ranking(scorer: offline.scorer, writer: offline.writer, rows: rows)
    let worker = AudienceWorker(
      audience: crowd.audience, scorer: offline.scorer, writer: offline.writer, condition: condition)
    for start in stride(from: 0, to: crowd.audience.slotCount, by: 700) {
      let part = ranking.part()
      worker.rank(start..<(start + 700), of: crowd, into: part)
      ranking.add(part)
    }
    ranking.finish(PlanLimits(policy: offline.policy))
    var out = ByteWriter()
    var cursor = Ranking.Cursor()
    while !cursor.isAtEnd { ranking.writeRows(&cursor, into: &out, enough: 1000, asLines: true) }
    out.write("{\"plan\":")
    ranking.writePlan(into: &out)
    out.write("}\n")
    return String(decoding: out.array, as: UTF8.self)
  }

  @Test(arguments: Vectors.goldenSettings.keys.sorted(), [RankRows.all, .contacts])
  func goldenRank(_ setting: String, _ rows: RankRows) throws {
    let policy = try Vectors.policy("policy.yaml", overrides: Vectors.goldenSettings[setting] ?? [])
    let offline = try Offline(policy: policy, asOf: Vectors.asOf)
    let lines = Self.distinct(try Self.golden(), offline)
    let wanted = offline.rank([Array(lines.joined(separator: [0x0A]))], rows: rows)
    for hashed in [true, false] {
      let crowd = Crowd(lines, offline: offline, hashed: hashed)
      #expect(firstDifference(rank(crowd, offline, rows: rows), wanted) == nil)
    }
  }

  /// A condition asks for those whom the same words in a quota would count.
  @Test(arguments: [
    "stage = 'granted' AND tier <> 'all'", "region = 'CN-65' OR device.model = 'Mi 10'", "dormant_days > 30",
    "device.model <> device.os AND contacts_30d = 0", "region IS NULL",
    "NOT app_installed AND days_since(last_login_at) >= 90",
    "network NOT IN ('wifi', 'nobody names this')", "FALSE", "TRUE",
  ])
  func conditions(_ text: String) throws {
    let policy = try Vectors.policy(
      "policy.yaml",
      overrides: ["plan.quota.asked={\"when\":\"\(text)\",\"max\":1000000}", "guardrails.max_points={}"])
    let offline = try Offline(policy: policy, asOf: Vectors.asOf)
    let lines = Self.distinct(try Self.golden(), offline)
    let condition = try AudienceCondition(text, policy: policy)
    // Read by a policy that names none of it, so that the words must come from the audience.
    let plain = try Offline(
      policy: Vectors.policy("policy.yaml", overrides: ["guardrails.max_points={}"]), asOf: Vectors.asOf)
    let crowd = Crowd(lines, offline: plain)
    let asked = try AudienceCondition(text, policy: plain.policy)
    let quota = policy.quotas.count - 1
    let row = CandidateRow(policy: policy)
    let texts = AudienceTexts(audience: crowd.audience, policy: policy)
    texts.refresh()
    var decision = Decision()
    var held = 0
    var wanted: [[UInt8]] = []
    for (slot, line) in lines.enumerated() {
      crowd.audience.gather(slot, texts, into: row)
      row.identify(crowd.userID(slot))
      offline.scorer.score(row, into: &decision)
      let holds = offline.scorer.isUnder(quota: quota, row)
      #expect(condition.holds(slot, row, crowd.audience) == holds)
      if holds {
        wanted.append(line)
        held += 1
      }
    }
    #expect(text == "FALSE" || held > 0)
    #expect(firstDifference(score(crowd, plain, [], condition: asked), self.lines(wanted, plain, [])) == nil)
  }
}
