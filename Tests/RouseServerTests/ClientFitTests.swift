import Foundation
import RouseCore
import RouseWire
import TestData
import Testing

/// `rouse policy fit` and `rouse policy start` as their users run them.
@Suite struct ClientFitTests {
  private static func folder() throws -> URL {
    let folder = FileManager.default.temporaryDirectory.appending(path: "rouse-fit-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    return folder
  }

  /// Calls of some trade: who is asked for the first time in spring says yes more often.
  private static func rows(_ count: Int) -> [[String]] {
    var random = SplitMix(state: 4)
    return (0..<count).map { index in
      let (age, calls) = (Int.random(in: 18..<80, using: &random), Int.random(in: 1..<9, using: &random))
      let month = ["jan", "apr", "jul", "oct"][Int.random(in: 0..<4, using: &random)]
      let p = (month == "apr" ? 0.35 : 0.1) * (calls == 1 ? 1.5 : 0.7)
      let came = Double.random(in: 0..<1, using: &random) < p
      return ["\(age)", month, "\(calls)", index % 3 == 0 ? "" : "\(Double(index % 700) / 10)", came ? "yes" : "no"]
    }
  }

  private static let header = ["age", "month", "Number of Calls", "balance", "y"]

  private static func csv(_ rows: [[String]], separator: String) -> String {
    ([header] + rows).map { $0.joined(separator: separator) + "\n" }.joined()
  }

  @Test(arguments: [",", ";", "\t"]) func anUnseenFileIsFittedAndRankedInTwoCommands(_ separator: String) throws {
    let folder = try Self.folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let (data, out) = (folder.appending(path: "calls.csv"), folder.appending(path: "policy.yaml").path)
    try Self.csv(Self.rows(3000), separator: separator).write(to: data, atomically: true, encoding: .utf8)
    let fit = try ClientRun([
      "policy", "fit", "--start", data.path, "--outcome", "y", "--contact-cost", "2", "--value-per-outcome", "12",
      "--out", out,
      "--table", "--holdout-report",
    ])
    #expect(fit.code == 0, "\(fit.error)")
    #expect(fit.output.contains("note: age: left out") && fit.output.contains("AUC"))
    let text = try String(contentsOfFile: out, encoding: .utf8)
    #expect(text.contains("Number_of_Calls:") && text.contains("# fit: 0→"))
    let check = try ClientRun(["policy", "check", out])
    #expect(check.code == 0)
    let rank = try ClientRun([
      "rank", "--policy", out, "--number-rows", "--set-time", "seen_at=2000-01-01T00:00:00Z", "--json", data.path,
    ])
    #expect(rank.code == 0, "\(rank.error)")
    let contacts = rank.output.split(separator: "\n").count - 1
    #expect(contacts > 100 && contacts < 2000)
  }

  @Test func jsonLinesTeachTheSame() throws {
    let folder = try Self.folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let rows = Self.rows(2000)
    let (csv, lines) = (folder.appending(path: "a.csv"), folder.appending(path: "a.ndjson"))
    try Self.csv(rows, separator: ",").write(to: csv, atomically: true, encoding: .utf8)
    let json = rows.map { row in
      "{\"age\":\(row[0]),\"month\":\"\(row[1])\",\"Number_of_Calls\":\(row[2])"
        + (row[3].isEmpty ? "" : ",\"balance\":\(row[3])") + ",\"y\":\(row[4] == "yes")}\n"
    }
    try json.joined().write(to: lines, atomically: true, encoding: .utf8)
    var texts: [String] = []
    for (index, file) in [csv, lines].enumerated() {
      let out = folder.appending(path: "\(index).yaml").path
      let fit = try ClientRun(["policy", "fit", "--start", file.path, "--outcome", "y", "--out", out, "--json"])
      #expect(fit.code == 0, "\(fit.error)")
      texts.append(try String(contentsOfFile: out, encoding: .utf8))
    }
    #expect(firstDifference(texts[0], texts[1]) == nil)
    // A policy of one's own, and the same file.
    let start = folder.appending(path: "start.yaml").path
    let made = try ClientRun(["policy", "start", csv.path, "--outcome", "y", "--out", start])
    #expect(made.code == 0, "\(made.error)")
    // Its first lines say by how few outcomes it was cut.
    let text = try String(contentsOfFile: start, encoding: .utf8)
    let least = try #require(text.firstMatch(of: /--least-events ([0-9]+)/)).1
    let again = folder.appending(path: "again.yaml").path
    let fit = try ClientRun([
      "policy", "fit", start, "--from", csv.path, "--outcome", "y", "--set-time", "seen_at=2000-01-01T00:00:00Z",
      "--out", again,
      "--least-events", "\(least)", "--json",
    ])
    #expect(fit.code == 0, "\(fit.error)")
    #expect(firstDifference(try String(contentsOfFile: again, encoding: .utf8), texts[0]) == nil)
  }

  @Test(arguments: [
    (["--outcome", "yy"], "no row has 'yy', the outcome (--outcome); did you mean 'y'?"),
    (["--outcome", "month"], "for 'month' is neither yes nor no; name what counts as the outcome with --outcome-is"),
    (["--outcome", "y", "--outcome-is", "maybe"], "0 have the outcome"),
    (["--outcome", "age"], "all 400 rows have the outcome"),
    (["--outcome", "y", "--weight", "blance"], "no row has 'blance'; did you mean 'balance'?"),
    (["--outcome", "y", "--leave-out", "mont"], "there is no column 'mont'; did you mean 'month'?"),
    (["--outcome", "y", "--allow", "agee"], "'agee' is not among the forbidden words; did you mean 'age'?"),
    (["--outcome", "y", "--least-events", "300"], "outcome"),
  ]) func eachFaultIsOneLine(_ fault: (arguments: [String], says: String)) throws {
    let folder = try Self.folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let (data, out) = (folder.appending(path: "calls.csv"), folder.appending(path: "policy.yaml").path)
    try Self.csv(Self.rows(400), separator: ",").write(to: data, atomically: true, encoding: .utf8)
    let fit = try ClientRun(["policy", "fit", "--start", data.path, "--out", out] + fault.arguments)
    #expect(fit.code == 2 && fit.error.contains(fault.says), "\(fit.error)")
    #expect(fit.error.split(separator: "\n").count == 1)
    #expect(!FileManager.default.fileExists(atPath: out))
  }

  @Test func binsArePrinted() throws {
    let folder = try Self.folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let data = folder.appending(path: "calls.csv")
    try Self.csv(Self.rows(2000), separator: ",").write(to: data, atomically: true, encoding: .utf8)
    let bins = try ClientRun(["policy", "fit", "--bins", "month", "--from", data.path, "--outcome", "y", "--table"])
    #expect(bins.code == 0, "\(bins.error)")
    #expect(bins.output.contains("  is:\n") && bins.output.contains("    apr: ") && bins.output.contains("WoE"))
  }

  /// A plan, what came of it, and what that teaches: the live policy's numbers by the server's own ledger.
  @Test func aLedgerTeaches() throws {
    let server = try ServerProcess()
    let profile = ["--profile", try server.profile()]
    _ = try ClientRun(["load", Vectors.folder.appending(path: "golden/candidates.ndjson").path] + profile)
    let made = try ClientRun(
      ["rank", "--audience", "TRUE", "--commit", "--plan-key", "k", "--as-of", Vectors.asOf, "--json"] + profile)
    let rows = made.output.split(separator: "\n").dropLast().compactMap { JSONValue(Array($0.utf8)) }
    #expect(rows.count > 1000)
    let now = Int64(Date().timeIntervalSince1970)
    var events = ""
    for (index, row) in rows.enumerated() {
      let user = JSONText.quoted(row["user_id"]?.text ?? "")
      func add(_ kind: String, _ more: String) {
        events += "{\"key\":\"\(kind)\(index)\",\"user_id\":\(user),\"kind\":\"\(kind)\",\"at\":\(now)\(more)}\n"
      }
      add("contact", ",\"channel\":\(JSONText.quoted(row["best"]?["channel"]?.text ?? "")),\"plan\":\"P1\"")
      if index % 2 == 0 { add("click", "") }
      if index % 4 == 0 { add("login", "") }
      if index % 8 == 0 { add("disbursed", ",\"amount\":4000") }
    }
    #expect(try ClientRun(["record"] + profile, input: events).code == 0)

    let folder = try Self.folder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let out = folder.appending(path: "new.yaml").path
    let later = Moment.format(now + 30 * 86_400, offsetMinutes: 0)
    let fit = ["policy", "fit", "--from", "ledger", "--weeks", "10", "--out", out]
    let taught = try ClientRun(fit + ["--as-of", later, "--json"] + profile)
    #expect(taught.code == 0, "\(taught.error)")
    let report = try #require(JSONValue(Array(taught.output.utf8.dropLast())))
    #expect(report["rows"]?.whole == rows.count && report["outcomes"]?["count"]?.whole == (rows.count + 7) / 8)
    let login = try #require(report["steps"]?.items.first { $0["name"]?.text == "login" })
    #expect(login["seen"]?["of"]?.whole == (rows.count + 1) / 2 && login["verdict"]?.text == "changed")
    #expect(report["stages"]?.items.contains { $0["verdict"]?.text == "changed" } == true)
    #expect(try ClientRun(["policy", "check", out]).code == 0)
    let text = try String(contentsOfFile: out, encoding: .utf8)
    #expect(text.contains("  # fit: ") && text.hasPrefix("# Rouse policy"))

    // Before any window has ended there is nothing to learn from. What was planned this very second is not of the period yet.
    usleep(1_100_000)
    let early = try ClientRun(fit + profile)
    #expect(early.code == 3 && early.error.contains("there is no row to learn from"), "\(early.error)")
    let faulty = folder.appending(path: "faulty.yaml").path
    try "version: 2\n".write(toFile: faulty, atomically: true, encoding: .utf8)
    let refused = try ClientRun(["policy", "fit", faulty, "--from", "ledger", "--out", out] + profile)
    #expect(refused.code == 2 && refused.error.contains("faulty.yaml:1:1: missing_key"), "\(refused.error)")
  }
}
