import RouseCore
import RousePolicy
import RouseReview
import TestData

/// A ledger by hand: rows, texts and events as a test lists them.
struct MemorySource: ReviewSource {
  var policies: [String: Policy] = [:]
  var plans: [String: LoggedPlan] = [:]
  var rows: [(row: LoggedRow, texts: LoggedTexts?)] = []
  var events: [LoggedEvent] = []

  func policy(_ version: String) throws(ReviewError) -> Policy? { policies[version] }

  func eachRow(
    madeIn period: Range<Int64>, withTexts: Bool, _ take: (LoggedRow, LoggedTexts?) -> Bool
  ) throws(ReviewError) {
    let order = rows.enumerated().sorted { a, b in
      let (one, other) = (a.element.row, b.element.row)
      if one.plan != other.plan { return one.plan < other.plan }
      let ranks = (one.rank == 0 ? Int.max : one.rank, other.rank == 0 ? Int.max : other.rank)
      return ranks.0 != ranks.1 ? ranks.0 < ranks.1 : a.offset < b.offset
    }
    for (_, one) in order where period.contains(one.row.made) {
      guard take(one.row, withTexts ? one.texts : nil) else { return }
    }
  }

  func eachEvent(
    in period: Range<Int64>, of wants: (String) -> Bool, _ take: (LoggedEvent) -> Bool
  ) throws(ReviewError) {
    for event in events where period.contains(event.at) && wants(event.kind) { guard take(event) else { return } }
  }

  func firstMade(leasedBeyond moment: Int64) throws(ReviewError) -> Int64? {
    rows.filter { $0.row.made < moment && ($0.row.leasedUntil ?? 0) > moment }.map(\.row.made).min()
  }

  func plan(_ id: String) throws(ReviewError) -> LoggedPlan? { plans[id] }
}

enum Example {
  static let day: Int64 = 86_400
  /// 2026-03-01T02:00:00Z.
  static let noon: Int64 = 1_772_330_400

  /// The shipped policy, with parts of its text in the place of others.
  static func policy(_ changes: [(String, String)] = []) throws -> Policy {
    var text = try Vectors.text("policy.yaml")
    for (old, new) in changes {
      guard text.contains(old) else { throw Missing(text: old) }
      text = text.replacing(old, with: new)
    }
    let bytes = Array(text.utf8)
    return Policy(try PolicyReader.read(bytes, format: .yaml), bytes: bytes)
  }

  struct Missing: Error { let text: String }

  static func row(
    _ user: Int, plan: Int = 1, made: Int64 = noon, rank: Int = 1, channel: String = "sms", arm: String = "policy",
    stage: String = "granted", tier: String = "3m", region: String? = "A", campaign: String? = "march",
    value: Int64 = 2_000_000, spend: Int64 = 100_000, p: Int64 = 10_000, pd: Int64 = 20_000,
    propensity: Int64 = 950_000, policy: String = "p"
  ) -> LoggedRow {
    LoggedRow(
      plan: plan, made: made, asOf: made, policy: policy, campaign: campaign, user: user, rank: rank, channel: channel,
      value: value, spend: spend, capital: 50_000_000, p: p, pd: pd, propensity: rank > 0 ? propensity : 0,
      arm: rank > 0 ? arm : "holdout", stage: stage, tier: tier, regionGroup: region, leasedUntil: made + 3 * day)
  }
}
