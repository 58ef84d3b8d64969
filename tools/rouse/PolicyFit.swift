import ArgumentParser
import RouseClient
import RouseCore
import RousePolicy
import RouseReview
import RouseWire

struct PolicyFitCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fit",
    abstract: "Rewrite a policy's rates and points from outcomes.",
    discussion: """
        rouse policy fit policy.yaml --from contacts.ndjson \\
            --outcome disbursed --default bad --out new.yaml
        rouse policy fit policy.yaml --from ledger --profile home/client.yaml \\
            --out new.yaml --holdout-report
        rouse policy fit --start bank.csv --outcome y \\
            --contact-cost 5 --value-per-outcome 100 --out policy.yaml
        rouse policy fit --bins balance --from bank.csv --outcome y

      The new file is the old one, comments and layout and all, but for the numbers that outcomes speak against: each has \
      the old one, how many rows and how many outcomes it rests on in a comment at the end of its line. A number is changed \
      only where at least 30 outcomes stand behind it, and is drawn towards what it was. Look at it with 'rouse policy \
      compare' before it is live.

      With --start no policy is needed: one is cut from the file ('rouse policy start' writes it without fitting it), and \
      filled in at once. Then, for fresh rows of the same columns:

        rouse rank --policy policy.yaml --number-rows \\
            --set-time seen_at=2000-01-01T00:00:00Z fresh.csv

      Each row of the file is a candidate and the columns that are named below. Rows that are never learned from: those of \
      the arm 'holdout', and with --holdout-report the later ones, on which old and new are then compared.
      """)

  @Argument(help: "The policy, YAML.", completion: .file(extensions: ["yaml", "yml"]))
  var policy: String?

  @Option(help: ArgumentHelp("Cut a first policy from this file of rows with outcomes, and fit it.", valueName: "file"))
  var start: String?

  @Option(
    help: ArgumentHelp(
      "Propose bins for this column of --from, or for 'all', as rows to paste into a card; nothing is fitted. Repeatable.",
      valueName: "field"))
  var bins: [String] = []

  @Option(help: ArgumentHelp("Where the new policy goes.", valueName: "file"), completion: .file())
  var out: String?

  @OptionGroup(title: "Rows") var training: TrainingOptions
  @OptionGroup(title: "The fit") var options: FitOptions
  @OptionGroup(title: "A first policy") var first: StartOptions
  @OptionGroup(title: "From the ledger") var span: FitSpan
  @OptionGroup(title: "Output") var output: OutputOptions
  @OptionGroup(title: "With a server") var connection: ConnectionOptions

  func validate() throws {
    if training.from == "ledger" {
      if !training.isPlain {
        throw ValidationError(
          "--from ledger knows its own outcomes, channels and times; leave the options about columns out")
      }
    } else if span.isGiven || connection.isGiven {
      throw ValidationError("--weeks, --since, --until and a server go with --from ledger")
    }
    if !bins.isEmpty {
      guard policy == nil, start == nil, out == nil else {
        throw ValidationError("--bins prints rows and fits nothing: it goes without a policy, --start and --out")
      }
      if training.from == nil || training.from == "ledger" {
        throw ValidationError("--bins FIELD needs --from FILE, rows with outcomes")
      }
      return
    }
    if policy == nil, start == nil, training.from != "ledger" {
      throw ValidationError("give the policy to fit, or --start FILE to make one")
    }
    if policy != nil, start != nil {
      throw ValidationError("--start makes a policy; give it, or a policy, but not both")
    }
    if start != nil, training.from != nil { throw ValidationError("--start FILE is the rows too; leave --from out") }
    if start == nil, training.from == nil {
      throw ValidationError("--from FILE (or --from ledger) says what to learn from")
    }
    if out == nil { throw ValidationError("--out FILE says where the new policy goes") }
  }

  func run() async throws {
    let path = start ?? training.from ?? ""
    let file = TrainingFile(path, training)
    if !bins.isEmpty { return try proposeBins(file) }
    if training.from == "ledger" { return try await fitFromLedger() }
    var times = training.adaptation.times
    let text: PolicyText
    var notes: [String] = []
    var usual = 30
    if start != nil {
      let made = try first.make(from: file, training, leastEvents: options.leastEvents, share: options.share)
      notes = made.notes
      usual = made.leastEvents
      text = try Self.text(Array(made.text.utf8), "the first policy")
      times = StartOptions.times(text.policy, times)
    } else {
      let name = policy ?? ""
      if Document.Format(fileName: name) == .json {
        throw Failure(
          .usage,
          "\(name): fit changes numbers where they stand and comments on each, which JSON has no place for; "
            + "write the policy as YAML")
      }
      text = try Self.text(try FileInput.contents(of: name), name)
    }
    let set = try file.set(text.policy, times: times)
    let result = try options.fit(text, set, usual: usual)
    try write(result.fitted.new.bytes)
    let report = JSONValue(result.report) ?? .null
    if output.isTable {
      let seen = notes.map { "note: \(harmless($0))\n" }.joined()
      try StandardOutput().write(FitTable(report).text + seen)
    } else {
      try StandardOutput().write(line: result.report)
    }
  }

  private func fitFromLedger() async throws {
    var line = RequestLine("policy")
    line.set("do", text: "fit")
    span.set(on: &line)
    if let asOf = training.asOf { line.set("as_of", text: asOf) }
    line.set("prior_sd", json: shortest(options.priorSd))
    if let leastEvents = options.leastEvents { line.set("least_events", json: "\(leastEvents)") }
    if let share = options.share { line.set("holdout_share", json: shortest(share)) }
    if let policy {
      guard Document.Format(fileName: policy) == .yaml,
        let text = String(validating: try FileInput.contents(of: policy), as: UTF8.self)
      else { throw Failure(.usage, "\(policy): the policy to fit is YAML, as UTF-8 text") }
      line.set("text", text: text)
    }
    let request = line
    let reply = try await Failure.ofPolicy(policy ?? "policy") {
      try await connection.client().withConnection { try await $0.request(request.line) }
    }
    guard let report = reply.value["fit"], let text = reply.value["text"]?.text else {
      throw ClientError.garbled("the server's answer has no 'fit'; is it a newer version?")
    }
    try write(Array(text.utf8))
    try StandardOutput().write(output.isTable ? FitTable(report).text : report.json + "\n")
  }

  private func write(_ bytes: [UInt8]) throws {
    let file = try NewFile(out ?? "")
    try bytes.withUnsafeBytes { try file.write($0) }
    try file.commit()
  }

  private func proposeBins(_ file: TrainingFile) throws {
    let table = try file.table { _ in true }
    do throws(ReviewError) {
      let proposal = try BinProposal(
        table, fields: bins.map { $0 == "all" ? $0 : FieldNames.usable($0) }, leastEvents: options.leastEvents ?? 30,
        mostBins: first.mostBins)
      if output.json {
        try? StandardOutput().write(line: proposal.report)
      } else {
        try? StandardOutput().write(proposal.text)
      }
    } catch {
      throw Failure(.usage, error.description)
    }
  }

  static func text(_ bytes: [UInt8], _ name: String) throws -> PolicyText {
    do throws(PolicyDiagnostics) {
      return try PolicyText(yaml: bytes)
    } catch {
      throw Failure(
        .usage, "the policy cannot be used\n" + error.all.map { $0.line(file: name) }.joined(separator: "\n"))
    }
  }
}

