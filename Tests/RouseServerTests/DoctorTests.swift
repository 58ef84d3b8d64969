import Foundation
import Glibc
import Testing

/// What the doctor finds in a home, and in one that something is wrong with.
@Suite struct DoctorTests {
  private struct Answer: Decodable {
    struct Finding: Decodable {
      let subject: String
      let state: String
      let text: String
      let remedy: String?
    }
    let ok: Bool
    let findings: [Finding]
  }

  private static func ask(_ home: String) throws -> (code: Int32, answer: Answer) {
    let ended = try ServerProcess.run("rouse-server", ["doctor", "--config", home + "/server.yaml", "--json"])
    return (ended.code, try JSONDecoder().decode(Answer.self, from: Data(ended.output)))
  }

  /// Any free port: others' servers are not ours to judge.
  private static func makeHome() throws -> URL {
    let home = try ServerProcess.temporaryFolder().appending(path: "home")
    _ = try ServerProcess.run("rouse-server", ["init", home.path])
    try change(home, "127.0.0.1:7411", "127.0.0.1:0")
    return home
  }

  private static func change(_ home: URL, _ old: String, _ new: String) throws {
    let file = home.appending(path: "server.yaml")
    let text = try String(contentsOf: file, encoding: .utf8)
    try #require(text.contains(old))
    try Data(text.replacingOccurrences(of: old, with: new).utf8).write(to: file)
  }

  @Test func aFreshHome() throws {
    let home = try Self.makeHome()
    defer { try? FileManager.default.removeItem(at: home.deletingLastPathComponent()) }
    let (code, answer) = try Self.ask(home.path)
    let problems = answer.findings.filter { $0.state == "problem" && $0.subject != "clock synchronisation" }
    #expect(problems.isEmpty, "\(problems)")
    #expect(answer.ok == (code == 0))
    let subjects = Set(answer.findings.map(\.subject))
    #expect(
      subjects.isSuperset(of: [
        "configuration", "files", "certificate", "client authority", "client certificate", "roles", "policy", "ledger",
        "ledger lock", "audit log", "clock", "open files", "memory", "disk", "port",
      ]))
    let text = try ServerProcess.run("rouse-server", ["doctor", "--config", home.path + "/server.yaml"])
    #expect(String(decoding: text.output, as: UTF8.self).hasPrefix("✓ configuration: \(home.path)/server.yaml"))
    // It has changed nothing.
    #expect(!FileManager.default.fileExists(atPath: home.path + "/ledger.sqlite.lock"))
  }

  @Test func aRunningServer() throws {
    let server = try ServerProcess()
    try Self.change(server.home, "127.0.0.1:7411", "127.0.0.1:\(server.port)")
    #expect(try ClientRun(["ping", "--profile", server.profile()]).code == 0)
    let answer = try Self.ask(server.home.path).answer
    func text(_ subject: String) -> String { answer.findings.first { $0.subject == subject }?.text ?? "" }
    #expect(text("port") == "127.0.0.1:\(server.port) is held by rouse-server, process \(server.identifier)")
    #expect(text("ledger lock") == "held by the server (rouse-server, process \(server.identifier))")
    #expect(text("ledger").hasSuffix("is sound"))
    #expect(text("audit log").contains(" is whole: "))
    #expect(text("open files").contains("of rouse-server, process \(server.identifier)"))
  }

  /// What is done to a home, what it is found in, and a word of the remedy.
  static let ills: [(String, String, String)] = [
    ("chmod 644 tls/server.key", "files", "chmod o-rwx"),
    ("chmod 644 server.yaml", "files", "chmod o-rwx"),
    ("chmod 666 policy.yaml", "files", "chmod o-w"),
    ("cp tls/client.key tls/server.key", "certificate", "the key it was issued for"),
    ("sed -i 's/127.0.0.1:0/0.0.0.0:0/' server.yaml", "certificate", "--host"),
    ("sed -i 's/127.0.0.1:0/127.0.0.9:0/' server.yaml", "certificate", "that name"),
    ("sed -i 's/, tune, admin//' server.yaml", "roles", "token add"),
    ("sed -i 's/margin: 0.12/margn: 0.12/' policy.yaml", "policy", "policy check"),
    ("sed -i 's/listen:/lisen:/' server.yaml", "configuration", ""),
    ("touch -d '2 days' policy.yaml", "clock", "set the clock"),
    ("echo '{\"seq\":7}' >audit.ndjson", "audit log", "move the file away"),
    ("head -c 20000 /dev/zero >ledger.sqlite", "ledger", ""),
    ("sed -i 's/connections: 1024/connections: 1000000/' server.yaml", "open files", "LimitNOFILE"),
    ("sed -i 's/# rank_bytes: 8589934592/rank_bytes: 99999999999999/' server.yaml", "memory", "rank_bytes"),
    ("sed -i 's/file: ledger.sqlite/file: nowhere\\/ledger.sqlite/' server.yaml", "disk", "make it"),
    ("cat tls/server.pem >>tls/server.pem.2; cat tls/client.pem >>tls/server.pem", "certificate", "each issuer"),
    ("sed -i 's/127.0.0.1:0/192.0.2.1:7/' server.yaml", "port", "another address"),
  ]

  @Test(arguments: ills) func illsAreFound(_ deed: String, _ subject: String, _ remedy: String) throws {
    let home = try Self.makeHome()
    defer { try? FileManager.default.removeItem(at: home.deletingLastPathComponent()) }
    let done = try ServerProcess.run(URL(filePath: "/bin/sh"), ["-c", "cd '\(home.path)' && \(deed)"])
    try #require(done.code == 0, "\(done.error)")
    let (code, answer) = try Self.ask(home.path)
    let found = answer.findings.filter { $0.subject == subject && $0.state == "problem" }
    #expect(code == 1 && !answer.ok)
    #expect(found.contains { remedy.isEmpty || $0.remedy?.contains(remedy) == true }, "\(answer.findings)")
  }

  /// The port is another program's.
  @Test func aForeignProcess() throws {
    let home = try Self.makeHome()
    defer { try? FileManager.default.removeItem(at: home.deletingLastPathComponent()) }
    let server = try ServerProcess()
    try Self.change(home, "127.0.0.1:0", "127.0.0.1:\(server.port)")
    // Our own name, so it counts as ours; its ledger is another's.
    #expect(try Self.ask(home.path).answer.findings.first { $0.subject == "port" }?.state == "ok")
    let lock = home.path + "/ledger.sqlite.lock"
    let descriptor = open(lock, O_RDWR | O_CREAT, 0o600)
    defer { close(descriptor) }
    #expect(flock(descriptor, LOCK_EX) == 0)
    let found = try Self.ask(home.path).answer.findings.first { $0.subject == "ledger lock" }
    #expect(found?.state == "problem" && found?.text.contains("process \(getpid())") == true, "\(found as Any)")
  }
}
