import Foundation
import RouseCore
import RousePolicy
import TestData
import Testing

@testable import RouseWire

extension Vectors {
  static func policy(_ path: String, overrides: [String] = []) throws -> Policy {
    let bytes = try bytes(path)
    let definition = try PolicyReader.read(
      bytes, format: Document.Format(fileName: path), overrides: try overrides.map { try Override(parsing: $0) })
    return Policy(definition, bytes: bytes)
  }
}

/// A request worked off in this process, as the server and the offline filter do it.
struct Offline {
  let policy: Policy
  let now: Int64
  let tables: WireTables
  let scorer: Scorer
  let writer: DecisionWriter

  init(policy: Policy, asOf: String) throws {
    self.policy = policy
    now = try #require(Moment.parse(asOf))
    tables = WireTables(policy: policy)
    scorer = Scorer(policy: policy, now: now)
    writer = DecisionWriter(scorer: scorer, tables: tables)
  }

  func worker(_ extras: Extras = []) -> BatchWorker {
    BatchWorker(
      scorer: scorer, writer: writer, tables: tables, extras: extras, longestLine: 1 << 22, isStream: false)
  }

  /// One row a line, without the summary.
  func rows(_ lines: [UInt8], _ extras: Extras) -> [String] {
    var out = ByteWriter()
    var totals = Totals()
    _ = lines.withUnsafeBytes { worker(extras).score(Block($0), into: &out, totals: &totals) }
    return String(decoding: out.array, as: UTF8.self).split(separator: "\n").map(String.init)
  }

  /// - Parameter cut: candidates' bytes as blocks of whole lines.
  func score(_ cut: [[UInt8]]) -> String {
    var out = ByteWriter()
    var totals = Totals()
    let worker = worker()
    for block in cut { _ = block.withUnsafeBytes { worker.score(Block($0), into: &out, totals: &totals) } }
    out.write("{\"summary\":")
    totals.writeSummary(into: &out)
    out.write("}\n")
    return String(decoding: out.array, as: UTF8.self)
  }

  func rank(_ cut: [[UInt8]], rows: RankRows = .all, limits: PlanLimits? = nil) -> String {
    let ranking = Ranking(scorer: scorer, writer: writer, rows: rows)
    for block in cut {
      let part = RankPart(policy: policy, rows: rows)
      _ = block.withUnsafeBytes { worker().rank(Block($0), into: part) }
      ranking.add(part)
    }
    ranking.finish(limits ?? PlanLimits(policy: policy))
    var out = ByteWriter()
    var cursor = Ranking.Cursor()
    while !cursor.isAtEnd { ranking.writeRows(&cursor, into: &out, enough: 1000, asLines: true) }
    out.write("{\"plan\":")
    ranking.writePlan(into: &out)
    out.write("}\n")
    return String(decoding: out.array, as: UTF8.self)
  }
}