/// What part of the ledger is learned from.
struct FitSpan: ParsableArguments {
  @Option(help: ArgumentHelp("Plans of so many weeks back; by default, 52.", valueName: "count"))
  var weeks: Int?

  @Option(help: ArgumentHelp("From then on, such as 2026-03-01T00:00:00Z.", valueName: "time"))
  var since: String?

  @Option(help: ArgumentHelp("Until then; by default, now.", valueName: "time"))
  var until: String?

  func validate() throws {
    if let weeks, !(1...260).contains(weeks) { throw ValidationError("--weeks is a number from 1 to 260") }
    if weeks != nil, since != nil { throw ValidationError("give --since or --weeks, but not both") }
    for (name, value) in [("--since", since), ("--until", until)] {
      guard let value, Moment.parse(value) == nil else { continue }
      throw ValidationError("'\(value)' for \(name) is no RFC 3339 time with its offset, such as 2026-03-01T00:00:00Z")
    }
  }

  var isGiven: Bool { weeks != nil || since != nil || until != nil }

  func set(on request: inout RequestLine) {
    if let weeks { request.set("weeks", json: String(weeks)) }
    request.set("since", text: since)
    request.set("until", text: until)
  }
}

/// How a fit goes about it.
struct FitOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "How far present points may be off, as a standard deviation in points: the smaller, the more they are kept.",
      valueName: "points"))
  var priorSd = 8.0

  @Option(
    help: ArgumentHelp(
      "Outcomes that a changed number needs behind it; by default 30, and with --start a fortieth of all, from 6 to 30.",
      valueName: "count"))
  var leastEvents: Int?

  @Flag(help: "Leave the later part of the rows out of the fit, and show old and new policy on it side by side.")
  var holdoutReport = false

  @Option(help: ArgumentHelp("The part of the rows for --holdout-report.", valueName: "share"))
  var holdoutShare = 0.3

  func validate() throws {
    if !(priorSd >= 0.1 && priorSd <= 1000) { throw ValidationError("--prior-sd is between 0.1 and 1000 points") }
    if let leastEvents, leastEvents < 1 { throw ValidationError("--least-events is at least 1") }
    if !(holdoutShare > 0 && holdoutShare < 1) { throw ValidationError("--holdout-share is between 0 and 1") }
  }

  var share: Double? { holdoutReport ? holdoutShare : nil }

  /// - Parameter usual: outcomes that a number needs where the user does not say.
  func fit(_ text: PolicyText, _ set: TrainingSet, usual: Int = 30) throws -> (fitted: FittedPolicy, report: [UInt8]) {
    var settings = FitSettings()
    settings.priorSD = priorSd
    settings.leastEvents = leastEvents ?? usual
    do throws(ReviewError) {
      let run = try FitRun(text, settings: settings, holdoutShare: share, set)
      return (run.fitted, run.report)
    } catch {
      throw Failure(.usage, error.description)
    }
  }
}

