import RouseCore
import RouseWire

/// A first policy for a data file of any trade: every column declared, the telling ones cut into attributes, all points 0.
/// It loads, says what to look at, and waits to be fitted.
package struct StartPolicy: Sendable {
  package struct Settings: Sendable {
    package var name = "first"
    /// What one outcome brings, and what one contact costs.
    package var valuePerOutcome = 1.0
    package var contactCost = 0.0
    /// A number column with what each row's outcome brings.
    package var valueField: String?
    package var channel = "contact"
    package var outcome = "outcome"
    package var mostNumbers = 60
    /// Outcomes that an attribute needs; nil: `usualEvents`.
    package var leastEvents: Int?
    package var mostBins = 6
    /// Words that no field may be called, in lower case.
    package var forbidden = Self.usualWords
    /// Columns that are not to be used.
    package var leftOut: [String] = []
    /// The moment that columns of times are looked at from; seconds since 1970.
    package var now: Int64 = 0

    package init() {}

    /// Of fewer outcomes no policy is cut.
    static let fewest = 30

    /// Outcomes that an attribute needs in a file of so many: 30, and in a small file fewer, or nothing would be left to
    /// tell rows apart by.
    package static func usualEvents(of outcomes: Int) -> Int { min(fewest, max(6, outcomes / 40)) }

    package static let usualWords = [
      "sex", "gender", "age", "race", "ethnicity", "religion", "marital_status", "pregnancy", "disability",
      "birthplace",
      "household_registration", "political_view", "health",
    ]
  }

  /// The YAML text.
  package let text: String
  /// What a person should know of the columns, one line each.
  package let notes: [String]
  /// Outcomes that each attribute has.
  package let leastEvents: Int
  /// Without a time of their own, rows need one that is set: the field's name.
  package static let setTime = "seen_at"

  package init(_ table: DataTable, _ settings: Settings) throws(ReviewError) {
    let events = table.outcomes.count { $0 }
    var settings = settings
    let least = settings.leastEvents ?? Settings.usualEvents(of: events)
    settings.leastEvents = least
    leastEvents = least
    guard events >= max(least, Settings.fewest) else {
      throw ReviewError(
        .tooLittle,
        "of \(table.count) rows \(events) have the outcome, and a policy needs \(max(least, Settings.fewest)) to be cut from them"
      )
    }
    guard events < table.count else {
      throw ReviewError(.tooLittle, "all \(table.count) rows have the outcome, so nothing tells them apart")
    }
    var draft = Draft(table, settings)
    draft.choose()
    text = draft.text(events: events, of: table.count)
    notes = draft.notes
  }
}

private struct Draft {
  let table: DataTable
  let settings: StartPolicy.Settings
  var notes: [String] = []
  var declared: [(kind: FieldKind, name: String)] = []
  var rows: [Characteristic] = []
  /// Names of characteristics that tell little, with their information value.
  var idle: [(name: String, value: Double)] = []
  var times: [String] = []
  var isTimeComplete = false

  init(_ table: DataTable, _ settings: StartPolicy.Settings) {
    self.table = table
    self.settings = settings
  }

  // MARK: - Choosing

  mutating func choose() {
    let least = settings.leastEvents ?? StartPolicy.Settings.fewest
    var binning = Binning(
      leastEvents: Double(least), outcomes: table.outcomes, weights: table.weights)
    binning.mostBins = settings.mostBins * 2 + 2
    var found: [Characteristic] = []
    var names: Set<ExactText> = []
    for column in table.columns {
      let name = column.name
      guard FieldNames.isUsable(name) else {
        notes.append("\(FieldNames.shown(name)): no field may be called so; rename the column to use it")
        continue
      }
      if let word = FieldNames.forbidden(name, settings.forbidden) {
        notes.append("\(name): left out, since guardrails.forbidden names '\(word)'; --allow \(word) takes it in")
        continue
      }
      if settings.leftOut.contains(where: { ExactText($0) == ExactText(name) }) { continue }
      guard let kind = column.kind else {
        notes.append("\(name): left out, since no row has a value")
        continue
      }
      guard !FieldNames.overlaps(name, declared.map(\.name)), names.insert(ExactText(name)).inserted else {
        notes.append("\(name): left out, since another column has the same dotted beginning")
        continue
      }
      declared.append((kind, name))
      if kind == .times {
        times.append(name)
        continue
      }
      if isNumbering(column) {
        declared.removeLast()
        notes.append("\(name): left out, since every row has its own; it numbers the rows")
        continue
      }
      if let foreign = ForeignSpelling(column) { notes.append(foreign.note(column)) }
      guard let fine = binning.fine(column) else {
        notes.append("\(name): declared, and not scored: no value of it has \(least) outcomes")
        continue
      }
      found.append(binning.coarse(fine))
    }
    if let silent = silentDays() {
      if let fine = binning.fine(silent) { found.append(binning.coarse(fine)) }
    }
    isTimeComplete = !times.isEmpty && hasTimeInAllRows
    let telling = found.filter { $0.valueCountInUse > 1 && $0.informationValue >= 0.0005 }
      .sorted { $0.informationValue > $1.informationValue }
    let strongest = telling.prefix(60)
    let search = CharacteristicSearch(
      mostNumbers: max(4, settings.mostNumbers - 2), outcomes: table.outcomes, weights: table.weights)
    rows = search.run(Array(strongest)).sorted { $0.informationValue > $1.informationValue }
    for row in found where !rows.contains(where: { $0.name == row.name }) {
      idle.append((row.name, row.informationValue))
    }
    for row in rows where row.informationValue > 1 {
      notes.append(
        "\(row.name): tells suspiciously much (IV \(FieldNames.decimals(row.informationValue, 2))); is it known before the contact? "
          + "--leave-out \(row.name) does without it")
    }
  }

