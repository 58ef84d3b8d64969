import Foundation
import RouseCore
import RouseWire
import TestData
import Testing

/// The desk's commands against the real server: a plan, what came of it, and looking back.
@Suite struct ClientReviewTests {
  private static let golden = Vectors.folder.appending(path: "golden/candidates.ndjson").path

  private let server: ServerProcess
  private let profile: [String]

  init() throws {
    server = try ServerProcess()
    profile = ["--profile", try server.profile()]
  }

  private func rouse(_ arguments: [String], input: String = "") throws -> ClientRun {
    try ClientRun(arguments + profile, input: input)
  }

  private func day(_ days: Int64) -> String {
    String(Moment.format(Int64(Date().timeIntervalSince1970) + days * 86_400).prefix(10))
  }

  @Test func theWholeWay() throws {
    let empty = try rouse(["review", "--table"])
    #expect(empty.code == 0 && empty.output.contains("No contact was reported"), "\(empty.output)\(empty.error)")

    _ = try rouse(["load", Self.golden])
    let made = try rouse([
      "rank", "--audience", "TRUE", "--commit", "--plan-key", "k", "--campaign", "march", "--as-of", Vectors.asOf,
      "--json",
    ])
    let rows = made.output.split(separator: "\n").dropLast().compactMap { JSONValue(Array($0.utf8)) }
    #expect(rows.count > 1000)
    let replay = try rouse(["replay", "P1", "--table"])
    #expect(replay.code == 0 && replay.output.hasPrefix("P1 comes out the same, byte by byte: "), "\(replay.error)")
    #expect(try rouse(["replay", "P2"]).code == 3)

    let now = Int64(Date().timeIntervalSince1970)
    var events = ""
    for (index, row) in rows.enumerated() {
      let user = JSONText.quoted(row["user_id"]?.text ?? "")
      let channel = JSONText.quoted(row["best"]?["channel"]?.text ?? "")
      func add(_ kind: String, _ more: String) {
        events += #"{"key":"\#(kind)\#(index)","user_id":\#(user),"kind":"\#(kind)","at":\#(now)\#(more)}"# + "\n"
      }
      add("contact", #","channel":\#(channel),"plan":"P1","cost":0.05"#)
      if index % 2 == 0 { add("click", "") }
      if index % 4 == 0 { add("login", "") }
      if index % 8 == 0 { add("disbursed", #","amount":4000"#) }
    }
    let record = try rouse(["record"], input: events)
    #expect(record.code == 0, "\(record.error)")

    // As it will be known when the windows have ended.
    let period = ["--weeks", "1", "--until", day(2), "--as-of", day(30)]
    let text = try rouse(["review", "--table", "--new-user-cost", "50", "--by", "arm,campaign"] + period)
    for part in ["What matters", "By arm", "By campaign", "What contacts have added", "Region groups", "Week by week"] {
      #expect(text.output.contains("\n\(part)"), "\(part)")
    }
    #expect(text.code == 0 && !text.output.contains("By stage"))
    let terminals = try ClientRun.onTerminals(["review", "--table", "--by", "stage,campaign"] + period + profile)
    for one in terminals {
      #expect(one.code == 0 && one.lines.allSatisfy { $0.count <= one.width }, "\(one.width)")
      #expect(one.lacks(of: terminals[2]) == [], "\(one.width)")
      // A terminal that has room shows a table as one.
      #expect(one.lines.filter { $0.hasPrefix("  granted ") }.count >= (one.width == 200 ? 2 : 3), "\(one.width)")
    }
    let json = try rouse(["review", "--json"] + period)
    let review = try #require(JSONValue(Array(json.output.utf8.dropLast())))
    #expect(review["contacts"]?["finished"]?.whole == rows.count)
    #expect(review["all"]?["rates"]?["click_per_push"]?["count"]?.whole == (rows.count + 1) / 2)

    let policy = server.home.appending(path: "policy.yaml").path
    let backtest = try rouse(["policy", "backtest", policy, "--table"] + period)
    #expect(backtest.code == 0 && backtest.output.contains("by SNIPS"), "\(backtest.output)\(backtest.error)")
    #expect(backtest.output.contains("What this cannot see"))
    let faulty = server.home.appending(path: "faulty.yaml").path
    try "version: 2\n".write(toFile: faulty, atomically: true, encoding: .utf8)
    let refused = try rouse(["policy", "backtest", faulty])
    #expect(refused.code == 2 && refused.error.contains("faulty.yaml:1:1: missing_key"), "\(refused.error)")
    // One rule for all that have a server look at a policy: 2, and the faults as `check` tells them.
    for arguments in [
      ["policy", "activate", faulty], ["policy", "activate", faulty, "--shadow"],
      ["policy", "compare", faulty, "--on", "audience"],
      ["policy", "fit", faulty, "--from", "ledger", "--out", faulty + ".fitted.yaml"],
    ] {
      let run = try rouse(arguments)
      #expect(run.code == 2 && run.error.contains("faulty.yaml:1:1: missing_key"), "\(arguments) \(run.error)")
    }

    _ = try rouse(["erase", rows[0]["user_id"]?.text ?? "", "--yes"])
    let less = try rouse(["replay", "P1", "--json"])
    #expect(less.code == 0 && less.output.contains(#""verdict":"erased""#))
  }

  /// A page takes the place of an older page, and of nothing else.
  @Test func aPageSparesOtherFiles() throws {
    let policy = server.home.appending(path: "policy.yaml").path
    let before = try String(contentsOfFile: policy, encoding: .utf8)
    let refused = try rouse(["review", "--html", policy])
    #expect(refused.code == 2 && refused.error.contains("policy.yaml is there, and it is no page"), "\(refused.error)")
    #expect(refused.output.isEmpty)
    #expect(try String(contentsOfFile: policy, encoding: .utf8) == before)

    let page = server.home.appending(path: "review.html").path
    for _ in 0..<2 { #expect(try rouse(["review", "--html", page]).code == 0) }
    try "".write(toFile: page, atomically: true, encoding: .utf8)
    #expect(try rouse(["review", "--html", page]).code == 0)
    #expect(try String(contentsOfFile: page, encoding: .utf8).contains("<h1"))
  }

  /// The remedy is one that the command has.
  @Test func withoutAServer() throws {
    for arguments in [["review"], ["replay", "P1"], ["policy", "history"]] {
      let run = try ClientRun(arguments)
      #expect(run.code == 2 && run.error.contains("no server: give --server"), "\(run.error)")
      #expect(!run.error.contains("--policy FILE"), "\(run.error)")
    }
    let diff = try ClientRun(["policy", "diff", server.home.appending(path: "policy.yaml").path])
    #expect(diff.code == 2 && diff.error.contains("or name two files"), "\(diff.error)")
    let rank = try ClientRun(["rank", Self.golden])
    #expect(rank.code == 2 && rank.error.contains("with --policy FILE"), "\(rank.error)")
  }

  @Test func usage() throws {
    for (arguments, part) in [
      (["--weeks", "0"], "from 1 to 260"), (["--since", "monday"], "is no time"), (["--by", "mood"], "is none of"),
      (["--weeks", "2", "--since", "2026-03-01"], "not both"), (["--new-user-cost", "-2"], "--new-user-cost"),
    ] {
      let run = try rouse(["review"] + arguments)
      #expect(run.code == 2 && run.error.contains(part), "\(run.error)")
    }
  }
}
