import Foundation
import RouseWire
import TestData
import Testing

@testable import RouseServer

struct MetricsTests {
  @Test func quantilesAreRightToAnEighth() {
    let histogram = Histogram()
    for micros in 1...10_000 { histogram.recordNanoseconds(Int64(micros) * 1000) }
    let snapshot = histogram.snapshot
    #expect(snapshot.count == 10_000)
    for (share, exact) in [(0.5, 5e-3), (0.9, 9e-3), (0.99, 9.9e-3), (1, 10e-3)] {
      let found = snapshot.quantile(share) ?? 0
      #expect(found >= exact * 0.999 && found <= exact * 1.126, "\(share): \(found)")
    }
    #expect(abs(snapshot.sum - 50.005) < 1e-6)
    #expect(snapshot.greatest == 0.01)
  }

  @Test func whatIsOutsideCountsAtTheEnds() {
    let histogram = Histogram()
    for nanoseconds in [Int64.min, -1, 0, 999, .max] { histogram.recordNanoseconds(nanoseconds) }
    let snapshot = histogram.snapshot
    #expect(snapshot.count == 5)
    #expect(snapshot.doublings.first?.count == 4)
    #expect(snapshot.doublings.last?.count == 4)
    #expect(Histogram().snapshot.quantile(0.5) == nil)
  }

  /// Each bound's bucket holds what lies below it.
  @Test func boundsAreThoseOfTheBuckets() {
    for doubling in 0..<24 {
      let histogram = Histogram()
      histogram.recordNanoseconds(Int64(1000 << doubling) - 1)
      histogram.recordNanoseconds(Int64(1000 << doubling))
      #expect(histogram.snapshot.doublings.first { $0.le == 1e-6 * Double(1 << doubling) }?.count == 1, "\(doubling)")
    }
  }

