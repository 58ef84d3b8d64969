import RouseCore
import RousePolicy
import RouseReview
import RouseWire
import TestData

/// Policies, and comparisons of them as the tool makes them.
enum ComparisonRun {
  static let now = Moment.parse(Vectors.asOf) ?? 0

  static func policy(_ overrides: [String] = [], text: [UInt8]? = nil) throws -> Policy {
    let bytes = try text ?? Vectors.bytes("policy.yaml")
    let definition = try PolicyReader.read(
      bytes, format: .yaml, overrides: try overrides.map { try Override(parsing: $0) })
    return Policy(definition, bytes: bytes)
  }

  /// The golden candidates, two of them again, and lines that are no candidates.
  static func candidates() throws -> [String] {
    var lines = try Vectors.text("golden/candidates.ndjson").split(separator: "\n").map(String.init)
    lines.insert("not json", at: 300)
    lines.insert(lines[5], at: 700)
    lines.insert(lines[900], at: 1200)
    lines.append(#"{"user_id":"nobody"}"#)
    lines.append(#"{"user_id":""}"#)
    return lines
  }

  /// - Parameter sizes: lines of one block after another; the last is used again and again.
  static func compare(
    _ lines: [String], old: Policy, new: Policy, oldLimits: PlanLimits? = nil, newLimits: PlanLimits? = nil,
    sizes: [Int] = [150]
  ) throws -> JSONValue {
    let comparison = Comparison(
      old: ComparedPolicy(old, now: now, limits: oldLimits), new: ComparedPolicy(new, now: now, limits: newLimits))
    let worker = ComparisonWorker(
      old: comparison.old.worker(longestLine: 1 << 20), new: comparison.new.worker(longestLine: 1 << 20),
      longestLine: 1 << 20)
    var rest = lines[...]
    var sizes = sizes
    while !rest.isEmpty {
      let size = max(1, sizes.count > 1 ? sizes.removeFirst() : sizes[0])
      let bytes = Array((rest.prefix(size).joined(separator: "\n") + "\n").utf8)
      rest = rest.dropFirst(size)
      let part = comparison.part()
      let block = bytes.withUnsafeBytes { Block($0) }
      guard worker.compare(block, into: part) else { throw Missing() }
      comparison.add(part)
    }
    guard let result = comparison.finish(), let value = JSONValue(result.json()) else { throw Missing() }
    return value
  }

  struct Missing: Error {}

  /// What `score` and `rank` say of the same lines, one after another, and the plan's totals.
  struct Reference {
    let scored: [JSONValue]
    let ranked: [JSONValue]
    let plan: JSONValue
    /// In rank order.
    let contacts: [JSONValue]

    init(_ lines: [String], _ policy: Policy, _ limits: PlanLimits? = nil) throws {
      let tables = WireTables(policy: policy)
      let scorer = Scorer(policy: policy, now: now)
      let writer = DecisionWriter(scorer: scorer, tables: tables)
      func worker() -> BatchWorker {
        BatchWorker(scorer: scorer, writer: writer, tables: tables, longestLine: 1 << 20, isStream: false)
      }
      let block = Array((lines.joined(separator: "\n") + "\n").utf8).withUnsafeBytes { Block($0) }
      var out = ByteWriter()
      var totals = Totals()
      _ = worker().score(block, into: &out, totals: &totals)
      func values(_ out: borrowing ByteWriter) -> [JSONValue] {
        out.array.split(separator: 0x0A).compactMap { JSONValue($0) }
      }
      scored = values(out)
      func rank(_ rows: RankRows) throws -> (rows: [JSONValue], plan: JSONValue) {
        let ranking = Ranking(scorer: scorer, writer: writer, rows: rows)
        let part = ranking.part()
        _ = worker().rank(block, into: part)
        ranking.add(part)
        ranking.finish(limits ?? PlanLimits(policy: policy))
        var cursor = Ranking.Cursor()
        var out = ByteWriter()
        ranking.writeRows(&cursor, into: &out, enough: .max, asLines: true)
        var plan = ByteWriter()
        ranking.writePlan(into: &plan)
        guard let totals = JSONValue(plan.array) else { throw Missing() }
        return (values(out), totals)
      }
      (ranked, plan) = try rank(.all)
      contacts = try rank(.contacts).rows
    }
  }
}
