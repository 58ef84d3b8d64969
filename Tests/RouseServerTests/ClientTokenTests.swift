import Foundation
import Testing

/// A client that shows a token: where it takes it from, what it sends, and that it keeps it to itself.
@Suite struct ClientTokenTests {
  private static let token = "rouse_AbCdEfGhIjKlMnOpQrStUvWxYz0123456789-_AbCdE"

  private static func server() throws -> StandIn {
    try StandIn { line in
      guard line.hasPrefix("{\"op\":\"auth\"") else { return "{\"ok\":true}" }
      return line == "{\"op\":\"auth\",\"token\":\"\(token)\"}"
        ? "{\"ok\":true,\"identity\":\"campaigns\",\"roles\":[\"score\"]}"
        : "{\"ok\":false,\"error\":{\"code\":\"unauthenticated\",\"message\":\"no such token\"}}"
    }
  }

  private static func ping(_ arguments: [String], _ environment: [String: String] = [:]) throws -> ServerProcess.Ended {
    let ended = try ServerProcess.run(
      "rouse", ["ping"] + arguments,
      environment: ["ROUSE_PROFILE": "", "ROUSE_TOKEN": ""].merging(environment) { $1 })
    // Wherever it came from, it shows nowhere.
    let shown = String(decoding: ended.output, as: UTF8.self) + ended.error
    #expect(!shown.contains(token.dropFirst(6)))
    return ended
  }

  @Test func itIsShownFirst() throws {
    let server = try Self.server()
    let file = try server.write(Self.token + "\n", "token")
    let profile = try server.write(
      "server: 127.0.0.1:\(server.port)\nca: home/tls/ca.pem\ntoken_file: token\n", "profile.yaml", mode: 0o644)
    let wrong = try server.write("rouse_wrong", "wrong")
    // The flag counts more than the environment, and that more than the profile.
    for (arguments, environment) in [
      (server.flags + ["--token-file", file], [:]), (server.flags, ["ROUSE_TOKEN": Self.token]),
      (["--profile", profile], [:]), (["--profile", profile, "--token-file", file], ["ROUSE_TOKEN": "rouse_wrong"]),
    ] {
      let ended = try Self.ping(arguments, environment)
      #expect(ended.code == 0 && ended.error.isEmpty, "\(ended.error)")
    }
    #expect(
      server.lines
        == Array(repeating: ["{\"op\":\"auth\",\"token\":\"\(Self.token)\"}", "{\"op\":\"ping\"}"], count: 4).flatMap(
          \.self))
    #expect(try Self.ping(["--profile", profile], ["ROUSE_TOKEN": "rouse_wrong"]).code == 3)
    #expect(try Self.ping(["--profile", profile, "--token-file", wrong]).code == 3)
  }

  @Test func withoutOneNothingIsShown() throws {
    let server = try Self.server()
    #expect(try Self.ping(server.flags).code == 0)
    #expect(server.lines == ["{\"op\":\"ping\"}"])
  }

  @Test func aRefusedTokenIsExitThree() throws {
    let server = try Self.server()
    let ended = try Self.ping(server.flags, ["ROUSE_TOKEN": Self.token + "x"])
    #expect(ended.code == 3 && ended.output.isEmpty)
    #expect(
      ended.error
        == "rouse: the server refuses our token (no such token); give one that it knows with --token-file: its "
        + "operator makes one with rouse-server token add\n")
    #expect(server.lines.count == 1)
  }

  /// Any other refusal is the server's own.
  @Test func aServerWithoutTokens() throws {
    let server = try StandIn { _ in #"{"ok":false,"error":{"code":"unknown_op","message":"no such op"}}"# }
    let ended = try Self.ping(server.flags, ["ROUSE_TOKEN": Self.token])
    #expect(ended.code == 3 && ended.error == "rouse: the server answers unknown_op: no such op\n", "\(ended.error)")
  }

  @Test func whatIsNoTokenIsUsage() throws {
    let server = try Self.server()
    for text in [
      "", "\n", "two words", "-----BEGIN PRIVATE KEY-----\n\(Self.token)\n", "é", String(repeating: "x", count: 1025),
    ] {
      let file = try server.write(text, "odd")
      let ended = try Self.ping(server.flags + ["--token-file", file])
      #expect(ended.code == 2 && ended.error.contains("odd holds no token"), "\(ended.error)")
    }
    #expect(try Self.ping(server.flags, ["ROUSE_TOKEN": "two words"]).code == 2)
    #expect(try Self.ping(server.flags + ["--token-file", "/nowhere"]).code == 2)
    #expect(server.lines.isEmpty)
  }

  @Test(arguments: [(0o600, false), (0o640, false), (0o644, true), (0o604, true)])
  func whoCanReadItIsTold(mode: Int, warns: Bool) throws {
    let server = try Self.server()
    let file = try server.write(Self.token, "token", mode: mode)
    let ended = try Self.ping(server.flags + ["--token-file", file])
    #expect(ended.code == 0)
    #expect(
      ended.error
        == (warns
          ? "rouse: warning: others can read the token in \(file); take that from them: chmod o= \(file)\n" : ""))
  }

  /// Tool and daemon, from the making of a token to its end.
  @Test func withTheRealServer() throws {
    let server = try ServerProcess()
    let config = ["--config", server.home.appending(path: "server.yaml").path]
    func manage(_ arguments: String...) throws -> ServerProcess.Ended {
      try ServerProcess.run("rouse-server", ["token"] + arguments + config)
    }
    func info(_ file: URL) throws -> ServerProcess.Ended {
      try ServerProcess.run(
        "rouse",
        ["info", "--server", "127.0.0.1:\(server.port)", "--ca", server.tls("ca.pem"), "--token-file", file.path])
    }
    let file = server.home.appending(path: "token")
    try Data(manage("add", "nightly", "--roles", "score").output).write(to: file)
    chmod(file.path, 0o600)
    server.waitForLog("tokens reloaded")
    let known = try info(file)
    #expect(known.code == 0 && known.error.isEmpty, "\(known.error)")
    #expect(String(decoding: known.output, as: UTF8.self).contains(#""identity":"nightly","roles":["score"]"#))
    #expect(try manage("remove", "nightly").code == 0)
    var gone = known
    try eventually {
      gone = try info(file)
      return gone.code != 0
    }
    #expect(gone.code == 3 && gone.error.contains("the server refuses our token"), "\(gone.error)")
  }
}
