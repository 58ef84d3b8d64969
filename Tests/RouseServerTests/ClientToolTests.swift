import Foundation
import TestData
import Testing

/// The bundled client as its users run it: arguments, files and standard input in; bytes and an exit code out.
@Suite struct ClientToolTests {
  /// Settings of a person far from here. Turkish is the language that breaks what is compared without regard to case.
  private static let elsewhere = ["TZ": "Asia/Kolkata", "LANG": "tr_TR.UTF-8", "LC_ALL": "tr_TR.UTF-8"]
  private static let policy = file("policy.yaml")
  private static let examples = file("examples/candidates.ndjson")
  private static let golden = file("golden/candidates.ndjson")
  private static let offline = ["--policy", policy, "--as-of", Vectors.asOf]

  private static func file(_ path: String) -> String { Vectors.folder.appending(path: path).path }

  private static func rouse(
    _ arguments: [String], input: [UInt8] = [], environment: [String: String] = [:]
  ) throws -> ServerProcess.Ended {
    // No profile of whoever runs the tests.
    try ServerProcess.run(
      "rouse", arguments, input: input, environment: ["ROUSE_PROFILE": ""].merging(environment) { $1 })
  }

  /// `$0` is the client.
  private static func shell(
    _ script: String, _ arguments: [String], input: [UInt8] = []
  ) throws -> ServerProcess.Ended {
    let binary = ServerProcess.binaries.appending(path: "rouse").path
    return try ServerProcess.run(URL(filePath: "/bin/sh"), ["-c", script, binary] + arguments, input: input)
  }

  private static func text(_ ended: ServerProcess.Ended) -> String { String(decoding: ended.output, as: UTF8.self) }

  /// 1 thread and 2, here and elsewhere: always these bytes. Exit code 1 when there is an invalid candidate.
  private static func expect(_ wanted: String, of arguments: [String], input: [UInt8] = []) throws {
    let isClean = wanted.contains("\"invalid\":0,")
    for (threads, environment) in [("1", [:]), ("2", [:]), ("2", elsewhere)] {
      let ended = try rouse(arguments + ["--threads", threads], input: input, environment: environment)
      #expect(firstDifference(text(ended), wanted) == nil, "\(threads) threads, \(environment)")
      #expect(ended.code == (isClean ? 0 : 1), "\(ended.error)")
      #expect(ended.error.isEmpty)
    }
  }

  private static func set(_ overrides: [String]) -> [String] { overrides.flatMap { ["--set", $0] } }

  // MARK: - Without a server

  @Test func workedExamples() throws {
    try Self.expect(
      try Vectors.text("examples/expected.score.ndjson"), of: ["score"] + Self.offline + [Self.examples])
    try Self.expect(
      try Vectors.text("examples/expected.rank.ndjson"), of: ["rank", "--rows", "all"] + Self.offline + [Self.examples])
  }

  @Test func goldenScore() throws {
    try Self.expect(try Vectors.text("golden/expected.score.ndjson"), of: ["score"] + Self.offline + [Self.golden])
  }

  @Test(arguments: Vectors.goldenSettings.keys.sorted()) func goldenRank(_ name: String) throws {
    try Self.expect(
      try Vectors.text("golden/expected.rank.\(name).ndjson"),
      of: ["rank", "--rows", "all"] + Self.offline + Self.set(Vectors.goldenSettings[name] ?? []) + [Self.golden])
  }

  @Test(arguments: EdgeCase.all) func edge(_ edge: EdgeCase) throws {
    let rows = edge.op == "rank" ? ["--rows", "all"] : []
    try Self.expect(
      try edge.expected,
      of: [edge.op, "--policy", Self.file(edge.policy), "--as-of", edge.asOf] + rows + Self.set(edge.overrides),
      input: try edge.candidates)
  }

  @Test func vectorsAreThere() {
    #expect(EdgeCase.all.count == 87)
    #expect(Vectors.goldenSettings.count == 5)
    #expect(Self.badPolicies.count == 45)
  }