/// What a first policy is made of.
struct StartOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "What one contact costs; by default 0, and without outcomes what its channel usually costs.", valueName: "money"))
  var contactCost: Double?

  @Option(help: ArgumentHelp("What one outcome brings.", valueName: "money"))
  var valuePerOutcome = 1.0

  @Option(help: ArgumentHelp("A number column with what each row's outcome would bring.", valueName: "field"))
  var valueField: String?

  @Option(help: ArgumentHelp("Numbers in the response card, at most.", valueName: "count"))
  var mostNumbers = 60

  @Option(help: ArgumentHelp("Attributes of one characteristic, at most.", valueName: "count"))
  var mostBins = 6

  @Option(help: ArgumentHelp("Do without this column; repeatable.", valueName: "field"))
  var leaveOut: [String] = []

  @Option(
    help: ArgumentHelp(
      "Take a forbidden word (such as age) out of the guardrails, where the law allows it; repeatable.",
      valueName: "word"))
  var allow: [String] = []

  @Option(help: ArgumentHelp("The policy's name.", valueName: "name"))
  var name = "first"

  func validate() throws {
    if let contactCost, !(contactCost >= 0 && contactCost <= 1e6) {
      throw ValidationError("--contact-cost is between 0 and 1000000")
    }
    if !(valuePerOutcome >= 0 && valuePerOutcome <= 1e8) {
      throw ValidationError("--value-per-outcome is between 0 and 100000000")
    }
    if !(4...2000).contains(mostNumbers) { throw ValidationError("--most-numbers is between 4 and 2000") }
    if !(2...20).contains(mostBins) { throw ValidationError("--most-bins is between 2 and 20") }
  }

  /// - Parameter share: of the rows that the policy is to be tried on, and that it must not be cut from.
  func make(
    from file: TrainingFile, _ training: TrainingOptions, leastEvents: Int?, share: Double?
  ) throws -> StartPolicy {
    // Times decide a split only where rows have their own; those cannot be known before all are read, so the hash does.
    let limit = UInt64(((share ?? 0) * 10_000).rounded())
    let table = try file.table { share == nil || $0 % 10_000 >= limit }
    var settings = StartPolicy.Settings()
    settings.name = name
    settings.contactCost = contactCost ?? 0
    settings.valuePerOutcome = valuePerOutcome
    settings.mostNumbers = mostNumbers
    settings.mostBins = mostBins
    settings.leastEvents = leastEvents
    settings.outcome = training.outcome
    settings.now = file.now
    settings.leftOut = leaveOut + leaveOut.map(FieldNames.usable)
    if let valueField { settings.valueField = FieldNames.usable(valueField) }
    settings.forbidden = try forbidden()
    try checkLeftOut(table)
    do throws(ReviewError) {
      return try StartPolicy(table, settings)
    } catch {
      throw Failure(.usage, error.description)
    }
  }

  /// A first policy for a file without outcomes.
  func sketch(_ table: DataTable, _ file: TrainingFile, _ adaptation: InputAdaptation) throws -> SketchPolicy {
    var settings = SketchPolicy.Settings()
    settings.name = name
    settings.contactCost = contactCost
    settings.valuePerOutcome = valuePerOutcome
    settings.id = adaptation.id
    settings.utcOffset = adaptation.utcOffset
    settings.now = file.now
    settings.leftOut = leaveOut + leaveOut.map(FieldNames.usable)
    settings.forbidden = try forbidden()
    try checkLeftOut(table)
    return SketchPolicy(table, settings)
  }

  private func forbidden() throws -> [String] {
    var words = StartPolicy.Settings.usualWords
    for word in allow {
      let count = words.count
      words.removeAll { $0 == word.lowercased() }
      if words.count == count {
        throw Failure(
          .usage,
          "--allow: '\(word)' is not among the forbidden words"
            + Suggestion.sentence(for: word, among: StartPolicy.Settings.usualWords))
      }
    }
    return words
  }

  private func checkLeftOut(_ table: DataTable) throws {
    for field in leaveOut
    where !table.columns.contains(where: { $0.name == field || $0.name == FieldNames.usable(field) }) {
      throw Failure(
        .usage,
        "--leave-out: there is no column '\(field)'"
          + Suggestion.sentence(for: field, among: table.columns.map(\.name)))
    }
  }

  /// The time that a first policy counts from, where the user sets none.
  static func times(_ policy: Policy, _ given: [(field: String, time: String)]) -> [(field: String, time: String)] {
    let name = StartPolicy.setTime
    guard policy.fields.slot(named: name) != nil, !given.contains(where: { $0.field == name }) else { return given }
    return given + [(name, "2000-01-01T00:00:00Z")]
  }
}

