import Foundation
import TestData
import Testing

/// The daemon's command line about the ledger's file: backup, restore, check, stats and compact.
@Suite struct LedgerCommandTests {
  private static let golden = Vectors.folder.appending(path: "golden/candidates.ndjson").path

  private static func manage(_ arguments: String...) throws -> ServerProcess.Ended {
    try ServerProcess.run("rouse-server", arguments)
  }

  private static func text(_ ended: ServerProcess.Ended) -> String { String(decoding: ended.output, as: UTF8.self) }

  private static func event(_ key: String) -> String {
    "{\"key\":\"\(key)\",\"user_id\":\"\(key)\",\"kind\":\"login\",\"at\":\(Int(Date().timeIntervalSince1970) - 10)}\n"
  }

  @Test func fromBackupToRestore() throws {
    let server = try ServerProcess()
    let profile = ["--profile", try server.profile()]
    let config = server.home.appending(path: "server.yaml").path
    let backup = server.home.appending(path: "backup.sqlite").path
    #expect(try ClientRun(["load", Self.golden] + profile).code == 1)
    #expect(try ClientRun(["record"] + profile, input: Self.event("early")).code == 0)

    // The server goes on meanwhile.
    let made = try Self.manage("backup", backup, "--config", config)
    #expect(made.code == 0 && Self.text(made).hasPrefix("\(backup): "), "\(made.error)")
    #expect(Self.text(made).contains(", 1 events, 1933 candidates, 0 plans"), "\(Self.text(made))")
    #expect(try FileManager.default.attributesOfItem(atPath: backup)[.posixPermissions] as? Int == 0o600)
    let twice = try Self.manage("backup", backup, "--config", config)
    #expect(twice.code == 2 && twice.output.isEmpty && twice.error.contains(backup), "\(twice.error)")
    #expect(Self.text(try Self.manage("ledger", "check", "--config", config)).hasPrefix("ok: "))
    #expect(Self.text(try Self.manage("ledger", "check", "--file", backup)) == "ok: \(backup)\n")

    #expect(try ClientRun(["record"] + profile, input: Self.event("late")).code == 0)
    let stats = Self.text(try Self.manage("ledger", "stats", "--config", config))
    #expect(stats.contains("audience  1933 candidates\n") && stats.contains("\n  login   2\n"), "\(stats)")
    let json = try Self.manage("ledger", "stats", "--config", config, "--json")
    let object = try #require(JSONSerialization.jsonObject(with: Data(json.output)) as? [String: Any])
    #expect(object["events"] as? Int == 2 && (object["kinds"] as? [String: Int]) == ["login": 2])

    // A server that runs keeps its file.
    for arguments in [["restore", backup], ["ledger", "compact"]] {
      let refused = try ServerProcess.run("rouse-server", arguments + ["--config", config])
      #expect(refused.code == 2 && refused.output.isEmpty && !refused.error.isEmpty, "\(refused.error)")
    }
    server.signal(SIGTERM)
    #expect(server.exitCode() == 0)
    let compact = try Self.manage("ledger", "compact", "--config", config)
    #expect(compact.code == 0 && Self.text(compact).contains(" before, "), "\(compact.error)")
    let restored = try Self.manage("restore", backup, "--config", config)
    #expect(restored.code == 0 && Self.text(restored).contains("; what was there is "), "\(restored.error)")
    #expect(Self.text(try Self.manage("ledger", "stats", "--config", config)).contains("\n  login   1\n"))
  }

  @Test func whatIsNoLedger() throws {
    let folder = try ServerProcess.temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appending(path: "file.sqlite").path
    try Data(String(repeating: "no ledger ", count: 1000).utf8).write(to: URL(filePath: file))
    let target = folder.appending(path: "target.sqlite").path
    for arguments in [
      ["ledger", "check"], ["ledger", "stats"], ["ledger", "compact"], ["backup", target], ["restore", target],
    ] {
      let ended = try ServerProcess.run("rouse-server", arguments + ["--file", file])
      #expect((1...2).contains(ended.code) && ended.output.isEmpty && !ended.error.isEmpty, "\(arguments)")
      let nowhere = try ServerProcess.run("rouse-server", arguments + ["--file", "/nowhere/at.all"])
      #expect(nowhere.code == 2 && nowhere.output.isEmpty && !nowhere.error.isEmpty, "\(arguments)")
      #expect(try ServerProcess.run("rouse-server", arguments).code == 2)
    }
    let json = try Self.manage("ledger", "check", "--file", file, "--json")
    #expect(json.code == 1 || json.code == 2)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).contains("target.sqlite") == false)
  }

  @Test func aServerWithoutALedger() throws {
    let home = try ServerProcess.temporaryFolder().appending(path: "home")
    defer { try? FileManager.default.removeItem(at: home.deletingLastPathComponent()) }
    #expect(try Self.manage("init", home.path).code == 0)
    let config = home.appending(path: "server.yaml")
    let text = try String(contentsOf: config, encoding: .utf8)
    try Data(String(text.prefix(upTo: #require(text.range(of: "\nledger:")).lowerBound)).utf8).write(to: config)
    let ended = try Self.manage("ledger", "stats", "--config", config.path)
    #expect(ended.code == 2 && ended.error.contains("keeps no ledger"), "\(ended.error)")
  }
}
