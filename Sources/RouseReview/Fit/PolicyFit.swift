import Glibc
import RouseCore
import RousePolicy
import RouseWire

/// A policy's rates and points, made what outcomes say they are (proto-spec/fit.md). Risk comes first, because a score
/// moves the response of those whose loan is still to be approved; then the steps' rates, then stages and the response
/// card, on what the others leave to say.
package struct PolicyFit {
  private let text: PolicyText
  private let settings: FitSettings
  private let isAbandoned: @Sendable () -> Bool

  /// - Parameter isAbandoned: asked now and then: nobody waits for it any more.
  package init(
    _ text: PolicyText, settings: FitSettings, isAbandoned: @escaping @Sendable () -> Bool = { false }
  ) {
    self.text = text
    self.settings = settings
    self.isAbandoned = isAbandoned
  }

  private var policy: Policy { text.policy }
  private var definition: PolicyDefinition { text.policy.definition }

  /// - Parameter set: rows under this very policy.
  package func fit(_ set: TrainingSet) throws(ReviewError) -> FittedPolicy {
    guard set.count > 0 else {
      throw ReviewError(
        .tooLittle,
        "there is no row to learn from\(Self.reasons(set.skipped)); a ledger has rows once contacts are recorded and "
          + "their windows have ended")
    }
    let outcomes = set.outcomes
    guard outcomes >= settings.leastEvents else {
      throw ReviewError(
        .tooLittle,
        "of \(set.count) rows \(outcomes) have the outcome, and a change needs \(settings.leastEvents); give more rows"
          + Self.reasons(set.skipped))
    }
    guard outcomes < set.count else {
      throw ReviewError(.tooLittle, "all \(set.count) rows have the outcome, so nothing tells them apart")
    }
    var edited = text
    let risk = try fitRisk(set, &edited)
    let steps = fitSteps(set, &edited)
    let response = try fitResponse(set, risk?.result, steps, &edited)
    let bytes = edited.edited
    let fitted: PolicyText
    do throws(PolicyDiagnostics) {
      fitted = try PolicyText(yaml: bytes)
    } catch {
      throw ReviewError(.invalid, "the fitted policy does not load: \(error.all.first?.line(file: "it") ?? "")")
    }
    return FittedPolicy(
      old: text, new: fitted, set: set, settings: settings, risk: risk, steps: steps, response: response)
  }

  static func reasons(_ skipped: [TrainingSet.Skip: Int]) -> String {
    let parts = TrainingSet.Skip.allCases.compactMap { why in skipped[why].map { "\($0) \(why.say)" } }
    return parts.isEmpty ? "" : " (left out: \(parts.joined(separator: "; ")))"
  }

  // MARK: - Risk

  private func fitRisk(_ set: TrainingSet, _ edited: inout PolicyText) throws(ReviewError) -> FittedRisk? {
    let rows = set.rows.indices.filter { set.label($0).isBad != nil }
    if rows.isEmpty { return nil }
    let bad = rows.count { set.label($0).isBad == true }
    guard bad >= settings.leastEvents, bad < rows.count else {
      return FittedRisk(loans: rows.count, bad: bad, odds: definition.risk.baseOdds, cells: nil, result: nil)
    }
    let cells = CardCells(policy.risk, named: "risk", in: text.document)
    try Self.refuseIfLarge(cells)
    var regression = CardRegression(cells: cells, settings: settings, isAbandoned: isAbandoned)
    regression.intercepts = [0]
    for row in rows {
      for index in cells.rows.indices {
        regression.attributes.append(Int32(cells.index(index, set.place(row, risk: index))))
      }
      regression.groups.append(0)
      let isAhead = policy.stages[set.rows[row].stage].recall?.isAheadOfUnderwriting ?? false
      let known = (isAhead ? definition.risk.underwriting?.lift ?? 0 : 0) + thinPoints(set, row)
      regression.offsets.append(log(definition.risk.baseOdds) + LogisticProblem.unit * Double(known))
      let isBad = set.label(row).isBad == true
      regression.outcomes.append(!isBad)
      regression.events.append(isBad)
      regression.weights.append(set.label(row).weight)
    }
    guard let result = regression.run(), let base = result.intercepts.first else { throw failure }
    var odds = definition.risk.baseOdds
    if base.isFitted {
      odds = min(max(Self.rounded(odds * exp2(base.new / 20), digits: 4), 1e-6), 1e6)
      if odds != definition.risk.baseOdds, let node = text.document.root["risk"]?["base"]?["odds"] {
        edited.replace(node, shortest(odds), name: "odds", note: "n \(rows.count), bad \(bad)")
      }
    }
    write(result.cells, cells, &edited, events: "bad")
    return FittedRisk(loans: rows.count, bad: bad, odds: odds, cells: cells, result: result)
  }

  private func thinPoints(_ set: TrainingSet, _ row: Int) -> Int {
    guard let thin = definition.risk.thin else { return 0 }
    let known = (0..<set.riskWidth).count { set.place(row, risk: $0) != 1 }
    return known < thin.knownBelow ? thin.points : 0
  }

  /// What the risk card, as it will be, gives a row over the base score.
  private func riskPoints(_ set: TrainingSet, _ row: Int, _ risk: CardRegression.Result?) -> Int {
    var points = thinPoints(set, row)
    var first = 0
    for (index, characteristic) in policy.risk.rows.enumerated() {
      let place = set.place(row, risk: index)
      if let risk {
        points += risk.cells[first + place].new
      } else {
        points += characteristic.points(ofPlace: place)
      }
      first += characteristic.points.count + 2
    }
    return points
  }

  // MARK: - Steps

  /// Rates of the steps, where the rows tell how far each user came.
  private func fitSteps(_ set: TrainingSet, _ edited: inout PolicyText) -> [FittedStep] {
    var counts = [(count: Int, of: Int)](repeating: (0, 0), count: definition.response.steps.count)
    // Where nobody stopped after the click, clicks were not told apart.
    let tellsClicks = set.rows.contains { $0.label.hasClicked == true && $0.label.steps == 0 }
    for row in set.rows {
      guard let reached = row.label.steps, let steps = policy.stages[row.stage].recall?.steps else { continue }
      // Who came to a step has come through those before it.
      let furthest = steps.indices.last { steps[$0] < 64 && reached >> UInt64(steps[$0]) & 1 == 1 } ?? -1
      for (at, step) in steps.enumerated() {
        let hasCome = at == 0 ? furthest >= 0 || row.label.hasClicked == true : furthest >= at - 1
        // Without a word about clicks nobody knows who came to the first.
        if at == 0, !tellsClicks { continue }
        if !hasCome { continue }
        counts[step].of += 1
        if furthest >= at { counts[step].count += 1 }
      }
    }
    return definition.response.steps.indices.map { index in
      let step = definition.response.steps[index]
      let seen = Rate(counts[index].count, of: counts[index].of)
      guard seen.count >= settings.leastEvents else {
        return FittedStep(name: step.name, old: step.rate, new: step.rate, weight: step.weight ?? 0, seen: seen)
      }
      let rate = Self.rounded(shrunk(step.rate, weight: step.weight ?? 0, to: seen), digits: 3)
      if rate != step.rate, let node = text.document.root["response"]?["steps"]?[step.name]?["rate"] {
        edited.replace(node, shortest(rate), name: "rate", note: "n \(seen.of), events \(seen.count)")
      }
      return FittedStep(name: step.name, old: step.rate, new: rate, weight: step.weight ?? 0, seen: seen)
    }
  }

  // MARK: - Response

  private func fitResponse(
    _ set: TrainingSet, _ risk: CardRegression.Result?, _ steps: [FittedStep], _ edited: inout PolicyText
  ) throws(ReviewError) -> FittedResponse {
    let cells = CardCells(policy.response, named: "response", in: text.document)
    try Self.refuseIfLarge(cells)
    var regression = CardRegression(cells: cells, settings: settings, isAbandoned: isAbandoned)
    regression.intercepts = policy.stages.map { Double($0.recall?.points ?? 0) }
    let odds = policy.stages.map { stage in
      definition.channels.map { channel in
        guard let recall = stage.recall else { return -Double.infinity }
        let chance = recall.steps.reduce(channel.reach * channel.click) { $0 * steps[$1].new }
        return log(chance / (1 - chance))
      }
    }
    for (row, example) in set.rows.enumerated() {
      for index in cells.rows.indices {
        regression.attributes.append(Int32(cells.index(index, set.place(row, response: index))))
      }
      regression.groups.append(Int32(example.stage))
      var points = example.recency
      if policy.stages[example.stage].recall?.isAheadOfUnderwriting == true {
        let follow = definition.risk.underwriting?.follow ?? 0
        points += Int(Micros.halfUp(Double(riskPoints(set, row, risk)) * follow))
      }
      regression.offsets.append(odds[example.stage][example.label.channel] + LogisticProblem.unit * Double(points))
      regression.outcomes.append(example.label.outcome)
      regression.events.append(example.label.outcome)
      regression.weights.append(example.label.weight)
    }
    guard let result = regression.run() else { throw failure }
    for (index, stage) in policy.stages.enumerated() where stage.recall != nil {
      let intercept = result.intercepts[index]
      let points = Int(min(max(intercept.new.rounded(), -200), 200))
      guard intercept.isFitted, points != Int(intercept.old) else { continue }
      guard let node = text.document.root["stages"]?[stage.name]?["points"] else { continue }
      edited.replace(
        node, "\(points)", name: "points",
        note: "n \(intercept.count), events \(intercept.events)" + (intercept.isPooled ? ", with stages like it" : ""))
    }
    write(result.cells, cells, &edited, events: "events")
    return FittedResponse(cells: cells, result: result)
  }

  private func write(
    _ results: [CardRegression.CellResult], _ cells: CardCells, _ edited: inout PolicyText, events: String
  ) {
    for (index, result) in results.enumerated() where result.verdict == .changed {
      guard let node = cells.cells[index].node else { continue }
      edited.replace(
        node, "\(result.new)", name: cells.cells[index].name, note: "n \(result.count), \(events) \(result.events)")
    }
  }

  /// Why a regression came to nothing.
  private var failure: ReviewError {
    isAbandoned() ? ReviewError(.cancelled, "nobody waits for this any more") : Self.lost
  }

  /// A regression takes memory by the square of its numbers, and time by their cube.
  private static func refuseIfLarge(_ cells: CardCells) throws(ReviewError) {
    let count = cells.cells.count { $0.node != nil }
    guard count <= mostNumbers else {
      throw ReviewError(
        .invalid, "a card of \(count) numbers is too large to be fitted; \(mostNumbers) are the most: join bins")
    }
  }
  private static let mostNumbers = 2000

  private static let lost = ReviewError(
    .invalid, "the regression does not end; look for weights that are no numbers, or use a smaller --prior-sd")

  /// To some significant digits.
  static func rounded(_ value: Double, digits: Int) -> Double {
    guard value > 0, value.isFinite else { return value }
    let exponent = digits - 1 - Int(log10(value).rounded(.down))
    guard exponent > 0 else { return value.rounded() }
    // A quotient by a power of ten is the double nearest to the decimal.
    let scale = pow(10, Double(min(exponent, 12)))
    return (value * scale).rounded() / scale
  }
}
