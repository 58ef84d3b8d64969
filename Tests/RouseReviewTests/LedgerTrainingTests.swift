import RouseCore
import TestData
import Testing

@testable import RouseReview

@Suite struct LedgerTrainingTests {
  private static let day: Int64 = 86_400
  private static let made = FitSamples.asOf
  private static let question = ReviewQuestion(period: made - 30 * day..<made + 60 * day, now: made + 40 * day)

  /// One contact of a plan and what came after it; `after` in days.
  private static func add(
    _ source: inout MemorySource, user: Int, arm: String = "policy", channel: String = "sms", planned: String? = nil,
    plan: Int = 1, made: Int64 = made, propensity: Int64 = 950_000, came: [(kind: String, after: Int64)] = [],
    silent: Int64 = 3
  ) {
    let line =
      "{\"user_id\":\"\",\"seen_at\":\(made - silent * day),\"age\":\(20 + user % 50),\"app\":\(user % 2 == 0)}"
    var row = Example.row(
      user, plan: plan, made: made, rank: arm == "holdout" ? 0 : 1, channel: planned ?? channel, arm: arm,
      stage: user % 2 == 0 ? "one" : "two", propensity: propensity)
    row.leasedUntil = made + 5 * day
    source.rows.append(
      (row, LoggedTexts(userID: Array("u\(user)".utf8), row: [], candidate: Array(line.utf8), known: Array("[]".utf8))))
    guard arm != "holdout" else { return }
    source.events.append(LoggedEvent(user: user, kind: "contact", at: made + 60, channel: channel, plan: "P\(plan)"))
    for event in came {
      source.events.append(
        LoggedEvent(user: user, kind: event.kind, at: made + 120 + event.after * day, amount: 700_000_000))
    }
  }

  private static func set(_ source: MemorySource) throws -> TrainingSet {
    try LedgerTraining(of: source, question, under: try FitSamples.text(FitSamples.policy()).policy).set
  }

  @Test func whatCountsAndWhatDoesNot() throws {
    var source = MemorySource()
    Self.add(&source, user: 1, came: [("click", 0), ("login", 1), ("disbursed", 2), ("repaid", 30)])
    Self.add(&source, user: 2, came: [("click", 0)])
    // Beyond the window of 14 days; in the holdout; on another channel; not over yet.
    Self.add(&source, user: 3, came: [("disbursed", 15)])
    Self.add(&source, user: 4, arm: "holdout")
    Self.add(&source, user: 5, planned: "push")
    Self.add(&source, user: 6, plan: 2, made: Self.made + 35 * Self.day)
    Self.add(&source, user: 7, arm: "explore", propensity: 50_000, came: [("disbursed", 3), ("defaulted", 40)])
    let set = try Self.set(source)
    #expect(set.count == 4)
    #expect(set.rows.map(\.label.outcome) == [true, false, false, true])
    #expect(set.rows.map(\.label.isBad) == [false, nil, nil, nil], "what is reported after now is not known")
    #expect(set.rows.map(\.label.steps) == [3, 0, 0, 2])
    #expect(set.rows.map(\.label.hasClicked) == [true, true, false, true])
    #expect(set.rows[0].amount == 700)
    #expect(set.rows[3].label.weight > set.rows[0].label.weight)
    #expect(set.skipped == [.channel: 1, .unfinished: 1])
    #expect(set.rows.map(\.stage) == [1, 0, 1, 1])
    // Silence as it was when the plan was made.
    #expect(Set(set.rows.map(\.recency)) == [-1])
  }

  @Test func theLastTouchHasTheOutcome() throws {
    var source = MemorySource()
    Self.add(&source, user: 2, plan: 1)
    Self.add(&source, user: 2, plan: 2, made: Self.made + 6 * Self.day, came: [("disbursed", 2)])
    let set = try Self.set(source)
    #expect(set.rows.map(\.label.outcome) == [false, true])
  }

  @Test func aLedgerTeachesWhatAFileDoes() throws {
    var source = MemorySource()
    var random = SplitMix(state: 3)
    for user in 0..<4000 {
      let young = 20 + user % 50 < 30
      let came = Double.random(in: 0..<1, using: &random) < (young ? 0.05 : 0.2)
      Self.add(&source, user: user, came: came ? [("click", 0), ("login", 0), ("disbursed", 1)] : [])
    }
    let start = try FitSamples.text(FitSamples.policy())
    let set = try LedgerTraining(of: source, Self.question, under: start.policy).set
    #expect(set.count == 4000)
    let run = try FitRun(start, settings: FitSettings(), holdoutShare: nil, set)
    let points = run.fitted.new.policy.response.rows[0].points
    #expect(points[1] - points[0] >= 15, "\(points)")
    #expect(run.fitted.new.policy.version != start.policy.version)
  }
}