  @Test func validUntil() throws {
    let wanted = try Vectors.examplesValidUntil().map { $0 + "\n" }.joined()
    try Self.expect(wanted, of: ["score", "--valid-until", Self.examples] + Self.offline)
    let server = try ServerProcess()
    let asked = ["score", "--valid-until", Self.examples, "--as-of", Vectors.asOf]
    #expect(firstDifference(Self.text(try Self.rouse(asked + ["--profile", try server.profile()])), wanted) == nil)
    let table = Self.text(try Self.rouse(asked + ["--policy", Self.policy, "--table"])).split(separator: "\n")
    #expect(table.first?.contains("value  valid until           reasons") == true, "\(table)")
    #expect(table.contains { $0.hasPrefix("u05 ") && $0.contains("2.61  2026-03-02 03:30 UTC  ") }, "\(table)")
    let plain = Self.text(try Self.rouse(["score", Self.examples, "--table"] + Self.offline))
    #expect(!plain.contains("valid until"))
  }

  /// The options of one plan say the same as the policy's own limits.
  @Test func limitOptions() throws {
    try Self.expect(
      try Vectors.text("golden/expected.rank.all-limits.ndjson"),
      of: ["rank", "--rows", "all", Self.golden] + Self.offline + Self.allLimits)
    try Self.expect(
      try Vectors.text("golden/expected.rank.zero-budget.ndjson"),
      of: ["rank", "--rows", "all", Self.golden, "--budget", "0"] + Self.offline)
    let ten = try Self.rouse(["rank", Self.golden, "--limit", "10"] + Self.offline)
    let rows = Self.text(ten).split(separator: "\n")
    #expect(rows.count == 11)
    #expect(rows.dropLast().enumerated().allSatisfy { $1.contains("\"status\":\"contact\",\"rank\":\($0 + 1),") })
  }

  private static let allLimits = [
    "--budget", "25", "--capital", "5000", "--capacity", "call=12", "--capacity", "sms=60", "--quota",
    "never_logged_in=3",
  ]

  /// The order of the input decides which of two lines of one user counts, and nothing else.
  @Test func orderOfInput() throws {
    let rows = try Vectors.text("golden/expected.rank.all-limits.ndjson").split(separator: "\n").dropLast()
    let counted = try Vectors.bytes("golden/candidates.ndjson").split(separator: 0x0A)
      .filter { $0.contains { $0 > 0x20 } }
    let lines = zip(counted, rows).filter { !$1.contains("\"I03\"") }.map(\.0)
    #expect(counted.count == rows.count && lines.count == rows.count - 40)
    var random = SplitMix(state: 11)
    var outputs: [[UInt8]] = []
    var sorted: [[String]] = []
    for order in [lines, lines.shuffled(using: &random), lines.reversed()] {
      let input = Array(order.joined(separator: [0x0A]))
      let command = ["rank"] + Self.offline + Self.allLimits
      outputs.append(try Self.rouse(command + ["--threads", "2"], input: input).output)
      let all = Self.text(try Self.rouse(command + ["--rows", "all"], input: input))
      sorted.append(all.split(separator: "\n").map(String.init).sorted())
    }
    #expect(outputs[0].count > 1000 && outputs[1] == outputs[0] && outputs[2] == outputs[0])
    #expect(sorted[1] == sorted[0] && sorted[2] == sorted[0])
  }

  @Test func standardInput() throws {
    let wanted = try Vectors.text("examples/expected.score.ndjson")
    for dash in [[], ["-"]] {
      try Self.expect(
        wanted, of: ["score"] + Self.offline + dash, input: try Vectors.bytes("examples/candidates.ndjson"))
    }
    // A last line without its LF is a line, and one that ends with CR LF the same line.
    let lines = try Vectors.text("examples/candidates.ndjson").split(separator: "\n")
    try Self.expect(wanted, of: ["score"] + Self.offline, input: Array(lines.joined(separator: "\r\n").utf8))
  }

  /// A reader that has had enough ends an endless input quietly.
  @Test func closedOutput() throws {
    for command in ["score", "score --threads 1"] {
      let script = """
        yes '{"user_id":"a","registered_at":"2026-02-01T00:00:00Z"}' 2>/dev/null \
        | { timeout 60 "$0" \(command) --policy "$1"; echo "exit $?" >&2; } | head -n 1
        """
      let ended = try Self.shell(
        script, [Self.policy])
      #expect(Self.text(ended).hasPrefix("{\"user_id\":\"a\",\"status\":"))
      #expect(ended.error == "exit 0\n")
    }
  }

