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

      A limit that is not given is the policy's; 'none' lifts it.
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
  @OptionGroup(title: "With a server") var connection: ConnectionOptions
  @OptionGroup(title: "Without a server") var offline: OfflineOptions

  func run() async throws {
    let engine = try Engine(connection, offline, input)
    let source = try await input.source(file, kinds: await engine.kinds())
    let sink: any RowSink = output.isTable ? TableSink(.rank(all: rows == .all)) : LineSink()
    let progress = Progress(sharesTerminal: false)
    let invalid: Int
    switch engine {
    case .filter(let filter):
      invalid = try filter.rank(
        source, rows: rows == .all ? .all : .contacts, limits: try limits.limits(filter.scorer.policy), to: sink,
        progress
      ).invalid
    case .service(let service):
      var request = RequestLine("rank")
      input.set(on: &request)
      limits.set(on: &request)
      if rows == .all { request.set("rows", text: "all") }
      invalid = try await service.stream(request, source, totals: "plan", to: sink, progress)
    }
    if invalid > 0 { throw Failure(.invalidInput, "") }
  }
}
