import RouseCore
import RouseWire
import TestData
import Testing

@testable import RouseReview

/// Two policies over the same candidates, against what `score` and `rank` say under each.
struct ComparisonTests {
  /// Of the old policy, and of the new one.
  static let pairs: [(old: [String], new: [String])] = [
    ([], []),
    ([], ["risk.cutoff=540"]),
    (["plan.budget=25", "plan.capacity.call=12"], ["plan.budget=30", "plan.capacity.call=12"]),
    (["plan.budget=12.5", "plan.quota={}"], ["plan.budget=12.5", "plan.quota={}", "risk.card.network.missing=9"]),
    ([], ["plan.budget=10", "plan.tier_first=true", "money.hurdle=0.5"]),
    (["plan.budget=0"], ["response.card.clicked_before.is.true=40", "risk.cutoff=600"]),
    (["experiment.salt=\"a\"", "plan.budget=20"], ["experiment.salt=\"b\"", "plan.budget=20"]),
    ([], ["stages.granted.points=40", "stages.granted.incremental=0.2", "channels.sms.cost=0.9"]),
  ]

  private static func near(_ left: Double?, _ right: Double?, _ within: Double = 1e-6) -> Bool {
    switch (left, right) {
    case (nil, nil): true
    case (let left?, let right?): abs(left - right) <= within * max(1, abs(right))
    default: false
    }
  }

  private static func code(_ row: JSONValue) -> String? { row["reasons"]?.items.first?.text }

  @Test(arguments: pairs) func equalsScoreAndRank(_ pair: (old: [String], new: [String])) throws {
    let lines = try ComparisonRun.candidates()
    let (old, new) = (try ComparisonRun.policy(pair.old), try ComparisonRun.policy(pair.new))
    let comparison = try ComparisonRun.compare(lines, old: old, new: new)
    let before = try ComparisonRun.Reference(lines, old)
    let after = try ComparisonRun.Reference(lines, new)
    #expect(comparison["lines"]?.whole == lines.count)
    try totals(comparison, "old", before)
    try totals(comparison, "new", after)
    try swapSet(comparison, before, after)
    flips(comparison, before, after)
    order(comparison, before, after, [old, new].map(\.definition.money.hurdle))
    overlap(comparison, before, after)
    groups(comparison, "old", before, new: false)
    groups(comparison, "new", after, new: true)
  }

