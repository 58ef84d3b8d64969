import RouseCore
import RousePolicy

extension Linter {
  mutating func checkRules() {
    check(policy.suppress, trees.suppress, under: "suppress")
    check(policy.knockout, trees.knockout, under: "knockout")
    // Where nobody at all gets so far, the knock-outs are not to blame.
    if has(.ruleAlways, .noStageRecalled) || find(.dormant) == .impossible { return }
    for (rule, tree) in zip(policy.knockout, trees.knockout) {
      let path = ["knockout", rule.code, "when"]
      if has(.ruleNever, at: path) || find(.dormant, [(tree, .yes)]) != .impossible { continue }
      add(.knockoutUnreachable, path, "whoever this holds for is suppressed or not dormant, so it declines nobody")
    }
  }

  private mutating func check(_ rules: [RuleDefinition], _ trees: [ConditionTree], under key: String) {
    var plain: [Int] = []
    for (index, rule) in rules.enumerated() {
      let path = [key, rule.code, "when"]
      if isImpossible([(trees[index], .yes)]) {
        add(.ruleNever, path, "no facts make the condition TRUE, so \(rule.code) never holds")
      } else if isImpossible([(trees[index], .notYes)]) {
        add(.ruleAlways, path, "\(rule.code) holds for everybody, so nobody is ever contacted")
      } else {
        plain.append(index)
      }
    }
    // One rule says something of another only through a field that both read.
    let fields = trees.map { Domains(policy, [$0]).fields }
    for index in plain {
      for other in plain where other != index && !fields[index].isDisjoint(with: fields[other]) {
        guard implies(trees[index], trees[other]) else { continue }
        let isSame = implies(trees[other], trees[index])
        // Of two that say the same the later one is told.
        if isSame, index < other { continue }
        let path = [key, rules[index].code, "when"]
        if isSame {
          add(.ruleSame, path, "\(rules[index].code) holds for exactly the users that \(rules[other].code) holds for")
        } else {
          add(
            .ruleImplied, path,
            "whenever \(rules[index].code) holds, \(rules[other].code) holds too, so it changes nobody's status")
        }
        break
      }
    }
  }

  private func implies(_ tree: ConditionTree, _ other: ConditionTree) -> Bool {
    isImpossible([(tree, .yes), (other, .notYes)])
  }

  mutating func checkTiers() {
    let days = ConditionTree.Operand.slot(policy.fields.slot(.dormantDays))
    let least = policy.stages.compactMap { $0.recall?.dormantDays }.min()
    for tier in policy.tiers {
      let path = ["tiers", tier.name]
      if let least, tier.days < least {
        add(
          .tierNotDormant, path,
          "the tier ends at \(tier.days) days, and nobody is dormant before \(least)")
        continue
      }
      let isIn: Search.Goal = (
        .compare(.equal, .slot(policy.fields.slot(.tier)), .text(tier.name)), .yes
      )
      let hasDays: Search.Goal = (.isNull(days, negated: true), .yes)
      if isAnybodyJudged, isImpossible([isIn, hasDays] + isUnsuppressed) {
        add(.tierSuppressed, path, "everybody in the tier \(tier.name.shown) is suppressed")
      }
    }
    if policy.plan.tierFirst, policy.tiers.isEmpty {
      add(.tierFirstWithoutTiers, ["plan", "tier_first"], "there are no tiers, so everybody comes in the same one")
    }
  }
}
