import ArgumentParser
import RouseClient
import RouseCore
import RouseWire

struct Load: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Put candidates into a server's standing audience, or take them out.",
    discussion: """
      Reads candidates (JSON lines, or CSV), as 'rank' does, and the server keeps them, through restarts too. One that is \
      there already is replaced; {"user_id":"u1","gone":true} takes one out. Then 'rouse rank --audience TRUE' needs no \
      input.

        rouse load --profile home/client.yaml borrowers.ndjson
        zcat day-*.ndjson.gz | rouse load --profile home/client.yaml

      What the answer counts is on the server's disk. If it breaks off, part may be loaded; load it all again.

      Exit code 0: done. 1: done, but some lines were no candidates; the first is named.
      """)

  @Argument(help: "Candidates; standard input without it, or for -.", completion: .file())
  var files: [String] = []

  @Flag(help: "The input is CSV, whatever its name.")
  var csv = false

  @OptionGroup(title: "Rows of another make") var adaptation: InputAdaptation
  @OptionGroup(title: "Output") var output: OutputOptions
  @OptionGroup(title: "With a server") var connection: ConnectionOptions

  func validate() throws {
    // Each file's rows are numbered from 1.
    if adaptation.numberRows, files.count > 1 { throw ValidationError("--number-rows takes one file") }
  }

  func run() async throws {
    let client = try connection.client()
    var kinds: [String: FieldKind] = [:]
    if csv || files.contains(where: { InputOptions.isCSV($0, false) }) {
      kinds = try await Service(client: client).kinds()
    }
    let source = try InputFiles(
      files, of: .candidate,
      open: { input, path in
        guard InputOptions.isCSV(path, csv) else { return adaptation.adapt(LineSource(input)) }
        return adaptation.adapt(
          try CSVSource(
            input, kinds: kinds.merging(["gone": .flags]) { $1 }, needsUserID: !adaptation.givesUserID,
            utcOffset: adaptation.timeSuffix))
      })
    let progress = Progress(.candidate, sharesTerminal: false)
    let reply = try await client.stream(RequestLine("load"), source, progress) { _ in }
    let place = reply.value["first_invalid"]?.whole.map(source.places.place)
    if output.isTable {
      try StandardOutput().write(Self.summary(reply.value, place))
    } else {
      let added = place.map { ",\"first_invalid_at\":\(JSONText.quoted($0))}" } ?? "}"
      try StandardOutput().write(line: reply.line.dropLast() + Array(added.utf8))
    }
    if reply.value["invalid"]?.whole ?? 0 > 0 { throw Failure(.invalidInput, "") }
  }

  private static func summary(_ reply: JSONValue, _ place: String?) -> String {
    func count(_ name: String) -> Int { reply[name]?.whole ?? 0 }
    var lines = [("Loaded", Subject.candidate.count(count("loaded")))]
    if count("removed") > 0 { lines.append(("Removed", "\(grouped(count("removed"))), that were said to be gone")) }
    if count("gone") > 0 { lines.append(("Gone", "\(grouped(count("gone"))), erased for good, and not loaded")) }
    if count("invalid") > 0 {
      lines.append(
        ("Invalid", grouped(count("invalid")) + (place.map { ", the first one at \(harmless($0))" } ?? "")))
    }
    return titled(lines + [("Audience", "\(Subject.candidate.count(count("audience"))) now")])
  }
}
