import RouseCore
import RousePolicy

/// Looks for what a policy that loads cannot mean. It tells only what it can prove: where the logic of conditions does
/// not decide a question, it is silent.
package struct Linter {
  let policy: PolicyDefinition
  let text: PolicyText
  let trees: Trees
  /// Somebody can be contacted at all; without that, what follows would only repeat it.
  private(set) var isAnybodyJudged = true
  private var found: [(mark: Document.Mark, finding: LintFinding)] = []

  /// The conditions of a policy as trees, in its order.
  struct Trees {
    let stages: [ConditionTree]
    let suppress: [ConditionTree]
    let knockout: [ConditionTree]
    let needs: [ConditionTree]
    let quotas: [ConditionTree]

    init(_ policy: PolicyDefinition) {
      stages = policy.stages.map { ConditionTree($0.when) }
      suppress = policy.suppress.map { ConditionTree($0.when) }
      knockout = policy.knockout.map { ConditionTree($0.when) }
      needs = policy.channels.map { ConditionTree($0.needs) }
      quotas = policy.plan.quotas.map { ConditionTree($0.when) }
    }
  }

  /// Everything that is found, by place; the same for the same text.
  /// - Parameters:
  ///   - policy: as it was read from the document.
  ///   - source: the document's bytes.
  package static func findings(
    _ policy: PolicyDefinition, _ document: Document, source: [UInt8]
  ) -> [LintFinding] {
    var linter = Linter(policy, PolicyText(document, source: source))
    linter.run()
    return linter.found.enumerated()
      .sorted { ($0.element.mark, $0.offset) < ($1.element.mark, $1.offset) }
      .map(\.element.finding)
  }

  private init(_ policy: PolicyDefinition, _ text: PolicyText) {
    self.policy = policy
    self.text = text
    trees = Trees(policy)
  }

  private mutating func run() {
    checkStages()
    checkSteps()
    checkParts()
    checkNames()
    checkRules()
    isAnybodyJudged = !isImpossible(isJudged)
    checkTiers()
    checkCards()
    checkRisk()
    checkRecency()
    checkMoney()
    checkContact()
    checkExperiment()
    checkPlan()
    checkRegions()
    checkFields()
    checkReview()
  }

  /// - Parameter path: of what is at fault; where it is not there, of where it would stand.
  mutating func add(_ code: LintCode, _ path: PolicyText.Path, atKey: Bool = false, _ message: String) {
    let mark = text.mark(path, atKey: atKey)
    found.append(
      (
        mark,
        LintFinding(
          code: code, path: path.joined(separator: "."), line: mark.line, column: mark.column, message: message)
      ))
  }

  /// Whether such a finding has been made.
  func has(_ codes: LintCode...) -> Bool { found.contains { codes.contains($0.finding.code) } }

  func has(_ code: LintCode, at path: PolicyText.Path) -> Bool {
    let path = path.joined(separator: ".")
    return found.contains { $0.finding.code == code && $0.finding.path == path }
  }

  // MARK: - Questions

  func find(_ goals: [Search.Goal]) -> Possibility { Search.find(goals, in: policy) }

  /// Nobody can make all goals true.
  func isImpossible(_ goals: [Search.Goal]) -> Bool { find(goals) == .impossible }

  /// That a condition does not hold: it is FALSE or NULL.
  static func holdsNot(_ tree: ConditionTree) -> ConditionTree { .or([.isNullTruth(tree, negated: false), .not(tree)]) }

  /// Somebody who is in a recalled stage and dormant, by the stages' own conditions.
  var isDormant: Search.Goal {
    let stage = ConditionTree.Operand.slot(policy.fields.slot(.stage))
    let days = ConditionTree.Operand.slot(policy.fields.slot(.dormantDays))
    var choices: [ConditionTree] = []
    for (index, definition) in policy.stages.enumerated() {
      guard let recall = definition.recall else { continue }
      var parts: [ConditionTree] = [
        .compare(.equal, stage, .text(definition.name)),
        .compare(.atLeast, days, .number(Double(recall.dormantDays))), trees.stages[index],
      ]
      parts += trees.stages[..<index].map(Self.holdsNot)
      parts.append(.or(definition.since.map { .isNull(.slot($0), negated: true) }))
      choices.append(.and(parts))
    }
    return (.or(choices), .yes)
  }

  /// No rule of either kind holds.
  var isUnsuppressed: [Search.Goal] { trees.suppress.map { ($0, .notYes) } }
  var isNotKnockedOut: [Search.Goal] { trees.knockout.map { ($0, .notYes) } }

  /// Somebody whom the response card judges: past suppression, dormancy, knock-outs and rest.
  var isJudged: [Search.Goal] {
    let contacts = ConditionTree.Operand.slot(policy.fields.slot(.contacts30d))
    let last = ConditionTree.Operand.slot(policy.fields.slot(.lastContactDays))
    let rested: [Search.Goal] = [
      (.compare(.atMost, contacts, .number(Double(policy.contact.cap30d))), .yes),
      (.compare(.less, last, .number(Double(policy.contact.gapDays))), .notYes),
    ]
    return [isDormant] + isUnsuppressed + isNotKnockedOut + rested
  }
}
