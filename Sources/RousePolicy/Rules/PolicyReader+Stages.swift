import RouseCore

extension PolicyReader {
  /// `stages` (model 3).
  func readStages(_ setting: Setting?) -> [StageDefinition]? {
    guard let members = setting?.members(atLeastOne: true) else { return nil }
    let stages = members.map(readStage)
    return stages.allSatisfy { $0 != nil } ? stages.compactMap { $0 } : nil
  }

  private func readStage(_ setting: Setting) -> StageDefinition? {
    let isNeverRecalled = setting.node["recall"] != nil
    let numbers = ["dormant", "steps", "loan", "coupon", "incremental", "points"]
    guard
      let stage = isNeverRecalled
        ? setting.settings(needed: ["when", "since", "recall"])
        : setting.settings(needed: ["when", "since"] + numbers, optional: ["half_life", "loan_from"])
    else { return nil }
    let when = condition(stage["when"], ofStage: true)
    let since = readSince(stage["since"])
    if let recall = stage["recall"] {
      if let word = recall.text(), !word.isExactly("never") {
        recall.refuse(.value, "recall is 'never', or not there at all, and \(word.shown) is neither")
      }
      guard let when, let since else { return nil }
      return StageDefinition(name: setting.key, when: when, since: since, recall: nil)
    }
    let recall = readRecall(stage)
    guard let when, let since, let recall else { return nil }
    return StageDefinition(name: setting.key, when: when, since: since, recall: recall)
  }

  private func readRecall(_ stage: Settings) -> RecallDefinition? {
    let dormant = stage.whole("dormant", in: 0...36_500)
    let steps = stage["steps"]?.items()?.map(step)
    let loan = stage.number("loan", in: 0...1e8)
    let coupon = stage.number("coupon", in: 0...1e6)
    let incremental = stage.number("incremental", in: -1...1)
    let points = stage.whole("points", in: -200...200)
    let halfLife = stage.whole("half_life", in: 1...36_500)
    let loanFrom = stage["loan_from"].flatMap { declared($0, "a number field") { $0 == .numbers } }
    guard let dormant, let steps, let loan, let coupon, let incremental, let points else { return nil }
    return RecallDefinition(
      dormantDays: Int64(dormant), steps: steps.compactMap { $0 }, loan: loan, coupon: coupon,
      incremental: incremental, points: points, halfLife: halfLife, loanFrom: loanFrom)
  }

  private func readSince(_ setting: Setting?) -> [Int]? {
    guard let setting else { return nil }
    let fields: [Setting]
    switch setting.node.content {
    case .list:
      guard let items = setting.items(atLeastOne: true) else { return nil }
      fields = items
    case .scalar: fields = [setting]
    case .map:
      setting.wrongType("a time field or a list of them")
      return nil
    }
    let slots = fields.map { declared($0, "a time field") { $0 == .times || $0 == .timesAhead } }
    return slots.allSatisfy { $0 != nil } ? slots.compactMap { $0 } : nil
  }

  /// The slot of a declared field that a text names, of a kind that fits.
  private func declared(_ setting: Setting, _ wanted: String, _ fits: (FieldKind) -> Bool) -> Int? {
    guard let name = setting.text() else { return nil }
    guard let slot = names.slot(named: name), slot < names.fields.declared.count else {
      if names.fieldsAreIncomplete { return nil }
      let candidates = names.fields.declared.filter { fits($0.kind) }.map(\.name)
      setting.refuse(
        .unknownField, "no field \(name.shown) is declared" + Suggestion.sentence(for: name, among: candidates))
      return nil
    }
    let kind = names.fields.declared[slot].kind
    if fits(kind) { return slot }
    setting.refuse(
      .type, "\(setting.subject) must be \(wanted), and \(name.shown) is declared under fields.\(kind.key)")
    return nil
  }

  /// `tiers`: strictly rising days.
  func readTiers(_ setting: Setting?) -> [TierDefinition]? {
    guard let members = setting?.members() else { return nil }
    var tiers: [TierDefinition] = []
    for member in members {
      if member.key.isExactly("all") {
        member.refuseKey(.value, "'all' is the name of everything beyond the last tier; give this one another")
      }
      guard let days = member.whole(in: 0...36_500) else { continue }
      if let last = tiers.last, days <= last.days {
        member.refuse(
          .range, "tiers go up: \(member.subject) must be more than the \(last.days) before it, and is \(days)")
      }
      tiers.append(TierDefinition(name: member.key, days: Int64(days)))
    }
    return tiers
  }
}
