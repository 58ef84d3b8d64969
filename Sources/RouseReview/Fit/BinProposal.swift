import RouseCore
import RouseWire

/// Bins for a field, from data: cut at quantiles, merged while neighbours differ by less than chance would have it, and
/// made to rise or to fall throughout.
package struct BinProposal {
  /// YAML rows to paste into a card, points by the evidence: 20 points an odds ratio of 2.
  package let text: String
  /// JSON, as proto-spec/fit.md has it.
  package let report: [UInt8]

  /// - Parameters:
  ///   - fields: `all`, or names of columns.
  package init(_ table: DataTable, fields: [String], leastEvents: Int, mostBins: Int) throws(ReviewError) {
    let events = table.outcomes.count { $0 }
    guard events >= leastEvents, events < table.count else {
      throw ReviewError(
        .tooLittle,
        "of \(table.count) rows \(events) have the outcome, and bins need \(leastEvents), and some without it")
    }
    let isAll = fields.contains("all")
    let names = table.columns.map(\.name)
    for field in fields where !isAll && !names.contains(where: { ExactText($0) == ExactText(field) }) {
      throw ReviewError(.notFound, "there is no column '\(field)'" + Suggestion.sentence(for: field, among: names))
    }
    var binning = Binning(leastEvents: Double(leastEvents), outcomes: table.outcomes, weights: table.weights)
    binning.mostBins = mostBins
    var rows: [(row: Characteristic, direction: Int)] = []
    var silent: [String] = []
    for column in table.columns where isAll || fields.contains(where: { ExactText($0) == ExactText(column.name) }) {
      guard let fine = binning.fine(column) else {
        silent.append(column.name)
        continue
      }
      let direction = Self.direction(fine)
      let row = Self.monotone(binning.coarse(fine), direction)
      if row.valueCountInUse < 2 { silent.append(column.name) } else { rows.append((row, direction)) }
    }
    rows.sort { $0.row.informationValue > $1.row.informationValue }
    if rows.isEmpty {
      throw ReviewError(
        .tooLittle, "nothing in \(isAll ? "any column" : fields.joined(separator: ", ")) tells anything of the outcome")
    }
    var text = ""
    for (row, direction) in rows { text += Self.lines(row, direction) }
    let ordered = rows.filter { $0.direction != 0 && $0.row.isOrdered }
    if !ordered.isEmpty {
      let parts = ordered.map { "\(FieldNames.quoted($0.row.name)): \($0.direction > 0 ? "up" : "down")" }
      text += "# guardrails:\n#   monotone: {\(parts.joined(separator: ", "))}\n"
    }
    if !silent.isEmpty { text += "# Tell nothing: \(silent.map(FieldNames.shown).joined(separator: ", "))\n" }
    self.text = text
    let total = table.count
    report =
      JSONTree.object([
        ("rows", .whole(total)), ("outcomes", .rate(Rate(events, of: total))),
        ("fields", .list(rows.map { Self.tree($0.row, $0.direction) })), ("silent", .list(silent.map { .text($0) })),
      ]).bytes
  }

  /// 1 where the outcome gets more likely with the number, -1 where less: by the sum over all pairs of attributes.
  private static func direction(_ row: Characteristic) -> Int {
    guard row.isOrdered else { return 0 }
    var sum = 0.0
    for high in 0..<row.valueCount {
      for low in 0..<high where row.counts[low] > 0 && row.counts[high] > 0 {
        let difference = row.events[high] / row.counts[high] - row.events[low] / row.counts[low]
        sum += difference * row.counts[low] * row.counts[high]
      }
    }
    return sum >= 0 ? 1 : -1
  }

  /// Pools adjacent violators.
  private static func monotone(_ start: Characteristic, _ direction: Int) -> Characteristic {
    guard direction != 0 else { return start }
    var row = start
    while let violator = (1..<max(1, row.valueCount)).first(where: { at in
      Double(direction) * (row.evidence(at) - row.evidence(at - 1)) <= 0
    }) { row.merge(violator) }
    return row
  }

  private static func points(_ row: Characteristic, _ attribute: Int) -> Int {
    Int((row.evidence(attribute) / LogisticProblem.unit).rounded())
  }

  /// The attributes that stand in a policy, with how they are called there.
  private static func attributes(_ row: Characteristic) -> [(index: Int, key: String, section: String)] {
    var list: [(Int, String, String)] = []
    switch row.shape {
    case .bounds(let bounds):
      for (index, bound) in bounds.enumerated() { list.append((index, shortest(bound), "at_least")) }
    case .levels(let levels):
      for (index, level) in levels.enumerated() { list.append((index, level, "is")) }
      if row.hasOther { list.append((levels.count, "other", "")) }
    }
    if row.hasMissing { list.append((row.missing, "missing", "")) }
    return list
  }

  private static func lines(_ row: Characteristic, _ direction: Int) -> String {
    let trend = direction == 0 || !row.isOrdered ? "" : direction > 0 ? ", rises" : ", falls"
    var out =
      "\(FieldNames.quoted(row.name)):  # information value \(FieldNames.decimals(row.informationValue, 3))\(trend)\n"
    var section = ""
    for attribute in attributes(row) {
      if !attribute.section.isEmpty, attribute.section != section {
        section = attribute.section
        out += "  \(section):\n"
      }
      let key = attribute.section == "is" ? FieldNames.quoted(attribute.key) : attribute.key
      let line = (attribute.section.isEmpty ? "  " : "    ") + "\(key): \(points(row, attribute.index))"
      let rate = row.events[attribute.index] / max(row.counts[attribute.index], 1e-12)
      out += line + String(repeating: " ", count: max(2, 32 - line.count))
      out +=
        "# n \(FieldNames.decimals(row.counts[attribute.index], 0)), events \(FieldNames.decimals(row.events[attribute.index], 0))"
      out += " (\(FieldNames.decimals(rate * 100, 2)) %), WoE \(FieldNames.decimals(row.evidence(attribute.index), 3))"
      out += ", IV \(FieldNames.decimals(row.value(attribute.index), 4))\n"
    }
    return out
  }

  private static func tree(_ row: Characteristic, _ direction: Int) -> JSONTree {
    .object([
      ("name", .text(row.name)), ("iv", .number(row.informationValue)),
      ("monotone", direction == 0 || !row.isOrdered ? .null : .text(direction > 0 ? "up" : "down")),
      (
        "bins",
        .list(
          attributes(row).map { attribute in
            .object([
              ("bin", .text(attribute.key)), ("rows", .number(row.counts[attribute.index])),
              ("events", .number(row.events[attribute.index])), ("woe", .number(row.evidence(attribute.index))),
              ("iv", .number(row.value(attribute.index))), ("points", .whole(points(row, attribute.index))),
            ])
          })
      ),
    ])
  }
}
