import RouseCore
import RousePolicy

/// Looks for what a policy that loads cannot mean. It tells only what it can prove: where the logic of conditions does
/// not decide a question, it is silent.
package struct Linter {
  let policy: PolicyDefinition
  let text: PlacedText
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
    var linter = Linter(policy, PlacedText(document, source: source))
    linter.run()
    return linter.found.enumerated()
      .sorted { ($0.element.mark, $0.offset) < ($1.element.mark, $1.offset) }
      .map(\.element.finding)
  }

  private init(_ policy: PolicyDefinition, _ text: PlacedText) {
    self.policy = policy
    self.text = text
    trees = Trees(policy)
  }

  private mutating func run() {
    checkNames()
    checkStages()
    checkSteps()
    checkParts()
    checkRules()
    checkPassage()
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

  /// That somebody gets through all the rules.
  private mutating func checkPassage() {
    isAnybodyJudged = !has(.ruleAlways, .noStageRecalled) && find(.judged) != .impossible
    if isAnybodyJudged || has(.ruleAlways, .noStageRecalled) { return }
    add(
      .nobodyPasses, [policy.suppress.isEmpty && !policy.knockout.isEmpty ? "knockout" : "suppress"], atKey: true,
      "whoever is dormant is suppressed or knocked out, so nobody is ever contacted")
  }

  /// - Parameter path: of what is at fault; where it is not there, of where it would stand.
  mutating func add(_ code: LintCode, _ path: PlacedText.Path, atKey: Bool = false, _ message: String) {
    // What a wrong name makes of its condition is no fault of its own.
    if code != .unknownName, has(.unknownName, at: path) { return }
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

  func has(_ code: LintCode, at path: PlacedText.Path) -> Bool {
    let path = path.joined(separator: ".")
    return found.contains { $0.finding.code == code && $0.finding.path == path }
  }

  // MARK: - Questions

  /// Nobody can make all goals come out as wanted.
  func isImpossible(_ goals: [Search.Goal]) -> Bool { Search.find(goals, in: policy) == .impossible }

  /// No rule of the kind holds.
  var isUnsuppressed: [Search.Goal] { trees.suppress.map { ($0, .notYes) } }
  var isNotKnockedOut: [Search.Goal] { trees.knockout.map { ($0, .notYes) } }

  /// How far a candidate has come.
  enum Reach {
    /// In a recalled stage and dormant, and not suppressed.
    case dormant
    /// Not knocked out either: whose risk score decides.
    case weighed
    /// Nor at rest: whom the response card judges.
    case judged
  }

  /// Whether somebody comes so far, and makes the goals come out as wanted.
  func find(_ reach: Reach, _ goals: [Search.Goal] = []) -> Possibility {
    var rules = isUnsuppressed
    if reach != .dormant { rules += isNotKnockedOut }
    if reach == .judged { rules += isRested }
    // By rules alone most questions are decided already.
    if !goals.isEmpty, Search.find(goals, given: rules, in: policy) == .impossible { return .impossible }
    var result = Possibility.impossible
    for index in policy.stages.indices {
      guard let stage = isDormant(inStage: index) else { continue }
      let found =
        goals.isEmpty
        ? Search.find(stage + rules, in: policy) : Search.find(goals, given: stage + rules, in: policy)
      if found == .possible { return .possible }
      if found == .unknown { result = .unknown }
    }
    return result
  }

  /// In a recalled stage by its own condition, with a clock, and dormant.
  private func isDormant(inStage index: Int) -> [Search.Goal]? {
    let stage = policy.stages[index]
    guard let recall = stage.recall else { return nil }
    let days = ConditionTree.Operand.slot(policy.fields.slot(.dormantDays))
    return [
      (.compare(.equal, .slot(policy.fields.slot(.stage)), .text(stage.name)), .yes),
      (.compare(.atLeast, days, .number(Double(recall.dormantDays))), .yes),
      (.or(stage.since.map { .isNull(.slot($0), negated: true) }), .yes), (trees.stages[index], .yes),
    ] + trees.stages[..<index].map { ($0, .notYes) }
  }

  private var isRested: [Search.Goal] {
    let contacts = ConditionTree.Operand.slot(policy.fields.slot(.contacts30d))
    let last = ConditionTree.Operand.slot(policy.fields.slot(.lastContactDays))
    // A bin that begins at the cap itself is for the day when the cap is raised.
    return [
      (.compare(.atMost, contacts, .number(Double(policy.contact.cap30d))), .yes),
      (.compare(.less, last, .number(Double(policy.contact.gapDays))), .notYes),
    ]
  }
}