  private func totals(_ comparison: JSONValue, _ side: String, _ reference: ComparisonRun.Reference) throws {
    let totals = try #require(comparison["totals"]?[side])
    for name in ["contacts", "spend", "value", "net_value", "capital"] {
      #expect(totals[name]?.json == reference.plan[name]?.json, "\(side) \(name)")
    }
    let statuses = try #require(comparison["statuses"]?[side])
    #expect(statuses.json == reference.plan["status"]?.json)
    #expect(statuses.members.reduce(0) { $0 + ($1.value.whole ?? 0) } == comparison["lines"]?.whole)
    // The same cuts, each at its place.
    let cuts = comparison["prices"]?.items.filter { $0[side]?.isNull == false } ?? []
    let wanted = reference.plan["cut"]?.items ?? []
    #expect(cuts.count == wanted.count)
    for cut in wanted {
      let found = cuts.first { $0["limit"]?.text == cut["limit"]?.text }?[side]
      for name in ["max", "used", "price", "say"] { #expect(found?[name]?.json == cut[name]?.json, "\(name)") }
    }
  }

  private func swapSet(
    _ comparison: JSONValue, _ before: ComparisonRun.Reference, _ after: ComparisonRun.Reference
  ) throws {
    var counts = ["in_in": 0, "in_out": 0, "out_in": 0, "out_out": 0]
    var values: [String: (Double, Double)] = [:]
    var pds: [String: ([Double], [Double])] = [:]
    for index in before.ranked.indices {
      let (old, new) = (before.ranked[index], after.ranked[index])
      let name = (Self.isContact(old) ? "in" : "out") + "_" + (Self.isContact(new) ? "in" : "out")
      counts[name, default: 0] += 1
      values[name, default: (0, 0)].0 += Self.value(old, before.scored[index])
      values[name, default: (0, 0)].1 += Self.value(new, after.scored[index])
      if let pd = old["pd"]?.number { pds[name, default: ([], [])].0.append(pd) }
      if let pd = new["pd"]?.number { pds[name, default: ([], [])].1.append(pd) }
    }
    for (name, count) in counts {
      let swap = try #require(comparison["swap"]?[name])
      #expect(swap["count"]?.whole == count, "\(name)")
      #expect(Self.near(swap["value_old"]?.number, values[name]?.0 ?? 0), "\(name)")
      #expect(Self.near(swap["value_new"]?.number, values[name]?.1 ?? 0), "\(name)")
      func mean(_ pds: [Double]?) -> Double? {
        pds.flatMap { $0.isEmpty ? nil : $0.reduce(0, +) / Double($0.count) }
      }
      // Rows show six decimals.
      #expect(Self.near(swap["pd_old"]?.number, mean(pds[name]?.0)), "\(name)")
      #expect(Self.near(swap["pd_new"]?.number, mean(pds[name]?.1)), "\(name)")
    }
  }

  private static func isContact(_ row: JSONValue) -> Bool { row["status"]?.text == "contact" }

  private static func value(_ ranked: JSONValue, _ scored: JSONValue) -> Double {
    switch ranked["status"]?.text {
    case "contact": ranked["best"]?["value"]?.number ?? 0
    case "waitlist": scored["best"]?["value"]?.number ?? 0
    default: 0
    }
  }

  private func flips(
    _ comparison: JSONValue, _ before: ComparisonRun.Reference, _ after: ComparisonRun.Reference
  ) {
    var wanted: [String: Int] = [:]
    for (old, new) in zip(before.ranked, after.ranked) where old["status"]?.text != new["status"]?.text {
      let key = [old["status"]?.text, Self.code(old), new["status"]?.text, Self.code(new)].map { $0 ?? "" }
      wanted[key.joined(separator: " "), default: 0] += 1
    }
    var found: [String: Int] = [:]
    let flips = comparison["flips"]?.items ?? []
    for flip in flips {
      let key = ["from", "from_code", "to", "to_code"].map { flip[$0]?.text ?? "" }
      found[key.joined(separator: " "), default: 0] += flip["count"]?.whole ?? 0
    }
    #expect(found == wanted && found.count == flips.count)
    let counts = flips.map { $0["count"]?.whole ?? 0 }
    #expect(counts == counts.sorted(by: >))
  }

  /// Rank correlation by counting: slow, and by another way than the code's.
  private func order(
    _ comparison: JSONValue, _ before: ComparisonRun.Reference, _ after: ComparisonRun.Reference, _ hurdles: [Double]
  ) {
    func net(_ row: JSONValue, _ hurdle: Double) -> Double? {
      guard let best = row["best"], let value = best["value"]?.number, let spend = best["spend"]?.number else {
        return nil
      }
      return ((value - hurdle * spend) * 1e6 + 1e-3).rounded(.down)
    }
    let repeated = Set(before.ranked.indices.filter { Self.code(before.ranked[$0]) == "I03" })
    let pairs = before.scored.indices.filter { !repeated.contains($0) }.compactMap { index -> (Double, Double)? in
      guard let old = net(before.scored[index], hurdles[0]), let new = net(after.scored[index], hurdles[1]) else {
        return nil
      }
      return (old, new)
    }
    #expect(comparison["spearman"]?["users"]?.whole == pairs.count)
    guard pairs.count > 1 else { return }
    func ranks(_ values: [Double]) -> [Double] {
      values.map { value in
        Double(values.count { $0 < value }) + (Double(values.count { $0 == value }) + 1) / 2
      }
    }
    let (a, b) = (ranks(pairs.map(\.0)), ranks(pairs.map(\.1)))
    let middle = Double(pairs.count + 1) / 2
    let (both, x, y) = zip(a, b).reduce((0.0, 0.0, 0.0)) { sum, pair in
      let (p, q) = (pair.0 - middle, pair.1 - middle)
      return (sum.0 + p * q, sum.1 + p * p, sum.2 + q * q)
    }
    guard x > 0, y > 0 else { return }
    #expect(Self.near(comparison["spearman"]?["rho"]?.number, both / (x * y).squareRoot(), 1e-9))
  }

  private func overlap(_ comparison: JSONValue, _ before: ComparisonRun.Reference, _ after: ComparisonRun.Reference) {
    let looks = comparison["overlap"]?.items ?? []
    #expect(looks.last?["k"]?.whole == max(before.contacts.count, after.contacts.count))
    for look in looks {
      let k = look["k"]?.whole ?? 0
      // By code points: to Swift two spellings of an accented letter are one.
      func first(_ rows: [JSONValue]) -> Set<[UInt8]> {
        Set(rows.prefix(k).compactMap { $0["user_id"]?.text.map { Array($0.utf8) } })
      }
      #expect(look["both"]?.whole == first(before.contacts).intersection(first(after.contacts)).count)
    }
  }

  private func groups(_ comparison: JSONValue, _ side: String, _ reference: ComparisonRun.Reference, new: Bool) {
    for (name, key) in [("stage", "stage"), ("tier", "tier")] {
      for group in comparison["by"]?[name]?.items ?? [] {
        let rows = reference.ranked.filter { $0[key]?.text == group["name"]?.text }
        let contacts = rows.filter(Self.isContact)
        let found = group[side]
        #expect(found?["lines"]?.whole == rows.count, "\(name) \(group["name"]?.text ?? "none")")
        #expect(found?["contacts"]?.whole == contacts.count)
        for member in ["value", "spend", "capital"] {
          #expect(
            Self.near(found?[member]?.number, contacts.reduce(0) { $0 + ($1["best"]?[member]?.number ?? 0) }))
        }
      }
    }
    for group in comparison["by"]?["channel"]?.items ?? [] {
      let wanted = group["name"]?.text.flatMap { reference.plan["by_channel"]?[$0]?.whole }
      #expect(group[side]?["contacts"]?.whole == wanted)
    }
    // Every part of the whole is counted once, whichever way it is cut.
    for name in ["stage", "tier", "region_group", "channel"] {
      let sum = (comparison["by"]?[name]?.items ?? []).reduce(0) { $0 + ($1[side]?["contacts"]?.whole ?? 0) }
      #expect(sum == comparison["totals"]?[side]?["contacts"]?.whole, "\(name)")
    }
  }

