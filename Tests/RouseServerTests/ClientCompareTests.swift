import Foundation
import RouseCore
import RouseWire
import TestData
import Testing

/// `rouse policy compare` and `rouse policy shadow`, by themselves and against the real server.
@Suite struct ClientCompareTests {
  private static let golden = Vectors.folder.appending(path: "golden/candidates.ndjson").path
  private static let policy = Vectors.folder.appending(path: "policy.yaml").path
  private static let moment = ["--as-of", Vectors.asOf]

  /// A folder with the policy as it might become.
  private static func changed() throws -> URL {
    let folder = try ServerProcess.temporaryFolder()
    let text = try Vectors.text("policy.yaml").replacing("cutoff: 565", with: "cutoff: 545")
      .replacing("is: {true: 16, false: 0}", with: "is: {true: 20, false: 0}")
    try Data(text.utf8).write(to: folder.appending(path: "new.yaml"))
    return folder
  }

  private func value(_ run: ClientRun) throws -> JSONValue {
    #expect(run.code == 0, "\(run.error)")
    return try #require(JSONValue(run.output.dropLast().utf8))
  }

  @Test func withoutAServer() throws {
    let folder = try Self.changed()
    defer { try? FileManager.default.removeItem(at: folder) }
    let new = folder.appending(path: "new.yaml").path
    let command = ["policy", "compare", new, Self.policy, "--on", Self.golden] + Self.moment
    let one = try ClientRun(command + ["--threads", "1", "--budget", "20"])
    for threads in ["2", "5"] {
      #expect(try ClientRun(command + ["--threads", threads, "--budget", "20"]).output == one.output)
    }
    let comparison = try value(one)
    for (side, file) in [("old", Self.policy), ("new", new)] {
      let rank = try ClientRun(["rank", "--policy", file, "--budget", "20", Self.golden] + Self.moment)
      let plan = JSONValue((rank.output.split(separator: "\n").last ?? "").utf8)?["plan"]
      for name in ["contacts", "spend", "value", "net_value", "capital"] {
        #expect(comparison["totals"]?[side]?[name]?.json == plan?[name]?.json, "\(side) \(name)")
      }
    }
    let table = try ClientRun(command + ["--table"])
    #expect(table.code == 0 && table.output.hasPrefix("New  cash-loan-recall@"), "\(table.error)")
    for title in ["Totals\n", "Swap set\n", "What becomes of whom\n", "Channel\n", "Up most\n", "Same order  "] {
      #expect(table.output.contains("\n" + title), "\(title)\(table.output)")
    }
    #expect(table.output.contains("no longer declined"))
    let terminals = try ClientRun.onTerminals(command + ["--table"]) { text in
      // What moved whom is words, and may be cut.
      String(text[..<(text.firstRange(of: "\nSame order")?.lowerBound ?? text.endIndex)])
    }
    for one in terminals {
      #expect(one.code == 0 && one.lines.allSatisfy { $0.count <= one.width }, "\(one.width)")
      #expect(one.lacks(of: terminals[2]) == [], "\(one.width)")
      #expect(!one.lines.contains { $0.contains(/[ +-][0-9.,]+…/) }, "\(one.width)")
    }
    // A change without a second file.
    let set = try ClientRun(
      ["policy", "compare", Self.policy, Self.policy, "--set", "plan.budget=1", "--on", Self.golden] + Self.moment)
    #expect(try value(set)["new"]?["limits"]?["budget"]?.whole == 1)
  }

  /// CSV is typed by the fields of the policies.
  @Test func fromCSV() throws {
    let folder = try Self.changed()
    defer { try? FileManager.default.removeItem(at: folder) }
    let new = folder.appending(path: "new.yaml").path
    let csv =
      "user_id,credit_granted_at,credit_limit,region,sms_ok,device.os\nu1,2026-01-10T00:00:00Z,9000,CN-11,true,ios\nu2,2026-01-10T00:00:00Z,,CN-11,true,\n"
    let run = try ClientRun(
      ["policy", "compare", new, Self.policy, "--on", "-", "--csv"] + Self.moment, input: csv)
    let comparison = try value(run)
    #expect(comparison["lines"]?.whole == 2 && comparison["totals"]?["new"]?["contacts"]?.whole == 2, "\(run.output)")
  }

