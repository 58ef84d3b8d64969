import RouseCore
import RousePolicy
import RouseWire

/// What a policy decides on a case, and where that is not what was expected.
package struct CaseResult: Sendable {
  package struct Mismatch: Sendable, Equatable {
    /// The key under `expect`.
    package let key: String
    package let line: Int?
    package let column: Int?
    package let expected: String
    package let found: String
  }
  package let one: PolicyCases.Case
  /// The decision, as `score` writes it.
  package let row: JSONValue
  package let mismatches: [Mismatch]

  /// A case that expects nothing has not passed.
  package var hasPassed: Bool { one.expected != nil && mismatches.isEmpty }

  /// What the case could expect: `{status: ..., ...}`, as YAML.
  package var answer: String {
    var parts: [String] = []
    for key in ["status", "stage", "tier"] {
      if let text = row[key]?.text { parts.append("\(key): \(Self.yaml(text))") }
    }
    parts.append("reasons: [" + (row["reasons"]?.items ?? []).compactMap(\.text).joined(separator: ", ") + "]")
    if let score = row["risk_score"]?.whole { parts.append("risk_score: \(score)") }
    if let points = row["points"]?.whole { parts.append("points: \(points)") }
    if let channel = row["best"]?["channel"]?.text { parts.append("channel: \(Self.yaml(channel))") }
    if case .number(let value) = row["best"]?["value"] { parts.append("value: \(value)") }
    return "{" + parts.joined(separator: ", ") + "}"
  }

  /// Plain where that is the same text, else in quotes.
  private static func yaml(_ text: String) -> String {
    let isPlain =
      text.utf8.first.map { (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) } ?? false
      && text.utf8.allSatisfy { byte in
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || byte == 0x5F
      }
    if isPlain, text != "true", text != "false", text != "null" { return text }
    return "'" + text.replacing("'", with: "''") + "'"
  }

  /// `{"name","path","line","column","passed","failures":[{"key","line","column","expected","found"}],"found":row}`.
  package var json: String {
    func place(_ line: Int?, _ column: Int?) -> String {
      if let line, let column { ",\"line\":\(line),\"column\":\(column)" } else { "" }
    }
    let failures = mismatches.map { mismatch in
      "{\"key\":" + JSONText.quoted(mismatch.key) + place(mismatch.line, mismatch.column) + ",\"expected\":"
        + JSONText.quoted(mismatch.expected) + ",\"found\":" + JSONText.quoted(mismatch.found) + "}"
    }
    return "{\"name\":" + JSONText.quoted(one.name) + ",\"path\":" + JSONText.quoted(one.path)
      + place(one.mark.line, one.mark.column) + ",\"passed\":\(hasPassed),\"failures\":["
      + failures.joined(separator: ",") + "],\"found\":" + row.json + "}"
  }
}

extension PolicyCases {
  /// Decides on each case, in order.
  package func run(_ policy: Policy) -> [CaseResult] {
    let scorer = Scorer(policy: policy, now: min(max(asOf, Moment.first), Moment.last))
    let tables = WireTables(policy: policy)
    let worker = BatchWorker(
      scorer: scorer, writer: DecisionWriter(scorer: scorer, tables: tables), tables: tables, longestLine: .max,
      isStream: false)
    return cases.enumerated().map { index, one in
      let line = Array(Self.identified(one.candidate, index, policy).json.utf8)
      var out = ByteWriter()
      var totals = Totals()
      _ = worker.score(line.withUnsafeBytes { Block($0) }, into: &out, totals: &totals)
      let row = JSONValue(Array(out.array.dropLast())) ?? .null
      return CaseResult(
        one: one, row: row, mismatches: (one.expected ?? []).compactMap { $0.mismatch(with: row) })
    }
  }

  /// Without a user_id the candidate gets one whose arm is `policy`: who is held out is for the experiment to say.
  private static func identified(_ candidate: JSONValue, _ index: Int, _ policy: Policy) -> JSONValue {
    if candidate["user_id"] != nil { return candidate }
    let names = (0..<10_000).lazy.map { "case-\(index)" + ($0 == 0 ? "" : "-\($0)") }
    let name = names.first { name in
      let share = Array(name.utf8).withUnsafeBytes { policy.experiment.shares($0).share }
      return policy.experiment.arms.arm(share: UInt64(max(0, share))) == .policy
    }
    return .object([JSONValue.Member(name: "user_id", value: .text(name ?? "case-\(index)"))] + candidate.members)
  }
}

extension PolicyCases.Expectation {
  /// nil: as expected.
  fileprivate func mismatch(with row: JSONValue) -> CaseResult.Mismatch? {
    let found = value(in: row)
    if holds(found) { return nil }
    return CaseResult.Mismatch(
      key: key, line: mark.line, column: mark.column, expected: expected, found: found.map(Self.shown) ?? "none")
  }

  /// The decision's own members, and those of its best option.
  private func value(in row: JSONValue) -> JSONValue? {
    let key = key == "reasons_include" ? "reasons" : key
    let found = row[key] ?? row["best"]?[key]
    return found?.isNull == true ? nil : found
  }

  private func holds(_ found: JSONValue?) -> Bool {
    switch wanted {
    case .text(let text): return text == nil ? found == nil : found?.text.map { text?.isExactly($0) ?? false } ?? false
    case .number(let least, let most):
      guard let number = found?.number else { return false }
      return number >= least ?? -.infinity && number <= most ?? .infinity
    case .list(let texts): return (found?.items ?? []).map(\.text) == texts.map { $0 }
    case .among(let texts):
      return texts.allSatisfy { text in (found?.items ?? []).contains { $0.text?.isExactly(text) ?? false } }
    }
  }

  private var expected: String {
    switch wanted {
    case .text(let text): return text ?? "none"
    case .number(let least?, let most?) where least == most: return shortest(least)
    case .number(let least?, let most?): return "\(shortest(least)) to \(shortest(most))"
    case .number(let least?, nil): return "at least \(shortest(least))"
    case .number(nil, let most?): return "at most \(shortest(most))"
    case .number: return "a number"
    case .list(let texts): return "[" + texts.joined(separator: ", ") + "]"
    case .among(let texts): return "[" + texts.joined(separator: ", ") + "] among them"
    }
  }

  private static func shown(_ value: JSONValue) -> String {
    switch value {
    case .text(let text): text
    case .list(let items): "[" + items.map(shown).joined(separator: ", ") + "]"
    default: value.json
    }
  }
}
