import Foundation
import RouseTLS
import TestData
import Testing

/// Somebody who owns nothing on this machine but what a test gives.
private let stranger: UInt32 = 65_434

/// Why no test can run the server as another user here; nil: it can.
private let whyAlone: Comment? = {
  guard geteuid() == 0 else { return "only root can run the server as another user" }
  let command = ServerProcess.changingUser(to: stranger)
  guard FileManager.default.isExecutableFile(atPath: command[0]) else {
    return "\(command[0]) of util-linux is not installed"
  }
  let server = ServerProcess.binaries.appending(path: "rouse-server").path
  let ended = try? ServerProcess.run(URL(filePath: command[0]), command.dropFirst() + [server, "--version"])
  return ended?.code == 0 ? nil : "another user may not run \(server), or what it is linked with"
}()

/// The daemon as its operator and its peers meet it.
@Suite(.ownThreads) struct DaemonTests {
  @Test func initMakesAHomeOnce() throws {
    let folder = try ServerProcess.temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let home = folder.appending(path: "a/b").path
    #expect(try ServerProcess.run("rouse-server", ["init", home]).code == 0)
    for key in ["server.key", "client.key"] {
      let mode = try FileManager.default.attributesOfItem(atPath: home + "/tls/" + key)[.posixPermissions] as? Int
      #expect(mode == 0o600)
    }
    let before = try Data(contentsOf: URL(filePath: home + "/tls/server.key"))
    let again = try ServerProcess.run("rouse-server", ["init", home])
    #expect(again.code == 2)
    #expect(again.error.split(separator: "\n").count == 1)
    #expect(try Data(contentsOf: URL(filePath: home + "/tls/server.key")) == before)
    #expect(try ServerProcess.run("rouse-server", ["check", "--config", home + "/server.yaml"]).code == 0)
  }

  /// A server needs no privilege: what only root may ask of a socket it must not ask for.
  @Test(.disabled(if: whyAlone != nil, whyAlone)) func anyUserMayRunIt() async throws {
    let server = try ServerProcess(user: stranger)
    let status = try String(contentsOfFile: "/proc/\(server.identifier)/status", encoding: .utf8)
    #expect(status.contains("\nUid:\t\(stranger)\t\(stranger)\t"))
    let peer = try await server.connect(first: "{\"op\":\"ping\",\"id\":1}\n")
    #expect(try await peer.replies(1) == [#"{"id":1,"ok":true}"#], "\(server.logText)")
    await peer.close()
    server.signal(SIGTERM)
    #expect(server.exitCode() == 0)
  }

  /// The home's policy is the shipped example.
  @Test func homePolicyIsTheExample() throws {
    let server = try ServerProcess()
    let example = Vectors.folder.deletingLastPathComponent().appending(path: "examples/cash-loan-recall.yaml")
    #expect(try Data(contentsOf: server.home.appending(path: "policy.yaml")) == Data(contentsOf: example))
  }

  static let mistakes: [(String, String, String)] = [
    ("listen: 127.0.0.1:7411", "lisen: 127.0.0.1:7411", "unknown_key"),
    ("listen: 127.0.0.1:7411", "listen: 127.0.0.1", "HOST:PORT"),
    ("listen: 127.0.0.1:7411", "listen: 127.0.0.1:7411\nlisten: 127.0.0.1:1", "duplicate"),
    ("policy: policy.yaml", "policy: nowhere.yaml", "nowhere.yaml"),
    ("policy: policy.yaml", "policy: tls", "folder"),
    ("certificate: tls/server.pem", "certificate: tls/none.pem", "none.pem"),
    ("certificate: tls/server.pem", "certificate: server.yaml", "server.yaml"),
    ("key: tls/server.key", "key: tls/client.key", "match"),
    ("minimum_version: \"1.3\"", "minimum_version: \"1.1\"", "1.3"),
    ("roles: [score, record, tune, admin]", "roles: [scorer]", "score"),
    ("line_bytes: 1048576", "line_bytes: 10", "range"),
    ("tls:\n", "tls: {\n", "syntax"),
  ]

  @Test(arguments: mistakes) func mistakesAreClear(_ line: String, _ wrong: String, _ word: String) throws {
    let folder = try ServerProcess.temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let home = folder.appending(path: "home").path
    _ = try ServerProcess.run("rouse-server", ["init", home])
    let text = try String(contentsOfFile: home + "/server.yaml", encoding: .utf8)
    #expect(text.contains(line))
    try text.replacingOccurrences(of: line, with: wrong).write(
      toFile: home + "/server.yaml", atomically: true, encoding: .utf8)
    for command in [["check"], ["run", "--listen", "127.0.0.1:0"]] {
      let done = try ServerProcess.run("rouse-server", command + ["--config", home + "/server.yaml"])
      #expect(done.code == 2)
      #expect(done.error.split(separator: "\n").count == 1, "\(done.error)")
      #expect(done.error.contains(word), "\(done.error)")
    }
  }