  @Test func labelsAreEscaped() {
    let registry = MetricRegistry()
    registry.describe("x_total", "What it is.")
    registry.makeCounter(label: "x_total", dimensions: [("name", "a\"b\\c\nd"), ("other", "é")]).increment(by: 3)
    registry.makeCounter(label: "x_total", dimensions: [("name", "a\"b\\c\nd"), ("other", "é")]).increment(by: 4)
    var out = ByteWriter()
    registry.write(into: &out)
    #expect(
      String(decoding: out.bytes, as: UTF8.self)
        == "# HELP x_total What it is.\n# TYPE x_total counter\nx_total{name=\"a\\\"b\\\\c\\nd\",other=\"é\"} 7\n")
  }

  /// The real server, asked over TLS and over HTTP: what was sent is what was counted.
  @Test func aServerTellsWhatItHasDone() throws {
    let server = try ServerProcess(configure: { $0 + "\nmetrics: 127.0.0.1:0\n" })
    let profile = [
      "--profile", server.home.appending(path: "client.yaml").path, "--server", "127.0.0.1:\(server.port)",
    ]
    let candidates = (0..<40).map { #"{"user_id":"u\#($0)","registered_at":"2026-02-01T08:00:00Z","sms_ok":true}"# }
    let lines = Array((candidates.joined(separator: "\n") + "\n{\n").utf8)
    let scored = try ServerProcess.run("rouse", ["score", "--as-of", Vectors.asOf, "--json"] + profile, input: lines)
    #expect(scored.code == 1)
    let ranked = try ServerProcess.run(
      "rouse", ["rank", "--as-of", Vectors.asOf, "--limit", "5", "--json"] + profile, input: lines)
    let contacts = String(decoding: ranked.output, as: UTF8.self).components(separatedBy: "\"rank\":").count - 1
    let refused = try ServerProcess.run("rouse", ["plan", "P1"] + profile)
    #expect(refused.code != 0)

    let answer = try ServerProcess.run("rouse", ["stats", "--json"] + profile)
    let schemas = try JSONSchema.specification.get()
    #expect(schemas.fault(try JSONNode(answer.output.filter { $0 != 0x0A }), "reply.stats.schema.json") == nil)
    let stats = try #require(JSONValue(answer.output.filter { $0 != 0x0A }))
    #expect(stats["ready"]?.boolean == true)
    #expect(stats["requests"]?["score"]?["ok"]?.whole == 1)
    #expect(stats["requests"]?["rank"]?["ok"]?.whole == 1)
    #expect(stats["requests"]?["plan"]?["failed"]?["not_found"]?.whole == 1)
    #expect(stats["identities"]?["operator"]?["failed"]?.whole == 1)
    for operation in ["score", "rank"] {
      let statuses = stats["candidates"]?[operation]?.members ?? []
      #expect(statuses.reduce(0) { $0 + ($1.value.whole ?? 0) } == 41)
      #expect(stats["candidates"]?[operation]?["invalid"]?.whole == 1)
    }
    #expect((stats["contacts"]?.items ?? []).reduce(0) { $0 + ($1["count"]?.whole ?? 0) } == contacts)
    #expect(contacts > 0)
    let page = try ServerProcess.run("rouse", ["stats", "--once", "--table"] + profile)
    #expect(page.code == 0)
    #expect(String(decoding: page.output, as: UTF8.self).contains("candidates"))

    let port = try #require(server.logText.firstMatch(of: /plain HTTP.* address=127\.0\.0\.1:([0-9]+)/)?.1)
    func get(_ path: String) throws -> (code: Int, text: String) {
      let reply = try Self.ask(Int(port) ?? 0, "GET \(path) HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
      let body = reply.firstRange(of: "\r\n\r\n").map { String(reply[$0.upperBound...]) } ?? ""
      return (Int(reply.split(separator: " ").dropFirst().first ?? "") ?? 0, body)
    }
    #expect(try get("/healthz") == (200, "ok\n"))
    #expect(try get("/readyz") == (200, "{\"ready\":true,\"findings\":[]}\n"))
    #expect(try get("/").code == 404)
    let metrics = try get("/metrics").text
    #expect(metrics.contains("rouse_requests_total{op=\"score\",code=\"ok\"} 1\n"))
    #expect(metrics.contains("rouse_candidates_total{op=\"rank\",status=\"invalid\"} 1\n"))
    for line in metrics.split(separator: "\n") where !line.hasPrefix("#") {
      #expect(line.contains(/^[a-z_]+(\{.*\})? [0-9.eE+-]+$/), "\(line)")
    }
    let post = try Self.ask(
      Int(port) ?? 0, "POST /metrics HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
    #expect(post.hasPrefix("HTTP/1.1 405 "))
    #expect(try Self.ask(Int(port) ?? 0, "\u{0}\r\n\r\n").hasPrefix("HTTP/1.1 400 "))
    #expect(server.isRunning)
  }

  /// What others do is for an `admin` to see; anybody else learns of its own requests only.
  @Test func statsTellsOfOthersOnlyToAnAdmin() throws {
    let server = try ServerProcess()
    let operatorProfile = server.home.appending(path: "client.yaml").path
    let token = try ServerProcess.run(
      "rouse-server",
      ["token", "add", "nightly", "--roles", "score", "--config", server.home.appending(path: "server.yaml").path])
    let file = server.home.appending(path: "token")
    try Data(token.output).write(to: file)
    server.signal(SIGHUP)
    let flags = [
      "--server", "127.0.0.1:\(server.port)", "--ca", server.home.appending(path: "tls/ca.pem").path, "--token-file",
      file.path,
    ]
    func identities(_ flags: [String]) throws -> [String] {
      let ended = try ServerProcess.run("rouse", ["stats", "--json"] + flags)
      return (JSONValue(ended.output.filter { $0 != 0x0A })?["identities"]?.members ?? []).map(\.name)
    }
    // The reload takes a moment.
    try eventually { try ServerProcess.run("rouse", ["info"] + flags).code == 0 }
    #expect(try identities(["--profile", operatorProfile, "--server", "127.0.0.1:\(server.port)"]).contains("nightly"))
    #expect(try identities(flags) == ["nightly"])
    #expect(
      try identities(["--profile", operatorProfile, "--server", "127.0.0.1:\(server.port)"]) == ["nightly", "operator"])
  }

  /// Sends some bytes, and reads to the end.
  private static func ask(_ port: Int, _ request: String) throws -> String {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(UInt16(clamping: port)).bigEndian
    address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
    let isConnected = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
      }
    }
    try #require(isConnected)
    let bytes = Array(request.utf8)
    try #require(send(descriptor, bytes, bytes.count, 0) == bytes.count)
    var reply: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while case let count = recv(descriptor, &chunk, chunk.count, 0), count > 0 { reply += chunk[..<count] }
    return String(decoding: reply, as: UTF8.self)
  }
}
