import Foundation
import TestData
import Testing

/// What the client asks of a server's ledger, and how it shows the answers.
@Suite struct ClientPlanTests {
  private static let policy = Vectors.folder.appending(path: "policy.yaml").path
  private static let row =
    #"{"user_id":"u1","status":"contact","rank":1,"reasons":[],"stage":"granted","tier":"3m","why":[],"arm":"policy","best":{"channel":"sms","p":0.1,"value":2.5,"spend":0.1,"capital":3,"roi":25,"send_at":"2026-03-01T11:00:00+08:00"}}"#
  private static let plan = #"{"lines":1,"status":{"invalid":0},"contacts":1,"by_channel":{"sms":1},"cut":[]}"#

  @Test func audience() throws {
    let server = try StandIn { _ in "\(Self.row)\n{\"ok\":true,\"plan\":\(Self.plan)}" }
    let run = try ClientRun(["rank", "--audience", "region = 'x\"y'", "--no-ledger", "--limit", "3"] + server.flags)
    #expect(run.code == 0 && run.output == "\(Self.row)\n{\"plan\":\(Self.plan)}\n", "\(run.output)\(run.error)")
    #expect(server.lines == [#"{"op":"rank","limit":3,"audience":"region = 'x\"y'","ledger":false}"#])

    let scorer = try StandIn { _ in "\(Self.row)\n{\"ok\":true,\"summary\":{\"lines\":1,\"status\":{\"invalid\":0}}}" }
    let score = try ClientRun(["score", "--audience", "TRUE", "--as-of", "2026-03-01T02:00:00Z"] + scorer.flags)
    #expect(score.code == 0 && score.output.hasPrefix(Self.row + "\n{\"summary\":"), "\(score.error)")
    #expect(scorer.lines == [#"{"op":"score","as_of":"2026-03-01T02:00:00Z","audience":"TRUE"}"#])
  }

