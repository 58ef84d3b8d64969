import ArgumentParser
import RouseClient

struct Score: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Decide for each candidate alone: one row each, in input order.",
    discussion: """
      Reads candidates (JSON lines, or CSV) and answers each: its status and why, its risk, its best channel and what a \
      contact would bring. No limits here: that is 'rank'. On a terminal that is a table; in a pipe it is JSON lines, \
      the last one {"summary":…}. Rows come while candidates still go, so it stands in a pipe of any length.

        rouse score --profile home/client.yaml candidates.ndjson
        rouse score --policy policy.yaml --as-of 2026-03-01T10:00:00+08:00 < candidates.ndjson > scores.ndjson
        rouse score --policy policy.yaml --table customers.csv
        rouse score --policy policy.yaml --valid-until candidates.ndjson
        rouse score --profile home/client.yaml --audience "credit_limit > 5000"

      An answer that is kept can be asked for its end: with --valid-until each row says from when on its status, stage, \
      tier, points or best channel will be another though nothing happens, or null.
      """)

  @Argument(help: "Candidates; standard input without it, or for -.", completion: .file())
  var file: String?

  @Flag(help: "Add to each row from when on time alone will change the answer.")
  var validUntil = false

  @OptionGroup(title: "Input") var input: InputOptions
  @OptionGroup(title: "Output") var output: OutputOptions
  @OptionGroup(title: "The server's ledger") var ledger: LedgerOptions
  @OptionGroup(title: "With a server") var connection: ConnectionOptions
  @OptionGroup(title: "Without a server") var offline: OfflineOptions

  func run() async throws {
    let engine = try Engine(connection, offline, input)
    try ledger.check(file: file, engine)
    let sink: any RowSink = output.isTable ? TableSink(.score(validUntil: validUntil)) : LineSink()
    let progress = Progress(sharesTerminal: true)
    let invalid: Int
    switch engine {
    case .filter(let filter):
      let source = try await input.source(file, kinds: await engine.kinds())
      invalid = try filter.score(source, extras: validUntil ? .validUntil : [], to: sink, progress).invalid
    case .service(let service):
      let source = ledger.audience == nil ? try await input.source(file, kinds: await engine.kinds()) : nil
      var request = RequestLine("score")
      input.moment.set(on: &request)
      ledger.set(on: &request)
      if validUntil { request.set("valid_until", json: "true") }
      invalid = try await service.answer(request, source, totals: "summary", to: sink, progress)
    }
    if invalid > 0 { throw Failure(.invalidInput, "") }
  }
}
