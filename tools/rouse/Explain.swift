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

      This is the user alone; whether the limits of a plan leave room is for 'rank' to say.
      """)

  @Argument(help: "The user_id.")
  var user: String

  @Argument(help: "Candidates; - for standard input.", completion: .file())
  var file: String

  @Flag(help: "The explanation as JSON.")
  var json = false

  @OptionGroup(title: "Input") var input: InputOptions
  @OptionGroup(title: "With a server") var connection: ConnectionOptions
  @OptionGroup(title: "Without a server") var offline: OfflineOptions

  func run() async throws {
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
