import Foundation
import RouseCore
import RousePolicy
import RouseReview
import RouseWire
import TestData
import Testing

/// A policy's own cases: the shipped ones pass, and every way to differ is told at its place.
struct PolicyCasesTests {
  private static func policy() throws -> Policy {
    let bytes = Array(try LintTests.example("cash-loan-recall").utf8)
    return Policy(try PolicyReader.read(bytes, format: .yaml), bytes: bytes)
  }

  private static func cases(_ text: String) throws -> PolicyCases {
    try PolicyCases(try Document.parse(yaml: Array(text.utf8)))
  }

  @Test func theShippedCasesPass() throws {
    let cases = try Self.cases(LintTests.example("cash-loan-recall.tests"))
    let policy = try Self.policy()
    #expect(cases.policy == "cash-loan-recall.yaml")
    try cases.check(against: policy)
    let results = cases.run(policy)
    #expect(results.count >= 12)
    #expect(results.flatMap(\.mismatches) == [])
    #expect(results.allSatisfy { $0.hasPassed })
  }

  /// Each status but `unprofitable` and `invalid` stands among them.
  @Test func theShippedCasesAreVaried() throws {
    let results = try Self.cases(LintTests.example("cash-loan-recall.tests")).run(Self.policy())
    let statuses = Set(results.compactMap { $0.row["status"]?.text })
    #expect(statuses.isSuperset(of: ["eligible", "active", "suppressed", "declined", "resting", "holdout"]))
  }

  private static func one(_ expect: String, _ candidate: String = "") -> String {
    """
    as_of: 2026-03-01T10:00:00+08:00
    cases:
      - name: one
        candidate: {loan_settled_at: 2025-12-28T03:00:00Z, sms_ok: true\(candidate)}
        expect: {\(expect)}

    """
  }

  static let mismatches: [(expect: String, told: String)] = [
    ("status: declined", "status: expected declined, found unprofitable"),
    ("stage: granted", "stage: expected granted, found settled"),
    ("tier: all", "tier: expected all, found 3m"),
    ("reasons: [K01]", "reasons: expected [K01], found [E01]"),
    ("reasons_include: [K01]", "reasons_include: expected [K01] among them, found [E01]"),
    ("channel: push", "channel: expected push, found sms"),
    ("arm: holdout", "arm: expected holdout, found policy"),
    ("until: null, value: {at_least: 1000000}", "value: expected at least 1000000, found "),
    ("risk_score: {at_least: 0, at_most: 10}", "risk_score: expected 0 to 10, found 574"),
    ("dormant_days: 62", "dormant_days: expected 62, found 62 days"),
    ("issues: [x]", "issues: expected [x], found none"),
    ("p: {at_most: 0}", "p: expected at most 0, found 0."),
  ]

  @Test(arguments: mismatches) func aDifferenceIsTold(_ row: (expect: String, told: String)) throws {
    let results = try Self.cases(Self.one(row.expect)).run(Self.policy())
    let told = results.flatMap(\.mismatches).map { "\($0.key): expected \($0.expected), found \($0.found)" }
    if row.told.hasSuffix(" days") {
      #expect(told.isEmpty)
      return
    }
    #expect(told.count == 1 && told[0].hasPrefix(row.told), "\(told)")
    let mismatch = try #require(results.first?.mismatches.first)
    #expect(mismatch.line == 5)
    #expect(!(results.first?.hasPassed ?? true))
  }

  @Test func withoutAUserIDTheArmIsThePolicys() throws {
    let many = (0..<200).map {
      "  - {name: n\($0), candidate: {loan_settled_at: 2025-12-28T03:00:00Z, sms_ok: true}}\n"
    }
    let results = try Self.cases("as_of: 2026-03-01T10:00:00+08:00\ncases:\n" + many.joined()).run(Self.policy())
    #expect(results.count == 200)
    #expect(results.allSatisfy { $0.row["arm"]?.text == "policy" })
    #expect(results.allSatisfy { !$0.hasPassed })
  }

  /// What `--write` fills in is what then passes.
  @Test func anAnswerPasses() throws {
    let policy = try Self.policy()
    let shipped = try Self.cases(LintTests.example("cash-loan-recall.tests"))
    for result in shipped.run(policy) {
      let text =
        "as_of: 2026-03-01T10:00:00+08:00\ncases:\n  - name: one\n    candidate: \(result.one.candidate.json)\n"
        + "    expect: \(result.answer)\n"
      // The user_id decides the arm, and a made one is of the case's number.
      guard result.one.candidate["user_id"] != nil || result.row["arm"]?.text != "holdout" else { continue }
      let again = try Self.cases(text)
      try again.check(against: policy)
      #expect(again.run(policy).flatMap(\.mismatches) == [], "\(result.one.name): \(result.answer)")
    }
  }

