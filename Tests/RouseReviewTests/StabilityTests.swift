import RouseCore
import RouseReview
import RouseWire
import TestData
import Testing

/// The population stability index of a review, by the bins of the policy.
@Suite struct ReviewStabilityTests {
  private let noon = Example.noon
  private let day = Example.day

  private func candidate(_ loans: String, _ region: String) -> [UInt8] {
    Array(
      (#"{"user_id":"","last_login_at":"2026-01-30T03:00:00Z","credit_granted_at":"2026-01-30T03:30:00Z","#
        + #""credit_limit":8000,"sms_ok":true,"external_score":700,"other_loans":\#(loans),"region":"\#(region)"}"#)
        .utf8)
  }

  private func add(_ count: Int, made: Int64, _ line: [UInt8], to source: inout MemorySource) {
    for _ in 0..<count {
      let user = source.rows.count
      source.rows.append(
        (
          Example.row(user, plan: Int(made / 1000), made: made, rank: user + 1),
          LoggedTexts(userID: Array("u\(user)".utf8), row: [], candidate: line, known: Array("[]".utf8))
        ))
    }
  }

  private func stability(_ source: MemorySource) throws -> JSONValue {
    let review = try Review(
      of: source, ReviewQuestion(period: noon..<noon + 21 * day, now: noon + 60 * day), under: try Example.policy())
    return try #require(JSONValue(review.json())?["stability"])
  }

  private func characteristic(_ stability: JSONValue, _ name: String, card: String?) throws -> JSONValue {
    try #require(
      stability["characteristics"]?.items.first { $0["name"]?.text == name && $0["card"]?.text == card })
  }

  @Test func againstTheWeeksBefore() throws {
    var source = MemorySource()
    add(60, made: noon - 20 * day, candidate("0", "CN-11"), to: &source)
    add(40, made: noon - 10 * day, candidate("5", "CN-12"), to: &source)
    // Too long ago to count.
    add(40, made: noon - 29 * day, candidate("5", "CN-12"), to: &source)
    add(20, made: noon + day, candidate("0", "CN-11"), to: &source)
    add(80, made: noon + 8 * day, candidate("5", "CN-12"), to: &source)
    let stability = try stability(source)
    #expect(stability["baseline"]?["kind"]?.text == "before" && stability["baseline"]?["rows"]?.whole == 100)
    #expect(stability["rows"]?.whole == 100)
    let policy = try Example.policy()
    let loans = try characteristic(stability, "other_loans", card: "risk")
    let bins = loans["bins"]?.items ?? []
    let row = try #require(policy.risk.rows.first { $0.name == "other_loans" })
    #expect(bins.map { $0["bin"]?.text } == row.binNames + ["missing", "other"])
    let then = bins.compactMap { $0["then"]?.whole }
    let now = bins.compactMap { $0["now"]?.whole }
    #expect(then.sorted().suffix(2) == [40, 60] && now.sorted().suffix(2) == [20, 80])
    // Bins that nobody was in, then or now, count for nothing.
    let used = then.indices.filter { then[$0] + now[$0] > 0 }
    let expected = try #require(Stability(expected: used.map { then[$0] }, actual: used.map { now[$0] }))
    #expect(loans["psi"]?.number == expected.psi && loans["noise"]?.number == expected.noise)
    #expect(loans["verdict"]?.text == "act")
    // The limit is the same for all.
    let limit = try characteristic(stability, "credit_limit", card: "response")
    #expect(limit["verdict"]?.text == "stable" && limit["bins"]?.items.contains { $0["now"]?.whole == 100 } == true)
    let weeks = loans["weeks"]?.items ?? []
    #expect(weeks.count == 3 && weeks[2]["psi"]?.isNull == true)
    let first = try #require(
      Stability(expected: used.map { then[$0] }, actual: used.map { then[$0] == 60 ? 20 : 0 }))
    #expect(weeks[0]["psi"]?.number == first.psi)
  }

  /// Where nothing is kept of the time before, the first week is what the others are held against; a difference that
  /// chance makes is called so.
  @Test func againstTheFirstWeek() throws {
    var source = MemorySource()
    add(6, made: noon + day, candidate("0", "CN-11"), to: &source)
    add(4, made: noon + 8 * day, candidate("0", "CN-11"), to: &source)
    add(2, made: noon + 15 * day, candidate("5", "CN-11"), to: &source)
    let stability = try stability(source)
    #expect(stability["baseline"]?["kind"]?.text == "first_week")
    #expect(stability["baseline"]?["rows"]?.whole == 6 && stability["rows"]?.whole == 6)
    let loans = try characteristic(stability, "other_loans", card: "risk")
    #expect(loans["weeks"]?.items.first?["psi"]?.isNull == true && loans["verdict"]?.text == "noise")
  }

  /// What cannot be read is counted, and none of it is made up.
  @Test func unreadable() throws {
    var source = MemorySource()
    add(3, made: noon + day, Array("{".utf8), to: &source)
    let stability = try stability(source)
    #expect(stability["unread"]?.whole == 3 && stability["rows"]?.whole == 0)
    #expect(stability["characteristics"]?.items.allSatisfy { $0["psi"]?.isNull == true } == true)
  }
}