  @Test func usageIsExitTwo() throws {
    for arguments in [["run"], ["bogus"], ["run", "--config"], ["run", "--config", "x", "--bogus"]] {
      #expect(try ServerProcess.run("rouse-server", arguments).code == 2)
    }
    #expect(try ServerProcess.run("rouse-server", ["--help"]).code == 0)
    #expect(try ServerProcess.run("rouse-server", ["--version"]).code == 0)
    #expect(try ServerProcess.run("rouse-server", ["run", "--config", "/nowhere.yaml"]).code == 2)
  }

  @Test func badPolicyNeverStarts() throws {
    let bytes = Array(
      try Vectors.text("policy.yaml").replacingOccurrences(of: "margin: 0.12", with: "margn: 0.12").utf8)
    do {
      _ = try ServerProcess(policy: ("bad.yaml", bytes))
      Issue.record("it started")
    } catch let failed as ServerProcess.Failed {
      #expect(failed.description.contains("bad.yaml:"))
      #expect(failed.description.contains("did you mean 'margin'"))
    }
  }

  @Test func portInUse() throws {
    let first = try ServerProcess()
    let other = try ServerProcess()
    other.signal(SIGTERM)
    _ = other.exitCode()
    let done = try ServerProcess.run(
      "rouse-server",
      ["run", "--config", other.home.appending(path: "server.yaml").path, "--listen", "127.0.0.1:\(first.port)"])
    #expect(done.code == 2)
    #expect(done.error.split(separator: "\n").count == 1, "\(done.error)")
    #expect(done.error.contains("in use"))
  }

  /// Two servers must not keep one ledger.
  @Test func ledgerInUse() throws {
    let first = try ServerProcess()
    let done = try ServerProcess.run(
      "rouse-server", ["run", "--config", first.home.appending(path: "server.yaml").path, "--listen", "127.0.0.1:0"])
    #expect(done.code == 2)
    #expect(done.error.split(separator: "\n").count == 1, "\(done.error)")
    #expect(done.error.contains("ledger.sqlite: another server has this ledger"))
  }

  @Test(arguments: [SIGTERM, SIGINT]) func stopsGracefully(_ signal: Int32) async throws {
    let server = try ServerProcess()
    let peer = try await server.connect()
    try await peer.send("{\"op\":\"ping\"}\n")
    _ = try await peer.replies(1)
    server.signal(signal)
    #expect(try await peer.read() == "{\"event\":\"goodbye\",\"reason\":\"draining\"}\n")
    #expect(server.exitCode() == 0)
  }

  @Test func finishesAStreamWhileStopping() async throws {
    let server = try ServerProcess()
    let peer = try await server.connect()
    try await peer.send("{\"op\":\"score\",\"stream\":true,\"as_of\":\"2026-03-01T02:00:00Z\"}\n")
    try await peer.send(try Vectors.bytes("examples/candidates.ndjson"))
    try await Task.sleep(for: .milliseconds(200))
    server.signal(SIGTERM)
    try await Task.sleep(for: .milliseconds(200))
    try await peer.send("{\"op\":\"end\"}\n")
    let text = try await peer.read()
    #expect(text.split(separator: "\n").count == 16)
    #expect(text.hasSuffix("{\"event\":\"goodbye\",\"reason\":\"draining\"}\n"))
    #expect(server.exitCode() == 0)
  }

  /// Silent streams and peers that do not read are given drain_seconds in all, not each.
  @Test func stopsInTime() async throws {
    let server = try ServerProcess(configure: {
      $0.replacingOccurrences(of: "drain_seconds: 10", with: "drain_seconds: 3")
    })
    var peers: [Peer] = []
    for _ in 0..<3 {
      let peer = try await server.connect(first: "{\"op\":\"score\",\"id\":1,\"stream\":true}\n{\"user_id\":\"a\"}\n")
      peers.append(peer)
      _ = try await peer.read(until: "I02")
    }
    let began = ContinuousClock.now
    server.signal(SIGTERM)
    for peer in peers {
      #expect(try await peer.read().contains(#"{"id":1,"ok":false,"error":{"code":"shutting_down""#))
    }
    #expect(server.exitCode() == 0)
    // Three seconds are asked for; ten each would be thirty.
    #expect(ContinuousClock.now - began < .seconds(20))
  }