  /// As many whole values as rows: a key, and no fact about anyone.
  private func isNumbering(_ column: DataTable.Column) -> Bool {
    if column.kind == .texts {
      if !column.hasTooMany { return table.count > 100 && column.levels.count == table.count }
      return table.count > DataTable.mostLevels * 2 && !hasRepeats(column)
    }
    guard column.kind == .numbers, column.numberCount == table.count, table.count > 100 else { return false }
    let name = column.name.lowercased()
    let isNamed =
      name == "id" || name.hasSuffix("_id") || name.hasSuffix("id") && name.hasPrefix("cust") || name == "index"
      || name.hasPrefix("id_") || name == "row" || name.hasPrefix("unnamed")
    let isRising = zip(column.numbers, column.numbers.dropFirst()).allSatisfy { $1 == $0 + 1 }
    return isRising || isNamed && Set(column.numbers).count == table.count
  }

  private func hasRepeats(_ column: DataTable.Column) -> Bool {
    var seen: Set<Int32> = []
    return column.texts.contains { $0 >= 0 && !seen.insert($0).inserted }
  }

  private var hasTimeInAllRows: Bool {
    let columns = table.columns.filter { times.contains($0.name) }
    return (0..<table.count).allSatisfy { row in columns.contains { $0.moment(row) != nil } }
  }

  /// Days since the latest of a row's times: what the model calls silent_days.
  private func silentDays() -> DataTable.Column? {
    let columns = table.columns.filter { times.contains($0.name) }
    if columns.isEmpty { return nil }
    var days = DataTable.Column(name: "silent_days")
    for row in 0..<table.count {
      let latest = columns.compactMap { $0.moment(row) }.filter { $0 <= settings.now }.max()
      days.numbers.append(latest.map { Double((settings.now - $0) / Moment.day) } ?? .nan)
      days.texts.append(-1)
      if latest == nil { days.missingCount += 1 } else { days.numberCount += 1 }
    }
    return days
  }

  // MARK: - Writing