struct PolicyStart: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "start",
    abstract: "Write a first policy for a data file, all points 0.",
    discussion: """
        rouse policy start bank.csv --outcome y \\
            --contact-cost 5 --value-per-outcome 100 --out start.yaml
        rouse policy fit start.yaml --from bank.csv --outcome y \\
            --set-time seen_at=2000-01-01T00:00:00Z --out policy.yaml

      Every column is declared by its type, the ones that tell something of the outcome are cut into a few attributes, and \
      what should not be used is left out and named. Change it by hand before it is fitted, or do both at once with \
      'rouse policy fit --start'.

      A file without an outcome is enough to begin with: its columns are declared, times tell who is quiet, columns such as \
      email_ok open channels, and every number is a guess for you to change.

        rouse policy start customers.csv --value-per-outcome 20 --out policy.yaml
        rouse rank --policy policy.yaml customers.csv
      """)

  @Argument(help: "Rows, with or without outcomes, JSON lines or CSV.", completion: .file())
  var file: String

  @Option(
    help: ArgumentHelp("Where the policy goes; without it, standard output.", valueName: "file"), completion: .file())
  var out: String?

  @OptionGroup(title: "Rows") var training: TrainingOptions
  @OptionGroup(title: "The policy") var first: StartOptions

  func run() async throws {
    let rows = TrainingFile(file, training)
    // Standard input is read once, and 'outcome' is what the option says of itself.
    if file != "-", training.outcome == "outcome", let table = try rows.columnsWithoutOutcomes() {
      let made = try first.sketch(table, rows, training.adaptation)
      try write(made.text, made.notes)
      let adaptation =
        (made.id.map { $0.lowercased() == "id" ? "" : " --id \($0)" } ?? "")
        + (made.needsTime ? " --set-time \(StartPolicy.setTime)=2000-01-01T00:00:00Z" : "")
      if let out { StandardError.write("next: rouse rank --policy \(out)\(harmless(adaptation)) \(file)\n") }
      return
    }
    let made = try first.make(from: rows, training, leastEvents: nil, share: nil)
    try write(made.text, made.notes)
  }

  private func write(_ text: String, _ notes: [String]) throws {
    guard let out else { return try StandardOutput().write(text) }
    let newFile = try NewFile(out)
    try Array(text.utf8).withUnsafeBytes { try newFile.write($0) }
    try newFile.commit()
    StandardError.write(notes.map { "note: \(harmless($0))\n" }.joined())
  }
}
