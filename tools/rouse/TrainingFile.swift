import Foundation
import RouseCore
import RouseReview
import RouseWire

/// A file of rows with outcomes, read row by row.
struct TrainingFile {
  private let path: String
  private let options: TrainingOptions
  /// The moment of rows that have none of their own; seconds since 1970.
  let now: Int64

  init(_ path: String, _ options: TrainingOptions) {
    self.path = path
    self.options = options
    now = options.asOf.flatMap(Moment.parse) ?? Int64(time(nil))
  }

  /// What a row says of its outcome.
  enum Outcome {
    case came(Bool)
    /// A text that may be a step's name.
    case word(String)
    case none
  }

  private func source(_ kinds: [String: FieldKind]?) throws -> any CandidateSource {
    let input = try FileInput(path)
    guard InputOptions.isCSV(path, options.csv) else { return LineSource(input) }
    return try CSVSource(
      input, kinds: kinds ?? [:], needsUserID: false, renamesAll: kinds == nil,
      utcOffset: options.adaptation.timeSuffix)
  }

  /// Each row as an object, and its place.
  private func eachRow(
    _ kinds: [String: FieldKind]?, needsOutcome: Bool = true, _ take: (JSONValue, () -> String) throws -> Void
  ) throws {
    let source = try source(kinds)
    var names: Set<String> = []
    var rows = 0
    var hasOutcome = false
    while let candidates = try source.next() {
      var number = candidates.firstLine
      for text in candidates.block.bytes.split(separator: 0x0A, omittingEmptySubsequences: false).dropLast() {
        defer { number += 1 }
        if text.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { continue }
        let line = UnsafeRawBufferPointer(rebasing: text)
        guard let row = JSONValue(line), case .object(let members) = row else {
          let remedy = rows == 0 ? "a CSV file's name ends in .csv, or give --csv" : "mend the line, or take it out"
          throw Failure(.usage, "\(source.place(ofLine: number)): this is no JSON object; \(remedy)")
        }
        rows += 1
        if !hasOutcome { hasOutcome = value(row, options.outcome) != nil }
        if rows <= 1000 { for member in members { names.insert(member.name) } }
        let place = number
        try take(row) { source.place(ofLine: place) }
      }
    }
    if rows == 0 { throw Failure(.usage, "\(path) has no rows") }
    guard needsOutcome else { return }
    if !hasOutcome {
      throw Failure(
        .usage,
        "\(path): no row has '\(options.outcome)', the outcome (--outcome)"
          + Suggestion.sentence(for: options.outcome, among: names.sorted()))
    }
    for field in options.labels.dropFirst() where field != "user_id" && !isThere(field, names) {
      throw Failure(
        .usage, "\(path): no row has '\(field)'" + Suggestion.sentence(for: field, among: names.sorted()))
    }
  }

  private func isThere(_ field: String, _ names: Set<String>) -> Bool {
    let first = field.split(separator: ".").first.map(String.init) ?? field
    return names.contains(field) || names.contains(first) || names.contains(FieldNames.usable(field)) || names.isEmpty
  }

  /// A column by its name in the file, or by what a field of that name is called.
  private func value(_ row: JSONValue, _ field: String) -> JSONValue? {
    row.at(path: field) ?? row.at(path: FieldNames.usable(field))
  }

  // MARK: - Outcomes

  private func outcome(_ row: JSONValue, _ field: String, counts: [String]) -> Outcome {
    guard let value = value(row, field) else { return .none }
    if case .boolean(let flag) = value, counts.isEmpty { return .came(flag) }
    let text = value.boolean.map { $0 ? "true" : "false" } ?? AdaptedSource.key(value) ?? ""
    if !counts.isEmpty { return .came(counts.contains { ExactText($0) == ExactText(text) }) }
    if let number = Double(text), number.isFinite { return .came(number > 0) }
    switch text.lowercased() {
    case "true", "yes", "y", "t": return .came(true)
    case "false", "no", "n", "f", "none", "nothing": return .came(false)
    default: return .word(text)
    }
  }

  private func came(_ row: JSONValue, _ place: () -> String) throws -> Bool? {
    switch outcome(row, options.outcome, counts: options.outcomeIs) {
    case .came(let flag): return flag
    case .none: return nil
    case .word(let word):
      throw Failure(
        .usage,
        "\(place()): '\(word)' for '\(options.outcome)' is neither yes nor no; name what counts as the outcome with "
          + "--outcome-is '\(word)'")
    }
  }

