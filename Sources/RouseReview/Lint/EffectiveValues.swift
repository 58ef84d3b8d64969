import RouseCore
import RousePolicy
import RouseWire

/// Every value of a policy that is in force, those that nobody wrote too, and where each stands.
package struct EffectiveValues: Sendable {
  package enum Origin: Sendable, Equatable {
    /// Nil places: the file is JSON.
    case file(line: Int?, column: Int?)
    /// Not written; what it is taken from, where that is not the model's own.
    case byDefault(from: String?)
    /// By an override.
    case set
  }

  package struct Value: Sendable {
    /// Keys; list items are not apart.
    package let path: [String]
    package let value: JSONValue
    package let origin: Origin

    package var section: String { path[0] }
  }

  package let all: [Value]

  private static let sections = [
    "version", "name", "fields", "clock_skew_seconds", "stages", "tiers", "suppress", "knockout", "risk", "response",
    "money", "ladder", "gap_days", "cap_30d", "hours", "channels", "experiment", "plan", "regions", "guardrails",
    "review",
  ]

  /// - Parameter policy: as it was read from the document.
  package init(_ policy: PolicyDefinition, _ document: Document) {
    var written: [Value] = []
    Self.walk([], document.root, &written)
    for (path, value, from) in Self.defaults(policy) {
      // A part that is not there has no values of its own, unless they have defaults.
      if written.contains(where: { $0.path.starts(with: path, by: { $0.isExactly($1) }) }) { continue }
      let parent = path.dropLast()
      let place = written.lastIndex { $0.path.starts(with: parent, by: { $0.isExactly($1) }) && !parent.isEmpty }
      written.insert(
        Value(path: path, value: value, origin: .byDefault(from: from)), at: place.map { $0 + 1 } ?? written.count)
    }
    all = Self.sections.flatMap { section in written.filter { $0.section == section } }
  }

  private static func walk(_ path: [String], _ node: Document.Node, _ values: inout [Value]) {
    if case .map(let entries) = node.content, !entries.isEmpty {
      for entry in entries { walk(path + [entry.key], entry.value, &values) }
      return
    }
    if path.isEmpty { return }
    let origin: Origin = node.mark == .override ? .set : .file(line: node.mark.line, column: node.mark.column)
    values.append(Value(path: path, value: JSONValue(node), origin: origin))
  }

  /// What holds where nothing is written (model 1.2), in the model's order.
  private static func defaults(_ policy: PolicyDefinition) -> [([String], JSONValue, String?)] {
    let zero = JSONValue.number("0")
    let (noMap, noList) = (JSONValue.object([]), JSONValue.list([]))
    var all: [([String], JSONValue, String?)] = FieldKind.allCases.map { (["fields", $0.key], noList, nil) }
    for stage in policy.stages where stage.recall != nil {
      let half = JSONValue.number(String(policy.response.halfLife))
      all.append((["stages", stage.name, "half_life"], half, "response.half_life"))
      all.append((["stages", stage.name, "loan_from"], .null, nil))
    }
    all += [(["suppress"], noMap, nil), (["knockout"], noMap, nil)]
    all += [(["risk", "underwriting"], .null, nil), (["risk", "thin"], .null, nil)]
    for (card, rows) in [("risk", policy.risk.card), ("response", policy.response.card)] {
      for row in rows {
        let path = [card, "card", policy.fields.name(ofSlot: row.slot)]
        all.append((path + ["missing"], zero, nil))
        if case .isEqual = row.bins { all.append((path + ["other"], zero, nil)) }
      }
    }
    for step in policy.response.steps { all.append((["response", "steps", step.name, "weight"], .null, nil)) }
    all.append((["money", "hurdle"], zero, nil))
    all += [(["plan", "budget"], .null, nil), (["plan", "capital"], .null, nil)]
    for channel in policy.channels { all.append((["plan", "capacity", channel.name], .null, nil)) }
    all += [(["plan", "quota"], noMap, nil), (["plan", "tier_first"], .boolean(false), nil)]
    for (key, value) in [("groups", noMap), ("not_served", noList), ("utc_offsets", noMap)] {
      all.append((["regions", key], value, nil))
    }
    for (key, value) in [("forbidden", noList), ("max_points", noMap), ("monotone", noMap)] {
      all.append((["guardrails", key], value, nil))
    }
    for (key, value) in [("targets", noMap), ("psi", noList), ("parity", .null), ("window_days", .null)] {
      all.append((["review", key], value, nil))
    }
    return all
  }

  // MARK: - Writing

  /// A line each: `{"path","value","from","line","column","of"}`; `from` is file, default or set; the rest where it is
  /// known.
  package var json: String {
    all.map { value in
      var members = [
        "\"path\":" + JSONText.quoted(value.path.joined(separator: ".")), "\"value\":" + value.value.json,
      ]
      switch value.origin {
      case .file(let line, let column):
        members.append("\"from\":\"file\"")
        if let line, let column { members.append("\"line\":\(line),\"column\":\(column)") }
      case .byDefault(let source):
        members.append("\"from\":\"default\"")
        if let source { members.append("\"of\":" + JSONText.quoted(source)) }
      case .set: members.append("\"from\":\"set\"")
      }
      return "{" + members.joined(separator: ",") + "}\n"
    }.joined()
  }

  /// A section, and under it a line for each value: its path, itself, and where it stands.
  package var text: String {
    var text = ""
    for section in Self.sections {
      let values = all.filter { $0.section == section }
      let isSingle = values.count == 1 && values[0].path.count == 1
      if values.isEmpty { continue }
      let rows = values.map { value in
        (
          name: isSingle ? section : "  " + value.path.dropFirst().joined(separator: "."),
          value: Self.shown(value.value),
          place: Self.shown(value.origin)
        )
      }
      if !isSingle { text += section + "\n" }
      let nameWidth = min(40, rows.map(\.name.count).max() ?? 0)
      let valueWidth = min(44, rows.map(\.value.count).max() ?? 0)
      for row in rows {
        text += Self.padded(row.name, nameWidth) + "  " + Self.padded(row.value, valueWidth) + "  " + row.place + "\n"
      }
    }
    return text
  }

  private static func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }

  private static func shown(_ value: JSONValue) -> String {
    switch value {
    case .text(let text): text.isEmpty ? "''" : text
    case .null: "none"
    case .list(let items): items.isEmpty ? "none" : items.map(shown).joined(separator: ", ")
    case .object: "none"
    case .number(let text): text
    case .boolean(let flag): flag ? "true" : "false"
    }
  }

  private static func shown(_ origin: Origin) -> String {
    switch origin {
    case .file(let line?, let column?): "\(line):\(column)"
    case .file: "file"
    case .byDefault(let source?): "default, of \(source)"
    case .byDefault: "default"
    case .set: "--set"
    }
  }
}

extension JSONValue {
  /// What a node of a document says, as JSON.
  init(_ node: Document.Node) {
    switch node.content {
    case .map(let entries):
      self = .object(entries.map { JSONValue.Member(name: $0.key, value: JSONValue($0.value)) })
    case .list(let items): self = .list(items.map { JSONValue($0) })
    case .scalar(let scalar):
      switch scalar.reading {
      case .null: self = .null
      case .boolean(let flag): self = .boolean(flag)
      case .whole(let whole): self = .number(String(whole))
      case .number(let number): self = .number(shortest(number))
      case .text(let text): self = .text(text)
      }
    }
  }
}