  static let faults: [(text: String, told: String)] = [
    ("cases: []\n", "missing_key as_of 1:1"),
    ("as_of: yesterday\ncases: [{name: a, candidate: {}}]\n", "value as_of 1:8"),
    (one("status: decline"), "value cases.0.expect.status 5:22"),
    (one("stages: settled"), "unknown_key cases.0.expect.stages 5:14"),
    (one("stage: setled"), "reference cases.0.expect.stage 5:21"),
    (one("reasons: [K99]"), "reference cases.0.expect.reasons 5:23"),
    (one("channel: pigeon"), "reference cases.0.expect.channel 5:23"),
    (one("tier: 5m"), "reference cases.0.expect.tier 5:20"),
    (one("value: high"), "type cases.0.expect.value 5:21"),
    (one("value: {at_least: 2, at_most: 1}"), "range cases.0.expect.value 5:21"),
    (one("value: {atleast: 2}"), "unknown_key cases.0.expect.value.atleast 5:22"),
    ("as_of: 2026-03-01T10:00:00Z\ncases:\n  - name: a\n    candidat: {}\n", "missing_key cases.0.candidate 3:5"),
    (
      "as_of: 2026-03-01T10:00:00Z\ncases: [{name: a, candidate: {}}, {name: a, candidate: {}}]\n",
      "duplicate cases.1.name 2:42"
    ),
    ("as_of: 2026-03-01T10:00:00Z\ncases: [{name: a, candidate: 5}]\n", "type cases.0.candidate 2:30"),
  ]

  @Test(arguments: faults) func aFaultHasItsPlace(_ row: (text: String, told: String)) throws {
    let policy = try Self.policy()
    let error = #expect(throws: PolicyDiagnostics.self) { try Self.cases(row.text).check(against: policy) }
    let told = (error?.all ?? []).map { "\($0.kind.rawValue) \($0.path) \($0.line ?? 0):\($0.column ?? 0)" }
    #expect(told.contains(row.told), "\(told)")
  }

  // MARK: - Effective

  private static func effective(_ text: String, set: [String] = []) throws -> EffectiveValues {
    var document = try Document.parse(yaml: Array(text.utf8))
    for one in set { try document.set(try Override(parsing: one)) }
    return EffectiveValues(try PolicyReader.read(document), document)
  }

  /// Everything written is there at its place, and what is not says so.
  @Test func everyValueStandsWhereItIsWritten() throws {
    let text = try LintTests.example("lapsed-shoppers")
    let values = try Self.effective(text, set: ["plan.budget=12.5"])
    func find(_ path: String) -> EffectiveValues.Value? {
      values.all.first { $0.path.joined(separator: ".") == path }
    }
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    for value in values.all {
      guard case .file(let line?, let column?) = value.origin else { continue }
      let rest = lines[line - 1].dropFirst(column - 1)
      let isList = if case .list = value.value { true } else { false }
      let shown = value.value.text ?? value.value.json
      #expect(isList || rest.drop { $0 == "\"" }.hasPrefix(shown), "\(value.path) \(rest)")
    }
    #expect(find("plan.budget")?.origin == .set)
    #expect(find("plan.budget")?.value.json == "12.5")
    #expect(find("money.hurdle")?.origin != .byDefault(from: nil))
    #expect(find("plan.capital")?.origin == .byDefault(from: nil))
    #expect(find("response.card.purchases.missing")?.origin == .byDefault(from: nil))
    #expect(find("regions.groups")?.origin == .byDefault(from: nil))
    #expect(find("knockout")?.origin == .byDefault(from: nil))
    let donors = try Self.effective(LintTests.example("lapsed-donors"))
    let half = try #require(donors.all.first { $0.path == ["stages", "pledge_over", "half_life"] })
    #expect(half.origin == .byDefault(from: "response.half_life"))
    #expect(half.value.json == "180")
  }

  @Test func theLinesAreJSON() throws {
    let values = try Self.effective(LintTests.example("cash-loan-recall"))
    let lines = values.json.split(separator: "\n").map { JSONValue(Array($0.utf8)) }
    #expect(lines.count == values.all.count)
    #expect(lines.allSatisfy { ["file", "default"].contains($0?["from"]?.text) })
    // No path stands there twice.
    #expect(Set(lines.compactMap { $0?["path"]?.text }).count == lines.count)
  }
}
