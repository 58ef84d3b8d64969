import RouseCore
import RouseWire

/// A first policy for a data file without outcomes: what can be read off its columns is there, all points are 0, and every other
/// number is a guess that says so. It loads and makes a list, to begin from.
package struct SketchPolicy: Sendable {
  package struct Settings: Sendable {
    package var name = "first"
    /// What one success brings; money.
    package var valuePerOutcome = 1.0
    /// What one contact costs; nil: what its channel usually does.
    package var contactCost: Double?
    /// The column that names the users; nil: the first that looks like it.
    package var id: String?
    /// Of users, as a policy has it: `+08:00`.
    package var utcOffset = "+00:00"
    /// Words that no field may be called, in lower case.
    package var forbidden = StartPolicy.Settings.usualWords
    /// Columns that are not to be used.
    package var leftOut: [String] = []
    /// Seconds since 1970: times after it lie ahead.
    package var now: Int64 = 0

    package init() {}
  }

  /// The YAML text.
  package let text: String
  /// What a person should know of the columns, one line each.
  package let notes: [String]
  /// The column that names the users, where one was found that is not called `user_id`.
  package let id: String?
  /// No column is a time: without one that is set (`StartPolicy.setTime`) every row is invalid.
  package let needsTime: Bool

  /// - Parameter table: its outcomes are not looked at.
  package init(_ table: DataTable, _ settings: Settings) {
    var sketch = Sketch(table, settings)
    sketch.choose()
    text = sketch.text
    notes = sketch.notes
    id = sketch.id
    needsTime = sketch.times.isEmpty
  }
}

private struct Sketch {
  /// A channel that a column of consent names, and what it usually costs and brings.
  struct Channel {
    let name: String
    let words: [String]
    let cost: Double
    let numbers: String
    var needs = "TRUE"
  }

  /// The cheapest first.
  static let channels = [
    Channel(
      name: "push", words: ["push", "app"], cost: 0.002,
      numbers: "reach: 0.60, click: 0.030, quit: 0.0010, cap_30d: 4, best: [12:00-14:00]"),
    Channel(
      name: "email", words: ["email", "mail", "newsletter"], cost: 0.002,
      numbers: "reach: 0.90, click: 0.030, quit: 0.0005, cap_30d: 4, best: [10:00-12:00]"),
    Channel(
      name: "sms", words: ["sms"], cost: 0.05,
      numbers: "reach: 0.95, click: 0.050, quit: 0.0020, cap_30d: 2, best: [17:00-19:00]"),
    Channel(
      name: "post", words: ["post", "letter"], cost: 0.8,
      numbers: "reach: 0.95, click: 0.100, quit: 0.0001, cap_30d: 1, best: [09:00-12:00]"),
    Channel(
      name: "call", words: ["call", "phone", "tel", "telephone"], cost: 2,
      numbers: "reach: 0.40, click: 0.200, quit: 0.0050, cap_30d: 1, best: [17:00-20:00]"),
  ]
  static let consent: Set<String> = ["ok", "consent", "optin", "opt", "allowed", "allow", "can", "may", "subscribed"]
  static let refusal: Set<String> = [
    "unsubscribed", "unsubscribe", "optout", "out", "not", "no", "dnc", "blocked", "deceased", "closed", "deleted",
    "complained", "banned",
  ]
  static let yes: Set<String> = ["yes", "y", "true", "ja", "j", "oui", "si", "sí"]
  static let no: Set<String> = ["no", "n", "false", "nein", "non"]
  static let mostLevels = 12

  let table: DataTable
  let settings: SketchPolicy.Settings
  var notes: [String] = []
  var id: String?
  var declared: [(kind: FieldKind, name: String)] = []
  var times: [String] = []
  var isTimeComplete = false
  var open: [Channel] = []
  var rules: [(name: String, when: String)] = []
  var rows: [String] = []

  init(_ table: DataTable, _ settings: SketchPolicy.Settings) {
    self.table = table
    self.settings = settings
  }

  // MARK: - Choosing

  mutating func choose() {
    for (index, column) in table.columns.enumerated() { take(column, isFirst: index == 0) }
    let own = table.columns.filter { times.contains($0.name) }
    isTimeComplete = !own.isEmpty && (0..<table.count).allSatisfy { row in own.contains { $0.moment(row) != nil } }
    if own.isEmpty {
      notes.append(
        "no column is a time, so nobody is known to be quiet; --set-time \(StartPolicy.setTime)=2000-01-01T00:00:00Z ranks all"
      )
    } else if !isTimeComplete {
      notes.append("some rows have none of the times \(times.joined(separator: ", ")), and will be invalid (I02)")
    }
    open.sort { a, b in
      let names = Self.channels.map(\.name)
      return (names.firstIndex(of: a.name) ?? 0) < (names.firstIndex(of: b.name) ?? 0)
    }
    if open.isEmpty {
      notes.append(
        "no column says who may be contacted (such as email_ok): everybody may, until a channel's needs says otherwise")
      open = [
        Channel(
          name: "contact", words: [], cost: 0,
          numbers: "reach: 0.90, click: 0.030, quit: 0.0005, cap_30d: 4, best: [10:00-12:00]")
      ]
    }
  }

