import Foundation
import RouseWire
import Testing

@testable import RouseServer

/// `rouse-server audit` and the keys of server.yaml about logs, as an operator meets them.
@Suite struct AuditCommandTests {
  private func run(_ arguments: [String]) throws -> (code: Int32, output: String, error: String) {
    let ended = try ServerProcess.run("rouse-server", arguments)
    return (ended.code, String(decoding: ended.output, as: UTF8.self), ended.error)
  }

  @Test func verify() throws {
    let audit = try AuditHarness()
    let last = try audit.log().append(Array(AuditHarness.each.prefix(4)))
    let sound = try run(["audit", "verify", audit.file])
    #expect(sound.code == 0 && sound.output == "ok: 4 entries, last \(last.hash)\n" && sound.error.isEmpty)
    let first = audit.lines[0].withUnsafeBytes { AuditPosition.hash($0) }
    let found = try run(["audit", "verify", audit.file, "--head", first.uppercased()])
    #expect(found.code == 0 && found.output == "ok: 4 entries, last \(last.hash); --head is line 1\n")
    let lost = try run(["audit", "verify", audit.file, "--head", String(repeating: "0", count: 64)])
    #expect(lost.code == 1 && lost.output.isEmpty && lost.error.hasPrefix("\(audit.file):4: no line"))

    try audit.write(Array(String(decoding: audit.bytes, as: UTF8.self).replacing("p@1", with: "p@7").utf8))
    let broken = try run(["audit", "verify", audit.file])
    #expect(broken.code == 1 && broken.output.isEmpty)
    #expect(broken.error.hasPrefix("\(audit.file):4: prev is not the hash of line 3"))
    #expect(broken.error.split(separator: "\n", omittingEmptySubsequences: false).count == 2)
  }

  @Test func verifyByConfiguration() throws {
    let audit = try AuditHarness()
    let home = audit.folder.appending(path: "home").path
    #expect(try run(["init", home]).code == 0)
    let configuration = home + "/server.yaml"
    let missing = try run(["audit", "verify", "--config", configuration])
    #expect(missing.code == 2 && missing.error.hasPrefix("\(home)/audit.ndjson: "))
    let last = try AuditLog(file: home + "/audit.ndjson").append(.stopped)
    #expect(try run(["audit", "verify", "--config", configuration]).output == "ok: 1 entries, last \(last.hash)\n")
    let text = try String(contentsOfFile: configuration, encoding: .utf8)
    try text.replacing("audit: audit.ndjson", with: "").write(toFile: configuration, atomically: true, encoding: .utf8)
    let none = try run(["audit", "verify", "--config", configuration])
    #expect(none.code == 2 && none.error.contains("keeps no audit log"))
  }

  @Test func usage() throws {
    let audit = try AuditHarness()
    try audit.add("")
    for arguments in [
      [], [audit.file, "--config", audit.file], [audit.file, "--head", "abc"], [audit.file, "--bogus"], ["/nowhere"],
      [audit.folder.path], ["--config", audit.file], [audit.file, "--head", String(repeating: "g", count: 64)],
    ] {
      let ended = try run(["audit", "verify"] + arguments)
      #expect(ended.code == 2 && ended.output.isEmpty && !ended.error.isEmpty, "\(arguments)")
    }
    #expect(try run(["audit", "verify", audit.file]).output.hasPrefix("ok: 0 entries, last 0000"))
    let help = try run(["audit", "verify", "--help"])
    #expect(help.code == 0 && help.output.contains("--head") && help.output.contains("sha256sum"))
  }

  @Test func show() throws {
    let audit = try AuditHarness()
    try audit.log().append(AuditHarness.each)
    let all = try run(["audit", "show", audit.file]).output.split(separator: "\n")
    #expect(all.count == AuditHarness.each.count)
    #expect(all[2] == "3 2026-03-01T02:00:00.000Z policy_activated from=p@0 to=p@1 by=identity:operator")
    #expect(all[8].hasSuffix(#"token_added name=campaigns roles=["score","record"] by=user:root"#))
    #expect(try run(["audit", "show", audit.file, "--last", "4"]).output.split(separator: "\n") == all.suffix(4))
    #expect(try run(["audit", "show", audit.file, "--last", "0"]).code == 2)
    try audit.add("\u{1B}[2J\n")
    let odd = try run(["audit", "show", audit.file, "--last", "1"])
    #expect(odd.code == 0 && odd.output == "not an entry: \"\\u001b[2J\"\n")
  }

  // MARK: - server.yaml

  @Test func aHomeOfItsOwn() throws {
    let folder = try ServerProcess.temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    var keys: Set<String> = []
    for name in ["a", "b"] {
      let home = folder.appending(path: name).path
      #expect(try run(["init", home]).code == 0)
      let file = home + "/server.yaml"
      #expect(try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int == 0o600)
      let configuration = try Configuration.read(file: file)
      #expect(configuration.auditFile == home + "/audit.ndjson" && configuration.logFormat == .text)
      keys.insert(try #require(configuration.pseudonyms).pseudonym(of: "u05".utf8))
      let sum = try ServerProcess.run(URL(filePath: "/usr/bin/sha256sum"), [file])
      #expect(String(decoding: sum.output, as: UTF8.self).hasPrefix(configuration.sha256 + " "))
    }
    // Each has its own key.
    #expect(keys.count == 2)
  }

  @Test(arguments: [
    ("log_format: text", "log_format: xml", "json"), ("audit: audit.ndjson", "audit: \"\"", "path"),
    ("audit: audit.ndjson", "audit: tls", "folder"), ("audit: audit.ndjson", "audit: policy.yaml", "no audit log"),
    ("audit: audit.ndjson", "audit: none/audit.ndjson", "folder"),
    ("log_user_id_key: \"", "log_user_id_key: \"5ec2e7", "64 hexadecimal"),
    ("log_user_id_key: \"", "log_user_id_key: # \"", "64"),
  ])
  func mistakes(_ line: String, _ wrong: String, _ word: String) throws {
    let folder = try ServerProcess.temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let home = folder.appending(path: "home").path
    _ = try run(["init", home])
    let file = home + "/server.yaml"
    let text = try String(contentsOfFile: file, encoding: .utf8)
    let changed = text.replacing(line, with: wrong)
    #expect(changed != text)
    try changed.write(toFile: file, atomically: true, encoding: .utf8)
    let ended = try run(["check", "--config", file])
    #expect(ended.code == 2 && ended.error.split(separator: "\n").count == 1, "\(ended.error)")
    #expect(ended.error.contains(word), "\(ended.error)")
    // What was meant to be a key is not repeated to whoever reads the messages.
    #expect(!ended.error.contains("5ec2e7"))
  }

  @Test func theFormatOfLogs() throws {
    for (flag, configured, isJSON) in [
      ([], "text", false), ([], "json", true), (["text"], "json", false), (["json"], "text", true),
    ] {
      let server = try ServerProcess(
        arguments: flag.isEmpty ? [] : ["--log-format"] + flag,
        configure: { $0.replacing("log_format: text", with: "log_format: \(configured)") })
      server.signal(SIGTERM)
      #expect(server.exitCode() == 0)
      let lines = server.logText.split(separator: "\n")
      #expect(lines.count >= 2)
      for line in lines { #expect((JSONValue(line.utf8) != nil) == isJSON, "\(line)") }
      #expect(isJSON || lines.allSatisfy { $0.contains("Z info ") })
    }
    #expect(try run(["run", "--config", "x", "--log-format", "xml"]).code == 2)
  }
}
