import Foundation
import TestData
import Testing

@testable import RouseCore

@Suite struct ArithmeticTests {
  /// The table of thresholds against the logarithm it stands for.
  @Test(arguments: [1, 7, 30, 90, 180, 365, 36_500]) func recencyIsTheLogarithm(_ halfLife: Int) {
    let recency = Recency(halfLife: halfLife, floor: -400)
    for days in Array(0..<10_000) + stride(from: 10_000, to: 3_700_000, by: 997) {
      let wanted = max(-400, -Int((20 * log2(1 + Double(days) / Double(halfLife)) + 0.5).rounded(.down)))
      #expect(recency.points(silentDays: Int64(days)) == wanted)
    }
    #expect(Recency(halfLife: halfLife, floor: 0).points(silentDays: 5000) == 0)
  }

  @Test func twentyPointsDouble() {
    for points in -2000...2000 {
      #expect(Odds.scale(15, points + 20) == 2 * Odds.scale(15, points))
    }
    #expect(Odds.scale(1, 0) == 1)
    // Beyond a double's range: certainty, not a trap.
    #expect(Odds.share(Odds.scale(1, 100_000)) == 1)
    #expect(Odds.share(Odds.scale(1, -100_000)) == 0)
    #expect(Odds.badShare(Odds.scale(1, 100_000)) == 0)
    #expect(Odds.badShare(Odds.scale(1, -100_000)) == 1)
  }

  @Test func microsRoundHalfUp() {
    #expect(Micros.from(0.0000005) == 1)
    #expect(Micros.from(-0.0000005) == 0)
    #expect(Micros.from(1e300) == Int64(9.2e18))
    #expect(Micros.from(-1e300) == Int64(-9.2e18))
  }

  /// Every day of 400 years and the ends of the calendar, there and back.
  @Test func datesThereAndBack() {
    for day in Int64(-146_097)...146_097 {
      let date = Moment.date(daysSince1970: day)
      #expect(Moment.daysSince1970(year: date.year, month: date.month, day: date.day) == day)
    }
    for (text, seconds) in [
      ("1970-01-01T00:00:00Z", Int64(0)), ("0001-01-01T00:00:00Z", Moment.first), ("9999-12-31T23:59:59Z", Moment.last),
      ("2000-02-29T12:34:56Z", 951_827_696),
    ] {
      #expect(Moment.parse(text) == seconds)
      #expect(Moment.format(seconds) == text)
    }
  }

  @Test(arguments: [
    "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-01-00T00:00:00Z",
    "2026-01-01T24:00:00Z", "2026-01-01T00:60:00Z", "2026-01-01T00:00:60Z", "2026-01-01T00:00:00", "2026-01-01",
    "2026-01-01T00:00:00.Z", "2026-01-01T00:00:00+24:00", "2026-01-01T00:00:00+08:60", "2026-01-01T00:00:00+0800",
    "2026-01-01 00:00:00Z", "2026-01-01T00:00:00ZZ", "9999-12-31T23:59:59-00:01", "0001-01-01T00:00:00+00:01", "",
    "2026-01-01T00:00:00.5",
  ]) func noTimes(_ text: String) {
    #expect(Moment.parse(text) == nil)
  }

  @Test func times() {
    #expect(Moment.parse("2026-03-01t10:00:00.999999999+08:00") == 1_772_330_400)
    #expect(Moment.parse("2026-03-01T02:00:00z") == 1_772_330_400)
    #expect(Moment.format(1_772_330_400, offsetMinutes: -210) == "2026-02-28T22:30:00-03:30")
  }

