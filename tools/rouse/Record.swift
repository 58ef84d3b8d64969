import ArgumentParser
import RouseClient
import RouseWire

struct Record: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Tell a server's ledger what happened: contacts, and what came of them.",
    discussion: """
      Reads events, JSON objects a line:

        {"key":"m1","user_id":"u1","kind":"contact","at":1772330400,"channel":"sms"}

      or CSV with these names as its header: \(EventKeys.columns.joined(separator: ", ")). A key, a user_id, a kind and a \
      time each has; kinds are contact (with its channel), delivered, click, login, disbursed, repaid, defaulted, quit, \
      complaint, opt_out, opt_in, and the steps of the policy's funnels. A time is RFC 3339 with an offset, or seconds \
      since 1970.

        rouse record --profile home/client.yaml events.ndjson
        rouse record --profile home/client.yaml --keys-from sent-2026-03-01 sent-2026-03-01.csv

      What is answered is on the server's disk. An event counts once by its key, however often it is sent: after a failure \
      send the whole file again. Events without keys are refused; --keys-from makes NAME:LINE of the line that an event \
      stands on, so such a file may grow at its end, but not change.

      Each refused event is shown with its line and one of these: \
      \(EventReport.order.map { "\($0) (\(EventReport.meanings[$0] ?? ""))" }.joined(separator: "; ")).

      Exit code 0: all are recorded, now or before. 1: some were refused, and the others are recorded.
      """)

  @Argument(help: "Events; standard input without it, or for -.", completion: .file())
  var files: [String] = []

  @Flag(help: "The input is CSV, whatever its name.")
  var csv = false

  @Option(
    help: ArgumentHelp("Give events that have no key the key NAME:LINE; for one file at a time.", valueName: "name"))
  var keysFrom: String?

  @Flag(help: "The server's answer to each event, as JSON lines, and then its totals.")
  var json = false

  @OptionGroup(title: "With a server") var connection: ConnectionOptions

  func validate() throws {
    if keysFrom != nil, files.count > 1 {
      throw ValidationError("--keys-from names events after their lines; record one file at a time with it")
    }
    if keysFrom?.isEmpty == true { throw ValidationError("--keys-from needs a name, such as that of the file") }
  }

  func run() async throws {
    let client = try connection.client()
    let keys = EventKeys(prefix: keysFrom)
    let source = try InputFiles(
      files, of: .event,
      open: { input, path in
        guard InputOptions.isCSV(path, csv) else { return LineSource(input) }
        return try CSVSource(input, kinds: EventKeys.kinds, known: EventKeys.columns)
      }, edit: keys.write)
    let report = EventReport(source.places, json: json)
    let progress = Progress(.event, sharesTerminal: json)
    do {
      let reply = try await client.stream(RequestLine("record"), source, progress) { try report.rows($0) }
      try report.finish(reply)
    } catch {
      throw report.failure(error)
    }
    if report.refused > 0 { throw Failure(.invalidInput, "") }
  }
}
