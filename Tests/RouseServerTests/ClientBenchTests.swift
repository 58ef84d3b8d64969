import Foundation
import RouseWire
import TestData
import Testing

/// `rouse bench` as its users run it: what it counts is what was done, and what is no answer is never counted for one.
@Suite struct ClientBenchTests {
  private static let examples = Vectors.folder.appending(path: "examples/candidates.ndjson").path

  private static func bench(_ flags: [String], _ arguments: [String], input: String = "") throws -> ClientRun {
    try ClientRun(["bench", "--warm-up", "0"] + flags + arguments, input: input)
  }

  /// The JSON that a run printed.
  private static func report(_ run: ClientRun) throws -> JSONValue {
    try #require(JSONValue(Array(run.output.utf8.dropLast())), "\(run.output)\(run.error)")
  }

  @Test(
    arguments: [[], ["--in-flight", "7"], ["--in-flight", "5", "--connections", "3", "--threads", "2"]])
  func countsWhatWasAsked(_ arguments: [String]) throws {
    let server = try ServerProcess()
    let run = try Self.bench(
      ["--profile", try server.profile()],
      ["--requests", "500", "--json", "--as-of", Vectors.asOf, Self.examples] + arguments)
    #expect(run.code == 0 && run.error.isEmpty, "\(run.error)")
    let report = try Self.report(run)
    #expect(report["count"]?.whole == 500)
    #expect(report["users"]?.whole == 500)
    #expect(report["errors"]?.members.isEmpty == true)
    let latencies = report["latency_us"]?.members.compactMap(\.value.number) ?? []
    #expect(latencies.count == 5 && latencies == latencies.sorted() && latencies[0] > 1)
    #expect((report["per_second"]?.number ?? 0) > 1)
  }

  /// A last request that holds fewer candidates counts for as many as it holds.
  @Test func batches() throws {
    let server = try ServerProcess()
    let lines = (0..<10).map { "{\"user_id\":\"u\($0)\"}\n" }.joined()
    let run = try Self.bench(
      ["--profile", try server.profile()], ["--batch", "4", "--requests", "6", "--json", "-"], input: lines)
    let report = try Self.report(run)
    #expect(report["count"]?.whole == 6)
    #expect(report["users"]?.whole == 20)
  }