  // MARK: - Properties

  @Test func aPolicyAndItself() throws {
    let policy = try ComparisonRun.policy(["plan.budget=25"])
    let comparison = try ComparisonRun.compare(try ComparisonRun.candidates(), old: policy, new: policy)
    #expect(comparison["flips"]?.items.isEmpty == true)
    #expect(comparison["spearman"]?["rho"]?.number == 1)
    #expect(comparison["overlap"]?.items.allSatisfy { $0["share"]?.number == 1 } == true)
    #expect(comparison["movers"]?["up"]?.items.isEmpty == true && comparison["movers"]?["down"]?.items.isEmpty == true)
    #expect(comparison["swap"]?["in_out"]?["count"]?.whole == 0 && comparison["swap"]?["out_in"]?["count"]?.whole == 0)
    #expect(comparison["totals"]?["old"]?.json == comparison["totals"]?["new"]?.json)
    #expect(comparison["curves"]?["old"]?.json == comparison["curves"]?["new"]?.json)
  }

  /// However the lines are cut into blocks, and in whatever order blocks get their parts.
  @Test func blocksDoNotShow() throws {
    let lines = try ComparisonRun.candidates()
    let (old, new) = (try ComparisonRun.policy(), try ComparisonRun.policy(["risk.cutoff=540", "plan.budget=9"]))
    let whole = try ComparisonRun.compare(lines, old: old, new: new, sizes: [lines.count])
    for sizes in [[1], [7, 1, 400, 3, 19], [900, 64]] {
      #expect(try ComparisonRun.compare(lines, old: old, new: new, sizes: sizes).json == whole.json)
    }
  }

  @Test func errorsAreCounted() throws {
    let lines = try ComparisonRun.candidates()
    let policy = try ComparisonRun.policy()
    let comparison = try ComparisonRun.compare(lines, old: policy, new: policy)
    let reference = try ComparisonRun.Reference(lines, policy)
    for error in comparison["errors"]?.items ?? [] {
      let count = reference.ranked.count { Self.code($0) == error["code"]?.text }
      #expect(error["old"]?.whole == count && error["new"]?.whole == count && count > 0, "\(error.json)")
    }
    let invalid = comparison["errors"]?.items.reduce(0) { $0 + ($1["old"]?.whole ?? 0) }
    #expect(invalid == comparison["statuses"]?["old"]?["invalid"]?.whole)
  }

