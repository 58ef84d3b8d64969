import RouseCore
import RousePolicy
import Testing

@Suite struct VectorTests {
  @Test(arguments: Vectors.lines("bad-policies/index.tsv").dropFirst().map(Vectors.columns))
  func badPolicy(_ row: [String]) {
    let path = row[2].isEmpty ? "" : " \(row[2])"
    #expect(faults(Vectors.bytes("bad-policies/\(row[0])")) == ["\(row[1])\(path) \(row[3]):\(row[4])"], "\(row[5])")
  }

  @Test(arguments: Vectors.names(in: "edges") + Vectors.names(in: "policies") + ["bad-policies/base.yaml"])
  func goodPolicy(_ name: String) {
    #expect(faults(Vectors.bytes(name), Document.Format(fileName: name)) == [])
  }

  @Test func allVectorsAreThere() {
    #expect(Vectors.lines("bad-policies/index.tsv").count == 46)
    #expect(Vectors.names(in: "edges").count == 47)
    #expect(Vectors.lines("conditions.tsv").count > 190)
  }

  static let conditions = Vectors.lines("conditions.tsv").dropFirst(2).map(Vectors.columns)
    .filter { $0[2].contains(":") }

  /// A condition of the vectors as the condition of a rule, once quoted and once plain where it can be.
  @Test(arguments: conditions)
  func faultyCondition(_ row: [String]) throws {
    let expected = row[2].split(separator: ":").map(String.init)
    let column = try #require(Int(expected[1]))
    let policy = small(
      ("joined_at, seen_at]\n  times_ahead", "joined_at, seen_at, t, u, v]\n  times_ahead"),
      ("numbers: [debt", "numbers: [a, b, c, debt"), ("flags: [sms_ok", "flags: [p, q, r, sms_ok"),
      ("texts: [region, ", "texts: [s, device.os, _x, region, "), ("debt > 1000", row[0]))
    // The vectors write conditions as JSON texts, which are YAML's double-quoted scalars too.
    if !row[0].contains("\\") {
      #expect(try faults(policy) == ["\(expected[0]) suppress.S01.when 27:\(11 + column)"])
    }
    let json = try #require(try? Document.parse(json: Array(row[0].utf8)))
    guard case .scalar(let scalar) = json.root.content else { return }
    let single = "'" + scalar.text.replacing("'", with: "''") + "'"
    #expect(
      try faults(policy.replacing(row[0], with: single)) == ["\(expected[0]) suppress.S01.when 27:\(11 + column)"])
  }

  @Test func conditionsThatHold() throws {
    let fine = Vectors.lines("conditions.tsv").dropFirst(2).map(Vectors.columns).filter { !$0[2].contains(":") }
    for row in fine {
      let policy = small(
        ("joined_at, seen_at]\n  times_ahead", "joined_at, seen_at, t, u, v]\n  times_ahead"),
        ("numbers: [debt", "numbers: [a, b, c, debt"), ("flags: [sms_ok", "flags: [p, q, r, sms_ok"),
        ("texts: [region, ", "texts: [s, device.os, _x, region, "), ("debt > 1000", row[0]))
      #expect(try faults(policy) == [], "\(row[0])")
    }
  }

  @Test func settingsOfTheGoldenRuns() throws {
    let document = try Document.parse(json: Vectors.bytes("settings.json"))
    let settings = try #require(document.root["settings"])
    guard case .map(let runs) = settings.content else { return }
    #expect(runs.count == 5)
    for run in runs {
      guard case .list(let items) = run.value.content else { continue }
      let overrides = try items.map { item in
        guard case .scalar(let scalar) = item.content else { throw NotAText() }
        return try Override(parsing: scalar.text)
      }
      let policy = try PolicyReader.read(
        Vectors.bytes("policies/cash-loan-recall.yaml"), format: .yaml, overrides: overrides)
      switch run.key {
      case "no-limits":
        #expect(policy.plan.capacity.allSatisfy { $0 == nil })
        #expect(policy.plan.quotas.isEmpty)
      case "all-limits":
        #expect(policy.plan.budget == 25)
        #expect(policy.plan.capital == 5000)
        #expect(policy.plan.capacity == [nil, 60, nil, 12])
        #expect(policy.plan.quotas.map(\.max) == [3])
      case "tiers-first":
        #expect(policy.plan.tierFirst)
        #expect(policy.money.hurdle == 0.5)
      default: #expect(policy.plan.budget != nil)
      }
    }
  }

  private struct NotAText: Error {}

  @Test func overridesOfTheEdgeCases() throws {
    let quotaMade = #"plan.quota.é={"when":"region_group = 'two'","max":1}"#
    #expect(faults(Vectors.bytes("edges/unicode.yaml"), .yaml, [try Override(parsing: quotaMade)]) == [])
    let nulls = ["plan.quota.vip.when=\"lim > 100\"", "plan.quota.vip.max=2", "plan.capital=null"]
    #expect(
      faults(Vectors.bytes("edges/null-limits-set.yaml"), .yaml, try nulls.map { try Override(parsing: $0) }) == [])
  }
}