  @Test func withoutAFile() throws {
    let server = try ServerProcess()
    let run = try Self.bench(["--profile", try server.profile()], ["--seconds", "0.2"])
    #expect(run.code == 0, "\(run.error)")
    #expect(
      run.output.hasPrefix("measured     score: 1,000 made-up candidates, 1 a request, 1 under way"), "\(run.output)")
    #expect(run.output.contains("\nrequests/s   ") && run.output.contains("\nthis client  "))
    #expect(!run.output.contains("\nerrors"))
    // What is made up is well-formed: the server finds nothing of the wrong type.
    let sent = Capture()
    let fields = #"{"ok":true,"fields":[{"name":"a.b","kind":"texts"},{"name":"n","kind":"numbers"}]}"#
    let standIn = try StandIn { line in
      if line.contains("fields") { return fields }
      sent.add(line)
      return "{\"id\":\(sent.count - 1),\"ok\":true,\"results\":[]}"
    }
    _ = try Self.bench(standIn.flags, ["--requests", "20"])
    #expect(sent.count == 20)
    for line in sent.lines {
      let user = try #require(JSONValue(Array(line.utf8))?["users"]?.items.first)
      #expect(user["user_id"]?.text?.hasPrefix("bench-") == true)
      #expect(user.members.allSatisfy { ["user_id", "a.b", "n"].contains($0.name) })
    }
    #expect(sent.lines.contains { $0.contains("\"a.b\":\"") && $0.contains("\"n\":") })
  }

  private final class Capture: @unchecked Sendable {
    private let lock = NSLock()
    private var all: [String] = []
    var lines: [String] { lock.withLock { all } }
    var count: Int { lines.count }
    func add(_ line: String) { lock.withLock { all.append(line) } }
  }

  @Test func errorsAreCountedByCode() throws {
    let server = try ServerProcess()
    let input = "{\"user_id\":\"a\"}\n{\"user_id\":\n"
    for inFlight in ["1", "3"] {
      let run = try Self.bench(
        ["--profile", try server.profile()], ["--requests", "10", "--in-flight", inFlight, "--json", "-"], input: input)
      #expect(run.code == 3)
      let report = try Self.report(run)
      #expect(report["errors"]?["bad_json"]?.whole == 5)
      #expect(report["count"]?.whole == 10 && report["users"]?.whole == 5)
    }
  }

  @Test(
    arguments: [
      // Answers that are exchanged, or come twice, or to what was not asked.
      ("{\"id\":7,\"ok\":true,\"results\":[]}", "answers request 7, and it is the turn of 0"),
      ("{\"id\":0,\"ok\":true,\"results\":[]}\n{\"id\":0,\"ok\":true,\"results\":[]}", "it is the turn of 1"),
      ("{\"user_id\":\"a\",\"status\":\"active\"}", "sends a row that nobody asked for"),
      ("HTTP/1.1 400 Bad Request", "sends what is no answer"),
      ("{\"event\":\"goodbye\",\"reason\":\"draining\"}", "is being stopped"),
      ("{\"ok\":false,\"error\":{\"code\":\"idle_timeout\",\"message\":\"nothing came\"}}", "idle_timeout"),
    ])
  func whatIsNoAnswer(_ answer: String, _ message: String) throws {
    let server = try StandIn { _ in answer }
    for inFlight in ["1", "3"] {
      let run = try Self.bench(
        server.flags, ["--requests", "5", "--in-flight", inFlight, Self.examples])
      #expect(run.code == 4 || run.code == 3)
      #expect(run.output.isEmpty && run.error.contains(message), "\(run.error)")
    }
  }

  /// An event that is not known is passed over, and the order of an answer's members is the server's affair.
  @Test(
    arguments: [
      "{\"event\":\"weather\"}\n{\"id\":0,\"ok\":true,\"results\":[]}", "{\"ok\":true,\"results\":[],\"id\":0}",
      "{\"id\":0,\"ok\":true}",
    ])
  func whatIsAnAnswer(_ answer: String) throws {
    let server = try StandIn { _ in answer }
    let report = try Self.report(
      try Self.bench(server.flags, ["--requests", "1", "--json", Self.examples]))
    #expect(report["count"]?.whole == 1 && report["errors"]?.members.isEmpty == true)
  }

  @Test(arguments: ["full", "resumed"]) func handshakes(_ kind: String) throws {
    let server = try ServerProcess()
    let run = try Self.bench(["--profile", try server.profile()], ["--handshakes", kind, "--requests", "9", "--json"])
    let report = try Self.report(run)
    #expect(report["count"]?.whole == 9)
    // A handshake of the other kind would be an error.
    #expect(report["errors"]?.members.isEmpty == true && run.code == 0, "\(run.output)")
  }

  @Test func idleConnections() throws {
    let server = try ServerProcess()
    let run = try Self.bench(
      ["--profile", try server.profile()], ["--idle", "20", "--seconds", "0.1", "--server-pid", "\(server.identifier)"])
    #expect(run.code == 0, "\(run.error)")
    #expect(run.output.hasPrefix("20 connections are open, and each has taken "))
    #expect(run.output.hasSuffix(" bytes of the server's memory\n"))
  }

  @Test func theServersProcess() throws {
    let server = try ServerProcess()
    let flags = ["--profile", try server.profile(), "--seconds", "0.3", "--in-flight", "16", Self.examples]
    let report = try Self.report(try Self.bench(flags, ["--server-pid", "\(server.identifier)", "--json"]))
    #expect((report["server_cpu_seconds"]?.number ?? 0) > 0)
    let nobody = try Self.bench(flags, ["--server-pid", "\(Int32.max)"])
    #expect(nobody.code == 2 && nobody.error.contains("there is no process"))
  }

  @Test func aToken() throws {
    let server = try StandIn { line in
      line.contains("auth") ? "{\"ok\":true}" : "{\"id\":0,\"ok\":true,\"results\":[]}"
    }
    let token = try server.write("the-token", "token")
    let run = try Self.bench(server.flags, ["--token-file", token, "--requests", "1", Self.examples])
    #expect(run.code == 0, "\(run.error)")
    #expect(server.lines.first?.contains("\"token\":\"the-token\"") == true)
    let refusing = try StandIn { _ in "{\"ok\":false,\"error\":{\"code\":\"unauthenticated\",\"message\":\"no\"}}" }
    let refused = try Self.bench(refusing.flags, ["--token-file", token, "--requests", "1", Self.examples])
    #expect(refused.code == 3 && refused.error.contains("refuses our token"), "\(refused.error)")
  }

  @Test func noServer() throws {
    let run = try Self.bench(["--server", "127.0.0.1:1"], [Self.examples])
    #expect(run.code == 4 && run.error.contains("cannot connect to 127.0.0.1:1"), "\(run.error)")
    // Somebody's certificate, of an authority that is not trusted.
    let (one, other) = (try ServerProcess(), try ServerProcess())
    let strange = try Self.bench(
      ["--server", "127.0.0.1:\(one.port)", "--ca", other.tls("ca.pem")], ["--requests", "1", Self.examples])
    #expect(strange.code == 4 && strange.error.contains("not trusted"), "\(strange.error)")
  }

  @Test(
    arguments: [
      (["--batch", "0"], "--batch"), (["--in-flight", "0"], "--in-flight"), (["--connections", "0"], "--connections"),
      (["--threads", "0"], "--threads"), (["--requests", "0"], "--requests"), (["--seconds", "0"], "--seconds"),
      (["--seconds", "nan"], "--seconds"), (["--warm-up", "-1"], "--warm-up"), (["--idle", "0"], "--idle"),
      (["--requests", "1", "--seconds", "1"], "exclude each other"),
      (["--handshakes", "half"], "half"), (["--handshakes", "full", "--idle", "1"], "exclude each other"),
      (["--handshakes", "full", "x.ndjson"], "a file has no meaning with --handshakes"),
      (["--idle", "1", "--batch", "2"], "--batch has no meaning with --idle"),
      (["--server-pid", "0"], "--server-pid"), (["/nowhere/x.ndjson"], "cannot read /nowhere/x.ndjson"),
    ])
  func wrongArguments(_ arguments: [String], _ message: String) throws {
    let run = try ClientRun(["bench", "--server", "127.0.0.1:1"] + arguments)
    #expect(run.code == 2 && run.error.contains(message), "\(run.error)")
  }

  @Test func emptyFile() throws {
    let run = try Self.bench(["--server", "127.0.0.1:1"], ["-"], input: "\n  \n")
    #expect(run.code == 2 && run.error.contains("there is no candidate in standard input"), "\(run.error)")
  }
}
