import ArgumentParser
import Foundation
import RouseClient
import RouseCore
import RousePolicy
import RouseReview
import RouseWire

struct PolicyCompare: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "What a policy would change: who comes in, who goes out, and what that costs and brings.",
    discussion: """
        rouse policy compare new.yaml old.yaml --on candidates.ndjson
        rouse policy compare new.yaml --on candidates.csv --profile home/client.yaml
        rouse policy compare new.yaml --on audience --profile home/client.yaml
        rouse policy compare new.yaml cash-loan-recall@3f9c2a71d0e4 \\
            --on 'audience:tier = "3m"' --profile home/client.yaml
        rouse policy compare policy.yaml policy.yaml --set plan.budget=12.5 \\
            --on candidates.ndjson --json
        rouse policy compare new.yaml --on audience \\
            --profile home/client.yaml --html change.html

      Both policies decide on the same candidates, and a plan is made under each: by its own limits, or by those that are \
      given, which then hold for both. Nothing is sent to anybody, and nothing is kept.

      OLD is a file, a version that the server keeps (rouse policy history), or 'live', which it is by default. With \
      --on FILE the work is done in this process, and OLD's text is fetched if it is not a file: only what the candidates \
      themselves carry counts then, and not the contacts and opt-outs that a server's ledger knows. With --on audience the \
      server compares on its own candidates, and all that its ledger knows counts, as in 'rouse rank --audience'; \
      audience:CONDITION takes those for whom the condition holds.

      On a terminal the answer is sentences and tables; in a pipe, or with --json, one JSON object (proto-spec/compare.md).

      \(PageOptions.help)
      """)

  @Argument(
    help: ArgumentHelp("The policy that may come; YAML, or JSON by its name.", valueName: "new"),
    completion: .file(extensions: ["yaml", "yml", "json"]))
  var file: String

  @Argument(
    help: ArgumentHelp("What it is compared with: a file, NAME@HEX, or live.", valueName: "old"),
    completion: .file(extensions: ["yaml", "yml", "json"]))
  var old = "live"

  @Option(
    help: ArgumentHelp(
      "The candidates: a file, - for standard input, or audience, or audience:CONDITION.", valueName: "candidates"),
    completion: .file())
  var on: String

  @OptionGroup(title: "Limits") var limits: LimitOptions

  @Flag(help: "The input is CSV, whatever its name.")
  var csv = false

  @OptionGroup(title: "Rows of another make") var adaptation: InputAdaptation

  @Option(
    help: ArgumentHelp(
      "The moment to decide for, such as 2026-03-01T10:00:00+08:00; by default, now.", valueName: "time"))
  var asOf: String?

  @Option(
    help: ArgumentHelp(
      "Change a value of the new policy before it is checked; repeatable. The value is JSON: --set plan.budget=12.5.",
      valueName: "path=json"))
  var set: [String] = []

  @Flag(help: "Decide without the server's ledger: what if it knew of no contact, no opt-out and no plan?")
  var noLedger = false

  @Option(help: ArgumentHelp("Threads with --on FILE; all cores by default.", valueName: "count"))
  var threads: Int?

  @OptionGroup(title: "Output") var output: OutputOptions
  @OptionGroup(title: "Output") var page: PageOptions
  @OptionGroup(title: "With a server") var connection: ConnectionOptions

  func validate() throws {
    if let asOf, Moment.parse(asOf) == nil {
      throw ValidationError(
        "'\(asOf)' for --as-of is no RFC 3339 time with an offset, such as 2026-03-01T10:00:00+08:00")
    }
    if let threads, !(1...1024).contains(threads) { throw ValidationError("--threads is between 1 and 1024") }
    if audience != nil {
      if !set.isEmpty {
        throw ValidationError(
          "--set changes the new policy in this process; it goes with --on FILE, not with the audience")
      }
      if csv || threads != nil {
        throw ValidationError("\(csv ? "--csv" : "--threads") goes with --on FILE, not with the audience")
      }
      if oldSource == .file {
        throw ValidationError(
          "the server compares its audience with 'live' or a version that it keeps, and \(old) is a file; give --on FILE, or a "
            + "version of 'rouse policy history'")
      }
    } else if noLedger {
      throw ValidationError("--no-ledger goes with --on audience; with --on FILE no ledger is asked anyway")
    }
  }

  /// The condition; nil: the candidates are in a file.
  private var audience: String? {
    if on == "audience" { return "TRUE" }
    return on.hasPrefix("audience:") ? String(on.dropFirst("audience:".count)) : nil
  }

  private enum OldSource { case live, version, file }

  private var oldSource: OldSource {
    if old == "live" { return .live }
    return old.contains("@") && !FileManager.default.fileExists(atPath: old) ? .version : .file
  }

  func run() async throws {
    let target = try page.file()
    let json: [UInt8]
    if let audience {
      json = try await askServer(audience)
    } else {
      json = try await compareHere()
    }
    guard target != nil || output.isTable else { return try StandardOutput().write(line: json) }
    guard let comparison = JSONValue(json) else { throw ClientError.garbled("the comparison cannot be read") }
    try target?.commit(page: CompareReport(comparison).html)
    guard output.isTable else { return try StandardOutput().write(line: json) }
    try StandardOutput().write(ComparisonReport(comparison).text)
  }

  // MARK: - Here

  private func compareHere() async throws -> [UInt8] {
    let new = try PolicyFile(file, set: set).policy
    let old = try await oldPolicy()
    let now = asOf.flatMap(Moment.parse) ?? Int64(time(nil))
    let comparison = Comparison(
      old: ComparedPolicy(old, now: now, limits: try limits.limits(old)),
      new: ComparedPolicy(new, now: now, limits: try limits.limits(new)))
    var kinds: [String: FieldKind] = [:]
    for field in old.fields.declared + new.fields.declared { kinds[field.name] = field.kind }
    let input = try FileInput(on)
    let source: any CandidateSource =
      InputOptions.isCSV(on, csv)
      ? try CSVSource(
        input, kinds: kinds, needsUserID: !adaptation.givesUserID, utcOffset: adaptation.timeSuffix) : LineSource(input)
    let result = try Comparer(comparison, threads: threads ?? max(1, ProcessInfo.processInfo.activeProcessorCount))
      .compare(adaptation.adapt(source), Progress(sharesTerminal: false))
    return result.json()
  }

  private func oldPolicy() async throws -> Policy {
    if oldSource == .file {
      if connection.isGiven {
        throw Failure(
          .usage, "with two files nothing is asked of a server; leave --server and --profile out, or \(old)")
      }
      return try PolicyFile(old, set: []).policy
    }
    let client: Client
    do {
      client = try connection.client()
    } catch let failure as Failure where !connection.isGiven {
      throw Failure(
        failure.code,
        "the old policy is the live one of a server, and no server is named: give --profile client.yaml, or name OLD.yaml "
          + "after \(file)")
    }
    var line = RequestLine("policy")
    line.set("do", text: "show")
    if oldSource == .version { line.set("policy", text: old) }
    let request = line
    let reply = try await client.withConnection { try await $0.request(request.line) }
    guard let text = reply.value["text"]?.text, let name = reply.value["policy"]?.text else {
      throw ClientError.garbled("the server's answer has no policy; is it a newer version?")
    }
    let bytes = Array(text.utf8)
    let format: Document.Format = reply.value["format"]?.text == "json" ? .json : .yaml
    do throws(PolicyDiagnostics) {
      return Policy(try PolicyReader.read(bytes, format: format), bytes: bytes)
    } catch {
      throw Failure(
        .usage,
        "the server's policy cannot be used by this client; is the server of another version?\n"
          + error.all.map { $0.line(file: harmless(name)) }.joined(separator: "\n"))
    }
  }

  // MARK: - At the server

  private func askServer(_ audience: String) async throws -> [UInt8] {
    let bytes = try FileInput.contents(of: file)
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw Failure(.usage, "\(file): a policy is UTF-8 text, and this is not; save it as UTF-8")
    }
    var line = RequestLine("policy")
    line.set("do", text: "compare")
    line.set("as_of", text: asOf)
    if oldSource == .version { line.set("against", text: old) }
    limits.set(on: &line)
    line.set("audience", text: audience)
    if noLedger { line.set("ledger", json: "false") }
    line.set("format", text: Document.Format(fileName: file) == .json ? "json" : "yaml")
    line.set("text", text: text)
    let request = line
    let file = file
    let reply = try await Failure.ofPolicy(file) {
      try await connection.client().withConnection { try await $0.request(request.line) }
    }
    guard let comparison = reply.value["comparison"] else {
      throw ClientError.garbled("the server's answer has no comparison; is it of another version?")
    }
    return Array(comparison.json.utf8)
  }
}