  private mutating func take(_ column: DataTable.Column, isFirst: Bool) {
    let name = column.name
    if name == "user_id" { return }
    if let wanted = settings.id, name == wanted || name == FieldNames.usable(wanted) {
      id = wanted
      return
    }
    if settings.id == nil, id == nil, isKey(column, isFirst: isFirst) {
      id = name
      return
    }
    guard FieldNames.isUsable(name) else {
      return notes.append("\(FieldNames.shown(name)): no field may be called so; rename the column to use it")
    }
    if let word = FieldNames.forbidden(name, settings.forbidden) {
      return notes.append("\(name): left out, since guardrails.forbidden names '\(word)'; --allow \(word) takes it in")
    }
    if settings.leftOut.contains(where: { ExactText($0) == ExactText(name) }) { return }
    guard let kind = column.kind else { return notes.append("\(name): left out, since no row has a value") }
    guard !FieldNames.overlaps(name, declared.map(\.name)), !declared.contains(where: { $0.name == name }) else {
      return notes.append("\(name): left out, since another column has the same dotted beginning")
    }
    if kind == .times {
      let moments = (0..<table.count).compactMap { column.moment($0) }
      let ahead = moments.count { $0 > settings.now }
      declared.append((ahead * 2 > moments.count ? .timesAhead : .times, name))
      if ahead * 2 <= moments.count { times.append(name) }
      return
    }
    declared.append((kind, name))
    if use(column, condition(column)) { return }
    if let foreign = ForeignSpelling(column) {
      notes.append(foreign.note(column))
      return
    }
    row(column, kind)
  }

  /// Each row has its own value, and the name says that it is a key, or it comes first.
  private func isKey(_ column: DataTable.Column, isFirst: Bool) -> Bool {
    let words = Self.words(column.name)
    let isNamed = words.last == "id" || words.last == "key" || column.name.lowercased().hasSuffix("id")
    guard isNamed || isFirst && column.kind == .texts, column.missingCount == 0 else { return false }
    return column.hasTooMany || column.levels.count == table.count
  }

  /// The column as a condition, where it says yes or no.
  private func condition(_ column: DataTable.Column) -> String? {
    let levels = Set(column.levels.map { $0.lowercased() })
    switch column.kind {
    case .flags: return column.name
    case .numbers where levels.isSubset(of: ["0", "1"]): return "\(column.name) = 1"
    case .texts where levels.isSubset(of: Self.yes.union(Self.no)):
      let yes = column.levels.filter { Self.yes.contains($0.lowercased()) }
      if yes.isEmpty { return nil }
      return yes.count == 1
        ? "\(column.name) = '\(yes[0])'" : "\(column.name) IN (\(yes.map { "'\($0)'" }.joined(separator: ", ")))"
    default: return nil
    }
  }

  /// Whether the column opens a channel, or forbids all. A channel whose consent cannot be read stays closed: it is not for us
  /// to guess that somebody may be contacted.
  ///
  /// - Parameter yes: the column as a condition; nil where its values do not say yes or no.
  private mutating func use(_ column: DataTable.Column, _ yes: String?) -> Bool {
    let words = Self.words(column.name)
    if !Self.refusal.isDisjoint(with: words) {
      if let yes {
        rules.append((column.name, yes))
        return true
      }
      if column.kind == .texts, !column.hasTooMany, column.levels.count <= Self.mostLevels {
        notes.append(
          "\(column.name): which of its values forbid a contact is not known\(Self.list(column)); write a rule of suppress"
        )
      }
      return false
    }
    guard !Self.consent.isDisjoint(with: words),
      var channel = Self.channels.first(where: { !Set($0.words).isDisjoint(with: words) }),
      !open.contains(where: { $0.name == channel.name }), yes != nil || column.kind == .texts
    else { return false }
    if yes == nil {
      notes.append(
        "\(column.name): which of its values says yes is not known\(Self.list(column)); "
          + "the channel \(channel.name) stays closed until its needs say so")
    }
    channel.needs = yes ?? "FALSE"
    open.append(channel)
    return true
  }

  /// A few of a column's values, in brackets.
  private static func list(_ column: DataTable.Column) -> String {
    let shown = column.levels.prefix(3).map { "'\(FieldNames.shown($0))'" }.joined(separator: ", ")
    return " (\(shown)\(column.levels.count > 3 ? ", …" : ""))"
  }

  private static func words(_ name: String) -> [String] {
    name.lowercased().split { !$0.isLetter && !$0.isNumber }.map(String.init)
  }