  /// Fields of the two policies differ: each reads the line for itself.
  @Test func otherFields() throws {
    let text = try Vectors.text("policy.yaml").replacing("max_dpd, other_loans", with: "max_dpd, other_loans, bonus")
      .replacing("cutoff: 565", with: "cutoff: 566")
    let (old, new) = (try ComparisonRun.policy(), try ComparisonRun.policy(text: Array(text.utf8)))
    #expect(new.fields.slot(named: "bonus") != nil)
    let lines = try ComparisonRun.candidates()
    let comparison = try ComparisonRun.compare(lines, old: old, new: new)
    try totals(comparison, "old", try ComparisonRun.Reference(lines, old))
    try totals(comparison, "new", try ComparisonRun.Reference(lines, new))
  }

  /// The movers are the candidates whose gain changes most, and what moved them adds up.
  @Test func movers() throws {
    let lines = try ComparisonRun.candidates()
    let old = try ComparisonRun.policy()
    let new = try ComparisonRun.policy(["response.card.clicked_before.is.true=40", "risk.cutoff=600"])
    let comparison = try ComparisonRun.compare(lines, old: old, new: new)
    let (before, after) = (try ComparisonRun.Reference(lines, old), try ComparisonRun.Reference(lines, new))
    func gain(_ row: JSONValue) -> Double {
      ["eligible", "holdout"].contains(row["status"]?.text) ? max(0, row["best"]?["value"]?.number ?? 0) : 0
    }
    let changes = before.scored.indices.filter { Self.code(before.ranked[$0]) != "I03" }.map {
      (gain(after.scored[$0]) - gain(before.scored[$0]), before.scored[$0]["user_id"]?.text ?? "")
    }
    func wanted(_ isUp: Bool) -> [String] {
      changes.filter { isUp ? $0.0 > 1e-9 : $0.0 < -1e-9 }.sorted {
        abs(abs($0.0) - abs($1.0)) > 1e-9
          ? abs($0.0) > abs($1.0) : Array($0.1.utf8).lexicographicallyPrecedes(Array($1.1.utf8))
      }.prefix(20).map(\.1)
    }
    for (way, isUp) in [("up", true), ("down", false)] {
      let movers = comparison["movers"]?[way]?.items ?? []
      #expect(movers.compactMap { $0["user_id"]?.text } == wanted(isUp) && movers.count == 20, "\(way)")
      for mover in movers {
        let (was, now) = (mover["old"]?["points"]?.whole, mover["new"]?["points"]?.whole)
        let moved = mover["moved"]?.items ?? []
        #expect(moved.allSatisfy { $0["change"]?.whole == ($0["new"]?.whole ?? 0) - ($0["old"]?.whole ?? 0) })
        guard let was, let now else { continue }
        let response = moved.filter { ["response", "stage", "recency", "underwriting"].contains($0["card"]?.text) }
        #expect(response.reduce(0) { $0 + ($1["change"]?.whole ?? 0) } == now - was, "\(mover.json)")
      }
    }
  }

  @Test func curvesRiseToTheTotals() throws {
    let policy = try ComparisonRun.policy(["plan.budget=10", "plan.quota={}"])
    let comparison = try ComparisonRun.compare(try ComparisonRun.candidates(), old: policy, new: policy)
    let curve = try #require(comparison["curves"]?["new"])
    let points = curve["points"]?.items ?? []
    #expect(points.count <= 200 && points.first?["contacts"]?.whole == 0)
    let cut = try #require(points.first { $0["contacts"]?.whole == curve["cut"]?.whole })
    for name in ["value", "net_value", "spend"] {
      #expect(cut[name]?.json == comparison["totals"]?["new"]?[name]?.json, "\(name)")
    }
    let contacts = points.compactMap { $0["contacts"]?.whole }
    #expect(contacts == contacts.sorted() && Set(contacts).count == contacts.count)
    #expect((contacts.last ?? 0) > (curve["cut"]?.whole ?? 0))
  }

