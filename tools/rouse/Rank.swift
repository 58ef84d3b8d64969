import ArgumentParser
import RouseClient
import RouseWire

struct Rank: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Make the contact list: whom to contact, in order, within limits.",
    discussion: """
      Reads candidates (JSON lines, or CSV) and answers the contacts, best first, then the plan's totals: what it \
      costs, what it is worth, which limit binds, and who was left out. On a terminal that is a table; in a pipe it is \
      JSON lines, the last one {"plan":…}.

        rouse rank --profile home/client.yaml candidates.ndjson
        rouse rank --policy policy.yaml --budget 500 --capacity call=50 --capacity sms=none < candidates.ndjson
        rouse rank --policy policy.yaml --rows all --as-of 2026-03-01T10:00:00+08:00 candidates.csv
        rouse rank --policy policy.yaml --set plan.budget=12.5 --limit 100 --json candidates.ndjson | head -1
        rouse rank --profile home/client.yaml --audience "dormant_days >= 30" --commit --plan-key march-1 --campaign march
        rouse rank --profile home/client.yaml --audience TRUE --out march.csv

      A limit that is not given is the policy's; 'none' lifts it.

      A server that keeps a ledger has candidates of its own ('rouse load'), and --audience ranks those. With --commit it keeps \
      the plan: its users are taken for some days, so that a second campaign does not get them too, and 'rouse record' lays \
      what comes of it against it.

      \(ExportOptions.help)
      """)

  enum Rows: String, ExpressibleByArgument, CaseIterable {
    case contacts, all
  }

  @Argument(help: "Candidates; standard input without it, or for -.", completion: .file())
  var file: String?

  @OptionGroup(title: "Limits") var limits: LimitOptions
  @OptionGroup(title: "Input") var input: InputOptions

  @Option(help: "The contacts in rank order, or all candidates in input order.")
  var rows = Rows.contacts

  @OptionGroup(title: "Output") var output: OutputOptions
  @OptionGroup(title: "The server's ledger") var ledger: LedgerOptions
  @OptionGroup(title: "The server's ledger") var commitment: CommitOptions
  @OptionGroup(title: "Export") var export: ExportOptions
  @OptionGroup(title: "With a server") var connection: ConnectionOptions
  @OptionGroup(title: "Without a server") var offline: OfflineOptions

  func validate() throws {
    if rows == .all, commitment.commit {
      throw ValidationError("--commit keeps the contacts; it goes without --rows all")
    }
    if rows == .all, export.hash != nil {
      throw ValidationError(
        "--hash is for the contacts alone, not for those who must not be contacted; leave --rows all out")
    }
  }

  func run() async throws {
    let engine = try Engine(connection, offline, input)
    try ledger.check(file: file, engine)
    let summary: any RowSink = output.isTable ? TableSink(.rank(all: rows == .all)) : LineSink()
    let progress = Progress(sharesTerminal: false)
    let list: ContactList?
    let lookup: FieldLookup?
    var invalid: Int
    switch engine {
    case .filter(let filter):
      if commitment.commit {
        throw Failure(.usage, "--commit is for a server's ledger; without a server there is none")
      }
      let source = try await input.source(file, kinds: await engine.kinds())
      lookup = try export.lookup(input: file, isCSV: input.csv)
      list = try export.list(then: summary)
      invalid = try filter.rank(
        source, rows: rows == .all ? .all : .contacts, limits: try limits.limits(filter.scorer.policy),
        to: list ?? summary, progress
      ).invalid
    case .service(let service):
      let source = ledger.audience == nil ? try await input.source(file, kinds: await engine.kinds()) : nil
      lookup = try export.lookup(
        input: file, isCSV: input.csv, client: ledger.audience == nil ? nil : service.client)
      list = try export.list(then: summary)
      var request = RequestLine("rank")
      input.moment.set(on: &request)
      limits.set(on: &request)
      ledger.set(on: &request)
      commitment.set(on: &request)
      if rows == .all { request.set("rows", text: "all") }
      invalid = try await service.answer(request, source, totals: "plan", to: list ?? summary, progress)
    }
    if let list { invalid += try await list.complete(lookup) }
    if invalid > 0 { throw Failure(.invalidInput, "") }
  }
}
