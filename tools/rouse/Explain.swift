import ArgumentParser
import Foundation
import RouseClient
import RouseWire

struct Explain: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Show the whole calculation for one user.",
    discussion: """
      Finds the user in a file of candidates, decides, and writes the calculation down: the facts, the stage, the \
      rules, the risk card, the channels, the money, and what would change the answer: another fact, or time alone.

        rouse explain u05 candidates.ndjson --policy policy.yaml
        rouse explain u05 customers.csv --profile home/client.yaml
        rouse explain u05 candidates.ndjson --policy policy.yaml --json
        rouse explain u05 --plan P17 --profile home/client.yaml

      With --plan it is the decision of a committed plan: by the candidate as it was, the contacts that the ledger knew of \
      then, the moment, and the policy that was live.

      This is the user alone; whether the limits of a plan leave room is for 'rank' to say.
      """)

  @Argument(help: "The user_id.")
  var user: String

  @Argument(help: "Candidates; - for standard input.", completion: .file())
  var file: String?

  @Option(help: .init("In place of a file: as it was decided in this plan of the server's.", valueName: "plan"))
  var plan: String?

  @Flag(help: "The explanation as JSON.")
  var json = false

  @OptionGroup(title: "Input") var input: InputOptions
  @OptionGroup(title: "With a server") var connection: ConnectionOptions
  @OptionGroup(title: "Without a server") var offline: OfflineOptions

  func validate() throws {
    guard (file == nil) != (plan == nil) else {
      throw ValidationError("Give a file of candidates, or --plan with the id of a plan, as 'rouse plans' lists it.")
    }
    guard plan != nil else { return }
    if offline.policy != nil {
      throw ValidationError("--plan is of a server's ledger; leave --policy out: the plan's own is taken.")
    }
    if input.moment.asOf != nil || input.moment.policyVersion != nil {
      throw ValidationError("A plan has its own moment and policy; leave --as-of and --policy-version out.")
    }
  }

  func run() async throws {
    if let plan { return try await explain(plan) }
    let file = file ?? "-"
    let engine = try Engine(connection, offline, input)
    let source = try await input.source(file, kinds: await engine.kinds())
    guard let line = try Self.find(user, in: source) else {
      throw Failure(
        .usage, "\(file == "-" ? "standard input" : file) has no candidate with the user_id '\(harmless(user))'")
    }
    let row: [UInt8]
    switch engine {
    case .filter(let filter):
      var out = ByteWriter()
      var totals = Totals()
      _ = filter.worker([.explain, .validUntil]).score(line.withUnsafeBytes { Block($0) }, into: &out, totals: &totals)
      row = Array(out.array.dropLast())
    case .service(let service):
      var request = RequestLine("score")
      input.moment.set(on: &request)
      request.set("explain", json: "true")
      request.set("valid_until", json: "true")
      request.set("users", json: "[\(String(decoding: line, as: UTF8.self))]")
      let reply = try await service.client.withConnection { [request] in try await $0.request(request.line) }
      row = Array((reply.value["results"]?.items.first?.json ?? "{}").utf8)
    }
    guard let value = JSONValue(row) else { throw Failure(.server, "the explanation cannot be read") }
    if json {
      try StandardOutput().write(line: row)
    } else {
      try StandardOutput().write(Explanation(value).text)
    }
    if value["status"]?.text == "invalid" { throw Failure(.invalidInput, "") }
  }

  /// As it was decided in a plan, computed again from what the ledger kept of it.
  private func explain(_ plan: String) async throws {
    var line = RequestLine("review")
    line.set("do", text: "replay")
    line.set("plan_id", text: plan)
    line.set("user_id", text: user)
    let replay = try await connection.client().answer(line, "replay")
    guard let told = replay["user"] else {
      throw Failure(
        .invalidInput, "the text of \(word(replay["policy"])) is not kept, so nothing of the plan can be explained")
    }
    guard let decision = told["decision"], !decision.isNull else {
      throw Failure(.invalidInput, "what was kept of the user cannot be read any more")
    }
    if json { return try StandardOutput().write(told.json + "\n") }
    let rank = told["rank"]?.whole ?? 0
    let place =
      rank > 0 ? "rank \(grouped(rank)), by \(word(told["channel"]))" : "held out, else by \(word(told["channel"]))"
    try StandardOutput().write(
      titled([
        ("Plan", "\(word(replay["plan_id"])) of \(word(replay["made"])), \(place)"),
        ("Policy", "\(word(replay["policy"])), as of \(word(replay["as_of"]))"),
        (
          "Replay",
          told["equal"]?.boolean == true
            ? "comes out as it was answered" : "differs from what was answered: rouse replay"
        ),
      ]) + "\n" + Explanation(decision).text)
  }

  /// The first line of that user.
  private static func find(_ user: String, in source: any CandidateSource) throws -> [UInt8]? {
    let needle = Data(user.utf8)
    while let block = try source.next()?.block {
      // Most blocks neither hold the text nor spell it with escapes.
      let bytes = Data(block.bytes)
      guard bytes.contains(0x5C) || bytes.range(of: needle) != nil else { continue }
      for line in block.bytes.split(separator: 0x0A) {
        guard line.contains(0x5C) || Data(line).range(of: needle) != nil, let value = JSONValue(line),
          value.userID?.utf8.elementsEqual(user.utf8) == true
        else { continue }
        return Array(line)
      }
    }
    return nil
  }
}
