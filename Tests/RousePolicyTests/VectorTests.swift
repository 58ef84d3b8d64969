import RouseCore
import RousePolicy
import TestData
import Testing

@Suite struct VectorTests {
  static let badPolicies = Vectors.rows("bad-policies/index.tsv", skipping: 1)

  @Test(arguments: badPolicies)
  func badPolicy(_ row: [String]) throws {
    let path = row[2].isEmpty ? "" : " \(row[2])"
    #expect(
      faults(try Vectors.bytes("bad-policies/\(row[0])")) == ["\(row[1])\(path) \(row[3]):\(row[4])"], "\(row[5])")
  }

  @Test(
    arguments: EdgeCase.all.map(\.policy) + [
      "policy.yaml", "bad-policies/base.yaml", "../examples/cash-loan-recall.yaml", "../examples/lapsed-donors.yaml",
      "../examples/lapsed-shoppers.yaml",
    ])
  func goodPolicy(_ name: String) throws {
    #expect(faults(try Vectors.bytes(name), Document.Format(fileName: name)) == [])
  }

  @Test func allVectorsAreThere() {
    #expect(Self.badPolicies.count == 45)
    #expect(EdgeCase.all.count == 87)
    #expect(Self.conditions.count > 190)
    #expect(Vectors.goldenSettings.count == 5)
  }

  static let conditions = Vectors.rows("conditions.tsv", skipping: 2)

  /// A condition of the vectors as the condition of a rule, once quoted and once plain where it can be.
  @Test(arguments: conditions.filter { $0[2].contains(":") })
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
    for row in Self.conditions where !row[2].contains(":") {
      let policy = small(
        ("joined_at, seen_at]\n  times_ahead", "joined_at, seen_at, t, u, v]\n  times_ahead"),
        ("numbers: [debt", "numbers: [a, b, c, debt"), ("flags: [sms_ok", "flags: [p, q, r, sms_ok"),
        ("texts: [region, ", "texts: [s, device.os, _x, region, "), ("debt > 1000", row[0]))
      #expect(try faults(policy) == [], "\(row[0])")
    }
  }

  @Test func settingsOfTheGoldenRuns() throws {
    for (name, settings) in Vectors.goldenSettings {
      let policy = try PolicyReader.read(
        Vectors.bytes("policy.yaml"), format: .yaml, overrides: try settings.map { try Override(parsing: $0) })
      switch name {
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

  @Test(arguments: EdgeCase.all) func overridesOfAnEdgeCase(_ edge: EdgeCase) throws {
    let overrides = try edge.overrides.map { try Override(parsing: $0) }
    #expect(faults(try Vectors.bytes(edge.policy), Document.Format(fileName: edge.policy), overrides) == [])
  }
}