  private mutating func row(_ column: DataTable.Column, _ kind: FieldKind) {
    let name = FieldNames.quoted(column.name)
    switch kind {
    case .flags: rows.append("\(name): {is: {true: 0, false: 0}, missing: 0}")
    case .numbers:
      let values = column.numbers.filter { !$0.isNaN }.sorted()
      guard let least = values.first, let most = values.last, least < most else { return }
      var bounds = [least >= 0 ? 0 : least]
      for third in 1...2 {
        let value = values[values.count * third / 3]
        if let last = bounds.last, value > last { bounds.append(value) }
      }
      rows.append(
        "\(name): {at_least: {\(FieldNames.bounds(bounds).map { "\($0): 0" }.joined(separator: ", "))}, missing: 0}")
    default:
      guard !column.hasTooMany, column.levels.count <= Self.mostLevels else {
        return notes.append("\(column.name): declared, and not scored: it has more than \(Self.mostLevels) values")
      }
      let levels = column.levels.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
      rows.append(
        "\(name): {is: {\(levels.map { "\(FieldNames.quoted($0)): 0" }.joined(separator: ", "))}, missing: 0, other: 0}"
      )
    }
  }

  // MARK: - Writing

  var text: String {
    var out = """
      # A first policy, sketched from a file of \(table.count) rows without outcomes. What the columns are was read off them;
      # every number is a guess of yours to make: nothing here has been learned. +20 points double the odds, -20 halve them.
      # Before it is live: who may not be contacted (3), what a success is worth (6), what a contact costs (7).
      version: 2
      name: \(FieldNames.quoted(settings.name))

      # 1. FIELDS: the columns of the file.
      fields:

      """
    let since = times.isEmpty ? [StartPolicy.setTime] : times
    for kind in FieldKind.allCases {
      var names = declared.filter { $0.kind == kind }.map(\.name)
      if kind == .timesAhead, times.isEmpty { names.append(StartPolicy.setTime) }
      if !names.isEmpty { out += "  \(kind.key): [\(names.map(FieldNames.quoted).joined(separator: ", "))]\n" }
    }
    out += """
      clock_skew_seconds: 300

      # 2. STAGES: one for all who are quiet. The clock is the latest of these times.
      stages:
        quiet:
          when: TRUE
          since: [\(since.map(FieldNames.quoted).joined(separator: ", "))]
          dormant: 30                               # days without a sign, before which a user is active and left alone
          steps: [return]
          loan: \(FieldNames.plain(settings.valuePerOutcome))                                   # what one who comes back brings
          coupon: 0                                 # given to each who does
          incremental: 0.5                          # the share that would not have come without us: a holdout tells
          points: 0
      tiers: {1m: 30, 3m: 90, 6m: 180, 12m: 365}

      # 3. GATE: who must not be contacted.

      """
    if rules.isEmpty {
      out += "# suppress:\n#   S01: {when: unsubscribed, say: Has unsubscribed}\n"
    } else {
      out += "suppress:\n"
      for (index, rule) in rules.prefix(99).enumerated() {
        let code = index < 9 ? "S0\(index + 1)" : "S\(index + 1)"
        out += "  \(code): {when: \(FieldNames.quoted(rule.when)), say: \(FieldNames.quoted(rule.name))}\n"
      }
    }
    out += """

      # 4. RISK: none is known.
      risk:
        base: {score: 600, odds: 1000000}
        cutoff: 0
        reasons: 1
        card: {}

      # 5. RESPONSE: the chance that one contact brings somebody back. Each row of the card is a weight to set.
      response:
        half_life: 90                               # days of silence that halve the odds
        floor: -80
        steps:
          return: {rate: 0.20, weight: 50}          # of those who react, these come back
        card:\(rows.isEmpty ? " {}" : "")

      """
    for row in rows { out += "    \(row)\n" }
    out += """

      # 6. MONEY: what a success brings is its margin.
      money: {margin: 1.0, loss_given_default: 0, use_of_limit: 1.0, max_loan: 100000000, relationship: 0, hurdle: 0}

      # 7. CONTACT.
      ladder: best
      gap_days: 7
      cap_30d: 3
      hours: 09:00-20:00
      channels:

      """
    for channel in open {
      let cost = FieldNames.plain(settings.contactCost ?? channel.cost)
      out += "  \(channel.name): {needs: \(FieldNames.quoted(channel.needs)), cost: \(cost), \(channel.numbers)}\n"
    }
    out += """

      # 8. EXPERIMENT: the holdout is never contacted, so that what contacts add can be seen.
      experiment: {salt: first, holdout: 0.05, explore: 0.0}

      # 9. REGIONS and GUARDRAILS. Users' hours; no field of these names, nor a rule by them.
      regions: {utc_offset: "\(settings.utcOffset)"}
      guardrails:
        forbidden: [\(settings.forbidden.map(FieldNames.quoted).joined(separator: ", "))]

      # 10. REVIEW: a success counts for a contact up to so many days back.
      review: {window_days: 14}

      """
    if !notes.isEmpty { out += "\n# What was seen in the columns:\n" + notes.map { "# - \($0)\n" }.joined() }
    return out
  }
}