  /// Vectors of other languages: printf 'salt:id' | sha256sum.
  @Test func hashIsSHA256OfSaltAndID() {
    let experiment = Experiment(ExperimentDefinition(salt: "2026Q1", holdout: 0.05, explore: 0.01))
    let id = Array("x418".utf8)
    let draw = id.withUnsafeBytes { experiment.draw($0) }
    let digest = sha256(Array("2026Q1:x418".utf8))
    #expect(draw.arm == digest[0..<8].reduce(0) { $0 << 8 | UInt64($1) })
    #expect(draw.channel == digest[8..<16].reduce(0) { $0 << 8 | UInt64($1) })
    #expect(draw.tie == digest[16..<24].reduce(0) { $0 << 8 | UInt64($1) })
    #expect(experiment.arms.arm(share: draw.arm % 10_000) == .explore)
    #expect(sha256(Array("abc".utf8)).prefix(4) == [0xBA, 0x78, 0x16, 0xBF])
  }

  /// On both sides of where a salt and a user_id fill a block of SHA-256.
  @Test(arguments: [0, 1, 7, 46, 47, 53, 54, 55, 63, 64, 130]) func hashOfEveryLength(saltCount: Int) {
    let salt = String(repeating: "s", count: saltCount)
    let experiment = Experiment(ExperimentDefinition(salt: salt, holdout: 0.05, explore: 0.01))
    for count in 0...CandidateRow.longestUserID {
      let id = [UInt8](repeating: 0x75, count: count)
      let draw = id.withUnsafeBytes { experiment.draw($0) }
      let digest = sha256(Array("\(salt):".utf8) + id)
      #expect(draw.arm == digest[0..<8].reduce(0) { $0 << 8 | UInt64($1) })
      #expect(draw.channel == digest[8..<16].reduce(0) { $0 << 8 | UInt64($1) })
      #expect(draw.tie == digest[16..<24].reduce(0) { $0 << 8 | UInt64($1) })
    }
  }

  /// `micros` by a cut is `micros` by a floor.
  @Test func microsByCut() {
    var random = SplitMix(state: 7)
    for exponent in -12...13 {
      for _ in 0..<1000 {
        let value =
          Double.random(in: -1...1, using: &random) * Double(sign: .plus, exponent: exponent * 3, significand: 1)
        let floor = (value * 1e6 + 0.5).rounded(.down)
        #expect(Micros.from(value) == Int64(min(max(floor, -9.2e18), 9.2e18)))
      }
    }
    for value in [-1.5e-6, -0.5e-6, 0.5e-6, 1.5e-6, -1e-9, 0, 2.5e-6] {
      #expect(Double(Micros.from(value)) == (value * 1e6 + 0.5).rounded(.down))
    }
    #expect(Micros.from(.nan) == Int64(-9.2e18) && Micros.from(.infinity) == Int64(9.2e18))
  }

  /// Powers at hand give what powers made anew do, within the table and beyond.
  @Test func scaleByFactors() {
    for points in -2100...2100 {
      for odds in [15, 0.0231, 1e-300, 1e300, 0, .infinity] {
        #expect(Odds.scale(odds, points, by: Odds.factorsAtZero) == Odds.scale(odds, points))
      }
    }
  }

  /// A worth of 64-bit products is the worth of `Int128`'s.
  @Test func worthOfWideProducts() {
    var random = SplitMix(state: 9)
    for _ in 0..<1000 {
      let value = Int64.random(in: -9_200_000_000_000_000_000...9_200_000_000_000_000_000, using: &random)
      let spend = Int64.random(in: 0...9_200_000_000_000_000_000, using: &random)
      let hurdle = Int64.random(in: 0...1_000_000_000, using: &random)
      #expect(
        Micros.worth(value: value, spend: spend, hurdle: hurdle)
          == 1_000_000 * Int128(value) - Int128(hurdle) * Int128(spend))
    }
  }

  @Test func didYouMean() {
    #expect(Suggestion.nearest(to: "margn", among: ["margin", "main"]) == "margin")
    #expect(Suggestion.nearest(to: "zzzzzz", among: ["margin"]) == nil)
    #expect(Suggestion.nearest(to: "ab", among: ["ac", "ad"]) == "ac")
  }
}
