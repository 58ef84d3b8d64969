import Foundation
import RouseCore
import RouseReview
import RouseWire
import TestData
import Testing

/// What a review says of simulated ledgers, against the truth.
@Suite struct ReviewCoverageTests {
  /// The lender believes too little of those with the app, and too much of what its contacts add.
  static let truth = ["true: 6, false: -6 → true: 16, false: -2", "incremental: 0.60 → incremental: 0.30"]

  private static func interval(_ value: JSONValue?) -> (low: Double, high: Double)? {
    guard let low = value?["low"]?.number, let high = value?["high"]?.number else { return nil }
    return (low, high)
  }

  private static func mean(_ entries: [SimulatedLedger.Entry], _ value: (SimulatedLedger.Entry) -> Double) -> Double {
    entries.reduce(0) { $0 + value($1) } / Double(entries.count)
  }

  static func review(_ ledger: SimulatedLedger, in period: Range<Int64>? = nil) throws -> JSONValue {
    let question = ReviewQuestion(period: period ?? ledger.world.period, now: ledger.world.now)
    let made = try Review(of: ledger, question, under: ledger.world.belief).json()
    return try #require(JSONValue(made))
  }

  /// How often the intervals of many ledgers hold.
  private static func coverage(_ world: SimulatedWorld) throws -> [Coverage] {
    var all: [String: Coverage] = [:]
    func note(_ name: String, _ interval: (low: Double, high: Double)?, _ truth: Double) {
      guard let interval else { return }
      all[name, default: Coverage(name)].note(low: interval.low, high: interval.high, truth: truth)
    }
    for seed in 0..<Simulations.count {
      let ledger = SimulatedLedger(world, seed: UInt64(seed))
      let review = try review(ledger)
      let contacts = ledger.entries.filter { $0.row.rank > 0 }
      let stages = review["by"]?.items.first { $0["dimension"]?.text == "stage" }?["groups"]?.items ?? []
      for (stage, group) in [(nil, review["all"])] + stages.map({ ($0["name"]?.text, $0) }) {
        let some = contacts.filter { stage == nil || $0.row.stage == stage }
        if some.isEmpty { continue }
        let funnel = group?["funnel"]?.items ?? []
        func rate(_ step: String) -> (low: Double, high: Double)? {
          interval(funnel.first { $0["step"]?.text == step }?["per_contact"])
        }
        let name = stage ?? "all"
        note("Wilson, disbursed, \(name)", rate("disbursed"), mean(some, \.chance))
        note("Wilson, click, \(name)", rate("click"), mean(some, \.clickChance))
      }
      let loans = contacts.filter(\.hasBorrowed)
      if !loans.isEmpty {
        note("Wilson, defaults", interval(review["calibration"]?["pd"]?["all"]?["observed"]), mean(loans, \.risk))
      }
      let lifts = review["lift"]?["by"]?.items.first { $0["dimension"]?.text == "stage" }?["groups"]?.items ?? []
      for (stage, group) in [(nil, review["lift"]?["all"])] + lifts.map({ ($0["name"]?.text, $0) }) {
        let chosen = contacts.filter { $0.row.arm == "policy" && (stage == nil || $0.row.stage == stage) }
        if chosen.isEmpty { continue }
        note("Newcombe, lift, \(stage ?? "all")", interval(group), mean(chosen, \.added))
      }
    }
    return all.values.sorted { $0.name < $1.name }
  }

  @Test func intervals() throws {
    for coverage in try Self.coverage(try SimulatedWorld(true: Self.truth)) {
      Simulations.tell(coverage)
      // Wilson's and Newcombe's intervals hold a little more often than they claim where there are few.
      #expect(coverage.of > Simulations.count * 9 / 10 && coverage.fits(0.95), "\(coverage)")
    }
  }

  /// With a limit the ghosts are those who would have been within it.
  @Test func intervalsUnderALimit() throws {
    var world = try SimulatedWorld(true: Self.truth)
    world.limit = 30
    for coverage in try Self.coverage(world)
    where !coverage.name.contains("joined") && !coverage.name.contains("granted") {
      Simulations.tell(coverage, "limited")
      #expect(coverage.fits(0.95), "\(coverage)")
    }
  }

  /// The index tells the characteristic that has changed, and no other.
  @Test func drift() throws {
    var world = try SimulatedWorld()
    world.weeks = 8
    world.usersAWeek = 150
    let later = (SimulatedWorld.start + 4 * SimulatedWorld.week)..<(SimulatedWorld.start + 8 * SimulatedWorld.week)
    var chance = Coverage("PSI without drift, below what chance reaches")
    var found: [Bool: [String: (act: Int, of: Int, psi: Double, noise: Double)]] = [:]
    let count = max(10, Simulations.count / 10)
    for hasDrifted in [false, true] {
      world.driftFrom = hasDrifted ? 4 : nil
      for seed in 0..<count {
        let review = try Self.review(SimulatedLedger(world, seed: UInt64(1000 + seed)), in: later)
        for item in review["stability"]?["characteristics"]?.items ?? [] {
          guard let name = item["name"]?.text, let psi = item["psi"]?.number, let noise = item["noise"]?.number else {
            continue
          }
          var known = found[hasDrifted, default: [:]][name] ?? (0, 0, 0, 0)
          if !hasDrifted, let most = item["noise_high"]?.number {
            chance.note(low: 0, high: most, truth: psi)
          }
          known.of += 1
          known.psi += psi
          known.noise += noise
          if item["verdict"]?.text == "act" { known.act += 1 }
          found[hasDrifted, default: [:]][name] = known
        }
      }
    }
    for (name, seen) in (found[false] ?? [:]).sorted(by: { $0.key < $1.key }) {
      Simulations.tell(
        "PSI of \(name) without drift: mean \(seen.psi / Double(seen.of)), noise \(seen.noise / Double(seen.of))")
      #expect(seen.act == 0, "\(name)")
      // The level of noise is its mean; half as much again is beyond chance over so many ledgers.
      #expect((0.5...1.5).contains(seen.psi / seen.noise), "\(name)")
    }
    Simulations.tell(chance)
    #expect(chance.fits(0.95), "\(chance)")
    let drifted = found[true] ?? [:]
    for (name, seen) in drifted.sorted(by: { $0.key < $1.key }) {
      Simulations.tell(
        "PSI of \(name) with drift of app: mean \(seen.psi / Double(seen.of)), act \(seen.act) of \(seen.of)")
    }
    #expect(drifted["app"]?.act == count && drifted["used"]?.act == 0 && drifted["score"]?.act == 0)
  }
}

extension SimulatedLedger.Entry {
  /// Who borrows has followed the link.
  fileprivate var clickChance: Double { chance + (1 - chance) * 0.7 * SimulatedLedger.clicksOtherwise }
}

/// How many ledgers are simulated: `ROUSE_SIMULATIONS=2000` for a longer run, which prints what it has found.
enum Simulations {
  private static let wanted = ProcessInfo.processInfo.environment["ROUSE_SIMULATIONS"].flatMap { Int($0) }
  static let count = max(20, wanted ?? 200)

  static func tell(_ what: some CustomStringConvertible, _ where: String = "") {
    if wanted != nil { print("simulated ledgers: \(`where`.isEmpty ? "" : `where` + ", ")\(what)") }
  }
}