  func text(events: Int, of count: Int) -> String {
    let share = min(Double(events) / Double(count), 0.98)
    let rate = PolicyFit.rounded(share / 0.99, digits: 4)
    let least = settings.leastEvents ?? StartPolicy.Settings.fewest
    let few = least < StartPolicy.Settings.fewest ? " (with --least-events \(least), for outcomes are few)" : ""
    var out = """
      # A first policy for '\(FieldNames.shown(settings.outcome))', cut from \(count) rows, \(events) of them with the outcome. All points are 0:
      # 'rouse policy fit' fills them in\(few). +20 points double the odds of the outcome, -20 halve them.
      # Before it is live: look at each row of the card (may it be used? is it known before the contact?), at what an
      # outcome is worth and a contact costs, and set experiment.holdout: without one nobody learns what contacts add.
      version: 2
      name: \(FieldNames.quoted(settings.name))

      # 1. FIELDS: the columns of the file.
      fields:

      """
    let needsTime = !isTimeComplete
    for kind in FieldKind.allCases {
      var names = declared.filter { $0.kind == kind }.map(\.name)
      if kind == .timesAhead, needsTime { names.append(StartPolicy.setTime) }
      if names.isEmpty { continue }
      out += "  \(kind.key):\n" + Self.wrapped(names.map(FieldNames.quoted), indent: 4)
    }
    out += "clock_skew_seconds: 300\n\n"
    out += "# 2. STAGES: one for all."
    if needsTime {
      out +=
        " The file has no time for every row, so one is set: --set-time \(StartPolicy.setTime)=2000-01-01T00:00:00Z."
    }
    let since = (needsTime ? [StartPolicy.setTime] : []) + times
    let loanFrom = settings.valueField.map { "\n    loan_from: \(FieldNames.quoted($0))" } ?? ""
    out += """

      stages:
        all:
          when: TRUE
          since: [\(since.map(FieldNames.quoted).joined(separator: ", "))]
          dormant: 0
          steps: [outcome]
          loan: \(FieldNames.plain(settings.valuePerOutcome))                                 # what one outcome brings\(loanFrom)
          coupon: 0
          incremental: 1.0                          # the share that a contact adds: 1 until a holdout tells
          points: 0
      tiers: {}

      # 3. GATE: who must not be contacted. None here; add suppress and knockout rules with what you know.

      # 4. RISK: none is known; every outcome is worth the same whoever brings it.
      risk:
        base: {score: 600, odds: 1000000}
        cutoff: 0
        reasons: 1
        card: {}

      # 5. RESPONSE: the chance that one contact ends in the outcome.
      response:
        half_life: 90
        floor: 0                                    # silence costs no points of its own: where there are times, silent_days does
        steps:
          outcome: {rate: \(shortest(rate)), weight: 0}
        card:

      """
    if rows.isEmpty {
      out.removeLast(1)
      out += " {}                                # no column tells anything of the outcome\n"
    }
    for row in rows { out += lines(row) }
    let weak = idle.sorted { $0.value > $1.value }.prefix(40).map { "\($0.name) \(FieldNames.decimals($0.value, 3))" }
    if !weak.isEmpty {
      out += "    # Not needed beside these (information value alone):\n"
      out += Self.comment(weak)
    }
    out += """

      # 6. MONEY: the outcome's value itself is the margin.
      money:
        margin: 1.0
        loss_given_default: 0
        use_of_limit: 1.0
        max_loan: 100000000
        relationship: 0
        hurdle: 0

      # 7. CONTACT.
      ladder: best
      gap_days: 0
      cap_30d: 1000
      hours: 00:00-24:00
      channels:
        # The file tells the outcome alone, not who was reached or clicked: the step's rate carries it all.
        \(FieldNames.quoted(settings.channel)): {needs: TRUE, cost: \(FieldNames.plain(settings.contactCost)), reach: 1.0, click: 0.99, quit: 0, cap_30d: 1000, best: [00:00-24:00]}

      # 8. EXPERIMENT: none yet. Live, begin with holdout: 0.05 and explore: 0.02.
      experiment: {salt: first, holdout: 0.0, explore: 0.0}

      # 9. REGIONS and GUARDRAILS.
      regions: {utc_offset: "+00:00"}
      guardrails:
        forbidden: [\(settings.forbidden.map(FieldNames.quoted).joined(separator: ", "))]

      """
    if !notes.isEmpty {
      out += "\n# What was seen in the columns:\n" + notes.map { "# - \($0)\n" }.joined()
    }
    return out
  }

  private func lines(_ row: Characteristic) -> String {
    var out = "    \(FieldNames.quoted(row.name)):"
    let value = FieldNames.decimals(row.informationValue, 3)
    out += String(repeating: " ", count: max(1, 40 - out.count)) + "# information value \(value)\n"
    switch row.shape {
    case .bounds(let bounds):
      out += "      at_least:\n"
      for bound in FieldNames.bounds(bounds) { out += "        \(bound): 0\n" }
    case .levels(let levels):
      out += "      is:\n"
      for level in levels { out += "        \(FieldNames.quoted(level)): 0\n" }
      if row.hasOther { out += "      other: 0\n" }
    }
    if row.hasMissing { out += "      missing: 0\n" }
    return out
  }

  private static func wrapped(_ names: [String], indent: Int) -> String {
    var lines: [String] = []
    var line = String(repeating: " ", count: indent) + "["
    for (index, name) in names.enumerated() {
      let piece = name + (index + 1 < names.count ? "," : "]")
      if line.count + piece.count + 1 > 118, line.count > indent + 1 {
        lines.append(line)
        line = String(repeating: " ", count: indent)
      }
      line += (line.hasSuffix(",") ? " " : line.count == indent ? " " : "") + piece
    }
    lines.append(line)
    return lines.joined(separator: "\n") + "\n"
  }

  private static func comment(_ parts: [String]) -> String {
    var lines: [String] = []
    var line = "    #  "
    for (index, part) in parts.enumerated() {
      if line.count + part.count > 110 {
        lines.append(line)
        line = "    #  "
      }
      line += " " + part + (index + 1 < parts.count ? "," : "")
    }
    lines.append(line)
    return lines.joined(separator: "\n") + "\n"
  }
}
