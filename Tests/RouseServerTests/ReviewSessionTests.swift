import Foundation
import RouseCore
import RouseReview
import RouseWire
import TestData
import Testing

@testable import RouseServer

/// The desk's questions through sessions over a real ledger: plans committed, contacts and outcomes recorded.
@Suite struct ReviewSessionTests {
  private static let wall = SessionHarness.wall
  private static let day: Int64 = 86_400

  private let world: SessionHarness.World

  init() throws {
    world = try SessionHarness.World(roles: [.score, .record, .tune, .admin], keepsLedger: true)
    // A server keeps the text of what is live.
    world.keeping?.hasChanged(world.policies)
  }

  private func ask(_ lines: String, at wall: Int64 = wall) -> [String] {
    let harness = SessionHarness(world)
    harness.advanceCalendar(to: wall)
    harness.send(lines + "\n")
    harness.settle()
    return harness.lines
  }

  private func answer(_ line: String, _ member: String, at wall: Int64 = wall + 20 * day) throws -> JSONValue {
    let reply = try #require(ask(line, at: wall).last)
    let fault = try JSONSchema.specification.get().fault(JSONNode(reply.utf8), "reply.schema.json")
    #expect(fault == nil)
    return try #require(JSONValue(Array(reply.utf8))?[member], "\(reply.prefix(300))")
  }

