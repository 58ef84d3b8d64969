import Foundation
import RouseTLS
import TestData
import Testing

@testable import RouseServer

/// Reloads of the real daemon over TLS.
@Suite(.ownThreads) struct ReloadTests {
  /// Asks until the answer has what is waited for; its last answer else.
  private func answer(_ peer: Peer, _ request: String, _ wanted: String) async throws -> String {
    var answer = ""
    try await comesTrue {
      try await peer.send(request + "\n")
      answer = try await peer.replies(1).last ?? ""
      return answer.contains(wanted)
    }
    return answer
  }

  private func replace(_ file: URL, _ text: String) throws {
    try Data(text.utf8).write(to: file, options: .atomic)
  }

  @Test(arguments: ["file", "SIGHUP"]) func policy(_ how: String) async throws {
    let server = try ServerProcess()
    let file = server.home.appending(path: "policy.yaml")
    let text = try String(contentsOf: file, encoding: .utf8)
    let peer = try await server.connect()
    let before = try await answer(peer, #"{"op":"info"}"#, "policy")
    #expect(before.contains(#""rejected":null"#) && before.contains(#""by":"start""#))
    try replace(file, text + "# changed\n")
    if how == "SIGHUP" { server.signal(SIGHUP) }
    let after = try await answer(peer, #"{"op":"info"}"#, #""since""#)
    _ = after
    let changed = try await answer(peer, #"{"op":"policy","do":"history"}"#, #""live":false"#)
    #expect(changed.contains(#""by":"file""#) || changed.contains(#""by":"SIGHUP""#), "\(changed)")
    // A faulty one: the old one stays, and info says why.
    try replace(file, text + "surprise: 1\nname: again\n")
    let rejected = try await answer(peer, #"{"op":"info"}"#, #""rejected":{"#)
    #expect(rejected.contains(#""kind":"duplicate""#), "\(rejected)")
    let version = try #require(changed.components(separatedBy: "\"").dropFirst(5).first)
    #expect(rejected.contains("\"policy\":\"\(version)\""))
    // Put right again.
    try replace(file, text + "# changed\n")
    let mended = try await answer(peer, #"{"op":"info"}"#, #""rejected":null"#)
    #expect(mended.contains(#""rejected":null"#))
    #expect(server.logText.contains("policy refused; the old one stays"))
  }

  @Test func activate() async throws {
    let server = try ServerProcess()
    let file = server.home.appending(path: "policy.yaml")
    let text = try String(contentsOf: file, encoding: .utf8)
    let peer = try await server.connect()
    let info = try await answer(peer, #"{"op":"info"}"#, "policy")
    let version = try #require(info.firstRange(of: "cash-loan-recall@").map { info[$0.lowerBound...].prefix(29) })
    func activate(_ text: String, against: some StringProtocol) async throws -> String {
      try await peer.send(
        "{\"op\":\"policy\",\"do\":\"activate\",\"against\":\"\(against)\",\"text\":\"\(AccessTests.escaped(text))\"}\n"
      )
      return try await peer.replies(1).last ?? ""
    }
    #expect(try await activate(text + "# 1\n", against: "x@0").contains(#""code":"conflict""#))
    let faulty = try await activate(text + "more: 1\n", against: version)
    #expect(faulty.contains(#""code":"bad_request""#) && faulty.contains(#""diagnostics":[{"kind":"unknown_key""#))
    let done = try await activate(text + "# 1\n", against: version)
    #expect(done.contains("\"was\":\"\(version)\""), "\(done)")
    #expect(try String(contentsOf: file, encoding: .utf8) == text + "# 1\n")
    #expect(try await activate(text + "# 2\n", against: version).contains(#""code":"conflict""#))
    // The former one can be pinned.
    try await peer.send("{\"op\":\"score\",\"policy\":\"\(version)\",\"users\":[]}\n")
    #expect(try await peer.replies(1).last?.contains("\"policy\":\"\(version)\"") == true)
    let names = try FileManager.default.contentsOfDirectory(atPath: server.home.path)
    #expect(!names.contains { $0.contains(".new-") })
  }

  /// What a running server cannot change makes the whole change void.
  @Test func configuration() async throws {
    let server = try ServerProcess()
    let file = server.home.appending(path: "server.yaml")
    let text = try String(contentsOf: file, encoding: .utf8)
    let peer = try await server.connect()
    try replace(
      file,
      text.replacingOccurrences(of: "listen: 127.0.0.1:7411", with: "listen: 127.0.0.1:7412")
        .replacingOccurrences(of: "roles: [score, record, tune, admin]", with: "roles: [record]"))
    server.signal(SIGHUP)
    server.waitForLog("configuration refused")
    #expect(server.logText.contains("listen cannot change while the server runs"))
    #expect(try await answer(peer, #"{"op":"score","users":[]}"#, #""ok":true"#).contains(#""ok":true"#))
    // Alone it is in force at once, for this connection too.
    try replace(file, text.replacingOccurrences(of: "roles: [score, record, tune, admin]", with: "roles: [record]"))
    #expect(try await answer(peer, #"{"op":"score","users":[]}"#, "forbidden").contains("forbidden"))
    // Faults are all named, and change nothing.
    try replace(file, text.replacingOccurrences(of: "in_flight: 64", with: "in_flight: none\n  more: 1"))
    server.waitForLog("in_flight")
    #expect(server.logText.contains("limits.more"))
    #expect(try await answer(peer, #"{"op":"score","users":[]}"#, "forbidden").contains("forbidden"))
  }

  /// New connections get the new certificate, and old ones live on.
  @Test func certificates() async throws {
    let server = try ServerProcess()
    let old = try await server.connect()
    let issued = try HomeCertificates.make(now: wallClock(), days: 30)
    for (name, bytes) in [
      ("server.key", issued.serverKeyPEM), ("ca.pem", issued.caPEM), ("server.pem", issued.serverPEM),
      ("client.pem", issued.clientPEM), ("client.key", issued.clientKeyPEM),
    ] {
      try Data(bytes).write(to: server.home.appending(path: "tls/" + name), options: .atomic)
    }
    server.waitForLog("certificates reloaded")
    let new = try await server.connect()
    for peer in [old, new] {
      try await peer.send(#"{"op":"score","users":[]}"# + "\n")
      #expect(try await peer.replies(1).last?.contains(#""ok":true"#) == true)
    }
    // A key that does not fit: new connections go on as before.
    try Data(issued.clientKeyPEM).write(to: server.home.appending(path: "tls/server.key"), options: .atomic)
    server.signal(SIGHUP)
    server.waitForLog("does not match")
    #expect(server.logText.contains("does not match"))
    let third = try await server.connect()
    try await third.send("{\"op\":\"ping\"}\n")
    #expect(try await third.replies(1) == [#"{"ok":true}"#])
  }

  @Test func tokens() async throws {
    let server = try ServerProcess()
    let config = server.home.appending(path: "server.yaml").path
    let peer = try await server.connect(withCertificate: false)
    let added = try ServerProcess.run(
      "rouse-server", ["token", "add", "nightly", "--roles", "score", "--config", config])
    #expect(added.code == 0, "\(added.error)")
    let token = String(decoding: added.output, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    server.waitForLog("tokens reloaded")
    try await peer.send(AccessTests.auth(token) + #"{"op":"score","users":[]}"# + "\n")
    let answers = try await peer.replies(2)
    #expect(answers.first == #"{"id":1,"ok":true,"identity":"nightly","roles":["score"]}"#)
    #expect(answers.last?.contains(#""ok":true"#) == true)
    #expect(try ServerProcess.run("rouse-server", ["token", "remove", "nightly", "--config", config]).code == 0)
    // The connection is told so, and closed.
    let told = await peer.lines()
    #expect(told.count == 1 && told[0].contains(#""code":"unauthenticated""#), "\(told)")
  }

  @Test func aSecondSignalEndsAtOnce() async throws {
    let server = try ServerProcess { $0.replacingOccurrences(of: "drain_seconds: 10", with: "drain_seconds: 300") }
    let peer = try await server.connect()
    try await peer.send(#"{"op":"score","stream":true}"# + "\n{}\n")
    _ = try await peer.read(until: "invalid")
    server.signal(SIGTERM)
    usleep(300_000)
    #expect(server.isRunning)
    server.signal(SIGTERM)
    #expect(server.exitCode(within: 5) == 1)
  }
}
