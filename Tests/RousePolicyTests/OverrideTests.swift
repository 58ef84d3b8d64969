import RousePolicy
import Testing

@Suite struct OverrideTests {
  @Test(arguments: [
    ("plan.budget=-1", ["range plan.budget"]), ("plan.budget=\"5\"", ["type plan.budget"]),
    ("money=null", ["type money"]),
    ("plan.quota.new.max=-1", ["range plan.quota.new.max"]),
    ("suppress.S01.when=\"dept = 1\"", ["unknown_field suppress.S01.when"]),
    ("risk.card.device.tier.is.low=-11", ["proxy risk.card.device.tier.is.low"]),
    ("review.psi=[0.1, 2]", ["range review.psi.1"]), ("plan.capacity.email=1", ["reference plan.capacity.email"]),
    ("version=1e0", ["type version"]),
    (
      "stages.new={}",
      [
        "missing_key stages.new.when", "missing_key stages.new.since", "missing_key stages.new.dormant",
        "missing_key stages.new.steps", "missing_key stages.new.loan", "missing_key stages.new.coupon",
        "missing_key stages.new.incremental", "missing_key stages.new.points",
      ]
    ),
    ("plan.budget=12.5", []), ("regions.utc_offsets.X1=\"-03:30\"", []),
    ("review.targets.a.b=0.5", ["type review.targets.a"]),
  ])
  func checkedAnew(_ text: String, _ expected: [String]) throws {
    #expect(try faults(small(), set: [text]) == expected)
  }

  @Test func faultsOfTheFileComeFirst() throws {
    #expect(
      try faults(small(("gap_days: 3", "gap_days: x")), set: ["cap_30d=0"]) == ["type gap_days 49:11", "range cap_30d"])
  }

  @Test func valuesAreSetInOrder() throws {
    let bytes = Array(small().utf8)
    let overrides = try ["plan.budget=5", "plan.budget=6", "plan.quota.second={\"when\": true, \"max\": 1}"]
      .map { try Override(parsing: $0) }
    let policy = try PolicyReader.read(bytes, format: .yaml, overrides: overrides)
    #expect(policy.plan.budget == 6)
    #expect(policy.plan.quotas.map(\.name) == ["new", "second"])
  }

  @Test func missingMapsAreMade() throws {
    let bytes = Array(small(("  budget: null\n  capacity: {sms: 10}\n", "  capacity: null\n")).utf8)
    let policy = try PolicyReader.read(
      bytes, format: .yaml, overrides: [try Override(parsing: "plan.capacity.sms=7")])
    #expect(policy.plan.capacity == [7])
  }

  @Test(arguments: [
    "plan.budget", "", "=1", ".a=1", "a.=1", "a..b=1", "a=", "a=abc", "a={", "a=[1,]", "a='x'", "a={\"b\":1,\"b\":2}",
  ])
  func malformed(_ text: String) {
    #expect(throws: PolicyDiagnostics.self) { try Override(parsing: text) }
  }

  @Test(arguments: [
    ("name.x=1", "type name"), ("stages.away.since.x=1", "type stages.away.since"),
    ("fields.times.0=\"x\"", "type fields.times"),
    ("risk.card.device.tier.code.x=1", "type risk.card.device.tier.code"),
  ])
  func noWayThrough(_ text: String, _ expected: String) throws {
    #expect(try faults(small(), set: [text]) == [expected])
  }

  @Test func aPathHasALimit() throws {
    let long = String(repeating: "a.", count: 50_000) + "a=1"
    #expect(try faults(small(), set: [long]) == ["syntax"])
  }
}
