import Foundation
import RouseCore
import RouseWire
import TestData
import Testing

@testable import RouseServer

/// What changes under a request that is under way.
@Suite struct LedgerSessionTests {
  private func world() throws -> SessionHarness.World {
    try SessionHarness.World(roles: [.score, .record, .admin], keepsLedger: true)
  }

  private func lines(_ users: [String]) -> String { users.map { Campaigns.candidate($0) }.joined() }
  private func ask(_ world: SessionHarness.World, _ line: String, at wall: Int64? = nil) -> [String] {
    let harness = SessionHarness(world)
    if let wall { harness.advanceCalendar(to: wall) }
    harness.send(line + "\n")
    harness.settle()
    return harness.lines
  }

  /// Who has been erased cannot be leased: the plan is made without them, and not over and over.
  @Test func erasedUsersOfACommit() throws {
    let world = try world()
    let users = (0..<20).map { "u\($0)" }
    _ = ask(world, #"{"op":"erase","user_ids":["u3","u7"]}"#)
    let answer = ask(
      world,
      #"{"op":"rank","stream":true,"commit":true,"as_of":"2026-03-01T02:00:00Z"}"# + "\n" + lines(users)
        + #"{"op":"end"}"#)
    #expect(answer.last?.contains("\"plan_id\":\"P1\"") == true, "\(answer.last ?? "")")
    let chosen = try Campaigns.Answer(answer).users
    #expect(chosen.count > 10)
    #expect(!chosen.contains("u3") && !chosen.contains("u7"))
  }

  /// A lease ends by the server's clock, whatever a campaign's clock says.
  @Test func aClockThatRunsAhead() throws {
    let world = try world()
    let wall: Int64 = 1_772_330_400
    let users = lines((0..<10).map { "u\($0)" })
    func commit(asOf: Int64, at wall: Int64) throws -> Campaigns.Answer {
      let head = "{\"op\":\"rank\",\"stream\":true,\"commit\":true,\"as_of\":\"\(Moment.format(asOf))\"}\n"
      return try Campaigns.Answer(ask(world, head + users + #"{"op":"end"}"#, at: wall))
    }
    let first = try commit(asOf: wall, at: wall)
    #expect(first.users.count > 5)
    let end = wall + 3 * 86_400
    #expect(try commit(asOf: end + 50, at: end - 100).users.isEmpty)
    #expect(try commit(asOf: end + 400, at: end - 100).last.contains("bad_request"))
    #expect(Set(try commit(asOf: end + 1, at: end + 1).users) == Set(first.users))
  }

  /// A load that began under one policy goes on while another with other fields becomes live: nobody of it is missing.
  @Test func aPolicyThatChangesUnderALoad() throws {
    let world = try world()
    let load = SessionHarness(world)
    load.send("{\"op\":\"load\",\"stream\":true}\n" + lines((0..<300).map { "u\($0)" }))
    load.settle()
    let text = try Vectors.text("policy.yaml").replacingOccurrences(
      of: "texts: [region,", with: "texts: [region, plan_name,")
    let live = try LivePolicy.make(Array(text.utf8), format: .yaml)
    world.policies.activate(.init(live: live, text: Array(text.utf8), since: 0, by: "test"))
    world.keeping?.audience.arrange(for: live)
    eventually { (try? world.keeping?.audience.view(of: "TRUE", live)) != nil }
    load.send(lines((200..<600).map { "u\($0)" }) + "{\"op\":\"end\"}\n")
    load.settle()
    #expect(load.lines.last?.contains("\"loaded\":700") == true, "\(load.lines)")
    let answer = ask(world, #"{"op":"score","audience":"TRUE"}"#)
    #expect(answer.count == 601)
    #expect(Set(try Campaigns.Answer(answer).users) == Set((0..<600).map { "u\($0)" }))
  }

  /// With the ledger off nothing of it counts; without it neither audience nor commit is to be had.
  @Test func theLedgerCanBeLeftOut() throws {
    let world = try world()
    _ = ask(world, #"{"op":"record","events":[{"key":"1","user_id":"u1","kind":"complaint","at":1772330000}]}"#)
    let users = #""as_of":"2026-03-01T02:00:00Z","users":[\#(Campaigns.candidate("u1").dropLast())]}"#
    #expect(ask(world, #"{"op":"score","# + users).first?.contains("C07") == true)
    #expect(ask(world, #"{"op":"score","ledger":false,"# + users).first?.contains("C07") == false)
    #expect(ask(world, #"{"op":"rank","ledger":false,"commit":true,"# + users).first?.contains("bad_request") == true)
  }
}
