import RouseCore
import Synchronization
import TestData
import Testing

@testable import RouseReview

@Suite struct FitTests {
  private static let truth = FitSamples.policy(
    a: 12, b: -9, age: [-18, -4, 6, 20], job: [0, 25, -15], other: -5, app: [8, -8], risk: [16, 0, -24], odds: "6")

  private static func settings(priorSD: Double = 8) -> FitSettings {
    var settings = FitSettings()
    settings.priorSD = priorSD
    return settings
  }

  private static func fit(
    _ yaml: String, _ set: TrainingSet, priorSD: Double = 8
  ) throws -> FittedPolicy {
    try PolicyFit(try FitSamples.text(yaml), settings: settings(priorSD: priorSD)).fit(set)
  }

  // MARK: - What is learned

  /// Differences of points within a row are what the data tell; they lie within their error of the truth, over many worlds
  /// as often as errors of that size say.
  @Test func knownPointsComeBackWithinTheirError() throws {
    let start = try FitSamples.text(FitSamples.policy())
    var (within, all) = (0, 0)
    for seed in 1...4 {
      let set = try FitSamples.set(6000, truth: Self.truth, fitted: start.policy, seed: UInt64(seed))
      let fitted = try Self.fit(FitSamples.policy(), set, priorSD: 60)
      let want = try FitSamples.text(Self.truth).policy.response.rows
      let got = fitted.new.policy.response.rows
      var first = 0
      for (index, row) in want.enumerated() {
        let cells = fitted.response.result.cells
        for bin in 1..<row.points.count {
          let error = (0...1).reduce(0.0) { sum, at in
            let se = cells[first + 2 + (at == 0 ? 0 : bin)].error ?? 0
            return sum + se * se + 1.0 / 12
          }.squareRoot()
          let off = Double((got[index].points[bin] - got[index].points[0]) - (row.points[bin] - row.points[0]))
          // A flag that also decides the stage cannot be told from it.
          guard row.name != "app" else { continue }
          all += 1
          if abs(off) <= 1.96 * error { within += 1 }
          #expect(abs(off) < 5 * error, "\(row.name) \(row.binNames[bin]), seed \(seed)")
        }
        first += row.points.count + 2
      }
    }
    // Errors of the two ends are correlated, and the sum of both is too wide: never too narrow.
    #expect(Double(within) / Double(all) >= 0.9, "\(within) of \(all)")
  }

  @Test func riskIsLearnedFromLoansThatWentBad() throws {
    let start = try FitSamples.text(FitSamples.policy())
    let set = try FitSamples.set(12_000, truth: Self.truth, fitted: start.policy, seed: 5)
    let fitted = try Self.fit(FitSamples.policy(), set, priorSD: 40)
    let points = fitted.new.policy.risk.rows[0].points
    #expect(points[0] > points[1] && points[1] > points[2])
    #expect(abs((points[0] - points[2]) - 40) <= 16, "\(points)")
    let old = Double(set.rows.count { $0.label.isBad == true }) / Double(set.rows.count { $0.label.isBad != nil })
    let expected = set.rows.indices.filter { set.label($0).isBad != nil }.map { row -> Double in
      let risk = fitted.new.policy.risk.rows[0].points(ofPlace: set.place(row, risk: 0))
      return fitted.new.policy.pd(riskScore: 600 + risk, stage: set.rows[row].stage)
    }
    #expect(abs(expected.reduce(0, +) / Double(expected.count) - old) < 0.01)
  }

  /// What is wrong with the level of all does not come to stand in bins that most rows share, though no stage has outcomes
  /// enough of its own.
  @Test func theLevelStandsInTheStages() throws {
    let start = try FitSamples.text(FitSamples.policy())
    let set = try FitSamples.set(12_000, truth: FitSamples.policy(a: 40, b: 40), fitted: start.policy, seed: 11)
    var settings = Self.settings()
    let most =
      (0..<2).map { stage in
        set.rows.indices.count { set.rows[$0].stage == stage && set.label($0).outcome }
      }.max() ?? 0
    settings.leastEvents = most + 1
    let fitted = try PolicyFit(start, settings: settings).fit(set)
    let stages = fitted.response.result.intercepts
    #expect(stages.allSatisfy { $0.isPooled && abs($0.new - 40) < 15 }, "\(stages)")
    let changed = fitted.response.result.cells.filter { $0.verdict == .changed }
    #expect(changed.allSatisfy { abs($0.new - $0.old) <= 5 }, "\(changed)")
  }

