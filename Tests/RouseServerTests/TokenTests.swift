import Foundation
import RouseCore
import Testing

@testable import RouseServer

@Suite struct TokenTests {
  private func token(_ name: String, _ text: String, _ roles: Set<Configuration.Role> = [.score]) throws -> Token {
    try #require(Token(name: name, roles: roles, added: "2026-03-01T02:00:00Z", sha256: sha256(Array(text.utf8))))
  }

  @Test func exactlyTheRightOneMatches() throws {
    let tokens = Tokens(
      try ["a", "b", "c"].map { try token($0, "rouse_\($0)") } + [try token("d", "", [.admin])])
    #expect(tokens.match("rouse_a")?.name == "a")
    #expect(tokens.match("rouse_b")?.name == "b")
    #expect(tokens.match("rouse_c")?.name == "c")
    #expect(tokens.match("")?.roles == [.admin])
    for wrong in ["rouse_", "rouse_A", "rouse_a ", "rouse_aa", "a", "rouse_a\0"] { #expect(tokens.match(wrong) == nil) }
    #expect(Tokens().match("rouse_a") == nil)
    // One bit of the digest, in each of its four words.
    for byte in [0, 8, 16, 31] {
      var digest = sha256(Array("rouse_a".utf8))
      digest[byte] ^= 0x80
      let close = try #require(Token(name: "x", roles: [], added: "", sha256: digest))
      #expect(Tokens([close]).match("rouse_a") == nil)
    }
  }

  @Test func aTokenIs32RandomBytesInBase64URL() throws {
    var seen: Set<String> = []
    for _ in 0..<100 {
      let text = Token.makeText()
      #expect(text.hasPrefix("rouse_"))
      let digits = text.dropFirst(6)
      let padded = digits.replacing("-", with: "+").replacing("_", with: "/") + "="
      #expect(digits.count == 43 && Data(base64Encoded: String(padded))?.count == 32)
      seen.insert(text)
    }
    #expect(seen.count == 100)
  }

  // MARK: - The file

  private func withFile(_ text: String?, _ body: (TokenFile) throws -> Void) throws {
    let folder = try ServerProcess.temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appending(path: "tokens.yaml").path
    if let text { try text.write(toFile: path, atomically: true, encoding: .utf8) }
    try body(TokenFile(path: path))
  }

  private func lines(_ body: () throws -> Void) -> [String] {
    do {
      try body()
      return []
    } catch let error as ConfigurationError {
      return error.lines
    } catch {
      return ["\(error)"]
    }
  }

  @Test func whatIsWrittenIsRead() throws {
    try withFile(nil) { file in
      #expect(try file.read().isEmpty)
      let first = try file.add("null", roles: [.score, .admin], besides: ["operator"], now: 1_772_330_400)
      let second = try file.add("1.5", roles: [.record], besides: [], now: 1_772_330_401)
      let mode = try FileManager.default.attributesOfItem(atPath: file.path)[.posixPermissions] as? Int
      #expect(mode == 0o600)
      let text = try String(contentsOfFile: file.path, encoding: .utf8)
      #expect(!text.contains(first) && !text.contains(second))
      let tokens = try file.read()
      #expect(tokens.all.map(\.name) == ["null", "1.5"])
      #expect(tokens.match(first)?.roles == [.score, .admin])
      #expect(tokens.match(second) == tokens["1.5"])
      #expect(tokens["1.5"]?.added == "2026-03-01T02:00:01Z")
      try file.remove("null", besides: [])
      #expect(try file.read().all.map(\.name) == ["1.5"])
      try file.remove("1.5", besides: [])
      #expect(try file.read().isEmpty)
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: (file.path as NSString).deletingLastPathComponent) == [
          "tokens.yaml"
        ])
    }
  }

  @Test func namesAreTakenOnce() throws {
    try withFile(nil) { file in
      _ = try file.add("campaigns", roles: [.score], besides: [], now: 0)
      let before = try Data(contentsOf: URL(filePath: file.path))
      #expect(
        lines { _ = try file.add("campaigns", roles: [.score], besides: [], now: 0) }.first?.contains("already") == true
      )
      #expect(
        lines { _ = try file.add("operator", roles: [.score], besides: ["operator"], now: 0) }
          == ["'operator' is one of identities in the configuration already; choose another name"])
      for name in ["", "-x", "a b", "a:b", "é", "a\n", String(repeating: "a", count: 65)] {
        #expect(lines { _ = try file.add(name, roles: [.score], besides: [], now: 0) }.count == 1)
      }
      #expect(
        lines { try file.remove("campaign", besides: []) } == [
          "there is no token 'campaign'; did you mean 'campaigns'?"
        ])
      #expect(try Data(contentsOf: URL(filePath: file.path)) == before)
    }
  }

  @Test func concurrentChangesAreAllKept() async throws {
    let folder = try ServerProcess.temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let path = folder.appending(path: "tokens.yaml").path
    try await withThrowingTaskGroup(of: Void.self) { group in
      for index in 0..<32 {
        group.addTask { _ = try TokenFile(path: path).add("t\(index)", roles: [.score], besides: [], now: 0) }
      }
      try await group.waitForAll()
    }
    #expect(try TokenFile(path: path).read().all.count == 32)
  }

  /// The link stays one, and the owner's group still reads.
  @Test func linksAndModesAreKept() throws {
    try withFile("{}\n") { file in
      chmod(file.path, 0o644)
      let link = file.path + ".link"
      try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: file.path)
      _ = try TokenFile(path: link).add("a", roles: [.score], besides: [], now: 0)
      #expect(try file.read().all.map(\.name) == ["a"])
      #expect(try FileManager.default.destinationOfSymbolicLink(atPath: link) == file.path)
      #expect(try FileManager.default.attributesOfItem(atPath: file.path)[.posixPermissions] as? Int == 0o640)
    }
  }

  private static let good =
    "sha256: \"\(String(repeating: "0a", count: 32))\", roles: [score], added: \"2026-03-01T02:00:00Z\""
  private static let faults: [(String, String)] = [
    ("", "must be a map"),
    ("[a]", "must be a map"),
    ("a: {\(good)}\na: {\(good)}", "given twice"),
    ("a: {\(good)}\nb: {\(good)}", "the token of 'a' once more"),
    ("operator: {\(good)}", "identities"),
    ("\"a b\": {\(good)}", "a token's name is"),
    ("a: {\(good), hash: x}", "no key 'hash'"),
    ("a: {roles: [score], added: \"2026-03-01T02:00:00Z\"}", "no 'sha256'"),
    ("a: {\(good.replacing("0a", with: "0A"))}", "64 hexadecimal digits"),
    ("a: {\(good.replacing("0a0a", with: "0a"))}", "64 hexadecimal digits"),
    ("a: {\(good.replacing("[score]", with: "[]"))}", "at least one item"),
    ("a: {\(good.replacing("[score]", with: "[scorer]"))}", "'scorer' is neither"),
    ("a: {\(good.replacing("2026-03", with: "2026-13"))}", "a time in UTC"),
    ("a: {\(good.replacing("00Z", with: "00+08:00"))}", "a time in UTC"),
  ]

  @Test(arguments: faults) func faultsHaveAPlace(_ text: String, _ reason: String) throws {
    try withFile(text) { file in
      let found = lines { _ = try file.read(besides: ["operator"]) }
      #expect(found.count == 1, "\(found)")
      #expect(found.first?.hasPrefix(file.path + ":") == true && found.first?.contains(reason) == true, "\(found)")
      // What cannot be read is not overwritten.
      let refused = lines { _ = try file.add("new", roles: [.score], besides: ["operator"], now: 0) }
      let after = try String(contentsOfFile: file.path, encoding: .utf8)
      #expect(refused == found && after == text)
    }
  }

  // MARK: - The command

  private final class Home {
    let folder: URL
    let config: String
    init() throws {
      folder = try ServerProcess.temporaryFolder()
      config = folder.appending(path: "home/server.yaml").path
      _ = try ServerProcess.run("rouse-server", ["init", folder.appending(path: "home").path])
    }
    deinit { try? FileManager.default.removeItem(at: folder) }

    func run(_ arguments: String...) throws -> ServerProcess.Ended {
      try ServerProcess.run("rouse-server", arguments + ["--config", config])
    }

    func edit(_ change: (String) -> String) throws {
      try change(try String(contentsOfFile: config, encoding: .utf8)).write(
        toFile: config, atomically: true, encoding: .utf8)
    }
  }

  @Test func addListRemove() throws {
    let home = try Home()
    let added = try home.run("token", "add", "campaigns", "--roles", "record,score")
    #expect(added.code == 0)
    let token = String(decoding: added.output.dropLast(), as: UTF8.self)
    #expect(token.hasPrefix("rouse_") && token.count == 49)
    #expect(!added.error.contains(token) && added.error.contains("(record, score)"))
    let configuration = try Configuration.read(file: home.config)
    #expect(configuration.tokens.match(token)?.roles == [.score, .record])
    let listed = try home.run("token", "list")
    let text = String(decoding: listed.output, as: UTF8.self)
    #expect(text.contains("campaigns  score,record  20") && !text.contains(token))
    #expect(!text.contains(configuration.tokens.all[0].sha256.map { String($0, radix: 16) }.joined()))
    #expect(try home.run("token", "remove", "campaigns").code == 0)
    #expect(try Configuration.read(file: home.config).tokens.isEmpty)
  }

  @Test func mistakesAreClear() throws {
    let home = try Home()
    for (arguments, words) in [
      (["add", "a", "--roles", "scor"], ["no role 'scor'", "did you mean 'score'?"]),
      (["add", "a", "--roles", ","], ["at least one"]), (["add", "operator", "--roles", "score"], ["identities"]),
      (["remove", "a"], ["no token 'a'"]),
    ] {
      let ended = try ServerProcess.run("rouse-server", ["token"] + arguments + ["--config", home.config])
      #expect(
        ended.code == 2 && ended.output.isEmpty && ended.error.split(separator: "\n").count == 1, "\(ended.error)")
      for word in words { #expect(ended.error.contains(word), "\(ended.error)") }
    }
    try home.edit { $0.replacing("tokens: tokens.yaml", with: "# none") }
    let ended = try home.run("token", "list")
    #expect(ended.code == 2 && ended.error.contains("add the line: tokens: tokens.yaml"), "\(ended.error)")
  }

  /// Off loopback a token is somebody, and the first can be made before there is one.
  @Test func tokensCountAsIdentities() throws {
    let home = try Home()
    try home.edit {
      $0.replacing("listen: 127.0.0.1:7411", with: "listen: 0.0.0.0:7411")
        .replacing("identities:", with: "identities: {}").replacing(#/  operator:\n.*\n.*\n/#, with: "")
    }
    let before = try home.run("check")
    #expect(before.code == 2 && before.error.contains("rouse-server token add"), "\(before.error)")
    #expect(try home.run("token", "add", "first", "--roles", "score").code == 0)
    #expect(try home.run("check").code == 0)
    try home.edit { $0.replacing("0.0.0.0:7411", with: "127.0.0.1:7411") }
    #expect(try home.run("token", "remove", "first").code == 0)
    let listening = try home.run("run", "--listen", "0.0.0.0:0")
    #expect(listening.code == 2 && listening.error.contains("--listen 0.0.0.0:0"), "\(listening.error)")
  }

  @Test func faultsOfBothFilesAreToldAtOnce() throws {
    let home = try Home()
    let tokens = (home.config as NSString).deletingLastPathComponent + "/tokens.yaml"
    try "a: {}\n".write(toFile: tokens, atomically: true, encoding: .utf8)
    try home.edit { $0.replacing("drain_seconds: 10", with: "drain_seconds: -1") }
    let checked = try home.run("check").error
    #expect(checked.contains("server.yaml:") && checked.contains("tokens.yaml:1:"), "\(checked)")
  }
}
