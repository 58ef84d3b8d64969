import TestData
import Testing

@testable import RouseCore

/// The short form of a move's place in the order of the fill, by which portions are cut.
@Suite struct PlanFillTests {
  private static func isBefore(_ left: Plan.Turn, _ right: Plan.Turn) -> Bool {
    left.key != right.key ? left.key < right.key : left.gain > right.gain
  }

  private static func number(_ random: inout SplitMix) -> Int128 {
    let number = Int128(Int64.random(in: 0 ... .max, using: &random)) << Int128.random(in: 0..<63, using: &random)
    return number >> Int128.random(in: 0..<126, using: &random) + Int128.random(in: 0..<3, using: &random)
  }

  @Test func noMoveIsRoughlyBeforeOneThatComesEarlier() {
    var random = SplitMix(state: 7)
    var pairs = 0
    for _ in 0..<200_000 {
      let keys = [Self.number(&random), -Self.number(&random), -1, Int128(Int32.max), Int128(Int32.min), 0]
      let gain = Self.number(&random) + 1
      let gains = [gain, gain + 1, gain * 2 - 1, Self.number(&random) + 1]
      let (left, right) = (
        Plan.Turn(gain: gains.randomElement(using: &random) ?? 1, key: keys.randomElement(using: &random) ?? 0),
        Plan.Turn(gain: gains.randomElement(using: &random) ?? 1, key: keys.randomElement(using: &random) ?? 0)
      )
      guard Self.isBefore(left, right) else { continue }
      pairs += 1
      guard left.rough <= right.rough else {
        Issue.record("\(left) comes before \(right)")
        return
      }
    }
    #expect(pairs > 50_000)
  }

  /// Else millions of moves that cost nothing would all be put in order at once.
  @Test func equalKeysAreToldApartByTheirGain() {
    let gain: Int128 = 9_602_528_000_000_000
    for key: Int128 in [-1, 0, 999_999] {
      #expect(Plan.Turn(gain: gain + gain / 10_000_000, key: key).rough < Plan.Turn(gain: gain, key: key).rough)
      #expect(Plan.Turn(gain: gain, key: key).rough < Plan.Turn(gain: 1, key: key + 1).rough)
    }
  }
}
