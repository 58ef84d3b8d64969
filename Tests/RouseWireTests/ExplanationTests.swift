import Foundation
import RouseCore
import TestData
import Testing

@testable import RouseWire

/// What `explain` says is so.
@Suite struct ExplanationTests {
  private static func explained(_ lines: [[UInt8]]) throws -> [[String: Any]] {
    let offline = try Offline(policy: Vectors.policy("policy.yaml"), asOf: "2026-03-01T02:00:00Z")
    return try offline.rows(Array(lines.joined(separator: [0x0A])), .explain).map {
      try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
  }

  /// The change that it names, made to the candidate, gives the status that it names; and so does each fact that could
  /// turn it.
  @Test func changesComeTrue() throws {
    let candidates = try Vectors.bytes("golden/candidates.ndjson").split(separator: 0x0A).map { Array($0) }
      .filter { !$0.withUnsafeBytes { isBlank($0) } }.prefix(400)
    let rows = try Self.explained(Array(candidates))
    var changed: [[UInt8]] = []
    var wanted: [String] = []
    for (candidate, row) in zip(candidates, rows) {
      guard var object = (try? JSONSerialization.jsonObject(with: Data(candidate))) as? [String: Any],
        let explain = row["explain"] as? [String: Any]
      else { continue }
      let turns =
        (explain["could_turn"] as? [[String: Any]] ?? []) + [explain["change"] as? [String: Any]].compactMap { $0 }
      for turn in turns {
        let field = try #require(turn["field"] as? String)
        // The flat spelling, last in the object or not, must be the only one.
        let head = String(field.split(separator: ".").first ?? "")
        if field.contains("."), object[head] != nil { continue }
        let before = object[field]
        object[field] = turn["to"]
        changed.append(Array(try JSONSerialization.data(withJSONObject: object)))
        wanted.append(try #require(turn["status"] as? String))
        object[field] = before
      }
    }
    #expect(changed.count > 500)
    let got = try Self.explained(changed)
    #expect(got.count == wanted.count)
    for (index, row) in got.enumerated() where row["status"] as? String != wanted[index] {
      Issue.record("\(String(decoding: changed[index], as: UTF8.self)): \(row["status"] ?? "?"), not \(wanted[index])")
    }
  }

  /// Its numbers add up to the decision's.
  @Test func pointsAddUp() throws {
    let candidates = try Vectors.bytes("golden/candidates.ndjson").split(separator: 0x0A).map { Array($0) }
    var seen = 0
    for row in try Self.explained(Array(candidates.prefix(500))) {
      guard let explain = row["explain"] as? [String: Any], let risk = explain["risk"] as? [String: Any] else {
        continue
      }
      func sum(_ card: [String: Any]) -> Int {
        (card["rows"] as? [[String: Any]] ?? []).reduce(0) { $0 + ($1["points"] as? Int ?? 0) }
      }
      let thin = (risk["thin"] as? [String: Any])?["points"] as? Int ?? 0
      #expect((risk["base_score"] as? Int ?? 0) + sum(risk) + thin == row["risk_score"] as? Int)
      guard let response = explain["response"] as? [String: Any] else { continue }
      let own = ["recency", "approval"].reduce(0) { $0 + ((response[$1] as? [String: Any])?["points"] as? Int ?? 0) }
      #expect((response["stage_points"] as? Int ?? 0) + own + sum(response) == row["points"] as? Int)
      let chosen = (explain["channels"] as? [[String: Any]] ?? []).filter { $0["chosen"] as? Bool == true }
      #expect(chosen.count == (row["status"] as? String == "eligible" ? 1 : 0))
      seen += 1
    }
    #expect(seen > 200)
  }
}
