import RouseCore

extension PolicyReader {
  /// `risk` (model 4).
  mutating func readRisk(_ setting: Setting?) -> RiskDefinition? {
    guard
      let risk = setting?.settings(needed: ["base", "cutoff", "reasons", "card"], optional: ["underwriting", "thin"])
    else { return nil }
    let base = risk["base"]?.settings(needed: ["score", "odds"])
    let score = base?.whole("score", in: -10_000...10_000)
    let odds = base?.number("odds", in: 1e-6...1e6)
    let cutoff = risk.whole("cutoff", in: -10_000...10_000)
    let reasons = risk.whole("reasons", in: 1...10)
    let underwriting = readUnderwriting(risk["underwriting"])
    let thin = readThin(risk["thin"])
    let card = readCard(risk["card"], ofRisk: true)
    guard let score, let odds, let cutoff, let reasons, let card else { return nil }
    return RiskDefinition(
      baseScore: score, baseOdds: odds, cutoff: cutoff, reasons: reasons, underwriting: underwriting, thin: thin,
      card: card)
  }

  private func readUnderwriting(_ setting: Setting?) -> UnderwritingDefinition? {
    guard let underwriting = setting?.settings(needed: ["step", "lift", "follow"]) else { return nil }
    let step = underwriting["step"].flatMap(step)
    let lift = underwriting.whole("lift", in: -200...200)
    let follow = underwriting.number("follow", in: 0...2)
    guard let step, let lift, let follow else { return nil }
    return UnderwritingDefinition(step: step, lift: lift, follow: follow)
  }

  private mutating func readThin(_ setting: Setting?) -> ThinDefinition? {
    guard let thin = setting?.settings(needed: ["known_below", "points", "code"], optional: ["say"]) else { return nil }
    let knownBelow = thin.whole("known_below", in: 0...100)
    let points = thin.whole("points", in: -200...0)
    let code = readCode(thin["code"])
    let say = thin.text("say")
    guard let knownBelow, let points, let code else { return nil }
    return ThinDefinition(knownBelow: knownBelow, points: points, code: code, say: say)
  }

  /// `response`, opened so far that its steps are known: stages and underwriting refer to them.
  mutating func openResponse(_ setting: Setting?) -> (settings: Settings, steps: [ResponseDefinition.Step])? {
    guard let response = setting?.settings(needed: ["half_life", "floor", "steps", "card"]) else { return nil }
    guard let members = response["steps"]?.members() else { return (response, []) }
    names.steps = NameList(members.map(\.key))
    let steps = members.compactMap { member -> ResponseDefinition.Step? in
      let step = member.settings(needed: ["rate"], optional: ["weight"])
      let weight = step?.number("weight", in: 0...1e9)
      guard let rate = step?.number("rate", in: 0...1) else { return nil }
      return ResponseDefinition.Step(name: member.key, rate: rate, weight: weight)
    }
    return (response, steps)
  }

  /// The rest of `response` (model 7).
  mutating func readResponse(_ opened: (settings: Settings, steps: [ResponseDefinition.Step])?) -> ResponseDefinition? {
    guard let (response, steps) = opened else { return nil }
    let halfLife = response.whole("half_life", in: 1...36_500)
    let floor = response.whole("floor", in: -400...0)
    let card = readCard(response["card"], ofRisk: false)
    guard let halfLife, let floor, let card else { return nil }
    return ResponseDefinition(halfLife: halfLife, floor: floor, steps: steps, card: card)
  }
}
