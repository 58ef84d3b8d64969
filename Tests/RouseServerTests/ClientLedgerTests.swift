import Foundation
import RouseCore
import TestData
import Testing

/// The client against the real server's ledger: from what is loaded to a list, what came of it, and forgetting.
@Suite struct ClientLedgerTests {
  private static let golden = Vectors.folder.appending(path: "golden/candidates.ndjson").path
  private static let moment = ["--as-of", Vectors.asOf]

  private let server: ServerProcess
  private let profile: [String]

  init() throws {
    server = try ServerProcess()
    profile = ["--profile", try server.profile()]
  }

  private func rouse(_ arguments: [String], input: String = "") throws -> ClientRun {
    try ClientRun(arguments + profile, input: input)
  }

  private func rows(_ run: ClientRun) -> [String] {
    run.output.split(separator: "\n").map(String.init).filter { $0.hasPrefix("{\"user_id\":") }
  }

  private func id(_ row: String) throws -> String {
    String(try #require(row.split(separator: "\"").dropFirst(3).first))
  }

  @Test func theWholeWay() throws {
    let load = try rouse(["load", Self.golden, "--table"])
    #expect(
      load.code == 1 && load.output.contains("Audience") && load.output.contains("the first one at"), "\(load.error)")

    // The audience ranks as the file does.
    let limits = ["--limit", "20"] + Self.moment
    let fromFile = try rouse(["rank", Self.golden, "--no-ledger"] + limits)
    let preview = try rouse(["rank", "--audience", "TRUE"] + limits)
    #expect(rows(preview) == rows(fromFile) && rows(preview).count == 20, "\(preview.error)")
    // Some are in no stage, so they are invalid, and the exit code says so.
    #expect(try rouse(["score", "--audience", "TRUE"] + Self.moment).code == 1)

    let commit = ["rank", "--audience", "TRUE", "--commit", "--plan-key", "k1", "--campaign", "march"] + limits
    let made = try rouse(commit)
    #expect(made.code == 1 && rows(made) == rows(preview), "\(made.error)")
    #expect(made.output.contains("\"plan_id\":\"P1\"") && made.output.hasSuffix("\"replayed\":false}\n"))
    let again = try rouse(commit)
    #expect(rows(again) == rows(made) && again.output.hasSuffix("\"replayed\":true}\n"), "\(again.error)")
    let other = try rouse(commit.map { $0 == "20" ? "21" : $0 })
    #expect(other.code == 3 && other.error.contains("conflict"), "\(other.error)")

    #expect(rows(try rouse(["plan", "P1"])) == rows(made))
    #expect(try rouse(["plans", "--table"]).output.contains("P1    "))
    let user = try id(try #require(rows(made).first))
    let known = try rouse(["user", user])
    #expect(known.code == 0 && known.output.contains("\nPlans\n  P1  rank 1"), "\(known.output)\(known.error)")
    // Nobody is taken twice.
    let taken = Set(try rows(made).map(id))
    let second = try rouse(["rank", "--audience", "TRUE", "--commit", "--plan-key", "k2"] + limits)
    #expect(second.code == 1 && !rows(second).isEmpty)
    #expect(try taken.isDisjoint(with: rows(second).map(id)))

    let event = "{\"user_id\":\"\(user)\",\"kind\":\"opt_out\",\"at\":\(Int(Date().timeIntervalSince1970) - 10)}\n"
    let record = try rouse(["record", "--keys-from", "a"], input: event + "{\"user_id\":\"x\"}\n")
    #expect(record.code == 1 && record.output.contains("standard input:2: invalid"), "\(record.output)\(record.error)")
    #expect(record.output.contains("Recorded  1 event\n"))
    #expect(try rouse(["record", "--keys-from", "a"], input: event).output.contains("Replayed  1,"))
    #expect(try rouse(["user", user]).output.contains("has opted out: no contact"))

    let gone = try rouse(["erase", user, "nobody", "--yes"])
    #expect(gone.output == "{\"erased\":1,\"unknown\":1}\n", "\(gone.error)")
    #expect(try rouse(["user", user]).code == 3)
    #expect(try rows(rouse(["plan", "P1"])).count == 19)
    #expect(try rouse(["record", "--keys-from", "b"], input: event).output.contains(": gone, key 'b:1'"))
  }

  /// What is in the audience can be hashed from there.
  @Test func listsOfDigests() throws {
    let people = try Vectors.text("golden/candidates.ndjson")
      .replacing(/"user_id":"(g\d+)",/) { "\($0.0)\"email\":\" \($0.1)@B.example\"," }
    #expect(try rouse(["load"], input: people).output.contains("\"first_invalid_at\":\"standard input:498\""))
    let out = server.home.appending(path: "list.csv").path
    let run = try rouse(
      ["rank", "--audience", "TRUE", "--out", out, "--hash", "sha256", "--hash-field", "email", "--normalise", "email"]
        + Self.moment)
    // Some of the golden users are called otherwise, and have no address.
    #expect(run.code == 1 && run.error.contains("18 of 1,166 contacts are not on the list"), "\(run.error)")
    let list = try String(contentsOfFile: out, encoding: .utf8).split(separator: "\n")
    #expect(list.count == 1149 && list.first == "email_sha256" && list.dropFirst().allSatisfy { $0.utf8.count == 64 })
    let first = try rouse(["rank", "--audience", "TRUE", "--limit", "none"] + Self.moment)
    let digest = sha256(Array("\(try id(#require(rows(first).first)))@b.example".utf8))
    #expect(
      list.dropFirst().first.map(String.init) == digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined())
  }
}
