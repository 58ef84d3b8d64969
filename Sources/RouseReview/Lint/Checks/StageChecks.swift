import RouseCore
import RousePolicy

extension Linter {
  mutating func checkStages() {
    for (index, stage) in policy.stages.enumerated() {
      let path = ["stages", stage.name]
      let when = path + ["when"]
      if isImpossible([(trees.stages[index], .yes)]) {
        add(.stageNever, when, "no facts make the condition TRUE, so nobody is ever in the stage")
        continue
      }
      let own: [Search.Goal] = [(trees.stages[index], .yes)] + trees.stages[..<index].map { ($0, .notYes) }
      if isImpossible(own) {
        let earlier = policy.stages[..<index].indices.first { other in
          isImpossible([(trees.stages[index], .yes), (trees.stages[other], .notYes)])
        }
        let taker = earlier.map { "the stage \(policy.stages[$0].name.shown)" } ?? "the stages before it together"
        add(.stageShadowed, when, "\(taker) already takes everybody whom this condition holds for")
        continue
      }
      guard let recall = stage.recall else { continue }
      // A clock that lies ahead is now: whoever has one is dormant at 0 days.
      let clock: Search.Goal = (.or(stage.since.map { .isNull(.slot($0), negated: true) }), .yes)
      if isImpossible(own + [clock]) {
        add(.stageWithoutClock, path + ["since"], "where the stage holds, none of these times is there")
        continue
      }
      let days = ConditionTree.Operand.daysSince(.latest(stage.since.map { .slot($0) }))
      let asleep: Search.Goal = (.compare(.atLeast, days, .number(Double(recall.dormantDays))), .yes)
      if recall.dormantDays > 0, isImpossible(own + [asleep]) {
        add(
          .stageNeverDormant, path + ["dormant"],
          "the stage is over before its users are dormant, at \(recall.dormantDays) days on its clock")
      }
    }
    if policy.stages.allSatisfy({ $0.recall == nil }) {
      add(.noStageRecalled, ["stages"], "every stage says recall: never")
    }
  }

  mutating func checkSteps() {
    for stage in policy.stages {
      guard let recall = stage.recall else { continue }
      var seen: Set<Int> = []
      for (index, step) in recall.steps.enumerated() where !seen.insert(step).inserted {
        let name = policy.response.steps[step].name
        add(
          .stepRepeated, ["stages", stage.name, "steps", String(index)],
          "the step \(name.shown) stands in this list twice, so its rate counts twice")
      }
    }
    let named = Set(policy.stages.flatMap { $0.recall?.steps ?? [] })
    let underwriting = policy.risk.underwriting?.step
    for (index, step) in policy.response.steps.enumerated() where !named.contains(index) && index != underwriting {
      add(.stepUnused, ["response", "steps", step.name], "no stage has the step \(step.name.shown) ahead of it")
    }
    if let underwriting, !named.contains(underwriting) {
      let name = policy.response.steps[underwriting].name
      add(
        .underwritingNever, ["risk", "underwriting", "step"],
        "no stage has the step \(name.shown) ahead of it, so neither lift nor follow ever counts")
    }
  }

  // MARK: - Within conditions

  /// Every condition and where it stands.
  private var conditions: [(path: PlacedText.Path, tree: ConditionTree)] {
    var all: [(path: PlacedText.Path, tree: ConditionTree)] = []
    for (stage, tree) in zip(policy.stages, trees.stages) { all.append((["stages", stage.name, "when"], tree)) }
    for (rule, tree) in zip(policy.suppress, trees.suppress) { all.append((["suppress", rule.code, "when"], tree)) }
    for (rule, tree) in zip(policy.knockout, trees.knockout) { all.append((["knockout", rule.code, "when"], tree)) }
    for (channel, tree) in zip(policy.channels, trees.needs) {
      all.append((["channels", channel.name, "needs"], tree))
    }
    for (quota, tree) in zip(policy.plan.quotas, trees.quotas) {
      all.append((["plan", "quota", quota.name, "when"], tree))
    }
    return all
  }

  /// Parts of AND and OR that change nothing. Asked where the whole is neither always nor never TRUE.
  mutating func checkParts() {
    for (path, tree) in conditions {
      switch tree {
      case .and(let parts), .or(let parts):
        let isAnd = if case .and = tree { true } else { false }
        if isImpossible([(tree, .yes)]) || isImpossible([(tree, .notYes)]) { continue }
        guard let moot = parts.indices.first(where: { isMoot($0, of: parts, isAnd: isAnd) }) else { continue }
        add(
          .conditionPartMoot, path,
          "part \(moot + 1) of the \(isAnd ? "AND" : "OR") changes nothing: "
            + (isAnd ? "it holds whenever the others do" : "the others hold whenever it does"))
      default: continue
      }
    }
  }

  private func isMoot(_ index: Int, of parts: [ConditionTree], isAnd: Bool) -> Bool {
    let others = parts.indices.filter { $0 != index }.map { parts[$0] }
    if isAnd {
      // `x IS NOT NULL AND x >= 3` says the same twice, as many like to write it.
      if case .isNull(_, negated: true) = parts[index] { return false }
      return isImpossible(others.map { ($0, .yes) } + [(parts[index], .notYes)])
    }
    return isImpossible(others.map { ($0, .notYes) } + [(parts[index], .yes)])
  }

  /// Names of stages, tiers and groups that there are not.
  mutating func checkNames() {
    for (path, tree) in conditions {
      for (slot, text) in Self.literals(of: tree) {
        guard let (what, names) = names(of: slot), !names.contains(where: text.isExactly) else { continue }
        add(
          .unknownName, path,
          "there is no \(what) \(text.shown)" + Suggestion.sentence(for: text, among: names))
      }
    }
  }

  /// What the values of a derived text are called, and all of them.
  func names(of slot: Int) -> (what: String, names: [String])? {
    switch policy.fields.derived(atSlot: slot) {
    case .stage: ("stage", policy.stages.map(\.name))
    case .tier: ("tier", policy.tiers.map(\.name) + ["all"])
    case .regionGroup: ("region group", policy.regions.groups.map(\.name) + ["unknown"])
    default: nil
    }
  }

  /// Texts and the fields they are compared with, in reading order.
  private static func literals(of tree: ConditionTree) -> [(slot: Int, text: String)] {
    switch tree {
    case .and(let parts), .or(let parts): return parts.flatMap(literals)
    case .not(let inner), .isNullTruth(let inner, _), .inTruths(let inner, _, _): return literals(of: inner)
    case .compareTruth(_, let left, let right): return literals(of: left) + literals(of: right)
    case .compare(_, .slot(let slot), .text(let text)), .compare(_, .text(let text), .slot(let slot)):
      return [(slot, text)]
    case .inList(.slot(let slot), let items, _):
      return items.compactMap { item in if case .text(let text) = item { (slot, text) } else { nil } }
    default: return []
    }
  }
}
