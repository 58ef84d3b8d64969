import Foundation
import RouseReview
import RouseWire
import TestData
import Testing

/// What a review says of simulated ledgers, against the truth.
@Suite struct ReviewCoverageTests {
  /// `ROUSE_SIMULATIONS=2000` for a longer run.
  static let ledgers = ProcessInfo.processInfo.environment["ROUSE_SIMULATIONS"].flatMap { Int($0) } ?? 200

  @Test func intervals() throws {
    let world = try SimulatedWorld(
      true: ["true: 6, false: -6 → true: 16, false: -2", "incremental: 0.60 → incremental: 0.30"])
    var coverage: [String: Coverage] = [:]
    func note(_ name: String, _ low: Double?, _ high: Double?, _ truth: Double) {
      guard let low, let high else { return }
      coverage[name, default: Coverage(name)].note(low: low, high: high, truth: truth)
    }
    for seed in 0..<Self.ledgers {
      let ledger = SimulatedLedger(world, seed: UInt64(seed))
      let question = ReviewQuestion(period: world.period, now: world.now)
      let made = try Review(of: ledger, question, under: world.belief).json()
      let review = try #require(JSONValue(made))
      let contacts = ledger.entries.filter { $0.row.rank > 0 }
      if seed == 0 {
        print(ledger.entries.count, contacts.count)
        print(String(decoding: made, as: UTF8.self).prefix(6000))
      }
      _ = review
    }
    print(coverage)
  }
}