  /// As many outcomes are expected as came: stage points carry the level.
  @Test func chancesAddUpToTheOutcomes() throws {
    let start = try FitSamples.text(FitSamples.policy())
    let set = try FitSamples.set(6000, truth: Self.truth, fitted: start.policy, seed: 6)
    let fitted = try Self.fit(FitSamples.policy(), set)
    for stage in 0..<2 {
      let rows = set.rows.indices.filter { set.rows[$0].stage == stage }
      let expected = rows.reduce(0.0) { $0 + Outlook(set, $1, under: fitted.new.policy).p }
      let came = Double(rows.count { set.label($0).outcome })
      // Half a point of 20 to the doubling, and a hair.
      #expect(abs(expected - came) < came * 0.02 + 1, "\(expected) for \(came)")
    }
  }

  /// A row's chance as the report has it is the model's own, to the micro.
  @Test func chancesAreTheModels() throws {
    let policy = try FitSamples.text(Self.truth).policy
    var random = SplitMix(state: 9)
    let rescorer = Rescorer(policy)
    for _ in 0..<500 {
      let person = FitSamples.person(&random)
      var set = TrainingSet(policy: policy)
      var want: (p: Int32, value: Int64)?
      let texts = LoggedTexts(userID: [0x30], row: [], candidate: person.candidate, known: [])
      _ = rescorer.score(texts, asOf: FitSamples.asOf) { rescored in
        let option = rescored.decision.options[person.channel]
        want = (option.p, option.value)
        set.add(rescored, TrainingLabel(channel: person.channel, outcome: true))
      }
      let outlook = Outlook(set, 0, under: policy)
      #expect(Micros.from(outlook.p) == Int64(want?.p ?? -1))
      #expect(Micros.from(outlook.value) == want?.value)
    }
  }

  @Test func stepsMoveByTheirWeight() throws {
    let start = try FitSamples.text(FitSamples.policy())
    var turn = 0
    // Of 100: 60 click, 30 log in, 15 borrow.
    let set = try FitSamples.set(4000, truth: Self.truth, fitted: start.policy, seed: 7) { label in
      let part = turn % 100
      turn += 1
      label.hasClicked = part < 60
      label.steps = part < 15 ? 2 : part < 30 ? 1 : 0
      label.outcome = false
    }
    #expect(set.outcomes == 600)
    let fitted = try Self.fit(FitSamples.policy(), set)
    let steps = fitted.steps
    #expect(steps[0].seen == Rate(1200, of: 2400) && steps[1].seen == Rate(600, of: 1200))
    #expect(abs(steps[0].new - (0.8 * 50 + 1200) / 2450) < 0.001)
    #expect(abs(steps[1].new - (0.4 * 50 + 600) / 1250) < 0.001)
    #expect(fitted.new.policy.definition.response.steps[0].rate == steps[0].new)
  }

  // MARK: - What holds it

