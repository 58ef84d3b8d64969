import Foundation
import RouseCore
import RouseWire
import TestData
import Testing

@testable import RouseServer

/// The op `policy` with `do: compare`: what it says of the old policy and of the new is what `rank` says.
@Suite struct CompareSessionTests {
  private func world(roles: Set<Configuration.Role> = [.score, .record, .admin, .tune]) throws -> SessionHarness.World {
    try SessionHarness.World(roles: roles, keepsLedger: true)
  }

  private func ask(_ world: SessionHarness.World, _ lines: String) -> [String] {
    let harness = SessionHarness(world)
    harness.send(lines + "\n")
    harness.settle()
    return harness.lines
  }

  private func value(_ lines: [String]) throws -> JSONValue { try #require(JSONValue((lines.last ?? "").utf8)) }

  private static let asOf = "\"as_of\":\"\(Vectors.asOf)\""

  /// The golden candidates, and what a ledger may know of them: contacts, opt-outs, complaints.
  private func fill(_ world: SessionHarness.World) throws {
    let lines = try Vectors.text("golden/candidates.ndjson")
    let loaded = ask(world, "{\"op\":\"load\",\"stream\":true}\n" + lines + "{\"op\":\"end\"}")
    #expect(loaded.last?.contains("\"ok\":true") == true, "\(loaded.last ?? "")")
    let ids = lines.split(separator: "\n").compactMap { JSONValue($0.utf8)?["user_id"]?.text }
    var events = ""
    for (index, id) in ids.enumerated() where index % 3 == 0 {
      let kind = index % 9 == 0 ? "opt_out" : index % 15 == 0 ? "complaint" : "contact"
      let channel = kind == "contact" ? ",\"channel\":\"sms\"" : ""
      events +=
        "{\"key\":\"k\(index)\",\"user_id\":\(JSONText.quoted(id)),\"kind\":\"\(kind)\",\"at\":\(SessionHarness.wall - 86_400 * Int64(index % 20))\(channel)}\n"
    }
    let recorded = ask(world, "{\"op\":\"record\",\"stream\":true}\n" + events + "{\"op\":\"end\"}")
    #expect(recorded.last?.contains("\"ok\":true") == true, "\(recorded.last ?? "")")
  }

  private static let changed: String = {
    let text = (try? Vectors.text("policy.yaml")) ?? ""
    return text.replacing("cutoff: 565", with: "cutoff: 545").replacing(
      "0: 10, 1: 0, 3: -18", with: "0: 14, 1: 0, 3: -18")
  }()

  private func compare(
    _ world: SessionHarness.World, text: String = changed, _ members: String
  ) throws -> JSONValue {
    try value(
      ask(world, "{\"op\":\"policy\",\"do\":\"compare\",\(Self.asOf),\(members),\"text\":\(JSONText.quoted(text))}"))
  }

  private func equal(_ comparison: JSONValue?, _ side: String, _ plan: JSONValue?, _ what: String) {
    for name in ["contacts", "spend", "value", "net_value", "capital"] {
      #expect(comparison?["totals"]?[side]?[name]?.json == plan?[name]?.json, "\(what): \(name)")
    }
    #expect(comparison?["statuses"]?[side]?.json == plan?["status"]?.json, "\(what)")
    #expect((plan?["contacts"]?.whole ?? 0) > 20, "\(what)")
  }

  @Test func theAudienceAsRankSeesIt() throws {
    let world = try world()
    try fill(world)
    let requests = [
      "\"audience\":\"TRUE\"", "\"audience\":\"TRUE\",\"ledger\":false",
      "\"audience\":\"tier = '3m' AND app_installed\"",
      "\"audience\":\"TRUE\",\"budget\":8,\"capacity\":{\"sms\":40},\"limit\":300",
    ]
    var comparisons: [JSONValue] = []
    for request in requests {
      let answer = try compare(world, request)
      let comparison = try #require(answer["comparison"], "\(answer.json)")
      equal(comparison, "old", try value(ask(world, "{\"op\":\"rank\",\(Self.asOf),\(request)}"))["plan"], request)
      comparisons.append(comparison)
    }
    #expect(comparisons[0]["totals"]?.json != comparisons[1]["totals"]?.json)
    #expect(comparisons[0]["flips"]?.items.isEmpty == false)
    // What it said of the new policy is what rank says when that is live.
    let live = try LivePolicy.make(Array(Self.changed.utf8), format: .yaml)
    let former = world.policies.live.policy.version
    world.policies.activate(.init(live: live, text: Array(Self.changed.utf8), since: 0, by: "test"))
    world.keeping?.audience.arrange(for: live)
    for (request, comparison) in zip(requests, comparisons) {
      equal(comparison, "new", try value(ask(world, "{\"op\":\"rank\",\(Self.asOf),\(request)}"))["plan"], request)
      // And against the one that was live before, both are as they were.
      let again = try compare(world, request + ",\"against\":\"\(former)\"")["comparison"]
      #expect(again?.json == comparison.json)
    }
  }

  /// A version with other fields than the audience stands under can still be looked back at.
  @Test func againstOtherFields() throws {
    let world = try world()
    try fill(world)
    let text = try Vectors.text("policy.yaml").replacing("texts: [region,", with: "texts: [region, plan_name,")
    let live = try LivePolicy.make(Array(text.utf8), format: .yaml)
    let former = world.policies.live.policy.version
    let before = try value(ask(world, "{\"op\":\"rank\",\(Self.asOf),\"audience\":\"app_installed\"}"))["plan"]
    world.policies.activate(.init(live: live, text: Array(text.utf8), since: 0, by: "test"))
    world.keeping?.audience.arrange(for: live)
    eventually { (try? world.keeping?.audience.view(of: "TRUE", live)) != nil }
    let answer = try compare(world, text: text, "\"audience\":\"app_installed\",\"against\":\"\(former)\"")
    equal(answer["comparison"], "old", before, "against")
    #expect(answer["comparison"]?["flips"]?.items.isEmpty == true)
  }

  @Test func inlineUsers() throws {
    let world = try world()
    try fill(world)
    let lines = try Vectors.text("golden/candidates.ndjson").split(separator: "\n").prefix(300)
    let users = "\"users\":[\(lines.joined(separator: ",")),7,{\"user_id\":\"\"}]"
    for request in [users, users + ",\"ledger\":false"] {
      let comparison = try #require(try compare(world, request)["comparison"])
      equal(comparison, "old", try value(ask(world, "{\"op\":\"rank\",\(Self.asOf),\(request)}"))["plan"], "inline")
      #expect(comparison["lines"]?.whole == 302)
    }
  }

  @Test func whatIsWrong() throws {
    let world = try world()
    let faulty = try compare(world, text: "version: 2\nname: x\n", "\"users\":[]")
    #expect(faulty["error"]?["code"]?.text == "bad_request" && faulty["error"]?["at"]?.text == "/text")
    #expect((faulty["error"]?["diagnostics"]?.items.count ?? 0) > 3)
    func code(_ members: String) throws -> [String?] {
      let error = try compare(world, members)["error"]
      return [error?["code"]?.text, error?["at"]?.text]
    }
    #expect(try code("\"users\":[],\"against\":\"x@1\"") == ["not_found", "/against"])
    #expect(try code("\"audience\":\"nonsense >\"") == ["bad_request", "/audience"])
    #expect(try code("\"users\":[],\"capacity\":{\"pigeon\":1}") == ["bad_request", "/capacity/pigeon"])
    #expect(try code("\"limit\":3") == ["bad_request", "/users"])
    let scorer = try self.world(roles: [.score])
    #expect(try compare(scorer, "\"users\":[]")["error"]?["code"]?.text == "forbidden")
    let bare = try SessionHarness.World(roles: [.tune])
    #expect(try compare(bare, "\"audience\":\"TRUE\"")["error"]?["code"]?.text == "not_found")
    #expect(try compare(bare, "\"users\":[]")["comparison"]?["lines"]?.whole == 0)
  }

  /// It takes of what ranks may hold, gives it back, and says when that is too little.
  @Test func memory() throws {
    let world = try world()
    try fill(world)
    #expect(try compare(world, "\"audience\":\"TRUE\"")["comparison"] != nil)
    #expect(world.rankMemory.used == 0)
    #expect(world.rankMemory.take(world.rankMemory.size - 100_000))
    #expect(try compare(world, "\"audience\":\"TRUE\"")["error"]?["code"]?.text == "overloaded")
    #expect(world.rankMemory.used == world.rankMemory.size - 100_000)
  }

  /// Once nobody waits, nothing more is done.
  @Test func cancelling() throws {
    let world = try world()
    try fill(world)
    let line = "{\"op\":\"policy\",\"do\":\"compare\",\"audience\":\"TRUE\",\"text\":\(JSONText.quoted(Self.changed))"
    let gone = SessionHarness(world)
    gone.send(line + "}\n")
    gone.session.abandon()
    gone.settle()
    #expect(gone.text.isEmpty && world.rankMemory.used == 0)
    let late = SessionHarness(world)
    late.send(line + ",\"timeout_ms\":1000}\n")
    late.advanceClock(milliseconds: 1500)
    late.wake()
    #expect(late.text.contains("deadline_exceeded"))
    late.settle()
    #expect(late.lines.count == 1)
  }
}