  /// Descriptors that whoever started us had closed must not become those of our own sockets and files.
  @Test(arguments: ["<&-", ">&-"]) func missingStream(_ redirection: String) throws {
    let script = "\"$0\" score --policy \"$1\" \(redirection)"
    let ended = try Self.shell(
      script, [Self.policy],
      input: try Vectors.bytes("examples/candidates.ndjson"))
    #expect(ended.code == 2)
    #expect(ended.error.contains("Bad file descriptor"))
  }

  // MARK: - CSV

  private static let csv = #"""
    \#u{FEFF}user_id,registered_at,credit_granted_at,credit_limit,other_loans,sms_ok,call_ok,region,device.os,device.tier,contacts,memo,open_loans\#r
    007,2025-12-01T08:00:00Z,2026-01-30T03:30:00Z,8000,0,true,TRUE,CN-33,ios,high,,a note,\#r
    "a,""b""",2025-12-01T08:00:00Z,2026-01-30T03:30:00Z,12000.5,1e0,TRUE,false,"CN-33","ios",,"[{""channel"":""sms"",
    ""at"":""2026-02-20T11:30:00Z""}]","two
    lines",

    c,"2026-02-10T08:00:00Z",,,,false,,,,,,,
    d,yesterday,,-0,012,yes,1,,,,,,
    e,2026-02-10T08:00:00Z,,,10,true,,"",android,mid,[],,x
    ,2026-02-10T08:00:00Z,,,,,,,,,,,
    """#

  private static let sameInJSON = #"""
    {"user_id":"007","registered_at":"2025-12-01T08:00:00Z","credit_granted_at":"2026-01-30T03:30:00Z","credit_limit":8000,"other_loans":0,"sms_ok":true,"call_ok":true,"region":"CN-33","device":{"os":"ios","tier":"high"},"memo":"a note"}
    {"user_id":"a,\"b\"","registered_at":"2025-12-01T08:00:00Z","credit_granted_at":"2026-01-30T03:30:00Z","credit_limit":12000.5,"other_loans":1,"sms_ok":true,"call_ok":false,"region":"CN-33","device":{"os":"ios"},"contacts":[{"channel":"sms","at":"2026-02-20T11:30:00Z"}],"memo":"two\nlines"}
    {"user_id":"c","registered_at":"2026-02-10T08:00:00Z","sms_ok":false}
    {"user_id":"d","registered_at":"yesterday","credit_limit":-0,"other_loans":"012","sms_ok":"yes","call_ok":"1"}
    {"user_id":"e","registered_at":"2026-02-10T08:00:00Z","other_loans":10,"sms_ok":true,"device":{"os":"android","tier":"mid"},"contacts":[],"open_loans":"x"}
    {"registered_at":"2026-02-10T08:00:00Z"}

    """#

  @Test func cellsAreTyped() throws {
    let command = ["score"] + Self.offline
    let wanted = Self.text(try Self.rouse(command, input: Array(Self.sameInJSON.utf8)))
    #expect(wanted.split(separator: "\n").count == 7)
    try Self.expect(wanted, of: command + ["--csv"], input: Array(Self.csv.utf8))
    // The types matter: with all cells as texts the answers are others.
    let texts = Self.sameInJSON.replacing(/:(-?[0-9.]+|true|false)([,}])/) { ":\"\($0.1)\"\($0.2)" }
    #expect(Self.text(try Self.rouse(command, input: Array(texts.utf8))) != wanted)
  }

  /// A time in digits is seconds since 1970, as on the wire; a day of eight digits is none, and is reported.
  @Test func timesInDigits() throws {
    let command = ["score"] + Self.offline
    let wanted = Self.text(
      try Self.rouse(
        command,
        input: Array(
          (#"{"user_id":"s","registered_at":1764576000,"sms_ok":true}"# + "\n"
            + #"{"user_id":"t","registered_at":"20251201","sms_ok":true}"# + "\n").utf8)))
    #expect(wanted.contains("registered_at: not a time") && wanted.contains(#""stage":"registered""#))
    try Self.expect(
      wanted, of: command + ["--csv"],
      input: Array("user_id,registered_at,sms_ok\ns,1764576000,true\nt,20251201,true\n".utf8))
  }

  @Test func endingSaysCSV() throws {
    let folder = try ServerProcess.temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appending(path: "customers.CSV")
    try Data(Self.csv.utf8).write(to: file)
    let ended = try Self.rouse(["score", file.path] + Self.offline)
    #expect(Self.text(ended) == Self.text(try Self.rouse(["score"] + Self.offline, input: Array(Self.sameInJSON.utf8))))
    let explained = try Self.rouse(["explain", "a,\"b\"", file.path] + Self.offline)
    #expect(explained.code == 0 && Self.text(explained).contains("12000.5"))
  }

  @Test(arguments: [
    ("2025-03-01", "2025-03-01T00:00:00+08:00"), ("2025-03-01 08:30", "2025-03-01T08:30:00+08:00"),
    ("2025-03-01T08:30:09.25", "2025-03-01T08:30:09.25+08:00"), ("2025-03-01T08:30:09Z", "2025-03-01T08:30:09Z"),
    ("2025-3-1", "2025-3-1"), ("2025-03-01 08", "2025-03-01 08"), ("2025-03-01 08:30:09.", "2025-03-01 08:30:09."),
  ])
  func datesOfCSV(_ cell: String, _ time: String) throws {
    let command = ["score", "--utc-offset", "+08:00"] + Self.offline
    let json = "{\"user_id\":\"a\",\"registered_at\":\"\(time)\"}\n"
    let wanted = try Self.rouse(command, input: Array(json.utf8))
    let ended = try Self.rouse(command + ["--csv"], input: Array("user_id,registered_at\na,\(cell)\n".utf8))
    #expect(ended == wanted)
    let utc = try Self.rouse(
      ["score"] + Self.offline + ["--csv"], input: Array("user_id,registered_at\na,\(cell)\n".utf8))
    if cell == "2025-03-01 08:30" { #expect(utc.output != wanted.output) }
    #expect(utc.error == wanted.error)
  }

  @Test(arguments: [
    ("user,region\na,b\n", ":1: "), ("user_id,region,region\na,b,c\n", "twice"), ("user_id,\na,b\n", "column 2"),
    ("user_id,region\na\n", ":2: "), ("user_id\n\"a\n", "no closing quote"), ("user_id\n\"a\"b\n", "closing quote"),
    ("", "empty"), ("user_id,contacts\na,sms\n", "contacts"), ("user_id,device,device.os\na,b,c\n", "device"),
  ])
  func brokenCSV(_ csv: String, _ word: String) throws {
    let ended = try Self.rouse(["score", "--csv"] + Self.offline, input: Array(csv.utf8))
    #expect(ended.code == 2)
    #expect(ended.error.contains(word) && ended.error.split(separator: "\n").count == 1, "\(ended.error)")
  }

  // MARK: - Policies

  private static let badPolicies = Vectors.rows("bad-policies/index.tsv", skipping: 1)

  private struct Fault: Decodable, Equatable {
    let kind: String
    let path: String
    let line: Int?
    let column: Int?
    let message: String
  }

  @Test(arguments: badPolicies) func badPolicy(_ row: [String]) throws {
    let ended = try Self.rouse(["policy", "check", Self.file("bad-policies/\(row[0])"), "--json"])
    #expect(ended.code == 2 && ended.error.isEmpty)
    let faults = try ended.output.split(separator: 0x0A).map { try JSONDecoder().decode(Fault.self, from: Data($0)) }
    #expect(faults.map(\.kind) == [row[1]])
    #expect(faults.map(\.path) == [row[2]])
    #expect(faults.map(\.line) == [Int(row[3])])
    #expect(faults.map(\.column) == [Int(row[4])])
    #expect(faults.allSatisfy { !$0.message.isEmpty })
  }

  @Test func policyCheck() throws {
    #expect(try Self.rouse(["policy", "check", Self.policy]).code == 0)
    let sound = try Self.rouse(["policy", "check", Self.policy, "--json", "--set", "plan.budget=12.5"])
    #expect(sound.code == 0 && sound.output.isEmpty)
    let slip = try Self.rouse(["policy", "check", Self.policy, "--json", "--set", "plan.budgt=12.5"])
    #expect(slip.code == 2 && Self.text(slip).contains("did you mean 'budget'"))
    let json = try Self.rouse(
      ["policy", "check", Self.file("edges/json-policy/policy.json"), "--json", "--set", "money.margn=1"])
    let fault = try JSONDecoder().decode(Fault.self, from: Data(json.output))
    #expect(fault.kind == "unknown_key" && fault.line == nil && fault.column == nil)
    for row in Self.badPolicies.prefix(2) {
      let path = Self.file("bad-policies/\(row[0])")
      let ended = try Self.rouse(["policy", "check", path])
      #expect(ended.code == 2 && ended.output.isEmpty)
      #expect(ended.error.hasPrefix("\(path):\(row[3]):\(row[4]): \(row[1]): \(row[2]): "), "\(ended.error)")
      let rank = try Self.rouse(["rank", "--policy", path], input: try Vectors.bytes("examples/candidates.ndjson"))
      #expect(rank.code == 2 && rank.output.isEmpty && rank.error.contains(":\(row[3]):\(row[4]): \(row[1])"))
    }
  }

  // MARK: - Usage

  private static let mistakes: [[String]] = [
    ["rank", "--policy", policy, "/nowhere.ndjson"], ["rank", "--policy", "/nowhere.yaml"], ["rank", "/"],
    ["rank", "--policy", policy, "/"], ["bogus"], ["rank", "--bogus"], ["rank"], ["ping", "--server", "nowhere"],
    ["ping", "--profile", "/nowhere.yaml"], ["ping", "--wait", "-1"], ["rank", "--utc-offset", "8"],
    ["ping", "--server", "127.0.0.1:1", "--ca", "/nowhere.pem"],
    ["rank", "--policy", policy, "--as-of", "2026-03-01"], ["rank", "--policy", policy, "--threads", "0"],
    ["rank", "--policy", policy, "--server", "127.0.0.1:1"], ["rank", "--policy", policy, "--json", "--table"],
    ["rank", "--policy", policy, "--capacity", "pigeon=3"], ["rank", "--policy", policy, "--capacity", "call=some"],
    ["rank", "--policy", policy, "--capacity", "call"], ["rank", "--policy", policy, "--quota", "nobody=1"],
    ["rank", "--policy", policy, "--limit", "1.5"], ["rank", "--policy", policy, "--budget", "-1"],
    ["rank", "--policy", policy, "--capacity", "call=1", "--capacity", "call=2"],
    ["score", "--policy", policy, "--set", "plan"], ["score", "--policy", policy, "--set", "plan.budget=1,"],
    ["score", "--set", "plan.budget=1"], ["score", "--policy", policy, "--policy-version", "other@000000000000"],
    ["explain", "nobody", examples, "--policy", policy], ["explain", "u05"], ["policy", "check", "/nowhere.yaml"],
  ]

  @Test(arguments: mistakes) func usage(_ arguments: [String]) throws {
    let ended = try Self.rouse(arguments, input: try Vectors.bytes("examples/candidates.ndjson"))
    #expect(ended.code == 2)
    #expect(ended.output.isEmpty)
    #expect(!ended.error.isEmpty)
  }

  @Test func helpIsNoMistake() throws {
    for arguments in [["--help"], ["rank", "--help"], ["--version"], ["--generate-completion-script", "bash"]] {
      let ended = try Self.rouse(arguments)
      #expect(ended.code == 0 && !ended.output.isEmpty && ended.error.isEmpty)
    }
  }

  @Test func invalidInput() throws {
    let lines = "{\"user_id\":\"a\",\"registered_at\":\"2026-02-01T00:00:00Z\"}\n{\"user_id\":\"b\",\n"
    for command in ["score", "rank"] {
      let ended = try Self.rouse([command, "--policy", Self.policy], input: Array(lines.utf8))
      #expect(ended.code == 1 && ended.error.isEmpty)
      #expect(Self.text(ended).contains("\"lines\":2,\"status\":{\"invalid\":1,"))
    }
    let one = Array(lines.utf8.prefix { $0 != 0x0A })
    #expect(try Self.rouse(["score", "--policy", Self.policy], input: one).code == 0)
    #expect(try Self.rouse(["rank", "--policy", Self.policy]).code == 0)
  }

  // MARK: - With a server

  @Test(arguments: ["json-policy", "unicode", "lines", "cut-tiers", "prices-many-limits", "null-limits-set"])
  func edgeOverTLS(_ name: String) throws {
    let edge = try EdgeCase(name)
    let server = try ServerProcess(
      policy: ("policy.json", try OverTLSTests.policy(edge.policy, overrides: edge.overrides)))
    let rows = edge.op == "rank" ? ["--rows", "all"] : []
    let ended = try Self.rouse(
      [edge.op, "--as-of", edge.asOf, "--profile", try server.profile()] + rows, input: try edge.candidates)
    #expect(firstDifference(Self.text(ended), try edge.expected) == nil)
    #expect(ended.code == (try edge.expected.contains("\"invalid\":0,") ? 0 : 1), "\(ended.error)")
  }

  @Test func goldenOverTLS() throws {
    let server = try ServerProcess()
    let command = ["rank", "--rows", "all", "--as-of", Vectors.asOf, Self.golden] + Self.allLimits
    let flags = [
      "--server", "localhost:\(server.port)", "--ca", server.tls("ca.pem"), "--cert", server.tls("client.pem"),
      "--key", server.tls("client.key"),
    ]
    for (arguments, environment) in [
      (["--profile", try server.profile()], [:]), ([], ["ROUSE_PROFILE": try server.profile()]),
      (flags, Self.elsewhere),
    ] {
      let ended = try Self.rouse(command + arguments, environment: environment)
      #expect(firstDifference(Self.text(ended), try Vectors.text("golden/expected.rank.all-limits.ndjson")) == nil)
      #expect(ended.code == 1, "\(ended.error)")
    }
    // Contacts alone, and CSV, of which the server says the types.
    let contacts = ["rank", "--as-of", Vectors.asOf, Self.golden] + Self.allLimits
    #expect(
      try Self.rouse(contacts + ["--profile", try server.profile()]).output
        == Self.rouse(contacts + ["--policy", Self.policy]).output)
    let csv = try Self.rouse(
      ["score", "--csv", "--as-of", Vectors.asOf, "--profile", try server.profile()], input: Array(Self.csv.utf8))
    #expect(
      Self.text(csv) == Self.text(try Self.rouse(["score"] + Self.offline, input: Array(Self.sameInJSON.utf8))))
  }

  @Test func refusals() throws {
    let server = try ServerProcess()
    let profile = ["--profile", try server.profile()]
    #expect(try Self.rouse(["ping"] + profile).code == 0)
    #expect(Self.text(try Self.rouse(["info"] + profile)).contains("\"protocol\":\"rouse/1\""))
    let table = Self.text(try Self.rouse(["fields", "--table"] + profile))
    #expect(table.contains("credit_limit") && table.contains("times_ahead") == false)
    for command in [["score"], ["rank"], ["explain", "u05"]] {
      let pinned = try Self.rouse(
        command + [Self.examples, "--policy-version", "cash-loan-recall@000000000000"] + profile)
      #expect(pinned.code == 3 && pinned.output.isEmpty)
      #expect(pinned.error.contains("not_found"), "\(pinned.error)")
    }
    let nobody = try Self.rouse(
      ["rank", Self.examples, "--server", "127.0.0.1:\(server.port)", "--ca", server.tls("ca.pem")])
    #expect(nobody.code == 3 && nobody.error.contains("unauthenticated"), "\(nobody.error)")
    let stranger = try Self.rouse(["ping", "--server", "127.0.0.1:\(server.port)"])
    #expect(stranger.code == 4 && stranger.error.contains("--ca"), "\(stranger.error)")
    server.signal(SIGTERM)
    #expect(server.exitCode() == 0)
    for command in [["ping"], ["score", Self.examples], ["explain", "u05", Self.examples]] {
      let gone = try Self.rouse(command + profile)
      #expect(gone.code == 4 && gone.output.isEmpty)
      #expect(gone.error.split(separator: "\n").count == 1, "\(gone.error)")
    }
  }

  // MARK: - A server's policies

  @Test func policies() throws {
    let server = try ServerProcess()
    let profile = ["--profile", try server.profile()]
    let file = server.home.appending(path: "policy.yaml").path
    let text = try String(contentsOfFile: file, encoding: .utf8)
    #expect(Self.text(try Self.rouse(["policy", "show"] + profile)) == text)
    let history = Self.text(try Self.rouse(["policy", "history", "--table"] + profile))
    let live = String(try #require(history.split(separator: "\n").last?.split(separator: " ").first))

    let next = server.home.deletingLastPathComponent().appending(path: "next.yaml").path
    try Data((text + "# next\n").utf8).write(to: URL(filePath: next))
    let done = try Self.rouse(["policy", "activate", next, "--against", live] + profile)
    #expect(done.code == 0 && Self.text(done).hasSuffix("; it was \(live)\n"), "\(done.error)")
    #expect(try String(contentsOfFile: file, encoding: .utf8) == text + "# next\n")
    let late = try Self.rouse(["policy", "activate", next, "--against", live] + profile)
    #expect(late.code == 3 && late.error.contains("conflict"))
    #expect(Self.text(try Self.rouse(["policy", "activate", next] + profile)).hasSuffix(" is live already\n"))
    #expect(Self.text(try Self.rouse(["policy", "show", "--policy-version", live] + profile)) == text)

    // Faults are shown as a check at home shows them.
    try Data((text + "more: 1\n").utf8).write(to: URL(filePath: next))
    let faulty = try Self.rouse(["policy", "activate", next] + profile)
    let atHome = try Self.rouse(["policy", "check", next])
    #expect(faulty.code == 2)
    #expect(faulty.error.split(separator: "\n").first == atHome.error.split(separator: "\n").first)
    try Data([0xFF, 0x0A]).write(to: URL(filePath: next))
    #expect(try Self.rouse(["policy", "activate", next] + profile).code == 2)
  }

  // MARK: - Explain

  @Test func explain() throws {
    let server = try ServerProcess()
    let command = ["explain", "u05", Self.examples, "--as-of", Vectors.asOf]
    let shown = try Self.rouse(command + ["--policy", Self.policy])
    let text = Self.text(shown)
    #expect(shown.code == 0 && shown.error.isEmpty)
    #expect(
      text.hasPrefix(
        """
        u05: eligible, by call at 2026-03-01 11:00 +08:00, worth 2.608264
          valid until 2026-03-02 03:30 UTC, if nothing happens

        """))
    for title in [
      "Facts", "Stage", "Rules", "Risk", "Response", "Money", "Channels", "Experiment", "What would change it",
      "Missing facts that could turn it",
    ] {
      #expect(text.contains("\n\n\(title)\n"))
    }
    #expect(
      try Self.rouse(command + ["--profile", try server.profile()], environment: Self.elsewhere).output == shown.output)

    let json = try Self.rouse(command + ["--policy", Self.policy, "--json"])
    let object = try #require(JSONSerialization.jsonObject(with: Data(json.output)) as? [String: Any])
    #expect(object["user_id"] as? String == "u05" && object["explain"] is [String: Any])
    #expect(object["valid_until"] as? String == "2026-03-02T03:30:00Z")
    #expect(try Self.rouse(command + ["--profile", try server.profile(), "--json"]).output == json.output)
  }
}

extension ServerProcess {
  /// The home's, with the port that the server has found.
  func profile() throws -> String {
    let made = home.appending(path: "client.yaml")
    let file = home.appending(path: "profile.yaml")
    let text = try String(contentsOf: made, encoding: .utf8)
    try Data(text.replacing("127.0.0.1:7411", with: "127.0.0.1:\(port)").utf8).write(to: file)
    return file.path
  }
}
