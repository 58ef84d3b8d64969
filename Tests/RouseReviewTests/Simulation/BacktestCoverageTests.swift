import Foundation
import RouseCore
import RouseWire
import TestData
import Testing

@testable import RouseReview

/// What a backtest says of another policy, against what that policy would bring in truth.
@Suite struct BacktestCoverageTests {
  /// Mean value, by the lender's yardstick, of the new policy's contacts among all whom a contact could be made with.
  private static func truth(_ world: SimulatedWorld, _ new: Policy, users: Int) -> Double {
    var random = SplitMix(state: 99)
    let (belief, truth, after) = (Rescorer(world.belief), Rescorer(world.truth), Rescorer(new))
    let now = SimulatedWorld.start
    var (sum, count) = (0.0, 0)
    for user in 0..<users {
      let line = "{\"user_id\":\"\"" + SimulatedUser.facts(at: now, hasDrifted: false, &random)
      let texts = LoggedTexts(
        userID: Array("truth-\(user)".utf8), row: [], candidate: Array((line + "\n").utf8.dropLast()), known: [])
      var channel: String?
      _ = after.score(texts, asOf: now) { channel = $0.channelByItself }
      guard let channel else { continue }
      var spend: Double?
      var incremental = 0.0
      _ = belief.score(texts, asOf: now) { scored in
        let index = world.belief.channels.firstIndex { $0.name == channel }
        spend = scored.decision.options.first { Int($0.channel) == index }.map { Double($0.spend) / 1e6 }
        incremental = world.belief.definition.stages[scored.decision.stage].recall?.incremental ?? 1
      }
      guard let spend else { continue }
      _ = truth.score(texts, asOf: now) { scored in
        let index = world.truth.channels.firstIndex { $0.name == channel }
        guard let option = scored.decision.options.first(where: { Int($0.channel) == index }) else { return }
        let money = world.belief.definition.money
        let (pd, amount) = (scored.decision.pd, scored.decision.amount)
        let loan = amount * ((1 - pd) * money.margin - pd * money.lossGivenDefault)
        sum += Double(option.p) / 1e6 * loan * incremental - spend
        count += 1
      }
    }
    return sum / Double(count)
  }

  /// A log that is too small for the explorers in it to tell of another channel has no estimate, so no wrong one.
  @Test func fewExplorersTellNothing() throws {
    let world = try SimulatedWorld(true: ReviewCoverageTests.truth)
    let new = try SimulatedWorld.policy(SimulatedWorld.text, Self.dearer).policy
    let made = try Backtest(
      of: SimulatedLedger(world, seed: 5000), ReviewQuestion(period: world.period, now: world.now), new: new,
      yardstick: world.belief
    ).json()
    let answer = try #require(JSONValue(made))
    let apart = try #require(answer["effective_apart"]?.number)
    #expect(apart > 0 && apart < 30 && (answer["effective"]?.number ?? 0) >= 30)
    #expect(answer["estimate"]?.isNull == true && answer["verdict"]?.text == "not_known")
    #expect(answer["why"]?.text?.hasPrefix("It takes another channel for ") == true, "\(answer.json)")
  }

  /// What is tried: another channel for some, and fewer users.
  private static let dearer = ["sms_ok, cost: 0.5 → sms_ok, cost: 12"]
  private static let choosier = ["relationship: 5} → relationship: 15000}"]

  /// - Parameters:
  ///   - limit: on the plans of the log.
  ///   - users: a week.
  private static func coverage(
    _ name: String, _ changes: [String], limit: Int64? = nil, users: Int = 75
  ) throws -> Coverage {
    var world = try SimulatedWorld(true: ReviewCoverageTests.truth)
    world.usersAWeek = users
    world.limit = limit
    let new = try SimulatedWorld.policy(SimulatedWorld.text, changes).policy
    let truth = truth(world, new, users: 4000)
    var coverage = Coverage("backtest, \(name)")
    var sum = 0.0
    for seed in 0..<Simulations.count {
      let ledger = SimulatedLedger(world, seed: UInt64(5000 + seed))
      let question = ReviewQuestion(period: world.period, now: world.now)
      let made = try Backtest(of: ledger, question, new: new, yardstick: world.belief).json()
      let answer = try #require(JSONValue(made))
      guard let estimate = answer["estimate"], let low = estimate["low"]?.number, let high = estimate["high"]?.number
      else { continue }
      coverage.note(low: low, high: high, truth: truth)
      sum += estimate["snips"]?.number ?? 0
    }
    Simulations.tell("\(coverage); mean of the estimates \(sum / Double(max(1, coverage.of))), truth \(truth)")
    return coverage
  }

  @Test func anotherChannel() throws {
    let coverage = try Self.coverage("another channel", Self.dearer, users: 240)
    #expect(coverage.of > Simulations.count * 9 / 10 && coverage.fits(0.95), "\(coverage)")
  }

  @Test func fewerUsers() throws {
    let coverage = try Self.coverage("fewer users", Self.choosier)
    #expect(coverage.of > Simulations.count * 9 / 10 && coverage.fits(0.95), "\(coverage)")
  }

  /// The chances with which contacts were made tell of a limit too.
  @Test func underALimit() throws {
    let coverage = try Self.coverage("another channel, limited log", Self.dearer, limit: 80, users: 240)
    #expect(coverage.of > Simulations.count * 9 / 10 && coverage.fits(0.95), "\(coverage)")
  }
}