  @Test(arguments: [false, true]) func commit(isReplayed: Bool) throws {
    let server = try StandIn { line in
      guard !line.contains("\"op\":\"rank\"") else { return "" }
      return line.contains("\"op\":\"end\"")
        ? "\(Self.row)\n{\"ok\":true,\"plan\":\(Self.plan),\"plan_id\":\"P17\",\"leased_until\":\"2026-03-04T02:00:00Z\",\"replayed\":\(isReplayed)}"
        : ""
    }
    let command = ["rank", "--commit", "--plan-key", "march-1", "--campaign", "march"] + server.flags
    let run = try ClientRun(command, input: "{\"user_id\":\"u1\"}\n")
    #expect(run.code == 0, "\(run.error)")
    #expect(
      run.output.hasSuffix(
        "{\"plan\":\(Self.plan),\"plan_id\":\"P17\",\"leased_until\":\"2026-03-04T02:00:00Z\",\"replayed\":\(isReplayed)}\n"
      )
    )
    #expect(
      server.lines.first
        == #"{"op":"rank","commit":true,"plan_key":"march-1","campaign":"march","stream":true}"#)
    let table = try ClientRun(command + ["--table"], input: "{\"user_id\":\"u1\"}\n")
    let made = isReplayed ? ", made before with this plan key" : ""
    #expect(
      table.output.contains("\n\nPlan   P17\(made)\nTaken  its users, until 2026-03-04 02:00 UTC\n\nContacts"),
      "\(table.output)")
  }

  private static let mistakes: [([String], String)] = [
    (["rank", "--audience", "TRUE", "--policy", policy], "--audience is about a server's ledger"),
    (["score", "--audience", "TRUE", "--policy", policy], "--audience is about a server's ledger"),
    (["score", "--no-ledger", "--policy", policy], "--no-ledger is about a server's ledger"),
    (["rank", "--commit", "--plan-key", "a", "--policy", policy], "--commit is for a server's ledger"),
    (["rank", "--commit", "--server", "127.0.0.1:1"], "--plan-key"),
    (["rank", "--plan-key", "a", "--server", "127.0.0.1:1"], "--commit"),
    (["rank", "--campaign", "a", "--server", "127.0.0.1:1"], "--commit"),
    (["rank", "--commit", "--plan-key", "a", "--rows", "all", "--server", "127.0.0.1:1"], "--rows all"),
    (["rank", "--audience", "TRUE", "file.ndjson", "--server", "127.0.0.1:1"], "not both"),
  ]

  @Test(arguments: mistakes) func usage(_ arguments: [String], _ words: String) throws {
    let run = try ClientRun(arguments)
    #expect(run.code == 2 && run.output.isEmpty && run.error.contains(words), "\(run.error)")
  }

  /// A server without a ledger says so itself.
  @Test func noLedger() throws {
    let server = try StandIn { _ in
      #"{"ok":false,"error":{"code":"not_found","message":"this server keeps no ledger","at":"/op"}}"#
    }
    for command in [["user", "u1"], ["plans"], ["plan", "P1"], ["erase", "u1", "--yes"]] {
      let run = try ClientRun(command + server.flags)
      #expect(run.code == 3 && run.output.isEmpty && run.error.contains("keeps no ledger"), "\(run.error)")
    }
  }

  private static let user =
    #"{"ok":true,"user_id":"u1","events":[{"user_id":"u1","kind":"contact","at":"2026-03-01T02:10:00Z","channel":"sms","plan":"P1","campaign":"march","cost":0.02},{"user_id":"u1","kind":"login","at":"2026-02-01T02:10:00Z"}],"event_count":120,"opted_out":true,"complained":false,"leased_until":"2026-03-04T02:00:00Z","plans":[{"plan_id":"P1","rank":3,"channel":"sms","leased_until":"2026-03-04T02:00:00Z"},{"plan_id":"P0","rank":0,"channel":"sms","leased_until":null}],"candidate":{"user_id":"u1","credit_limit":8000,"device":{"os":"ios"}},"decision":{"user_id":"u1","status":"resting","reasons":["C05"],"stage":"granted","dormant_days":30,"silent_days":9,"tier":"3m","until":"2026-03-04T02:00:00Z","valid_until":"2026-03-04T02:00:00Z"}}"#

  @Test func aUser() throws {
    let server = try StandIn { _ in Self.user }
    let run = try ClientRun(["user", "u1"] + server.flags)
    #expect(run.code == 0 && run.error.isEmpty)
    #expect(server.lines == [#"{"op":"user","user_id":"u1"}"#])
    #expect(
      run.output == """
        u1: resting (C05), until 2026-03-04 02:00 UTC
          valid until 2026-03-04 02:00 UTC, if nothing happens
          stage granted, dormant for 30 days, silent for 9, tier 3m
          has opted out: no contact
          taken by a plan until 2026-03-04 02:00 UTC

        Events, the latest 2 of 120
          2026-03-01 02:10 UTC  contact  sms  campaign march, plan P1, cost 0.02
          2026-02-01 02:10 UTC  login

        Plans
          P1  rank 3    sms  lease until 2026-03-04 02:00 UTC
          P0  held out  sms

        Candidate
          credit_limit  8000
          device.os     ios

        """, "\(run.output)")
    #expect(try ClientRun(["user", "u1", "--json"] + server.flags).output == Self.user + "\n")
    let bare = try StandIn { _ in
      #"{"ok":true,"user_id":"u\u001b2","events":[],"event_count":0,"opted_out":false,"complained":true,"leased_until":null,"plans":[],"candidate":null,"decision":null}"#
    }
    #expect(
      try ClientRun(["user", "u2"] + bare.flags).output == """
        u\u{FFFD}2: not in the audience, so nothing is decided
          has complained: no contact

        Events
          none

        """)
  }

  @Test func plans() throws {
    let head =
      #"{"plan_id":"P2","plan_key":"k2","campaign":null,"policy":"p@1","as_of":"2026-03-01T02:00:00Z","made":"2026-03-01T02:00:00Z","leased_until":"2026-03-04T02:00:00Z","contacts":1200,"ghosts":30,"erased":0,"value":1234.5,"spend":10,"capital":100}"#
    let server = try StandIn { _ in "{\"ok\":true,\"plans\":[\(head)]}" }
    let run = try ClientRun(["plans", "--before", "P9", "--limit", "1", "--table"] + server.flags)
    #expect(server.lines == [#"{"op":"plans","before":"P9","limit":1}"#])
    #expect(
      run.output == """
        plan  made                  campaign  key  contacts  held out     value  spend  taken until
        P2    2026-03-01 02:00 UTC            k2      1,200        30  1,234.50  10.00  2026-03-04 02:00 UTC

        """, "\(run.output)")
    #expect(run.error == "rouse: there may be more: --before P2\n")
    #expect(try ClientRun(["plans"] + server.flags).output == "{\"ok\":true,\"plans\":[\(head)]}\n")
    #expect(try ClientRun(["plans", "--limit", "0"] + server.flags).code == 2)

    let one = try StandIn { _ in
      "\(Self.row)\n{\"ok\":true,\"plan_id\":\"P2\",\"campaign\":\"march\",\"leased_until\":\"2026-03-04T02:00:00Z\",\"plan\":\(Self.plan)}"
    }
    let shown = try ClientRun(["plan", "P2", "--table"] + one.flags)
    #expect(one.lines == [#"{"op":"plan","plan_id":"P2"}"#])
    #expect(
      shown.output.contains(
        "Plan      P2\nCampaign  march\nTaken     its users, until 2026-03-04 02:00 UTC\n\nContacts"),
      "\(shown.output)")
    #expect(shown.output.hasPrefix("rank  user  stage"))
    let json = try ClientRun(["plan", "P2"] + one.flags)
    #expect(json.output.hasPrefix("\(Self.row)\n{\"plan_id\":\"P2\","), "\(json.output)")
  }
}