  @Test func withoutACertificateOnlyPing() async throws {
    let server = try ServerProcess()
    let peer = try await server.connect(withCertificate: false)
    try await peer.send("{\"op\":\"ping\"}\n{\"op\":\"info\"}\n")
    let lines = try await peer.replies(2)
    #expect(lines.first == "{\"ok\":true}")
    #expect(lines.last?.contains("unauthenticated") == true)
    await peer.close()
  }

  /// Bytes that are no TLS, and handshakes that stop: the server closes and goes on.
  @Test func strangers() async throws {
    let server = try ServerProcess(configure: {
      $0.replacingOccurrences(of: "handshake_seconds: 5", with: "handshake_seconds: 1")
    })
    for bytes in [
      Array("GET / HTTP/1.1\r\nHost: x\r\n\r\n".utf8), Array("{\"op\":\"ping\"}\n".utf8), [0x16, 0x03, 0x01, 0xFF],
      [UInt8](repeating: 0, count: 100_000), [0x16],
    ] {
      let socket = try PlainSocket(port: server.port)
      socket.send(bytes)
      #expect(socket.closes(within: 5))
    }
    let peer = try await server.connect()
    try await peer.send("{\"op\":\"ping\"}\n")
    #expect(try await peer.replies(1) == ["{\"ok\":true}"])
    await peer.close()
    #expect(server.isRunning)
  }

  @Test func timeLimits() async throws {
    let server = try ServerProcess(configure: {
      $0.replacingOccurrences(of: "partial_line_seconds: 30", with: "partial_line_seconds: 2")
        .replacingOccurrences(of: "idle_seconds: 300", with: "idle_seconds: 3")
    })
    let partial = try await server.connect(first: "{\"op\":")
    #expect(try await partial.read().contains("incomplete_line"))
    let idle = try await server.connect(first: "{\"op\":\"ping\"}\n")
    #expect(try await idle.read().contains("idle_timeout"))
  }

  @Test func tooManyConnections() async throws {
    let server = try ServerProcess(configure: {
      $0.replacingOccurrences(of: "connections: 1024", with: "connections: 2")
    })
    let first = try await server.connect()
    let second = try await server.connect()
    for peer in [first, second] {
      try await peer.send("{\"op\":\"ping\"}\n")
      _ = try await peer.replies(1)
    }
    let third = try await server.connect()
    #expect(try await third.read().contains("overloaded"))
    await first.close()
    await second.close()
  }

  /// A connection that is closed with megabytes still to be encrypted sends them all first.
  @Test func aCloseWaitsForWhatCameBefore() async throws {
    let server = try ServerProcess()
    let peer = try await server.connect()
    let one = try #require(try Vectors.text("examples/candidates.ndjson").split(separator: "\n").first)
    async let text = peer.read()
    try await peer.send("{\"op\":\"score\",\"stream\":true,\"explain\":true,\"as_of\":\"2026-03-01T02:00:00Z\"}\n")
    try await peer.send(String(repeating: one + "\n", count: 600))
    try await peer.send(String(repeating: "x", count: (1 << 20) + 10) + "\n")
    let lines = try await text.split(separator: "\n")
    #expect(lines.count == 601)
    #expect(lines.last?.contains("line_too_long") == true)
  }

  /// A client that sends ahead and does not read is held back, and gets every answer when it does.
  @Test func slowReader() async throws {
    let server = try ServerProcess()
    let peer = try await server.connect()
    let candidates = try Vectors.bytes("golden/candidates.ndjson")
    async let lines = peer.replies(20)
    var request = Array("{\"op\":\"score\",\"stream\":true,\"as_of\":\"2026-03-01T02:00:00Z\"}\n".utf8) + candidates
    request += Array("{\"op\":\"end\"}\n".utf8)
    for _ in 0..<20 { try await peer.send(request) }
    #expect(try await lines.count == 20 * 1999)
    await peer.close()
  }
}

/// A TCP socket without TLS.
private final class PlainSocket {
  private let descriptor: Int32

  init(port: Int) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(UInt16(port)).bigEndian
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    let size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let code = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, size) }
    }
    guard code == 0 else { throw ServerProcess.Failed(description: "cannot connect") }
  }

  deinit { close(descriptor) }

  func send(_ bytes: [UInt8]) { _ = Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) }

  func closes(within seconds: Int) -> Bool {
    var limit = timeval(tv_sec: seconds, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = recv(descriptor, &buffer, buffer.count, 0)
      if count == 0 { return true }
      if count < 0 { return errno == ECONNRESET }
    }
  }
}
