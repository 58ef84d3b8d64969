import RouseCore
import RousePolicy
import RouseWire

/// A policy's own cases, as their file says them (proto-spec/policy-tests.md): candidates, and what is to be decided.
package struct PolicyCases: Sendable {
  package struct Case: Sendable {
    package let name: String
    /// `cases.3`.
    package let path: String
    package let mark: Document.Mark
    /// The candidate's members, `user_id` first when it is given.
    package let candidate: JSONValue
    /// nil: none is written.
    package let expected: [Expectation]?
  }

  /// A member of a decision, and what it must be.
  package struct Expectation: Sendable {
    package enum Wanted: Sendable {
      case text(String?)
      case number(least: Double?, most: Double?)
      /// All of them, in this order.
      case list([String])
      /// These among others.
      case among([String])
    }
    /// As it is written under `expect`.
    package let key: String
    package let wanted: Wanted
    package let mark: Document.Mark
  }

  /// The policy's file, beside this one; nil: not said.
  package let policy: String?
  /// Seconds since 1970.
  package let asOf: Int64
  package let cases: [Case]

  /// What may stand under `expect`: the members of a decision (model 10), those of `best` among them.
  static let texts = ["status", "stage", "tier", "arm", "channel", "until", "send_at"]
  static let numbers = [
    "dormant_days", "silent_days", "risk_score", "pd", "points", "p", "value", "spend", "capital", "roi",
  ]
  static let lists = ["reasons", "reasons_include", "issues"]
  static let keys = texts + numbers + lists

  // MARK: - Reading

  /// - Throws: every fault of the file, with its place.
  package init(_ document: Document) throws(PolicyDiagnostics) {
    let report = Report()
    let top = document.settings(
      needed: ["as_of", "cases"], optional: ["policy", "candidate"], report: report)
    policy = top?.text("policy")
    var now: Int64?
    if let setting = top?["as_of"], let text = setting.text() {
      now = Moment.parse(text)
      if now == nil {
        setting.refuse(
          .value, "as_of is RFC 3339 with an offset, such as 2026-03-01T10:00:00+08:00, and \(text.shown) is not")
      }
    }
    asOf = now ?? 0
    let base = top?["candidate"].flatMap(Self.readCandidate) ?? []
    var names: Set<ExactText> = []
    cases = (top?["cases"]?.items(atLeastOne: true) ?? []).compactMap { item in
      guard let one = item.settings(needed: ["name", "candidate"], optional: ["expect"]) else { return nil }
      let name = one.text("name")
      if let name, !names.insert(ExactText(name)).inserted {
        one["name"]?.refuse(.duplicate, "two cases are called \(name.shown); give this one another name")
      }
      let candidate = one["candidate"].flatMap(Self.readCandidate)
      let expected = one["expect"].flatMap(Self.readExpectations)
      guard let name, let candidate else { return nil }
      return Case(
        name: name, path: item.path, mark: one["name"]?.keyMark ?? item.node.mark,
        candidate: .object(Self.merged(base, candidate)), expected: one["expect"] == nil ? nil : expected ?? [])
    }
    try report.finish()
  }

  private static func readCandidate(_ setting: Setting) -> [JSONValue.Member]? {
    guard case .object(let members) = JSONValue(setting.node) else {
      setting.wrongType("a candidate, a map of its fields")
      return nil
    }
    return members
  }

  /// A case's own members come over those that all share.
  private static func merged(_ base: [JSONValue.Member], _ own: [JSONValue.Member]) -> [JSONValue.Member] {
    base.filter { shared in !own.contains { $0.name.isExactly(shared.name) } } + own
  }

  private static func readExpectations(_ setting: Setting) -> [Expectation]? {
    guard let settings = setting.settings(needed: [], optional: keys) else { return nil }
    return keys.compactMap { key in
      guard let value = settings[key] else { return nil }
      return readWanted(key, value).map { Expectation(key: key, wanted: $0, mark: value.node.mark) }
    }
  }

  private static func readWanted(_ key: String, _ value: Setting) -> Expectation.Wanted? {
    if texts.contains(key) {
      if value.isNull { return .text(nil) }
      guard let text = value.text() else { return nil }
      if key == "status", !statuses.contains(text) {
        value.refuse(.value, "there is no status \(text.shown)" + Suggestion.sentence(for: text, among: statuses))
      }
      return .text(text)
    }
    if lists.contains(key) {
      guard let items = value.items() else { return nil }
      let texts = items.compactMap { $0.text() }
      return key == "reasons_include" ? .among(texts) : .list(texts)
    }
    let range = -1e15...1e15
    if case .map = value.node.content {
      guard let bounds = value.settings(needed: [], optional: ["at_least", "at_most"]) else { return nil }
      let least = bounds.number("at_least", in: range)
      let most = bounds.number("at_most", in: range)
      if let least, let most, least > most {
        value.refuse(.range, "at_least is more than at_most, so nothing can be between them")
      }
      return .number(least: least, most: most)
    }
    return value.number(in: range).map { .number(least: $0, most: $0) }
  }

  private static let statuses = [
    "invalid", "suppressed", "active", "declined", "resting", "holdout", "unprofitable", "eligible",
  ]

  /// What names nothing of the policy, such as a stage that it does not have.
  package func check(against policy: Policy) throws(PolicyDiagnostics) {
    let report = Report()
    let known: [String: (what: String, names: [String])] = [
      "stage": ("stage", policy.definition.stages.map(\.name)),
      "tier": ("tier", policy.definition.tiers.map(\.name) + ["all"]),
      "channel": ("channel", policy.channels.map(\.name)), "reasons": ("code", policy.codes.map(\.code)),
      "reasons_include": ("code", policy.codes.map(\.code)),
    ]
    for one in cases {
      for expectation in one.expected ?? [] {
        guard let (what, names) = known[expectation.key] else { continue }
        for text in expectation.wanted.texts where !names.contains(where: text.isExactly) {
          report.add(
            .reference, path: "\(one.path).expect.\(expectation.key)", at: expectation.mark,
            "the policy has no \(what) \(text.shown)" + Suggestion.sentence(for: text, among: names))
        }
      }
    }
    try report.finish()
  }
}

extension PolicyCases.Expectation.Wanted {
  fileprivate var texts: [String] {
    switch self {
    case .text(let text): text.map { [$0] } ?? []
    case .list(let texts), .among(let texts): texts
    case .number: []
    }
  }
}