  private func number(_ row: JSONValue, _ field: String?, _ place: () -> String) throws -> Double? {
    guard let field, let value = value(row, field), let text = AdaptedSource.key(value), !text.isEmpty else {
      return nil
    }
    guard let number = Double(text), number.isFinite else {
      throw Failure(.usage, "\(place()): '\(text)' for '\(field)' is no number")
    }
    return number
  }

  // MARK: - As columns

  /// All of it as columns, for a first policy.
  /// - Parameter isWanted: by the row's hash; false: it is not looked at.
  func table(where isWanted: (UInt64) -> Bool) throws -> DataTable {
    var table = DataTable()
    let ignored = Set(options.labels.flatMap { [ExactText($0), ExactText(FieldNames.usable($0))] })
    try eachRow(nil) { row, place in
      if let arm = arm(row), arm == "holdout" { return }
      guard let came = try came(row, place), isWanted(Self.hash(row)) else { return }
      let weight = try number(row, options.weight, place) ?? 1
      table.add(row, outcome: came, weight: Self.bounded(weight), ignoring: ignored)
      // Each has a place for each row: names that are data would take memory by the square of the file.
      guard table.columns.count <= DataTable.mostColumns else {
        throw Failure(
          .usage, "\(place()): there are more than \(DataTable.mostColumns) columns by here; are names of members data?"
        )
      }
    }
    return table
  }

  /// The same of a file that knows no outcomes; nil: it does.
  func columnsWithoutOutcomes() throws -> DataTable? {
    var table = DataTable()
    var hasOutcome = false
    try eachRow(nil, needsOutcome: false) { row, place in
      if hasOutcome || value(row, options.outcome) != nil {
        hasOutcome = true
        return
      }
      table.add(row, outcome: false, ignoring: [])
      guard table.columns.count <= DataTable.mostColumns else {
        throw Failure(
          .usage, "\(place()): there are more than \(DataTable.mostColumns) columns by here; are names of members data?"
        )
      }
    }
    return hasOutcome ? nil : table
  }

  private func arm(_ row: JSONValue) -> String? {
    options.arm.flatMap { value(row, $0)?.text?.lowercased() }
  }

  // MARK: - As a policy reads it

  /// All of it under a policy.
  /// - Parameter times: what a row is given that lacks them.
  func set(_ policy: Policy, times: [(field: String, time: String)]) throws -> TrainingSet {
    var set = TrainingSet(policy: policy)
    let rescorer = Rescorer(policy)
    let kinds = Dictionary(uniqueKeysWithValues: policy.fields.declared.map { ($0.name, $0.kind) })
    let steps = policy.definition.response.steps.map(\.name)
    for (field, _) in times where kinds[field] != .times && kinds[field] != .timesAhead {
      let known = policy.fields.declared.filter { $0.kind == .times || $0.kind == .timesAhead }.map(\.name)
      throw Failure(
        .usage, "--set-time: '\(field)' is no time field of the policy" + Suggestion.sentence(for: field, among: known))
    }
    var unreadable: (count: Int, place: String)?
    try eachRow(kinds) { row, place in
      if arm(row) == "holdout" { return set.skip(.holdout) }
      guard var label = try label(row, steps, policy, place) else { return set.skip(.outcome) }
      guard label.channel >= 0 else { return set.skip(.channel) }
      label.weight *= Self.bounded(try number(row, options.weight, place) ?? 1)
      let moment = try moment(row, place)
      label.at = options.asOfField == nil ? nil : moment
      let texts = LoggedTexts(userID: [0x30], row: [], candidate: candidate(row, times), known: [])
      let isRead = rescorer.score(texts, asOf: moment) { set.add($0, label) }
      if !isRead {
        set.skip(.unreadable)
        unreadable = ((unreadable?.count ?? 0) + 1, unreadable?.place ?? place())
      }
    }
    set.stabiliseWeights()
    return set
  }

