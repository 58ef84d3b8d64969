import Testing

@testable import RouseReview

/// Whether a policy differs from what was done: both figures come of the same contacts.
struct OffPolicyTests {
  private static func trial(_ isRepeated: Bool, _ propensity: Double, _ value: Double) -> OffPolicy.Trial {
    OffPolicy.Trial(isRepeated: isRepeated, propensity: propensity, value: value)
  }

  /// By hand: snips 1, mean 2; parts 0 + 1/2 and 0 - 1/2, so a standard error of √½.
  @Test func differenceByHand() throws {
    let trials = [Self.trial(true, 0.5, 1), Self.trial(false, 0.5, 3)]
    let difference = try #require(OffPolicy(trials)?.difference(trials))
    let half = Interval.z * 0.5.squareRoot()
    #expect(abs(difference.low - (-1 - half)) < 1e-12 && abs(difference.high - (-1 + half)) < 1e-12)
  }

  @Test func theSameDiffersByNothing() throws {
    let trials = (0..<1000).map { Self.trial(true, 0.95, $0 % 7 == 0 ? 90 : -1) }
    let difference = try #require(OffPolicy(trials)?.difference(trials))
    #expect(abs(difference.low) < 1e-9 && abs(difference.high) < 1e-9)
  }

  /// Explorers weigh much in what is repeated, and once in the mean of the log: that is no difference between two policies
  /// that do the same.
  @Test func explorersMakeNoDifference() throws {
    let trials = (0..<500).map { number in
      let explores = number % 50 == 0
      let takes = number % 3 > 0
      return OffPolicy.Trial(
        isRepeated: takes, isOwn: takes, propensity: explores ? 0.01 : 0.95, value: explores ? 0 : 5)
    }
    let estimate = try #require(OffPolicy(trials))
    #expect((estimate.snips ?? 5) < 3)
    let difference = try #require(estimate.difference(trials))
    #expect(difference == Interval(low: 0, high: 0))
  }

  /// The mean of the log lies outside the interval of the estimate, and yet the two may be one: it has its own chance.
  @Test func theLogHasItsChanceToo() throws {
    let trials = (0..<400).map { Self.trial($0 % 2 == 0, 1, $0 % 2 == 0 ? 1 : $0 % 40 == 1 ? 41 : 0) }
    let estimate = try #require(OffPolicy(trials))
    let interval = try #require(estimate.interval)
    #expect(interval.high < 1.5)
    let difference = try #require(estimate.difference(trials))
    #expect(difference.low < 0 && difference.high > 0)
  }

  @Test func nothingRepeated() throws {
    let trials = [Self.trial(false, 0.5, 1)]
    #expect(try #require(OffPolicy(trials)).difference(trials) == nil)
  }
}
