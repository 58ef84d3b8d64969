import Foundation
import TestData
import Testing

/// Contact lists in files: whole or not at all, and for ad platforms without a plain id.
@Suite struct ClientExportTests {
  private static let policy = Vectors.folder.appending(path: "policy.yaml").path
  private static let golden = Vectors.folder.appending(path: "golden/candidates.ndjson").path
  private static let offline = ["--policy", policy, "--as-of", Vectors.asOf]

  private let folder: URL

  init() throws { folder = try ServerProcess.temporaryFolder() }

  private func path(_ name: String) -> String { folder.appending(path: name).path }
  private func text(_ name: String) throws -> String { try String(contentsOfFile: path(name), encoding: .utf8) }
  private func files() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() }

  @Test func rowsAsTheyCame() throws {
    let plain = try ClientRun(["rank", Self.golden, "--limit", "20"] + Self.offline)
    let run = try ClientRun(["rank", Self.golden, "--limit", "20", "--out", path("list.ndjson")] + Self.offline)
    #expect(run.code == 1 && run.error.isEmpty)
    #expect(try text("list.ndjson") + run.output == plain.output)
    #expect(try text("list.ndjson").split(separator: "\n").count == 20)
    #expect(try files() == ["list.ndjson"])
    let mode = try FileManager.default.attributesOfItem(atPath: path("list.ndjson"))[.posixPermissions] as? Int
    #expect(mode == 0o600)
  }

  @Test func csv() throws {
    let run = try ClientRun(["rank", Self.golden, "--limit", "2", "--out", path("list.csv")] + Self.offline)
    #expect(run.code == 1 && run.output.hasPrefix("{\"plan\":"))
    #expect(
      try text("list.csv") == """
        rank,user_id,status,stage,tier,channel,send_at,p,value,spend,capital,points,risk_score,pd,arm
        1,g1667,contact,settled,3m,sms,2026-03-01T11:00:00+08:00,0.023469,1.187634,0.284691,70.407251,11,592,0.080855,explore
        2,g0658,contact,granted,3m,sms,2026-03-01T11:00:00+08:00,0.008799,-1.868499,0.181979,105.583395,-4,566,0.178038,explore

        """)
    let chosen = [
      "--out", path("list.txt"), "--format", "csv", "--columns", "user_id, channel,reasons", "--no-header",
    ]
    #expect(try ClientRun(["rank", Self.golden, "--limit", "2"] + chosen + Self.offline).code == 1)
    #expect(try text("list.txt") == "g1667,sms,\ng0658,sms,\n")
    let json = ["--out", path("few.jsonl"), "--columns", "channel,rank,until"]
    #expect(try ClientRun(["rank", Self.golden, "--limit", "1"] + json + Self.offline).code == 1)
    #expect(try text("few.jsonl") == "{\"channel\":\"sms\",\"rank\":1,\"until\":null}\n")
  }

  /// A contact for each id, as a server would answer.
  private static func server(_ ids: [String], others: @escaping @Sendable (String) -> String = { _ in "" }) throws
    -> StandIn
  {
    let rows: String = ids.enumerated().map {
      let id = String(decoding: (try? JSONEncoder().encode($1)) ?? Data(), as: UTF8.self)
      return
        "{\"user_id\":\(id),\"status\":\"contact\",\"rank\":\($0 + 1),\"best\":{\"channel\":\"sms\",\"value\":-1}}\n"
    }.joined()
    return try StandIn { line in
      if line.contains("\"op\":\"rank\"") && line.contains("\"stream\":true") { return "" }
      if line.contains("\"op\":\"rank\"") || line.contains("\"op\":\"end\"") || line.contains("\"op\":\"plan\"") {
        return "\(rows){\"ok\":true,\"plan_id\":\"P1\",\"plan\":{\"status\":{\"invalid\":0}}}"
      }
      return others(line)
    }
  }

  @Test func cellsThatASpreadsheetRuns() throws {
    let ids = ["=1+1", "+a", "-b", "@c", "d,\"e\"\n", "f"]
    let server = try Self.server(ids)
    let command = ["plan", "P1", "--out", path("list.csv"), "--columns", "user_id,value"] + server.flags
    let exact = try ClientRun(command)
    #expect(try text("list.csv") == "user_id,value\n=1+1,-1\n+a,-1\n-b,-1\n@c,-1\n\"d,\"\"e\"\"\n\",-1\nf,-1\n")
    #expect(
      exact.code == 0 && exact.error.contains("4 cells") && exact.error.contains("--spreadsheet"), "\(exact.error)")
    let safe = try ClientRun(command + ["--spreadsheet"])
    #expect(try text("list.csv") == "user_id,value\n'=1+1,-1\n'+a,-1\n'-b,-1\n'@c,-1\n\"d,\"\"e\"\"\n\",-1\nf,-1\n")
    #expect(safe.code == 0 && safe.error.isEmpty)
  }

  // MARK: - Digests

  @Test func hashedIDs() throws {
    let server = try Self.server(["u1", "u2"])
    func list(_ options: String...) throws -> String {
      let run = try ClientRun(["plan", "P1", "--out", path("list.csv")] + options + server.flags)
      #expect(run.code == 0, "\(run.error)")
      return try text("list.csv")
    }
    let sha = try list("--hash", "sha256")
    #expect(sha == "user_id_sha256\n\(try Self.digest("sha256sum", "u1"))\n\(try Self.digest("sha256sum", "u2"))\n")
    let md5 = try list("--hash", "md5", "--no-header", "--salt", "pepper")
    #expect(md5 == "\(try Self.digest("md5sum", "pepperu1"))\n\(try Self.digest("md5sum", "pepperu2"))\n")
    try Data("pepper\n".utf8).write(to: folder.appending(path: "salt"))
    #expect(try list("--hash", "md5", "--no-header", "--salt-file", path("salt")) == md5)
    let kept = try list("--hash", "md5", "--keep-id", "--hash-as", "id", "--columns", "rank,hash,user_id")
    #expect(kept.hasPrefix("rank,id,user_id\n1,\(try Self.digest("md5sum", "u1")),u1\n"))
    #expect(!sha.contains("u1\n") && !sha.contains("u2"))
  }

  /// By the system's own tool.
  private static func digest(_ tool: String, _ text: String) throws -> String {
    let ended = try ServerProcess.run(URL(filePath: "/usr/bin/\(tool)"), [], input: Array(text.utf8))
    return String(String(decoding: ended.output, as: UTF8.self).prefix { $0 != " " })
  }

  private static let people = [
    "{\"user_id\":\"u1\",\"email\":\" John_Smith@gmail.com\",\"phone\":\"(650)555-1212\"}",
    "{\"user_id\":\"u1\",\"email\":\"second@line.example\",\"phone\":\"1\"}",
    "{\"user_id\":\"u9\",\"email\":\"not@listed.example\",\"phone\":\"(650)555-0000\"}", "no candidate",
    "{\"user_id\":\"u3\",\"email\":\"nobody\",\"phone\":\"ask me\"}",
    "{\"user_id\":\"u2\",\"email\":\"J.o.e+Promo@GoogleMail.com\",\"phone\":16505551213}",
  ].joined(separator: "\n")

  /// Digests that Meta's guide gives for its examples, and those that follow from the rules.
  @Test func fieldsOfTheInput() throws {
    let server = try Self.server(["u2", "u1", "u3", "u4"])
    try Data(Self.people.utf8).write(to: folder.appending(path: "people.ndjson"))
    func list(_ options: String...) throws -> [String] {
      let run = try ClientRun(
        ["rank", path("people.ndjson"), "--out", path("list.csv"), "--no-header", "--hash", "sha256"] + options
          + server.flags)
      #expect(run.code == 1 && run.error.contains("2 of 4 contacts are not on the list"), "\(run.error)")
      return try text("list.csv").split(separator: "\n").map(String.init)
    }
    #expect(
      try list("--hash-field", "email", "--normalise", "email") == [
        Self.digest("sha256sum", "j.o.e+promo@googlemail.com"),
        "62a14e44f765419d10fea99367361a727c12365e2520f32218d505ed9aa0f62f",
      ])
    #expect(
      try list("--hash-field", "email", "--normalise", "email-gmail")[0]
        == Self.digest("sha256sum", "joe@googlemail.com"))
    #expect(
      try list("--hash-field", "phone", "--normalize", "phone-digits", "--country-code", "1") == [
        Self.digest("sha256sum", "16505551213"), "e323ec626319ca94ee8bff2e4c87cf613be6ea19919ed1364124e16807ab3176",
      ])
    #expect(
      try list("--hash-field", "phone", "--normalise", "phone", "--country-code", "1")[1]
        == Self.digest("sha256sum", "+16505551212"))
    let list = try list("--hash-field", "email", "--normalise", "email", "--columns", "rank,hash")
    #expect(list.map { $0.prefix(2) } == ["1,", "2,"])
    #expect(try files() == ["list.csv", "people.ndjson"])
  }

  private static let phones: [(String, String, String, String?)] = [
    ("+86 138-0013-8000", "phone", "86", "+8613800138000"), ("13800138000", "phone", "86", "+8613800138000"),
    ("8613800138000", "phone", "86", "+8613800138000"), ("008613800138000", "phone-digits", "1", "8613800138000"),
    ("+8613800138000", "phone-national", "86", "13800138000"), ("+16505551212", "phone-national", "86", nil),
    ("138001380001", "phone", "86", nil), ("+44 (0)20 7946 0018", "phone", "1", "+442079460018"),
    ("020 7946 0018", "phone", "44", "+442079460018"), ("06 1234 5678", "phone", "39", "+390612345678"),
    ("8 (912) 345-67-89", "phone", "7", "+79123456789"), ("555-1212 x3", "phone", "1", nil),
    ("+1+2", "phone", "1", nil),
    ("+0044 20 7946 0018", "phone", "1", nil), ("+123456", "phone", "1", nil), ("+1234567890123456", "phone", "1", nil),
    ("", "phone", "1", nil),
    ("000", "phone", "44", nil), ("a@b", "email", "", "a@b"), ("A\u{A0}@B.example ", "email", "", "a@b.example"),
    ("a@b@c", "email", "", nil), ("@c", "email", "", nil), ("Jane+x@b.example", "email-plus", "", "jane@b.example"),
    ("Jane+x@b.example", "email-gmail", "", "jane+x@b.example"),
    ("j.a.ne+x@gmail.com", "email-gmail", "", "jane@gmail.com"),
    ("+x@gmail.com", "email-gmail", "", nil), (" As Is ", "none", "", " As Is "),
  ]

  @Test(arguments: phones) func normalised(_ value: String, _ way: String, _ country: String, _ wanted: String?) throws
  {
    let server = try Self.server(["u1"])
    let line = try JSONSerialization.data(withJSONObject: ["user_id": "u1", "contact": ["at": value]])
    try line.write(to: folder.appending(path: "people.ndjson"))
    let run = try ClientRun(
      [
        "plan", "P1", "--out", path("list.ndjson"), "--hash", "md5", "--hash-field", "contact.at", "--hash-as", "h",
        "--hash-from", path("people.ndjson"), "--normalise", way,
      ] + (country.isEmpty ? [] : ["--country-code", country]) + server.flags)
    #expect(run.code == (wanted == nil ? 1 : 0), "\(run.error)")
    let rows = try wanted.map { "{\"h\":\"\(try Self.digest("md5sum", $0))\"}\n" } ?? ""
    #expect(try text("list.ndjson") == rows)
  }

  /// In CSV a telephone number stays what it is: neither its zeros nor its plus are lost.
  @Test func fieldsOfCSV() throws {
    try Data("user_id,registered_at,phone\nu1,2026-02-01T00:00:00Z,020 7946 0018\n".utf8).write(
      to: folder.appending(path: "people.csv"))
    let server = try Self.server(["u1"])
    let run = try ClientRun(
      [
        "plan", "P1", "--hash-from", path("people.csv"), "--out", path("list.csv"), "--hash", "sha256", "--hash-field",
        "phone", "--normalise", "phone", "--country-code", "44", "--no-header",
      ] + server.flags)
    #expect(run.code == 0, "\(run.error)")
    #expect(try text("list.csv") == "\(try Self.digest("sha256sum", "+442079460018"))\n")
  }

  /// Without a file the server is asked for the candidates that it has.
  @Test func fieldsOfTheAudience() throws {
    let ids = (1...70).map { "u\($0)" }
    let server = try Self.server(ids) { line in
      let id = line.split(separator: "\"")[7]
      return id == "u7"
        ? #"{"ok":false,"error":{"code":"not_found","message":"nothing is known"}}"#
        : "{\"ok\":true,\"user_id\":\"\(id)\",\"candidate\":{\"user_id\":\"\(id)\",\"email\":\"\(id)@b.example\"}}"
    }
    let run = try ClientRun(
      [
        "rank", "--audience", "TRUE", "--out", path("list.csv"), "--hash", "sha256", "--hash-field", "email",
        "--normalise", "email",
      ] + server.flags)
    #expect(run.code == 1 && run.error.contains("1 of 70 contacts"), "\(run.error)")
    let list = try text("list.csv").split(separator: "\n")
    #expect(list.count == 70)
    #expect(try list.last.map(String.init) == Self.digest("sha256sum", "u70@b.example"))
  }

  // MARK: - Whole or not at all

  @Test func whatCannotBeWrittenStays() throws {
    try Data("old".utf8).write(to: folder.appending(path: "list.csv"))
    let broken = try StandIn { _ in "{\"user_id\":\"u1\",\"rank\":1}\n{\"ok\":false,\"error\":{\"code\":\"internal\"}}"
    }
    #expect(try ClientRun(["plan", "P1", "--out", path("list.csv")] + broken.flags).code == 3)
    #expect(try text("list.csv") == "old" && files() == ["list.csv"])
    // Found out before the server is asked.
    let server = try Self.server(["u1"])
    for target in [path("nowhere/list.csv"), folder.path, "/dev/null"] {
      let run = try ClientRun(["plan", "P1", "--out", target, "--format", "csv"] + server.flags)
      #expect(run.code == 2 && run.error.contains("cannot write"), "\(run.error)")
    }
    #expect(server.lines.isEmpty)
    // A link stays one, and a mode stays.
    chmod(path("list.csv"), 0o640)
    try FileManager.default.createSymbolicLink(atPath: path("link.csv"), withDestinationPath: "list.csv")
    #expect(try ClientRun(["plan", "P1", "--out", path("link.csv"), "--columns", "rank"] + server.flags).code == 0)
    #expect(try text("list.csv") == "rank\n1\n")
    #expect(try FileManager.default.attributesOfItem(atPath: path("list.csv"))[.posixPermissions] as? Int == 0o640)
    #expect(try files() == ["link.csv", "list.csv"])
  }

  @Test(arguments: [SIGINT, SIGKILL]) func interrupted(_ signal: Int32) throws {
    try Data("old".utf8).write(to: folder.appending(path: "list.csv"))
    let process = Process()
    process.executableURL = ServerProcess.binaries.appending(path: "rouse")
    process.arguments = ["rank", "--out", path("list.csv")] + Self.offline
    let pipe = Pipe()
    process.standardInput = pipe
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    try pipe.fileHandleForWriting.write(contentsOf: Data("{\"user_id\":\"a\"}\n".utf8))
    usleep(300_000)
    #expect(process.isRunning)
    kill(process.processIdentifier, signal)
    process.waitUntilExit()
    #expect(try text("list.csv") == "old" && files() == ["list.csv"])
  }

  private static let mistakes: [([String], String)] = [
    (["--hash", "sha256"], "--out"), (["--columns", "rank"], "--out"), (["--out", "list"], "--format"),
    (["--out", "l.csv", "--columns", "chanel"], "did you mean 'channel'"),
    (["--out", "l.csv", "--columns", "hash"], "--hash"),
    (["--out", "l.csv", "--hash", "sha1"], "sha256"), (["--out", "l.ndjson", "--no-header"], "CSV"),
    (["--out", "l.csv", "--hash", "sha256", "--columns", "hash,user_id"], "--keep-id"),
    (["--out", "l.csv", "--hash-field", "email"], "--hash sha256"), (["--out", "l.csv", "--keep-id"], "--hash sha256"),
    (["--out", "l.csv", "--hash", "md5", "--hash-field", "email"], "--normalise"),
    (["--out", "l.csv", "--hash", "md5", "--hash-field", "e", "--normalise", "email", "--country-code", "1"], "phone"),
    (["--out", "l.csv", "--hash", "md5", "--normalise", "phone-national"], "--country-code"),
    (["--out", "l.csv", "--hash", "md5", "--normalise", "phone", "--country-code", "+86"], "such as 86"),
    (["--out", "l.csv", "--hash", "md5", "--rows", "all"], "--rows all"),
    (["--out", "l.csv", "--hash", "md5", "--salt", "a", "--salt-file", "b"], "exclude"),
    (["--out", "l.csv", "--hash", "md5", "--hash-field", "e", "--normalise", "none"], "standard input"),
  ]

  @Test(arguments: mistakes) func usage(_ arguments: [String], _ words: String) throws {
    let run = try ClientRun(["rank"] + arguments + Self.offline)
    #expect(run.code == 2 && run.output.isEmpty && run.error.contains(words), "\(run.error)")
  }
}