  /// Commits a plan of the vectors' candidates; its rows.
  private func commit(_ more: String = "", at wall: Int64 = wall) throws -> [JSONValue] {
    let candidates = try Vectors.text("golden/candidates.ndjson")
    let lines = ask(
      #"{"op":"rank","stream":true,"commit":true,"as_of":"2026-03-01T02:00:00Z"\#(more)}"# + "\n" + candidates
        + #"{"op":"end"}"#, at: wall)
    #expect(lines.last?.contains("\"plan_id\"") == true, "\(lines.last ?? "")")
    return lines.dropLast().compactMap { JSONValue(Array($0.utf8)) }
  }

  private func record(_ events: [String], at wall: Int64 = wall + 10 * day) {
    for start in stride(from: 0, to: events.count, by: 500) {
      let some = events[start..<min(start + 500, events.count)].joined(separator: ",")
      let reply = ask(#"{"op":"record","events":[\#(some)]}"#, at: wall).last ?? ""
      #expect(reply.contains("\"replayed\":0") && !reply.contains("\"result\":\"invalid\""), "\(reply.suffix(300))")
    }
  }

  private func event(_ row: JSONValue, _ kind: String, at: Int64, _ more: String = "") -> String {
    let user = row["user_id"]?.text ?? ""
    // Some of the ids are as long as a key may be.
    let key = "\(kind)-\(at)-" + (row["rank"]?.whole.map { "\($0)" } ?? user)
    return
      #"{"key":"\#(key)","user_id":\#(JSONText.quoted(user)),"kind":"\#(kind)","at":\#(at)\#(more)}"#
  }

  private func contact(_ row: JSONValue, plan: String = "P1") -> String {
    event(
      row, "contact", at: Self.wall + 60, #","channel":"\#(row["best"]?["channel"]?.text ?? "")","plan":"\#(plan)""#)
  }

  // MARK: - Replay

  /// Every row of a plan, explorers' and those held out too, byte by byte; contacts that the ledger knew count.
  @Test func aPlanComesOutTheSame() throws {
    let before = (1...400).filter { $0 % 7 == 0 }.map { number in
      let at = Self.wall - Int64(4 + number % 25) * Self.day
      return (JSONValue(Array(#"{"user_id":"g\#(String(format: "%04d", number))"}"#.utf8)) ?? .null, at)
    }
    record(before.map { event($0.0, "contact", at: $0.1, #","channel":"sms""#) }, at: Self.wall)
    let rows = try commit()
    #expect(rows.contains { $0["arm"]?.text == "explore" })
    let replay = try answer(#"{"op":"review","do":"replay","plan_id":"P1"}"#, "replay")
    #expect(replay["verdict"]?.text == "equal", "\(replay.json.prefix(2000))")
    #expect(replay["rows"]?["contacts"]?.whole == rows.count)
    #expect((replay["rows"]?["ghosts"]?.whole ?? 0) > 10)
    #expect(replay["choice"]?["best_at_prices"]?.whole == rows.count { $0["arm"]?.text == "policy" })
    #expect((replay["totals"]?.items.count ?? 0) == 9 && replay["user"] == nil)

    // One of its users, explained as of then.
    let taken = try #require(rows.last)
    let user = try #require(taken["user_id"]?.text)
    let told = try answer(
      #"{"op":"review","do":"replay","plan_id":"P1","user_id":\#(JSONText.quoted(user))}"#, "replay")["user"]
    #expect(told?["rank"]?.whole == taken["rank"]?.whole && told?["equal"]?.boolean == true)
    let decision = told?["decision"]
    #expect(decision?["user_id"]?.text == user && decision?["pd"]?.json == taken["pd"]?.json)
    #expect(decision?["points"]?.json == taken["points"]?.json && decision?["why"]?.json == taken["why"]?.json)
    #expect(decision?["explain"]?["risk"]?["score"]?.whole == taken["risk_score"]?.whole)
    let nobody = ask(#"{"op":"review","do":"replay","plan_id":"P1","user_id":"nobody"}"#).last ?? ""
    #expect(nobody.contains("not_found") && nobody.contains("/user_id"), "\(nobody.prefix(300))")
  }

  /// Under limits some take what fits; the rows and totals come out all the same.
  @Test(arguments: [
    #","budget":20"#, #","limit":50,"tier_first":true"#, #","capacity":{"sms":100,"call":5},"capital":90000"#,
  ])
  func plansUnderLimits(_ limits: String) throws {
    _ = try commit(limits)
    let replay = try answer(#"{"op":"review","do":"replay","plan_id":"P1"}"#, "replay")
    #expect(replay["verdict"]?.text == "equal", "\(replay.json.prefix(2000))")
    #expect(replay["choice"]?.isNull == limits.contains("tier_first"))
  }

  @Test func erasedUsersAreToldApart() throws {
    let rows = try commit()
    let gone = rows.prefix(3).compactMap { $0["user_id"]?.json }
    _ = ask(#"{"op":"erase","user_ids":[\#(gone.joined(separator: ","))]}"#)
    let replay = try answer(#"{"op":"review","do":"replay","plan_id":"P1"}"#, "replay")
    #expect(replay["verdict"]?.text == "erased")
    #expect(replay["rows"]?["erased"]?.whole == 3 && replay["rows"]?["different"]?.whole == 0)
    #expect(replay["totals"]?.items.contains { $0["equal"]?.boolean == false } == true)
    let none = ask(#"{"op":"review","do":"replay","plan_id":"P9"}"#).last ?? ""
    #expect(none.contains(#""not_found""#) && none.contains("/plan_id"))
  }

  /// Of a policy whose text is not kept nothing can be computed.
  @Test func policiesThatAreNotKept() throws {
    let other = try SessionHarness.World(roles: [.score, .record, .tune], keepsLedger: true)
    let harness = SessionHarness(other)
    harness.send(
      #"{"op":"rank","commit":true,"as_of":"2026-03-01T02:00:00Z","users":[\#(Campaigns.candidate("u1").dropLast())]}"#
        + "\n" + #"{"op":"review","do":"replay","plan_id":"P1"}"# + "\n")
    harness.settle()
    #expect(harness.lines.last?.contains(#""verdict":"policy_not_kept""#) == true, "\(harness.lines.suffix(2))")
  }

  /// A ledger that tells something else of one row than what was kept.
  private struct Tampered: ReviewSource {
    let source: LedgerSource
    let rank: Int
    let change: @Sendable (inout LoggedRow, inout LoggedTexts) -> Void

    func policy(_ version: String) throws(ReviewError) -> Policy? { try source.policy(version) }
    func plan(_ id: String) throws(ReviewError) -> LoggedPlan? { try source.plan(id) }
    func eachEvent(
      in period: Range<Int64>, of wants: (String) -> Bool, _ take: (LoggedEvent) -> Bool
    ) throws(ReviewError) {
      try source.eachEvent(in: period, of: wants, take)
    }
    func eachRow(
      madeIn period: Range<Int64>, withTexts: Bool, _ take: (LoggedRow, LoggedTexts?) -> Bool
    ) throws(ReviewError) {
      try source.eachRow(madeIn: period, withTexts: withTexts) { row, texts in
        guard row.rank == rank, var changed = texts else { return take(row, texts) }
        var row = row
        change(&row, &changed)
        return take(row, changed)
      }
    }
  }

  private static let changes:
    [(rank: Int, members: [String], change: @Sendable (inout LoggedRow, inout LoggedTexts) -> Void)] = [
      (
        5, ["points"],
        {
          let row = String(decoding: $1.row, as: UTF8.self)
          $1.row = Array(row.replacing(/"points":-?\d+/, with: "\"points\":999").utf8)
        }
      ),
      (
        6, ["row"],
        { $1.row = Array(String(decoding: $1.row, as: UTF8.self).replacing(",\"why\":", with: ", \"why\":").utf8) }
      ),
      (7, ["value"], { row, _ in row.value += 1 }),
      (8, ["region_group"], { row, _ in row.regionGroup = "elsewhere" }),
      (9, ["status"], { $1.candidate = Array(#"{"user_id":""}"#.utf8) }),
      (10, [], { $1.candidate = Array("{".utf8) }),
      (0, ["arm"], { row, _ in row.arm = "policy" }),
    ]

  /// What differs is named, member by member.
  @Test func whatDiffersIsNamed() throws {
    _ = try commit()
    let ledger = try #require(world.keeping?.ledger)
    for (rank, members, change) in Self.changes {
      let answer = try LedgerSource.read(ledger) { source throws(ReviewError) in
        try Replay("P1", of: Tampered(source: source, rank: rank, change: change)).json()
      }
      let replay = try #require(JSONValue(answer))
      #expect(replay["verdict"]?.text == "differs", "\(rank)")
      let first = replay["differences"]?.items.first
      #expect(first?["rank"]?.whole == rank && first?["members"]?.items.map(\.text) == members, "\(first?.json ?? "")")
      if rank == 7 { #expect(replay["totals"]?.items.contains { $0["equal"]?.boolean == false } == true) }
    }
  }

  // MARK: - A period

  private static let period = #""since":"2026-02-28T00:00:00Z","until":"2026-03-05T00:00:00Z""#

  @Test func aPeriod() throws {
    let rows = try commit(#","campaign":"march""#)
    var events: [String] = []
    for (index, row) in rows.enumerated() {
      if index % 20 == 19 { continue }
      events.append(contact(row))
      if index % 3 == 0 { events.append(event(row, "click", at: Self.wall + 3600)) }
      if index % 6 == 0 { events.append(event(row, "login", at: Self.wall + 3700)) }
      if index % 12 == 0 { events.append(event(row, "disbursed", at: Self.wall + Self.day, #","amount":5000"#)) }
    }
    record(events)
    let review = try answer(#"{"op":"review",\#(Self.period),"new_user_cost":50}"#, "review")
    let contacts = rows.indices.filter { $0 % 20 != 19 }
    #expect(review["contacts"]?["all"]?.whole == contacts.count && review["contacts"]?["unfinished"]?.whole == 0)
    #expect(review["planned"]?["not_reported"]?.whole == rows.count - contacts.count)
    let rates = review["all"]?["rates"]
    #expect(rates?["click_per_push"]?["count"]?.whole == contacts.count { $0 % 3 == 0 })
    #expect(rates?["disbursed_per_push"]?["count"]?.whole == contacts.count { $0 % 12 == 0 })
    #expect(
      review["lift"]?["all"]?["chosen"]?["count"]?.whole
        == rows.indices.count { $0 % 20 != 19 && $0 % 12 == 0 && rows[$0]["arm"]?.text == "policy" })
    #expect((review["stability"]?["rows"]?.whole ?? 0) > rows.count && review["stability"]?["unread"]?.whole == 0)
    #expect(review["stability"]?["baseline"]?["kind"]?.text == "none")
    #expect(review["recall_cost"]?["verdict"]?.text == "met")
    let stages = review["by"]?.items.first?["groups"]?.items ?? []
    let policy = world.policies.live.policy.definition.stages.map(\.name)
    let named = stages.compactMap { $0["name"]?.text }
    #expect(named == policy.filter { named.contains($0) })
    // Contacts are the same by an earlier moment; their windows have not ended then.
    let early = try answer(#"{"op":"review",\#(Self.period),"as_of":"2026-03-10T00:00:00Z"}"#, "review")
    #expect(early["contacts"]?["unfinished"]?.whole == contacts.count)
  }

  @Test func whatIsRefused() throws {
    func fault(_ line: String) -> String { ask(line).last ?? "" }
    #expect(fault(#"{"op":"review","since":"2026-03-02T00:00:00Z","until":"2026-03-01T00:00:00Z"}"#).contains("/since"))
    #expect(fault(#"{"op":"review","since":"2026-02-02T00:00:00Z","weeks":3}"#).contains("/weeks"))
    #expect(fault(#"{"op":"review","new_user_cost":-1}"#).contains("/new_user_cost"))
    #expect(fault(#"{"op":"policy","do":"backtest","text":"version: 2"}"#).contains("diagnostics"))
    let without = SessionHarness(try SessionHarness.World(roles: [.tune]))
    without.send(#"{"op":"review"}"# + "\n" + #"{"op":"policy","do":"backtest","text":"a"}"# + "\n")
    without.settle()
    #expect(without.lines.count == 2 && without.lines.allSatisfy { $0.contains("not_found") && $0.contains("/op") })
    let scorer = try SessionHarness(roles: [.score])
    scorer.send(#"{"op":"review"}"# + "\n")
    scorer.settle()
    #expect(scorer.lines.last?.contains("forbidden") == true)
  }

  /// A question of the desk is one request of its identity's rate.
  @Test(arguments: [
    #"{"op":"review"}"#, #"{"op":"review","do":"replay","plan_id":"P9"}"#,
    #"{"op":"policy","do":"backtest","text":"a"}"#, #"{"op":"policy","do":"fit"}"#,
    #"{"op":"policy","do":"compare","text":"a","users":[]}"#,
  ])
  func aQuestionIsOneRequest(_ line: String) {
    world.change { $0.limits.requestsPerSecond = 1 }
    let reply = ask(line).last ?? ""
    #expect(!reply.isEmpty && !reply.contains("rate_limited"), "\(reply.prefix(300))")
  }

  /// Of questions that nobody waits for any more only so many are kept.
  @Test(arguments: [
    #"{"op":"review"}"#, #"{"op":"review","do":"replay","plan_id":"P9"}"#,
    #"{"op":"policy","do":"backtest","text":"a"}"#, #"{"op":"policy","do":"fit"}"#,
    #"{"op":"policy","do":"compare","text":"a","users":[]}"#,
  ])
  func aFullDeskRefuses(_ line: String) {
    world.isDeskFull = true
    #expect(ask(line).last?.contains(#""code":"overloaded""#) == true)
    #expect(ask(#"{"op":"policy","do":"history"}"#).last?.contains(#""ok":true"#) == true)
    #expect(world.rankMemory.used == 0)
  }

  // MARK: - Backtest

  private func backtest(_ text: String) throws -> JSONValue {
    try answer(#"{"op":"policy","do":"backtest",\#(Self.period),"text":\#(JSONText.quoted(text))}"#, "backtest")
  }

  @Test func theSamePolicyIsAsItWas() throws {
    let rows = try commit()
    record(
      rows.map { contact($0) }
        + rows.enumerated().filter { $0.offset % 9 == 0 }.map {
          event($0.element, "disbursed", at: Self.wall + Self.day, #","amount":5000"#)
        })
    let text = try Vectors.text("policy.yaml")
    let same = try backtest(text)
    #expect(same["log"]?["used"]?.whole == rows.count && same["new"]?["other_channel"]?.whole ?? 99 < 30)
    #expect(same["new"]?["unsupported"]?.whole == 0)
    let snips = try #require(same["estimate"]?["snips"]?.number)
    // By hand: the policy's arm does the same; of explorers, those who drew what is best.
    var (weights, squares) = (0.0, 0.0)
    let policy = world.policies.live.policy
    for row in rows {
      let isExploring = row["arm"]?.text == "explore"
      let propensity = try #require(row["propensity"]?.number)
      guard !isExploring || propensity > 0.9 else { continue }
      let weight = min(1, propensity / (1 - policy.experiment.holdout))
      weights += 1 / weight
      squares += 1 / (weight * weight)
    }
    #expect(abs((same["effective"]?.number ?? 0) - weights * weights / squares) < 1e-6)
    let low = try #require(same["old"]?["low"]?.number)
    let high = try #require(same["old"]?["high"]?.number)
    #expect(low < snips && snips < high, "\(same.json)")

    // One that does otherwise with some, where few explorers were contacted so: their costs alone would call it worse.
    let otherwise = try backtest(
      text.replacing("cost: 0.050\n    reach: 0.95", with: "cost: 3\n    reach: 0.95"))
    #expect(otherwise["new"]?["apart"]?.whole ?? 0 > 0 && otherwise["estimate"]?.isNull == true)
    #expect(otherwise["why"]?.text?.hasPrefix("It takes another channel for ") == true, "\(otherwise.json)")

    // One that contacts nobody has nothing to go by.
    let nobody = try backtest(text.replacing("hurdle: 0.0", with: "hurdle: 900"))
    #expect(nobody["estimate"]?.isNull == true && nobody["why"]?.text?.hasPrefix("Only ") == true, "\(nobody.json)")
    // Channels that were never open for these users.
    let open = try backtest(text.replacing("needs: app_installed AND push_ok", with: "needs: TRUE"))
    #expect((open["new"]?["unsupported"]?.whole ?? 0) > 0 && open["estimate"]?.isNull == true)
    #expect(open["why"]?.text?.contains("could never have taken") == true)
  }
}
