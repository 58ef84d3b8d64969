import Foundation
import RouseCore
import RouseWire
import TestData
import Testing

@testable import RouseReview

/// What a fit makes of simulated ledgers, against the truth: the truth is drawn from the very belief that the fit begins
/// with, so its errors are right exactly if they hold it as often as they claim.
@Suite struct FitCalibrationTests {
  /// Numbers of the simulated policy that are drawn anew, and how the text writes them.
  private static let numbers: [(row: String, bin: String, present: Int, text: @Sendable (Int) -> String)] = [
    ("app", "true", 6, { "true: \($0), false: -6}" }), ("app", "false", -6, { "false: \($0)}" }),
    ("loans", "0", -4, { "loans: {at_least: {0: \($0), " }), ("loans", "1", 0, { "1: \($0), 3: " }),
    ("loans", "3", 8, { "3: \($0)}" }), ("used", "true", 4, { "used: {is: {true: \($0), false: 0}" }),
    ("score", "0", -12, { "score: {at_least: {0: \($0), " }), ("score", "500", 0, { "500: \($0), 650" }),
    ("score", "650", 14, { "650: \($0)}" }),
  ]

  private static func normal(_ random: inout SplitMix) -> Double {
    let (radius, angle) = ((-2 * log(1 - random.share())).squareRoot(), 2 * Double.pi * random.share())
    return radius * cos(angle)
  }

  /// A truth that the belief holds likely, and its numbers by row and bin.
  private static func draw(_ random: inout SplitMix) throws -> (world: SimulatedWorld, truth: [String: Int]) {
    var truth: [String: Int] = [:]
    // Many loans go bad, so that a ledger of some thousand users tells of each number.
    let believed = try SimulatedWorld.policy(
      SimulatedWorld.text, ["odds: 8} → odds: 2}", "margin: 0.30 → margin: 0.90", "cutoff: 500 → cutoff: 300"])
    var text = String(decoding: believed.text, as: UTF8.self)
    for number in numbers {
      let value = number.present + Int((8 * normal(&random)).rounded())
      truth["\(number.row) \(number.bin)"] = value
      // `app` is written on one line: its first number has been replaced when the second is looked for.
      let from = number.text(number.present)
      guard text.contains(from) else { throw SimulatedWorld.Unfit(change: from) }
      text = text.replacing(from, with: number.text(value))
    }
    for stage in ["incremental: 0.60", "incremental: 0.80"] {
      let value = Int((10 * normal(&random)).rounded())
      text = text.replacing("\(stage)\n    points: 0", with: "\(stage)\n    points: \(value)")
    }
    var world = SimulatedWorld(
      believing: believed.policy, believed.text, truth: try SimulatedWorld.policy(text, []).policy)
    // So many that every number has the outcomes it needs: to look only at those that came often would be a choice by the
    // outcome, and lean.
    world.usersAWeek = 1600
    return (world, truth)
  }

  /// Contacts with their outcomes, as a fit from the ledger takes them.
  private static func training(_ ledger: SimulatedLedger, isWeighted: Bool) -> TrainingSet {
    let policy = ledger.world.belief
    let rescorer = Rescorer(policy)
    var set = TrainingSet(policy: policy)
    for entry in ledger.entries where entry.row.rank > 0 {
      let label = TrainingLabel(
        channel: policy.channels.firstIndex { $0.name == entry.row.channel } ?? 0, outcome: entry.hasBorrowed,
        isBad: entry.hasBorrowed ? entry.hasDefaulted : nil,
        weight: isWeighted ? 1e6 / Double(entry.row.propensity) : 1)
      _ = rescorer.score(entry.texts, asOf: entry.row.asOf) { set.add($0, label) }
    }
    set.stabiliseWeights()
    return set
  }

  private static func calibrate(isWeighted: Bool) throws -> (response: Coverage, risk: Coverage, spread: Double) {
    var random = SplitMix(state: 2026)
    var response = Coverage("fit, response points\(isWeighted ? ", weighted" : "")")
    var risk = Coverage("fit, risk points\(isWeighted ? ", weighted" : "")")
    var (squares, count) = (0.0, 0)
    for seed in 0..<max(20, Simulations.count / 5) {
      let (world, truth) = try draw(&random)
      let set = training(SimulatedLedger(world, seed: UInt64(9000 + seed)), isWeighted: isWeighted)
      let text = try PolicyText(yaml: world.beliefText)
      let fitted = try PolicyFit(text, settings: FitSettings()).fit(set)
      func note(_ cells: CardCells, _ result: CardRegression.Result, _ coverage: inout Coverage) {
        for row in cells.rows {
          for index in row.first..<row.first + row.count {
            let cell = result.cells[index]
            guard let error = cell.error, !cell.isHeld, let so = truth["\(row.name) \(cells.cells[index].name)"] else {
              continue
            }
            // Whole points lose up to half of one, on both sides.
            let wide = (error * error + 2.0 / 12).squareRoot()
            let (new, so2) = (Double(cell.new), Double(so))
            coverage.note(low: new - Interval.z * wide, high: new + Interval.z * wide, truth: so2)
            squares += (new - so2) * (new - so2) / (wide * wide)
            count += 1
          }
        }
      }
      note(fitted.response.cells, fitted.response.result, &response)
      if let cells = fitted.risk?.cells, let result = fitted.risk?.result { note(cells, result, &risk) }
    }
    return (response, risk, (squares / Double(max(1, count))).squareRoot())
  }

  @Test(arguments: [false, true]) func errors(_ isWeighted: Bool) throws {
    let (response, risk, spread) = try Self.calibrate(isWeighted: isWeighted)
    for coverage in [response, risk] {
      Simulations.tell("\(coverage); spread of the errors \(spread) of what is claimed")
    }
    // The numbers of one fit are not independent: a wider margin than chance alone would need.
    #expect(response.of > 100 && response.share > 0.91, "\(response)")
    #expect(risk.of > 100 && risk.share > 0.89, "\(risk)")
    #expect((0.75...1.2).contains(spread), "\(spread)")
  }
}
