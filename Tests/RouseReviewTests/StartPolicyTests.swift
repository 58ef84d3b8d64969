import RouseCore
import RouseWire
import TestData
import Testing

@testable import RouseReview

@Suite struct StartPolicyTests {
  /// A file of a trade nobody has thought of.
  private static func table(_ count: Int, seed: UInt64 = 1) -> DataTable {
    var random = SplitMix(state: seed)
    var table = DataTable()
    for index in 0..<count {
      let visits = Int.random(in: 0..<40, using: &random)
      let plan = ["basic", "gold", "a \"b\": c", "null"][Int.random(in: 0..<4, using: &random)]
      let member = Bool.random(using: &random)
      let odds = Double(visits) / 20 - 2 + (plan == "gold" ? 1 : 0) + (member ? 0.5 : 0)
      let came = Double.random(in: 0..<1, using: &random) < 1 / (1 + (-odds).exponential)
      let income = index % 5 == 0 ? "\"NA\"" : "\(Double.random(in: -500..<500, using: &random))"
      let line =
        "{\"row\":\(index),\"visits\":\(visits),\"plan\":\(JSONText.quoted(plan)),\"member\":\(member),\"income\":\(income),"
        + "\"Gender\":\"f\",\"stage\":3,\"noise\":\(Int.random(in: 0..<9, using: &random)),\"y\":\(came)}"
      guard let row = JSONValue(Array(line.utf8)) else { continue }
      table.add(row, outcome: came, ignoring: [ExactText("y")])
    }
    return table
  }

  @Test func aFileBecomesAPolicyThatLoads() throws {
    let start = try StartPolicy(Self.table(3000), StartPolicy.Settings())
    let text = try PolicyText(yaml: Array(start.text.utf8))
    let policy = text.policy
    let kinds = Dictionary(uniqueKeysWithValues: policy.fields.declared.map { ($0.name, $0.kind) })
    #expect(
      kinds["visits"] == .numbers && kinds["plan"] == .texts && kinds["member"] == .flags && kinds["income"] == .numbers
    )
    #expect(kinds["Gender"] == nil && kinds["stage"] == nil && kinds["row"] == nil)
    #expect(start.notes.contains { $0.hasPrefix("Gender:") } && start.notes.contains { $0.hasPrefix("stage:") })
    let names = policy.response.rows.map(\.name)
    #expect(names.contains("visits") && names.contains("plan") && names.contains("member") && !names.contains("row"))
    #expect(policy.response.rows.allSatisfy { row in row.points.allSatisfy { $0 == 0 } })
    let rate = policy.definition.response.steps[0].rate * 0.99
    let table = Self.table(3000)
    #expect(abs(rate - Double(table.outcomes.count { $0 }) / 3000) < 0.001)
  }

  @Test(arguments: [6, 12, 60]) func numbersAreFew(_ most: Int) throws {
    var settings = StartPolicy.Settings()
    settings.mostNumbers = most
    let start = try StartPolicy(Self.table(3000), settings)
    let text = try PolicyText(yaml: Array(start.text.utf8))
    let cells = CardCells(text.policy.response, named: "response", in: text.document)
    #expect(cells.cells.count { $0.node != nil } + 2 <= most)
  }

  @Test func binsAreMonotoneAndTellTheirWorth() throws {
    let proposal = try BinProposal(Self.table(3000), fields: ["visits", "plan"], leastEvents: 30, mostBins: 6)
    let report = try #require(JSONValue(proposal.report))
    let visits = try #require(report["fields"]?.items.first { $0["name"]?.text == "visits" })
    let evidence = (visits["bins"]?.items ?? []).compactMap { $0["woe"]?.number }
    #expect((2...6).contains(evidence.count) && zip(evidence, evidence.dropFirst()).allSatisfy { $0 < $1 })
    #expect(visits["monotone"]?.text == "up")
    let parts = (visits["bins"]?.items ?? []).compactMap { $0["iv"]?.number }.reduce(0, +)
    #expect(abs(parts - (visits["iv"]?.number ?? 0)) < 1e-9)
    #expect(throws: ReviewError.self) {
      try BinProposal(Self.table(300), fields: ["visit"], leastEvents: 30, mostBins: 6)
    }
  }

  @Test func oneOutcomeIsNotEnough() {
    var table = DataTable()
    for index in 0..<100 {
      guard let row = JSONValue(Array("{\"a\":\(index)}".utf8)) else { continue }
      table.add(row, outcome: index == 0, ignoring: [])
    }
    #expect(throws: ReviewError.self) { try StartPolicy(table, StartPolicy.Settings()) }
  }

  @Test(arguments: [
    ("Marital Status", "Marital_Status"), ("TARGET_LABEL_BAD=1", "TARGET_LABEL_BAD_1"), ("9th", "_9th"), ("is", "is_"),
    ("emp.var.rate", "emp_var_rate"), ("stage", "stage_"), ("x", "x"), ("", "_"),
  ]) func columnsGetNames(_ pair: (String, String)) {
    let usable = FieldNames.usable(pair.0)
    #expect(FieldNames.isUsable(usable))
    if pair.0 != "emp.var.rate" { #expect(usable == pair.1) } else { #expect(usable == pair.0) }
  }

  @Test(arguments: [(0.4, 0.6, 0.5), (41, 42, 42), (1234.5, 1999.9, 1900.0), (-8, -3, -3.0), (99, 101, 100)])
  func boundsAreNeat(_ bound: (Double, Double, Double)) {
    let neat = Binning.neat(after: bound.0, to: bound.1)
    #expect(neat > bound.0 && neat <= bound.1)
  }
}

extension Double {
  fileprivate var exponential: Double {
    // e^x by halving: the tests need no more.
    var (sum, term) = (1.0, 1.0)
    let x = self / 1024
    for n in 1...12 {
      term *= x / Double(n)
      sum += term
    }
    for _ in 0..<10 { sum *= sum }
    return sum
  }
}
