import Glibc
import RouseCore

/// Whether those whom plans find are still like those whom they found before: each characteristic of the policy by its own
/// bins, with what was known at the time.
struct ReviewStability {
  struct Characteristic {
    /// `risk`, `response`; nil: no row of a card.
    let card: String?
    let name: String
    let bins: [String]
    /// By span and bin: before the period, then week by week.
    fileprivate(set) var counts: [[Int]]

    fileprivate init(_ card: String?, _ name: String, _ bins: [String], spans: Int) {
      self.card = card
      self.name = name
      self.bins = bins
      counts = [[Int]](repeating: [Int](repeating: 0, count: bins.count), count: spans)
    }
  }

  enum Baseline: String {
    case before
    /// Nothing is kept of the time before the period.
    case firstWeek = "first_week"
    case none
  }

  private(set) var characteristics: [Characteristic]
  /// Rows by span.
  private(set) var rows: [Int]
  /// Rows whose candidate cannot be read any more.
  private(set) var unread = 0
  let span: Range<Int64>
  private(set) var baseline = Baseline.none
  private let weeks: [Range<Int64>]

  /// At least so many weeks before the period are what it is held against.
  private static let weeksBefore: Int64 = 4

  init(
    _ source: some ReviewSource, _ question: ReviewQuestion, _ policy: Policy
  ) throws(ReviewError) {
    let period = question.period
    weeks = question.weeks
    let length = max(
      period.upperBound.subtractingReportingOverflow(period.lowerBound).partialValue,
      Self.weeksBefore * ReviewQuestion.week)
    let start = max(period.lowerBound.subtractingReportingOverflow(length).partialValue, Moment.first)
    span = min(start, period.lowerBound)..<period.lowerBound
    let spans = weeks.count + 1
    // Ten years are some 520 weeks, and a policy's text may list very many values.
    let bins = (policy.risk.rows + policy.response.rows).reduce(0) { $0 + $1.binNames.count + 2 }
    try question.take(spans * bins * MemoryLayout<Int>.stride)
    var characteristics = Self.characteristics(policy, spans: spans)
    var rows = [Int](repeating: 0, count: spans)
    var unread = 0
    var isAbandoned = false
    let rescorer = Rescorer(policy)
    let until = min(period.upperBound, question.now.adding(1))
    if span.lowerBound < until {
      try source.eachRow(madeIn: span.lowerBound..<until, withTexts: true) { row, texts in
        if row.rank & 0x3FF == 0, question.isAbandoned() {
          isAbandoned = true
          return false
        }
        let at =
          row.made < period.lowerBound ? 0 : 1 + Int((row.made - period.lowerBound) / ReviewQuestion.week)
        guard let texts, at < spans else { return true }
        let isRead = rescorer.score(texts, asOf: row.asOf) { scored in
          rows[at] += 1
          Self.count(scored, policy, at, &characteristics)
        }
        if !isRead { unread += 1 }
        return true
      }
    }
    if isAbandoned { try question.refuseIfAbandoned() }
    self.characteristics = characteristics
    self.rows = rows
    self.unread = unread
    if rows[0] > 0 {
      baseline = .before
    } else if rows.dropFirst(2).contains(where: { $0 > 0 }), rows.count > 1, rows[1] > 0 {
      baseline = .firstWeek
    }
  }

  // MARK: - Bins

  private static let scoreBands = 10
  private static let bandWidth = 20

  private static func characteristics(_ policy: Policy, spans: Int) -> [Characteristic] {
    let definition = policy.definition
    let base = definition.risk.baseScore
    let bands = (0..<scoreBands).map { band in
      band == 0 ? "<\(base - 4 * bandWidth)" : ">=\(base + (band - 5) * bandWidth)"
    }
    var all = [
      Characteristic(nil, "stage", definition.stages.map(\.name) + ["none"], spans: spans),
      Characteristic(nil, "tier", definition.tiers.map(\.name) + ["all", "none"], spans: spans),
      Characteristic(nil, "risk_score", bands, spans: spans),
    ]
    for (name, card) in [("risk", policy.risk), ("response", policy.response)] {
      all += card.rows.map { Characteristic(name, $0.name, $0.binNames + ["missing", "other"], spans: spans) }
    }
    return all
  }

  private static func count(
    _ scored: Rescorer.Rescored, _ policy: Policy, _ at: Int, _ characteristics: inout [Characteristic]
  ) {
    let decision = scored.decision
    func count(_ index: Int, _ bin: Int) { characteristics[index].counts[at][bin] += 1 }
    count(0, decision.stage >= 0 ? decision.stage : policy.stages.count)
    count(1, decision.tier >= 0 ? decision.tier : policy.tiers.count + 1)
    let above = floorDivide(Int64(decision.riskScore - policy.definition.risk.baseScore), Int64(bandWidth))
    count(2, decision.depth >= .risk ? Int(min(max(above + 5, 0), Int64(scoreBands - 1))) : 0)
    var next = 3
    for card in [policy.risk, policy.response] {
      for (row, bin) in zip(card.rows, scored.bins(card)) {
        let index = bin >= 0 ? Int(bin) : row.binNames.count + (bin == Scorecard.Bin.missing ? 0 : 1)
        count(next, min(index, row.binNames.count + 1))
        next += 1
      }
    }
  }