  @Test func fewOutcomesChangeNothing() throws {
    let start = try FitSamples.text(FitSamples.policy(job: [3, 4, 5]))
    let set = try FitSamples.set(3000, truth: Self.truth, fitted: start.policy, seed: 8)
    var settings = FitSettings()
    settings.leastEvents = set.outcomes * 2 / 5
    let fitted = try PolicyFit(start, settings: settings).fit(set)
    let cells = fitted.response.result.cells
    for (cell, place) in zip(cells, fitted.response.cells.cells) where cell.events < settings.leastEvents {
      #expect(cell.new == cell.old, "\(place.name)")
    }
    #expect(cells.contains { $0.verdict == .few } && cells.contains { $0.verdict == .changed })
    #expect(throws: ReviewError.self) {
      settings.leastEvents = set.outcomes + 1
      _ = try PolicyFit(start, settings: settings).fit(set)
    }
  }

  @Test func guardrailsHold() throws {
    // The truth falls at the end, and is far beyond the cap; the policy must not be.
    let truth = FitSamples.policy(age: [-20, 10, 25, -10], job: [0, 60, -60])
    let rails = "{max_points: {job: 12}, monotone: {age: up}}"
    let start = FitSamples.policy(guardrails: rails)
    let set = try FitSamples.set(6000, truth: truth, fitted: try FitSamples.text(start).policy, seed: 11)
    let fitted = try Self.fit(start, set)
    let rows = fitted.new.policy.response.rows
    #expect(zip(rows[0].points, rows[0].points.dropFirst()).allSatisfy { $0 <= $1 }, "\(rows[0].points)")
    #expect(rows[0].points[0] < rows[0].points[1])
    #expect(rows[1].points.allSatisfy { abs($0) <= 12 } && rows[1].points[1] == 12, "\(rows[1].points)")
    #expect(fitted.response.result.cells.contains { $0.isHeld })
  }

  @Test func beliefsHoldWhereDataAreFew() throws {
    let start = try FitSamples.text(FitSamples.policy())
    let set = try FitSamples.set(1500, truth: Self.truth, fitted: start.policy, seed: 12)
    let strict = try Self.fit(FitSamples.policy(), set, priorSD: 1).new.policy.response.rows[1].points
    let free = try Self.fit(FitSamples.policy(), set, priorSD: 50).new.policy.response.rows[1].points
    #expect(strict.map(abs).reduce(0, +) < free.map(abs).reduce(0, +))
  }

  @Test func heldOutRowsAreNeverLearnedFrom() throws {
    let start = try FitSamples.text(FitSamples.policy())
    for hasTimes in [false, true] {
      func run(_ turns: Bool) throws -> FitRun {
        var index = 0
        var random = SplitMix(state: 77)
        let set = try FitSamples.set(4000, truth: Self.truth, fitted: start.policy, seed: 13) { label in
          label.at = hasTimes ? FitSamples.asOf + Int64(index) : nil
          let isLater = hasTimes ? index >= 2800 : label.hash % 10_000 < 3000
          // What comes of them is turned round, or left to chance.
          let chance = Bool.random(using: &random)
          if isLater, turns { label.outcome = chance }
          index += 1
        }
        return try FitRun(start, settings: FitSettings(), holdoutShare: 0.3, set)
      }
      let (plain, turned) = (try run(false), try run(true))
      #expect(plain.fitted.new.bytes == turned.fitted.new.bytes)
      #expect(plain.report != turned.report)
    }
  }

  @Test func sameRowsSameBytes() throws {
    let start = try FitSamples.text(FitSamples.policy())
    let set = try FitSamples.set(2000, truth: Self.truth, fitted: start.policy, seed: 14)
    let runs = try (0..<2).map { _ in try FitRun(start, settings: FitSettings(), holdoutShare: 0.2, set) }
    #expect(runs[0].report == runs[1].report && runs[0].fitted.new.bytes == runs[1].fitted.new.bytes)
  }

  /// Many points make chances that are next to nothing: no shift tells how far they are off.
  @Test func chancesNextToNothing() {
    for expected in [Double.leastNonzeroMagnitude, .leastNormalMagnitude / 4096] {
      #expect(CalibrationBand(sum: expected, outcomes: 1, of: 1)?.shift == nil)
    }
    #expect((CalibrationBand(sum: 1e-300, outcomes: 1, of: 1)?.shift ?? 0) > 10_000)
  }

  @Test func nobodyWaitsForIt() throws {
    let start = try FitSamples.text(FitSamples.policy())
    let set = try FitSamples.set(2000, truth: Self.truth, fitted: start.policy, seed: 14)
    for most in [0, 3] {
      let asked = Atomic<Int>(0)
      do throws(ReviewError) {
        _ = try FitRun(
          start, settings: FitSettings(), holdoutShare: nil, set,
          isAbandoned: { asked.wrappingAdd(1, ordering: .relaxed).oldValue >= most })
        Issue.record("it went through")
      } catch { #expect(error.kind == .cancelled) }
      #expect(asked.load(ordering: .relaxed) < most + 4)
    }
  }

  @Test func oneKindOfOutcomeIsRefused() throws {
    let start = try FitSamples.text(FitSamples.policy())
    let set = try FitSamples.set(200, truth: Self.truth, fitted: start.policy, seed: 15) { $0.outcome = true }
    #expect(throws: ReviewError.self) { try PolicyFit(start, settings: FitSettings()).fit(set) }
  }

  @Test func weightsAreStabilisedAndCapped() throws {
    let start = try FitSamples.text(FitSamples.policy())
    var index = 0
    var set = try FitSamples.set(1000, truth: Self.truth, fitted: start.policy, seed: 16) { label in
      label.weight = index % 100 == 0 ? 1000 : 2
      index += 1
    }
    set.stabiliseWeights()
    let weights = set.rows.map(\.label.weight)
    #expect(weights.allSatisfy { $0 <= 10 } && abs(weights.reduce(0, +) / 1000 - 1) < 0.2)
    #expect(set.effective < 900)
  }
}