  private static let mistakes: [([String], String)] = [
    (["--on", "audience", "--set", "a=1"], "--set changes the new policy in this process"),
    (["--on", "audience", "--csv"], "--csv goes with --on FILE"),
    (["--on", golden, "--no-ledger"], "--no-ledger goes with --on audience"),
    (["--on", golden, "--as-of", "today"], "RFC 3339"),
    (["--on", golden], "--profile client.yaml, or name OLD.yaml"),
    ([policy, "--on", golden, "--server", "127.0.0.1:1"], "nothing is asked of a server"),
    ([policy, "--on", "audience"], "the server compares its audience with 'live'"),
    ([policy, "--on", golden, "--capacity", "pigeon=1"], "no channel 'pigeon'"),
    ([policy, "--on", "/nowhere/x.ndjson"], "cannot read /nowhere/x.ndjson"),
    ([policy], "--on"),
  ]

  @Test(arguments: mistakes) func usage(_ arguments: [String], _ words: String) throws {
    let run = try ClientRun(["policy", "compare", Self.policy] + arguments)
    #expect(run.code == 2 && run.output.isEmpty && run.error.contains(words), "\(run.error)")
  }

  @Test func aFaultyPolicy() throws {
    let folder = try Self.changed()
    defer { try? FileManager.default.removeItem(at: folder) }
    try Data("name: x\n".utf8).write(to: folder.appending(path: "bad.yaml"))
    let bad = folder.appending(path: "bad.yaml").path
    let run = try ClientRun(["policy", "compare", bad, Self.policy, "--on", Self.golden])
    #expect(run.code == 2 && run.error.contains("bad.yaml") && run.output.isEmpty)
  }

  @Test func withAServer() throws {
    let folder = try Self.changed()
    defer { try? FileManager.default.removeItem(at: folder) }
    let new = folder.appending(path: "new.yaml").path
    let server = try ServerProcess(policy: ("own.yaml", try Vectors.bytes("policy.yaml")))
    let profile = ["--profile", try server.profile()]
    func rouse(_ arguments: [String]) throws -> ClientRun { try ClientRun(arguments + profile) }

    #expect(try rouse(["load", Self.golden]).code == 1)
    let compare = ["policy", "compare", new] + Self.moment
    let atServer = try value(try rouse(compare + ["--on", "audience", "--limit", "40"]))
    let rank = try rouse(["rank", "--audience", "TRUE", "--limit", "40"] + Self.moment)
    let plan = JSONValue((rank.output.split(separator: "\n").last ?? "").utf8)?["plan"]
    #expect(atServer["totals"]?["old"]?["net_value"]?.json == plan?["net_value"]?.json)
    #expect(plan?["contacts"]?.whole == 40)
    let some = try value(try rouse(compare + ["--on", "audience:app_installed"]))
    #expect((some["lines"]?.whole ?? 0) > 100 && (some["lines"]?.whole ?? 0) < (atServer["lines"]?.whole ?? 0))
    // The live text is fetched, and the work is done here.
    let here = try value(try rouse(compare + ["--on", Self.golden]))
    let offline = try value(try ClientRun(compare + [Self.policy, "--on", Self.golden]))
    #expect(here.json == offline.json)
    let bad = folder.appending(path: "bad.yaml")
    try Data("name: x\n".utf8).write(to: bad)
    let faulty = try rouse(["policy", "compare", bad.path, "--on", "audience"])
    #expect(faulty.code == 2 && faulty.error.contains("\(bad.path)"), "\(faulty.error)")

    // A shadow, from its beginning to its end.
    #expect(try rouse(["policy", "shadow", "--table"]).output.contains("no policy decides beside it"))
    let begun = try rouse(["policy", "activate", new, "--shadow"])
    #expect(begun.code == 0 && begun.output.contains("decides beside cash-loan-recall@"), "\(begun.error)")
    #expect(try rouse(["policy", "activate", new, "--shadow", "--against", "x"]).code == 2)
    _ = try rouse(["score", Self.golden] + Self.moment)
    _ = try rouse(["rank", "--audience", "TRUE"] + Self.moment)
    var shadow: JSONValue?
    try eventually {
      shadow = try value(try rouse(["policy", "shadow"]))["shadow"]
      return shadow?["waiting"]?.whole == 0
    }
    #expect((shadow?["compared"]?.whole ?? 0) > 1000, "\(shadow?.json ?? "")")
    let table = try rouse(["policy", "shadow", "--table"]).output
    #expect(table.contains("Shadow  cash-loan-recall@") && table.contains("eligible under both"), "\(table)")
    #expect(try rouse(["policy", "shadow", "--off", "--table"]).output.contains("it is over now"))
    #expect(try value(try rouse(["policy", "shadow"]))["shadow"]?.isNull == true)
    let audit = try ServerProcess.run(
      "rouse-server", ["audit", "show", server.home.appending(path: "audit.ndjson").path])
    let shown = String(decoding: audit.output, as: UTF8.self)
    #expect(
      shown.contains("policy_shadowed live=cash-loan-recall@") && shown.contains("policy_shadow_ended"),
      "\(shown)\(audit.error)")
  }
}
