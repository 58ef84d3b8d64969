import Foundation
import RouseWire
import TestData
import Testing

@testable import RouseServer

/// A version that the ledger keeps can be pinned, however long ago it was live.
@Suite struct RecalledPolicyTests {
  private static let candidate = #"{"user_id":"u1","registered_at":"2026-02-01T08:00:00Z","sms_ok":true}"#

  /// A world whose ledger knows older versions than the server does; the oldest first.
  private static func world(_ count: Int) throws -> (world: SessionHarness.World, names: [String]) {
    let world = try SessionHarness.World(roles: [.score, .record, .tune], keepsLedger: true)
    let ledger = try #require(world.keeping).ledger
    let text = try Vectors.text("policy.yaml")
    let names = try (0..<count).map { index in
      let bytes = Array((text + "# \(index)\n").utf8)
      let version = try LivePolicy.make(bytes, format: .yaml).policy.version
      ledger.keep(policy: version, text: bytes, format: "yaml", at: 1_700_000_000 + Int64(index), by: "anna")
      return version
    }
    // What is kept is written behind what was asked for before.
    let harness = SessionHarness(world)
    harness.send(#"{"op":"load","users":[\#(Self.candidate)]}"# + "\n")
    harness.settle()
    #expect(harness.lines.last?.contains(#""ok":true"#) == true)
    return (world, names)
  }

  private static func pinned(_ operation: String, _ name: String, _ rest: String) -> String {
    #"{"op":"\#(operation)","policy":"\#(name)",\#(rest)}"# + "\n"
  }

  @Test func everyOpThatPins() throws {
    let (world, names) = try Self.world(2)
    let harness = SessionHarness(world)
    let users = #""users":[\#(Self.candidate)]"#
    // Several at once: they are answered in their order, and the second finds in memory what the first had fetched.
    harness.send(
      Self.pinned("score", names[0], users) + Self.pinned("rank", names[1], users)
        + Self.pinned("score", names[0], users) + Self.pinned("fields", names[1], #""id":1"#))
    harness.settle()
    #expect(harness.lines.count == 4)
    for (line, name) in zip(harness.lines, [names[0], names[1], names[0], names[1]]) {
      #expect(line.contains(#""ok":true,"policy":"\#(name)""#), "\(line)")
    }
    let stream = SessionHarness(world)
    stream.send(Self.pinned("rank", names[0], #""stream":true"#) + Self.candidate + "\n{\"op\":\"end\"}\n")
    stream.settle()
    #expect(stream.lines.last?.contains(#""policy":"\#(names[0])""#) == true, "\(stream.text)")
    let compare = SessionHarness(world)
    let text = JSONText.quoted(try Vectors.text("policy.yaml") + "# next\n")
    compare.send(
      #"{"op":"policy","do":"compare","against":"\#(names[1])","text":\#(text),"format":"yaml",\#(users)}"# + "\n")
    compare.settle()
    #expect(compare.lines.last?.contains(#""ok":true"#) == true && compare.text.contains(names[1]), "\(compare.text)")
  }

  @Test func theStreamOfARefusedHeadIsPassedOver() throws {
    let (world, names) = try Self.world(1)
    let harness = SessionHarness(world)
    let unknown = "cash-loan-recall@000000000000"
    harness.send(
      Self.pinned("rank", unknown, #""stream":true"#) + Self.candidate + "\n{\"op\":\"end\"}\n"
        + Self.pinned("score", names[0], #""users":[]"#))
    harness.settle()
    #expect(harness.lines.count == 2, "\(harness.text)")
    #expect(harness.lines[0].contains(#""code":"not_found""#) && harness.lines[0].contains(#""at":"/policy""#))
    #expect(harness.lines[1].contains(#""ok":true"#))
    // Who may not ask learns nothing of what is kept, and nothing is looked for.
    let other = SessionHarness(world, identified: false)
    other.send(Self.pinned("score", names[0], #""users":[]"#))
    #expect(other.lines.last?.contains("unauthenticated") == true)
    world.overload = 50
    let busy = SessionHarness(world)
    busy.send(Self.pinned("score", unknown, #""users":[]"#))
    #expect(busy.lines.last?.contains("overloaded") == true)
  }

  /// Each look into the ledger costs one of the rate, before it is made.
  @Test func theRateIsAskedFirst() throws {
    let (world, names) = try Self.world(2)
    world.change { $0.limits.requestsPerSecond = 2 }
    let harness = SessionHarness(world)
    for name in [names[0], "cash-loan-recall@000000000000", names[1]] {
      harness.send(Self.pinned("score", name, #""users":[]"#))
      harness.settle()
    }
    #expect(harness.lines.count == 3)
    #expect(harness.lines[0].contains(#""ok":true"#) && harness.lines[1].contains("not_found"))
    #expect(harness.lines[2].contains("rate_limited"), "\(harness.lines[2])")
    #expect(world.policies.version(names[1]) == nil)
    // What one paid for is not another's.
    harness.advanceClock(milliseconds: 1000)
    for name in ["cash-loan-recall@000000000000", names[0], names[0]] {
      harness.send(Self.pinned("score", name, #""users":[]"#))
      harness.settle()
    }
    #expect(harness.lines[4].contains(#""ok":true"#) && harness.lines[5].contains("rate_limited"), "\(harness.text)")
  }

  @Test func fewStayAtHand() throws {
    let count = PolicyStore.mostRecalled + 3
    let (world, names) = try Self.world(count)
    let harness = SessionHarness(world)
    for name in names {
      harness.send(Self.pinned("score", name, #""users":[]"#))
      harness.settle()
    }
    #expect(harness.lines.allSatisfy { $0.contains(#""ok":true"#) } && harness.lines.count == count)
    #expect(world.policies.pinnable.count == 1 + PolicyStore.mostRecalled)
    #expect(world.policies.version(names[2]) == nil && world.policies.version(names[3]) != nil)
    // One that was let go comes back.
    harness.send(Self.pinned("score", names[0], #""users":[]"#))
    harness.settle()
    #expect(harness.lines.last?.contains(names[0]) == true)
  }
}
