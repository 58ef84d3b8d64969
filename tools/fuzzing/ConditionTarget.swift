@testable import RouseCore

/// One condition: read or refused at a place inside its text, twice the same; evaluated it does not trap, and keeps the
/// laws of SQL's logic.
func fuzzCondition(_ input: [UInt8]) {
  let text = String(decoding: input, as: UTF8.self)
  let scopes = [false, true].map { ConditionScope(fields: fields, derivedAllowed: $0, forbidden: ["gender"]) }
  for scope in scopes {
    let first = parse(text, scope)
    let again = parse(text, scope)
    demand(described(first) == described(again), "\(text.debugDescription) is read in two ways")
    switch first {
    case .success(let condition): evaluate(condition, text, scope)
    case .failure(let error):
      demand((1...text.unicodeScalars.count + 1).contains(error.column), "a fault stands at column \(error.column)")
      demand(!error.message.isEmpty && !error.message.contains("\n"), "a message is empty, or has two lines")
    }
  }
}

private let fields = FieldTable(declared: [
  Field(name: "a", kind: .numbers), Field(name: "b", kind: .numbers), Field(name: "c", kind: .numbers),
  Field(name: "p", kind: .flags), Field(name: "q", kind: .flags), Field(name: "r", kind: .flags),
  Field(name: "s", kind: .texts), Field(name: "device.os", kind: .texts), Field(name: "_x", kind: .texts),
  Field(name: "t", kind: .timesAhead), Field(name: "u", kind: .timesAhead), Field(name: "v", kind: .timesAhead),
])

private func parse(_ text: String, _ scope: ConditionScope) -> Result<Condition, ConditionError> {
  Result { () throws(ConditionError) in try ConditionParser.parse(text, in: scope) }
}

private func described(_ result: Result<Condition, ConditionError>) -> String {
  switch result {
  case .success(let condition): "\(condition.nodes) \(condition.lists) \(condition.slots) \(condition.literals)"
  case .failure(let error): "\(error)"
  }
}

private func evaluate(_ condition: Condition, _ text: String, _ scope: ConditionScope) {
  // Parentheses and NOT nest: what is as deep as it may be is refused with more around it, and has no laws to keep.
  let laws: [(text: String, value: (Truth) -> Truth)] = [
    ("(\(text))", { $0 }), ("NOT (\(text))", { $0.negated }), ("NOT NOT (\(text))", { $0 }),
    ("(\(text)) AND (\(text))", { $0 }), ("FALSE OR (\(text))", { $0 }),
    ("(\(text)) IS NULL", { $0 == .null ? .yes : .no }), ("(\(text)) = TRUE", { $0 }),
    ("(\(text)) AND FALSE", { _ in .no }),
  ]
  var conditions = [(condition, { (value: Truth) in value }, text)]
  for law in laws {
    switch parse(law.text, scope) {
    case .success(let condition): conditions.append((condition, law.value, law.text))
    case .failure(let error):
      demand(error.kind == .syntax && error.message.contains("deep"), "\(law.text.debugDescription): \(error)")
    }
  }
  let rules = conditions.map { RuleDefinition(code: "S01", when: $0.0, say: nil) }
  let policy = Policy(definition(rules), bytes: [])
  for shape in 0..<6 {
    let row = row(policy, shape)
    let value = policy.conditions.truth(policy.suppress[0].when, row)
    for (rule, law) in zip(policy.suppress, conditions) {
      let got = policy.conditions.truth(rule.when, row)
      demand(
        got == law.1(value), "\(text.debugDescription) is \(value.name), and \(law.2.debugDescription) \(got.name)")
    }
  }
}

/// Nothing, something, and the ends of what a field may hold.
private func row(_ policy: Policy, _ shape: Int) -> CandidateRow {
  let row = CandidateRow(policy: policy)
  let numbers = [0, -1, 2.5, 1e308, -1e308, 2.3e-308]
  let times = [0, Moment.first, Moment.last, Offline.now, Offline.now - 1, Offline.now + 86_400]
  let texts = ["", "x", "ios", "e\u{301}", "\u{e9}", "vip"]
  for (slot, field) in fields.declared.enumerated() where shape > 0 && (shape + slot) % 5 > 0 {
    let pick = (shape * 7 + slot) % 6
    switch field.kind.type {
    case .number: row.set(slot, number: numbers[pick])
    case .time: row.set(slot, time: times[pick])
    case .boolean: row.set(slot, flag: pick % 2 == 0)
    case .text:
      row.set(slot, text: policy.texts.id(of: texts[pick]))
      if row.keepsTexts { Array(texts[pick].utf8).withUnsafeBytes { row.keep(slot, $0) } }
    }
  }
  row.set(fields.nowSlot, time: Offline.now)
  return row
}

private func definition(_ suppress: [RuleDefinition]) -> PolicyDefinition {
  PolicyDefinition(
    name: "small", fields: fields, clockSkew: 0, stages: [], tiers: [], suppress: suppress, knockout: [],
    risk: RiskDefinition(baseScore: 0, baseOdds: 1, cutoff: 0, reasons: 1, underwriting: nil, thin: nil, card: []),
    response: ResponseDefinition(halfLife: 30, floor: -80, steps: [], card: []),
    money: MoneyDefinition(margin: 0, lossGivenDefault: 0, useOfLimit: 1, maxLoan: 1, relationship: 0, hurdle: 0),
    contact: ContactDefinition(ladder: .best, gapDays: 0, cap30d: 1, hours: Window(start: 0, end: 1440)),
    channels: [], experiment: ExperimentDefinition(salt: "s", holdout: 0, explore: 0),
    plan: PlanDefinition(budget: nil, capital: nil, capacity: [], quotas: [], tierFirst: false),
    regions: RegionDefinition(groups: [], notServed: [], utcOffset: 0, utcOffsets: []),
    review: ReviewDefinition(targets: [], psi: [], parity: nil, windowDays: nil))
}
