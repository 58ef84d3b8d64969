import ArgumentParser
import Foundation
import RouseClient
import RouseWire

struct Bench: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "How much load does a server bear, and how fast is it?",
    discussion: """
      Sends 'score' as fast as it is answered, and tells requests a second, latency, and errors by their code. \
      It changes nothing on the server; it takes all of it, so do not aim it at one that others need.

        rouse bench --profile home/client.yaml                                    one at a time, made-up candidates
        rouse bench --profile home/client.yaml --in-flight 64 borrowers.ndjson    one connection, 64 sent ahead
        rouse bench --profile home/client.yaml --connections 8 --batch 100 borrowers.ndjson
        rouse bench --profile home/client.yaml --handshakes full --server-pid $(pidof rouse-server)
        rouse bench --profile home/client.yaml --idle 500 --server-pid $(pidof rouse-server)

      Latency runs from the write of a request to the read of its answer. With requests sent ahead it holds the time \
      behind those before it, so look at it with --in-flight 1, and at requests a second with 64. The requests are made \
      before the clock starts and checked by their ids as they are answered. The line 'this client' tells how much of a \
      processor the load itself took: near 100 % of a thread, it is this client that is measured; give it more \
      --threads, or another machine.

      --handshakes makes connections, one after another: connect, shake hands, ping, goodbye. Without --cert, or a \
      profile that has one, the server has no certificate of ours to check, and it costs less.
      """)

  @Argument(
    help: "Candidates, JSON lines, or - for standard input; without it, made up for the fields of the server's policy.",
    completion: .file())
  var file: String?

  @Option(help: ArgumentHelp("Candidates a request.", valueName: "count"))
  var batch = 1

  @Option(help: ArgumentHelp("Requests under way on each connection.", valueName: "count"))
  var inFlight = 1

  @Option(help: ArgumentHelp("Connections.", valueName: "count"))
  var connections = 1

  @Option(help: ArgumentHelp("Threads of this client that look after the connections.", valueName: "count"))
  var threads = 1

  @Option(help: ArgumentHelp("Measure for so long; by default 10.", valueName: "seconds"))
  var seconds: Double?

  @Option(help: ArgumentHelp("Measure so many requests, however long it takes.", valueName: "count"))
  var requests: Int?

  @Option(help: ArgumentHelp("Run so long before measuring.", valueName: "seconds"))
  var warmUp = 1.0

  @Flag(help: "Ask for the whole calculation of each decision.")
  var explain = false

  @Option(help: ArgumentHelp("Make connections instead: full or resumed.", valueName: "kind"))
  var handshakes: HandshakeLoad.Kind?

  @Option(
    help: ArgumentHelp("Open so many connections instead, and hold them for --seconds.", valueName: "count"))
  var idle: Int?

  @Option(
    help: ArgumentHelp("The server's process on this machine, to tell what it uses.", valueName: "process"))
  var serverPID: Int?

  @Flag(help: "The result as one line of JSON.")
  var json = false

  @OptionGroup(title: "Input") var moment: MomentOptions
  @OptionGroup(title: "With a server") var connection: ConnectionOptions

  func validate() throws {
    for (name, value, most) in [
      ("--batch", batch, 1_000_000), ("--in-flight", inFlight, 1_000_000), ("--connections", connections, 100_000),
      ("--threads", threads, 1024), ("--requests", requests ?? 1, Int.max), ("--idle", idle ?? 1, 100_000),
      ("--server-pid", serverPID ?? 1, Int(Int32.max)),
    ] where !(1...most).contains(value) {
      throw ValidationError("\(name) is a whole number from 1 to \(most)")
    }
    guard (0...86_400).contains(warmUp) else { throw ValidationError("--warm-up is 0 to 86400 seconds") }
    guard (0.01...86_400).contains(seconds ?? 1) else { throw ValidationError("--seconds is 0.01 to 86400") }
    if seconds != nil, requests != nil { throw ValidationError("--seconds and --requests exclude each other") }
    if handshakes != nil, idle != nil { throw ValidationError("--handshakes and --idle exclude each other") }
    guard handshakes != nil || idle != nil else { return }
    let mode = handshakes != nil ? "--handshakes" : "--idle"
    if let option = [
      ("a file", file != nil), ("--batch", batch != 1), ("--in-flight", inFlight != 1),
      ("--connections", connections != 1), ("--threads", threads != 1), ("--explain", explain),
      ("--as-of", moment.asOf != nil), ("--policy-version", moment.policyVersion != nil),
      ("--requests", idle != nil && requests != nil),
    ].first(where: \.1)?.0 {
      throw ValidationError("\(option) has no meaning with \(mode)")
    }
  }

  func run() async throws {
    let client = try connection.client()
    if let serverPID, ProcessUse(of: serverPID) == nil {
      throw Failure(.usage, "there is no process \(serverPID) on this machine, or it may not be looked at")
    }
    if let idle { return try hold(client, idle) }
    let report: BenchReport
    if let handshakes {
      report = BenchReport(
        try HandshakeLoad(kind: handshakes, warmUp: warmUp, length: length, server: serverPID).run(client),
        of: "\(handshakes) handshakes", unit: "connections")
    } else {
      let candidates = try await candidates(client)
      let load = ScoreLoad(
        inFlight: inFlight, connections: connections, threads: threads, warmUp: warmUp, length: length,
        server: serverPID)
      let requests = LoadRequests(candidates, batch: min(batch, candidates.count), settings: settings)
      report = BenchReport(try load.run(client, requests), of: title(candidates.count), unit: "requests")
    }
    try StandardOutput().write(json ? report.json + "\n" : report.text)
    if report.hasErrors { throw Failure(.server, "") }
  }

  private var length: LoadLength { requests.map(LoadLength.requests) ?? .seconds(seconds ?? 10) }

  private var settings: RequestLine {
    var settings = RequestLine("score")
    moment.set(on: &settings)
    if explain { settings.set("explain", json: "true") }
    return settings
  }

  private func title(_ candidates: Int) -> String {
    let source = file == nil ? "made-up candidates" : "candidates"
    return "score: \(grouped(candidates)) \(source), \(batch) a request, \(inFlight) under way on "
      + (connections == 1 ? "one connection" : "each of \(connections) connections")
  }

  private func candidates(_ client: Client) async throws -> [[UInt8]] {
    guard let file else {
      return BenchCandidates.madeUp(for: try await Service(client: client).kinds(), now: moment.now)
    }
    return try BenchCandidates.read(file)
  }

  private func hold(_ client: Client, _ idle: Int) throws {
    try IdleLoad(connections: idle, server: serverPID).run(client) { bytes in
      if json {
        let members = ["\"connections\":\(idle)"] + (bytes.map { ["\"server_bytes\":\($0)"] } ?? [])
        try StandardOutput().write("{\(members.joined(separator: ","))}\n")
      } else {
        try StandardOutput().write(
          "\(grouped(idle)) connections are open"
            + (bytes.map { ", and each has taken \(grouped($0)) bytes of the server's memory" } ?? "") + "\n")
      }
      Thread.sleep(forTimeInterval: seconds ?? 10)
    }
  }
}

extension HandshakeLoad.Kind: ExpressibleByArgument {}
