import RouseCore
import TestData
import Testing

@testable import RouseWire

/// `valid_until`: until then nothing that it watches changes, and then something does.
@Suite struct ValidUntilTests {
  /// A policy, a moment and lines.
  struct Case: Sendable, CustomStringConvertible {
    let policy: String
    let overrides: [String]
    let asOf: String
    let candidates: String

    var description: String { candidates }

    static let all: [Case] =
      [Case(policy: "policy.yaml", overrides: [], asOf: Vectors.asOf, candidates: "golden/candidates.ndjson")]
      + EdgeCase.all.map { edge in
        Case(
          policy: edge.policy, overrides: edge.overrides, asOf: edge.asOf,
          candidates: "edges/\(edge.name)/candidates.ndjson")
      }
  }

  /// The moment that a row names; nil for null. Fails when the member is not where it belongs.
  static func moment(_ row: String) throws -> Int64? {
    let members = try #require(JSONValue(row.utf8)?.members)
    #expect(members.last?.name == "valid_until")
    guard let value = members.last?.value, !value.isNull else { return nil }
    let text = try #require(value.text)
    let moment: Int64 = try #require(Moment.parse(text))
    return moment
  }

  static let vectors = Vectors.rows("valid-until/cases.tsv", skipping: 2)

  @Test func vectorsAreThere() { #expect(Self.vectors.count == 84) }

  /// Answers of an independent implementation.
  @Test(arguments: vectors) func vector(_ fields: [String]) throws {
    try #require(fields.count == 5)
    let offline = try Offline(policy: Vectors.policy(fields[1]), asOf: fields[2])
    let row = try #require(offline.rows(Array(fields[4].utf8), .validUntil).first)
    let moment = try Self.moment(row)
    #expect(moment.map { Moment.format($0) } ?? "null" == fields[3], "\(fields[0])")
  }

  /// What the rows say, held against what is seen at other moments.
  @Test(arguments: Case.all) func holds(_ test: Case) throws {
    let policy = try Vectors.policy(test.policy, overrides: test.overrides)
    let lines = try Vectors.bytes(test.candidates).split(separator: 0x0A).map { Array($0) }
      .filter { !$0.withUnsafeBytes { isBlank($0) } }
    try Self.check(policy, test.asOf, lines, steppingDays: lines.count > 1000 ? 0 : 20)
  }

  /// Candidates around every threshold of a policy in which time turns answers in every way. Most of its rules are taken
  /// out at random, as they hide one another: each rule's moments are looked at by all others.
  @Test(arguments: 0..<40) func randomCandidates(_ seed: UInt64) throws {
    var random = SplitMix(state: seed)
    let policy = try Vectors.policy("valid-until/policy.yaml", overrides: Self.fewerRules(using: &random))
    let lines = (0..<40).map { _ in Array(RandomCandidate.line(at: Self.asOf, using: &random).utf8) }
    try Self.check(policy, Moment.format(Self.asOf), lines, steppingDays: 50)
  }

  private static func fewerRules(using random: inout SplitMix) -> [String] {
    let rules = (1...12).map { "suppress.S\($0 < 10 ? "0" : "")\($0)" } + ["knockout.K01", "knockout.K02"]
    let kept = rules.randomElement(using: &random)
    return rules.filter { $0 != kept && Int.random(in: 0..<10, using: &random) < 8 }.map { $0 + ".when=false" }
      + ["tiers={}", "risk.card={}", "response.card={}", "response.floor=0", "clock_skew_seconds=0"]
      .filter { _ in Bool.random(using: &random) }
  }

  /// Each single second of an hour.
  @Test func everySecond() throws {
    var random = SplitMix(state: 77)
    let policy = try Vectors.policy("valid-until/policy.yaml")
    let offline = try Offline(policy: policy, asOf: Moment.format(Self.asOf))
    let onlooker = Onlooker(policy)
    var changes = 0
    for _ in 0..<120 {
      let line = Array(RandomCandidate.line(at: Self.asOf, within: 3600, using: &random).utf8)
      let moment = try Self.moment(try #require(offline.rows(line, .validUntil).first))
      onlooker.turn(to: line)
      let first = onlooker.look(Self.asOf)
      if first.status == .invalid { continue }
      let seen = (Self.asOf + 1...Self.asOf + 3600).first { onlooker.look($0) != first }
      if seen != nil { changes += 1 }
      let wanted = moment.flatMap { $0 <= Self.asOf + 3600 ? $0 : nil }
      #expect(seen == wanted, "\(String(decoding: line, as: UTF8.self))")
    }
    #expect(changes > 20)
  }

  /// What a candidate sends cannot make it slow: thousands of contacts, counts that step every day for ever, times at
  /// either end of the calendar.
  @Test(.timeLimit(.minutes(15))) func hostileCandidates() throws {
    let offline = try Offline(
      policy: Vectors.policy("valid-until/policy.yaml"), asOf: Moment.format(Self.asOf))
    let contacts = (0..<20_000).map { (index: Int64) in
      "{\"at\":\(Self.asOf - 29 * Moment.day + index * 120),\"channel\":\"x\"}"
    }
    let crowd = "\"a\":true,\"t\":0,\"contacts\":[" + contacts.joined(separator: ",") + "]}"
    let lines = [
      "{\"user_id\":\"a\",\"seg\":\"any\"," + crowd, "{\"user_id\":\"a\",\"seg\":\"stays\"," + crowd,
      "{\"user_id\":\"a\",\"seg\":\"always\",\"stop\":true,\"t\":-60000000000,\"u\":-60000000077,\"f\":\(Moment.last)}",
      "{\"user_id\":\"a\",\"seg\":\"field\",\"stop\":true,\"u\":\(Moment.last),\"n\":1e308,\"lim\":4000001,\"t\":0}",
      "{\"user_id\":\"a\",\"seg\":\"field\",\"stop\":true,\"u\":\(Moment.first),\"n\":3999999.5,\"lim\":-3999999.5}",
    ]
    let rows = offline.rows(Array(lines.joined(separator: "\n").utf8), .validUntil)
    try #require(rows.count == lines.count)
    let first = try #require(JSONValue(rows[0].utf8))
    #expect(first["status"]?.text == "resting" && first["valid_until"]?.text == first["until"]?.text)
    #expect(try Self.moment(rows[1]) == nil)
    #expect(try Self.moment(rows[2]) == nil)
    // The clock begins when the time comes; before that, none of its kind is known.
    #expect(try Self.moment(rows[3]) == Moment.last - 300)
    #expect(try Self.moment(rows[4]) == nil)
  }

  private static let asOf: Int64 = 1_772_330_400

  private static func check(_ policy: Policy, _ asOf: String, _ lines: [[UInt8]], steppingDays: Int64) throws {
    let offline = try Offline(policy: policy, asOf: asOf)
    let now = offline.now
    let onlooker = Onlooker(policy)
    var random = SplitMix(state: UInt64(lines.count))
    let rows = offline.rows(Array(lines.joined(separator: [0x0A])), .validUntil)
    let plain = offline.rows(Array(lines.joined(separator: [0x0A])), [])
    try #require(rows.count == lines.count && plain.count == lines.count)
    for (line, (row, plain)) in zip(lines, zip(rows, plain)) {
      let text = Comment(rawValue: String(decoding: line, as: UTF8.self))
      #expect(row.hasPrefix(plain.dropLast() + ",\"valid_until\":"), text)
      let moment = try Self.moment(row)
      onlooker.turn(to: line)
      let first = onlooker.isCandidate ? onlooker.look(now) : nil
      guard let first, first.status != .invalid else {
        #expect(moment == nil, text)
        continue
      }
      var quiet = [now]
      if let moment {
        #expect(moment > now && moment <= Moment.last, text)
        #expect(onlooker.look(moment) != first, text)
        quiet = [moment - 1] + (0..<6).map { _ in Int64.random(in: now..<moment, using: &random) }
      } else {
        quiet += [1, 30, 365, 3650, 36_500].map { now + $0 * Moment.day }
        quiet += (0..<6).map { _ in Int64.random(in: now...now + 4000 * Moment.day, using: &random) } + [Moment.last]
      }
      quiet += onlooker.steps(after: now, days: steppingDays).filter { $0 < moment ?? .max }
      let changed = quiet.first { $0 <= Moment.last && onlooker.look($0) != first }
      #expect(changed == nil, text)
    }
  }
}