  /// The row without its user_id, which says nothing, and with the times it lacks.
  private func candidate(_ row: JSONValue, _ times: [(field: String, time: String)]) -> [UInt8] {
    var out = ByteWriter()
    out.write("{\"user_id\":\"\"")
    for (field, time) in times where row.at(path: field) == nil {
      out.put(0x2C)
      out.writeQuoted(field)
      out.put(0x3A)
      out.writeQuoted(time)
    }
    for member in row.members where member.name != "user_id" {
      out.put(0x2C)
      out.writeQuoted(member.name)
      out.put(0x3A)
      out.write(member.value.json)
    }
    out.put(0x7D)
    return out.array
  }

  private func label(
    _ row: JSONValue, _ steps: [String], _ policy: Policy, _ place: () -> String
  ) throws -> TrainingLabel? {
    var channel = 0
    if let field = options.channel {
      let name = value(row, field).flatMap(AdaptedSource.key) ?? ""
      channel = policy.channels.firstIndex { ExactText($0.name) == ExactText(name) } ?? -1
    }
    var label = TrainingLabel(channel: channel, outcome: false, hash: Self.hash(row))
    switch outcome(row, options.outcome, counts: options.outcomeIs) {
    case .none: return nil
    case .came(let came): label.outcome = came
    case .word(let word):
      label.hasClicked = true
      if ExactText(word) == ExactText("click") || ExactText(word) == ExactText("delivered") {
        label.hasClicked = ExactText(word) == ExactText("click")
        label.steps = 0
      } else if let step = steps.firstIndex(where: { ExactText($0) == ExactText(word) }), step < 64 {
        label.steps = 1 << UInt64(step)
      } else {
        throw Failure(
          .usage,
          "\(place()): '\(word)' for '\(options.outcome)' is neither yes nor no, nor a step of the policy"
            + Suggestion.sentence(for: word, among: steps) + "; or name what counts with --outcome-is '\(word)'")
      }
    }
    if let field = options.default {
      switch outcome(row, field, counts: []) {
      case .came(let bad): label.isBad = bad
      case .none: break
      case .word(let word):
        throw Failure(.usage, "\(place()): '\(word)' for '\(field)' is neither yes nor no")
      }
    }
    label.amount = try number(row, options.amount, place)
    if let propensity = try number(row, options.propensity, place) {
      guard propensity > 0, propensity <= 1 else {
        throw Failure(.usage, "\(place()): a propensity is above 0 and at most 1, and \(propensity) is not")
      }
      label.weight = Self.bounded(1 / propensity)
    }
    return label
  }

  private func moment(_ row: JSONValue, _ place: () -> String) throws -> Int64 {
    guard let field = options.asOfField else { return now }
    guard let value = value(row, field) else {
      throw Failure(.usage, "\(place()): this row has no '\(field)' (--as-of)")
    }
    if let seconds = value.whole { return Self.bounded(Int64(seconds)) }
    guard let text = value.text, let moment = Moment.parse(text) ?? Int64(text) else {
      throw Failure(.usage, "\(place()): '\(field)' (--as-of) is no RFC 3339 time with an offset")
    }
    return Self.bounded(moment)
  }

  private static func bounded(_ moment: Int64) -> Int64 { min(max(moment, Moment.first), Moment.last) }

  /// Sums of weights stay within a double.
  private static func bounded(_ weight: Double) -> Double { min(max(weight, 0), 1e12) }

  /// FNV-1a with a last mix over the row's values, however they are spelled: the same row goes the same way, wherever it
  /// stands and whatever a policy declares of it.
  static func hash(_ row: JSONValue) -> UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    mix(row, &hash)
    hash = (hash ^ (hash >> 32)) &* 0xd6e8_feb8_6659_fd93
    return hash ^ (hash >> 32)
  }

  private static func mix(_ value: JSONValue, _ hash: inout UInt64) {
    func add(_ text: String) {
      // A CSV's TRUE is a flag's true.
      for byte in text.utf8 {
        hash = (hash ^ UInt64((0x41...0x5A).contains(byte) ? byte | 0x20 : byte)) &* 0x100_0000_01b3
      }
      hash = (hash ^ 0x1F) &* 0x100_0000_01b3
    }
    switch value {
    case .null: break
    case .boolean(let flag): add(flag ? "true" : "false")
    case .number(let text), .text(let text): add(text)
    case .list(let items): for item in items { mix(item, &hash) }
    case .object(let members): for member in members { mix(member.value, &hash) }
    }
  }
}