  // MARK: - What is told

  /// The spans that the period is held against.
  func then(_ characteristic: Characteristic) -> [Int] {
    baseline == .firstWeek ? characteristic.counts[1] : characteristic.counts[0]
  }

  func now(_ characteristic: Characteristic) -> [Int] {
    let spans = characteristic.counts.dropFirst(baseline == .firstWeek ? 2 : 1)
    return spans.reduce([Int](repeating: 0, count: characteristic.bins.count)) { zip($0, $1).map { $0 + $1 } }
  }

  /// The bins that anyone was in, then or now: chance moves nobody into the others, so that they make no noise.
  func used(_ characteristic: Characteristic) -> [Int] {
    let (then, now) = (then(characteristic), now(characteristic))
    return then.indices.filter { then[$0] > 0 || now[$0] > 0 }
  }

  private func stability(_ characteristic: Characteristic, _ now: [Int]) -> Stability? {
    if baseline == .none { return nil }
    let then = then(characteristic)
    let used = used(characteristic)
    return Stability(expected: used.map { then[$0] }, actual: used.map { now[$0] })
  }

  func stability(_ characteristic: Characteristic) -> Stability? {
    stability(characteristic, now(characteristic))
  }

  /// nil of the week that is the baseline itself, and of one without rows.
  func stability(_ characteristic: Characteristic, week: Int) -> Stability? {
    if baseline == .firstWeek && week == 0 { return nil }
    return stability(characteristic, characteristic.counts[week + 1])
  }

  /// The greatest of a week, and of what.
  func greatest(week: Int) -> (psi: Double, name: String)? {
    var greatest: (psi: Double, name: String)?
    for characteristic in characteristics {
      guard let psi = stability(characteristic, week: week)?.psi, psi > greatest?.psi ?? -1 else { continue }
      greatest = (psi, characteristic.title)
    }
    return greatest
  }

  var baselineRows: Int { baseline == .firstWeek ? rows[1] : rows[0] }
  var baselineSpan: Range<Int64> { baseline == .firstWeek ? weeks[0] : span }
  var periodRows: Int { rows.dropFirst(baseline == .firstWeek ? 2 : 1).reduce(0, +) }
}

extension ReviewStability.Characteristic {
  var title: String { card.map { "\(name) (\($0))" } ?? name }
}

extension Stability {
  /// What it stays below in 95 cases of 100 if nothing has changed: chi-square's quantile by Wilson and Hilferty.
  func noiseHigh(bins: Int) -> Double {
    guard bins > 1 else { return 0 }
    let part = 2 / (9 * Double(bins - 1))
    let root = 1 - part + 1.6448536269514722 * part.squareRoot()
    return noise * root * root * root
  }

  /// `stable`, `look`, `act`; `noise`: as high as `look`, and no higher than chance makes it.
  func verdict(_ thresholds: [Double], bins: Int) -> String {
    let level = thresholds.count { psi >= $0 }
    guard level > 0 else { return "stable" }
    return psi <= noiseHigh(bins: bins) ? "noise" : level > 1 ? "act" : "look"
  }
}

extension Policy {
  /// From which PSI on one looks, and acts.
  var psiThresholds: [Double] {
    let own = definition.review.psi.sorted()
    return own.isEmpty ? [0.1, 0.25] : own
  }
}

extension AnswerWriter {
  mutating func set(_ name: String, _ stability: ReviewStability, weeks: [Range<Int64>], thresholds: [Double]) {
    object(name) { answer in
      answer.object("baseline") { answer in
        answer.set("kind", stability.baseline.rawValue)
        answer.set("since", moment: stability.baselineSpan.lowerBound)
        answer.set("until", moment: stability.baselineSpan.upperBound)
        answer.set("rows", stability.baselineRows)
      }
      answer.set("rows", stability.periodRows)
      answer.set("unread", stability.unread)
      answer.set("look", thresholds.first)
      answer.set("act", thresholds.dropFirst().first)
      answer.list("characteristics", stability.characteristics) { answer, characteristic in
        answer.object { $0.write(characteristic, stability, weeks, thresholds) }
      }
    }
  }

  private mutating func write(
    _ characteristic: ReviewStability.Characteristic, _ stability: ReviewStability, _ weeks: [Range<Int64>],
    _ thresholds: [Double]
  ) {
    let bins = stability.used(characteristic).count
    let whole = stability.stability(characteristic)
    set("card", characteristic.card)
    set("name", characteristic.name)
    set("psi", whole?.psi)
    set("noise", whole?.noise)
    set("noise_high", whole?.noiseHigh(bins: bins))
    set("verdict", whole?.verdict(thresholds, bins: bins) ?? Verdict.notKnown.rawValue)
    let counts = zip(stability.then(characteristic), stability.now(characteristic))
    list("bins", zip(characteristic.bins, counts)) { answer, bin in
      answer.object { answer in
        answer.set("bin", bin.0)
        answer.set("then", bin.1.0)
        answer.set("now", bin.1.1)
      }
    }
    list("weeks", weeks.enumerated()) { answer, week in
      let psi = stability.stability(characteristic, week: week.offset)
      answer.object { answer in
        answer.set("since", moment: week.element.lowerBound)
        answer.set("psi", psi?.psi)
        answer.set("noise", psi?.noise)
      }
    }
  }
}