  @Test func parityIsOfThoseWhoPassTheGate() throws {
    let lines = try ComparisonRun.candidates()
    let policy = try ComparisonRun.policy([
      "plan.budget=1", "plan.quota={}", "response.card.region_group.is.A=10", "response.card.region_group.is.C=-10",
    ])
    let comparison = try ComparisonRun.compare(lines, old: policy, new: policy)
    let groups = comparison["parity"]?["groups"]?.items ?? []
    let gate = ["resting", "holdout", "unprofitable", "contact", "waitlist"]
    let passed = gate.reduce(0) { $0 + (comparison["statuses"]?["new"]?[$1]?.whole ?? 0) }
    #expect(groups.reduce(0) { $0 + ($1["new"]?["selected"]?["of"]?.whole ?? 0) } == passed)
    let rates = groups.compactMap { $0["name"]?.text == nil ? nil : $0["new"]?["selected"]?["rate"]?.number }
    for group in groups where group["name"]?.text != nil {
      let rate = try #require(group["new"]?["selected"]?["rate"]?.number)
      let ratio = try #require(group["new"]?["ratio"]?.number)
      #expect(Self.near(ratio, rate / (rates.max() ?? 1), 1e-12))
      #expect(group["new"]?["below"]?.boolean == (ratio < 0.8))
    }
    #expect(groups.contains { $0["new"]?["below"]?.boolean == true })
  }

  /// Each comparison is what its schema says, and each member is spoken of.
  @Test(arguments: pairs) func schema(_ pair: (old: [String], new: [String])) throws {
    let lines = try ComparisonRun.candidates()
    let comparison = try ComparisonRun.compare(
      lines, old: try ComparisonRun.policy(pair.old), new: try ComparisonRun.policy(pair.new))
    let schemas = try JSONSchema.specification.get()
    #expect(try schemas.fault(JSONNode(comparison.json.utf8), "comparison.schema.json") == nil)
    let answer = "{\"id\":1,\"ok\":true,\"comparison\":\(comparison.json)}"
    #expect(try schemas.fault(JSONNode(answer.utf8), "reply.schema.json") == nil)
    #expect(
      try schemas.fault(JSONNode(#"{"ok":true,"comparison":{}}"#.utf8), "reply.policy.compare.schema.json") != nil)
  }

  @Test func everyMemberIsDocumented() throws {
    let page = try Vectors.text("../compare.md")
    let schema = try Vectors.text("../schemas/comparison.schema.json")
    let names = try Self.members(try #require(JSONValue(schema.utf8.filter { $0 != 0x0A })))
    #expect(names.count > 60)
    let statuses = Set(Status.allCases.map(\.name))
    for name in names.subtracting(statuses) { #expect(page.contains("`\(name)`"), "\(name)") }
  }

  private static func members(_ schema: JSONValue) throws -> Set<String> {
    var names = Set(schema["properties"]?.members.map(\.name) ?? [])
    for member in schema.members { names.formUnion(try members(member.value)) }
    for item in schema.items { names.formUnion(try members(item)) }
    return names
  }

  @Test func nobody() throws {
    let policy = try ComparisonRun.policy()
    let comparison = try ComparisonRun.compare([], old: policy, new: policy)
    #expect(comparison["lines"]?.whole == 0 && comparison["spearman"]?["rho"]?.isNull == true)
    #expect(comparison["overlap"]?.items.first?["share"]?.isNull == true)
  }
}

/// Spearman's correlation by itself.
struct RankCorrelationTests {
  @Test(
    arguments: [
      ([(1, 1), (2, 2), (3, 3)], 1.0), ([(1, 3), (2, 2), (3, 1)], -1.0), ([(1, 1), (1, 2)], nil), ([(1, 1)], nil),
      ([], nil),
      // By hand: ranks 1.5 1.5 3 4 and 1 2 3.5 3.5.
      ([(5, 1), (5, 2), (7, 9), (8, 9)], 0.888_888_888_888_888_8),
    ] as [([(Int64, Int64)], Double?)])
  func isSpearmans(_ pairs: [(Int64, Int64)], _ rho: Double?) {
    let found = RankCorrelation(pairs.map { (old: $0.0, new: $0.1) }).rho
    switch (found, rho) {
    case (nil, nil): break
    case (let found?, let rho?): #expect(abs(found - rho) < 1e-12)
    default: Issue.record("\(String(describing: found)), not \(String(describing: rho))")
    }
  }
}
