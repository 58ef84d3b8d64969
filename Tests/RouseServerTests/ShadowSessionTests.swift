import Foundation
import RouseCore
import RouseWire
import TestData
import Testing

@testable import RouseServer

/// A second policy that decides on real requests beside the live one.
@Suite struct ShadowSessionTests {
  private func world(keepsLedger: Bool = false) throws -> SessionHarness.World {
    try SessionHarness.World(roles: [.score, .record, .admin, .tune], keepsLedger: keepsLedger)
  }

  private func ask(_ world: SessionHarness.World, _ lines: String) -> [String] {
    let harness = SessionHarness(world)
    harness.send(lines + "\n")
    harness.settle()
    return harness.lines
  }

  private func value(_ lines: [String]) throws -> JSONValue { try #require(JSONValue((lines.last ?? "").utf8)) }

  private static let changed: String = {
    let text = (try? Vectors.text("policy.yaml")) ?? ""
    return text.replacing("cutoff: 565", with: "cutoff: 545").replacing(
      "is: {true: 16, false: 0}", with: "is: {true: 20, false: 0}")
  }()

  private func begin(_ world: SessionHarness.World, _ text: String = changed) throws -> JSONValue {
    try value(
      ask(world, "{\"op\":\"policy\",\"do\":\"activate\",\"shadow\":true,\"text\":\(JSONText.quoted(text))}"))
  }

  /// What was gathered, when all that was offered has been decided on.
  private func report(_ world: SessionHarness.World, ends: Bool = false) throws -> JSONValue {
    #expect(eventually { world.shadow.isSettled })
    let answer = ask(world, "{\"op\":\"policy\",\"do\":\"shadow\"\(ends ? ",\"shadow\":false" : "")}")
    let schemas = try JSONSchema.specification.get()
    #expect(try schemas.fault(JSONNode((answer.last ?? "").utf8), "reply.policy.shadow.schema.json") == nil)
    return try value(answer)
  }

  private static let asOf = "\"as_of\":\"\(Vectors.asOf)\""

  private func candidates() throws -> [String] {
    try Vectors.text("golden/candidates.ndjson").split(separator: "\n").map(String.init)
  }

  @Test func gathersOverEveryKindOfRequest() throws {
    let world = try world(keepsLedger: true)
    let all = try candidates()
    let loaded = ask(
      world, "{\"op\":\"load\",\"stream\":true}\n" + all.prefix(400).joined(separator: "\n") + "\n{\"op\":\"end\"}")
    #expect(loaded.last?.contains("\"loaded\":400") == true, "\(loaded.last ?? "")")
    #expect(try report(world)["shadow"]?.isNull == true)
    let begun = try begin(world)
    #expect(begun["shadow"]?["seen"]?.whole == 0 && begun["comparison"]?.isNull == true, "\(begun.json)")
    var count = 0
    // One a line, and alike; a few; a large line; streams of scores and of ranks, which go on after their end; the audience.
    for line in all[0..<50] { _ = ask(world, "{\"op\":\"score\",\(Self.asOf),\"users\":[\(line)]}") }
    count += 50
    let alike = all[0..<50].map { "{\"op\":\"score\",\"id\":1,\(Self.asOf),\"users\":[\($0)]}" }.joined(separator: "\n")
    #expect(ask(world, alike).count == 50)
    count += 50
    _ = ask(world, "{\"op\":\"score\",\(Self.asOf),\"users\":[\(all[0..<30].joined(separator: ","))]}")
    count += 30
    _ = ask(world, "{\"op\":\"score\",\(Self.asOf),\"explain\":true,\"users\":[\(all[0..<5].joined(separator: ","))]}")
    count += 5
    _ = ask(world, "{\"op\":\"rank\",\(Self.asOf),\"users\":[\(all[0..<300].joined(separator: ","))]}")
    count += 300
    for op in ["score", "rank"] {
      let stream = "{\"op\":\"\(op)\",\(Self.asOf),\"stream\":true}\n" + all[0..<700].joined(separator: "\n")
      let answer = ask(world, stream + "\n{\"op\":\"end\"}\n{\"op\":\"ping\"}")
      #expect(answer.last?.contains("\"ok\":true") == true)
      count += 700
      _ = ask(world, "{\"op\":\"\(op)\",\(Self.asOf),\"audience\":\"TRUE\"}")
      count += 400
    }
    let said = try report(world)
    let shadow = try #require(said["shadow"])
    #expect(shadow["seen"]?.whole == count && shadow["compared"]?.whole == count, "\(shadow.json) \(count)")
    #expect(shadow["dropped"]?.whole == 0 && shadow["skipped"]?.whole == 0 && shadow["waiting"]?.whole == 0)
    #expect(said["comparison"]?["lines"]?.whole == count)
    let flips = said["comparison"]?["flips"]?.items ?? []
    #expect(flips.contains { $0["from"]?.text == "declined" && $0["to"]?.text == "eligible" })
    #expect(said["comparison"]?["movers"]?["up"]?.items.count == 20)
    let movers = said["comparison"]?["movers"]?["up"]?.items.compactMap { $0["user_id"]?.text } ?? []
    #expect(Set(movers).count == movers.count)
    #expect(said["comparison"]?["curves"]?.isNull == true && said["comparison"]?["overlap"]?.items.isEmpty == true)
    // It ends, and tells for the last time.
    #expect(try report(world, ends: true)["comparison"]?["lines"]?.whole == count)
    #expect(try report(world)["shadow"]?.isNull == true)
    _ = ask(world, "{\"op\":\"score\",\(Self.asOf),\"users\":[\(all[0])]}")
    #expect(try report(world)["shadow"]?.isNull == true)
  }

  /// The same candidates compared at once say the same of statuses.
  @Test func saysWhatAComparisonSays() throws {
    let world = try world(keepsLedger: true)
    let all = try candidates().prefix(800)
    let events = (0..<200).map {
      "{\"key\":\"\($0)\",\"user_id\":\"g\(String(10000 + $0 * 3).dropFirst())\",\"kind\":\"opt_out\",\"at\":1772330000}"
    }
    _ = ask(world, "{\"op\":\"record\",\"stream\":true}\n" + events.joined(separator: "\n") + "\n{\"op\":\"end\"}")
    _ = try begin(world)
    let head = "{\"op\":\"score\",\(Self.asOf),\"stream\":true}\n"
    let scored = ask(world, head + all.joined(separator: "\n") + "\n{\"op\":\"end\"}")
    let shadow = try #require(try report(world)["comparison"])
    #expect(shadow["statuses"]?["old"]?.json == (try value(scored))["summary"]?["status"]?.json)
    #expect((shadow["statuses"]?["old"]?["suppressed"]?.whole ?? 0) > 200)
    let live = try LivePolicy.make(Array(Self.changed.utf8), format: .yaml)
    world.policies.activate(.init(live: live, text: Array(Self.changed.utf8), since: 0, by: "test"))
    let rescored = ask(world, head + all.joined(separator: "\n") + "\n{\"op\":\"end\"}")
    #expect(shadow["statuses"]?["new"]?.json == (try value(rescored))["summary"]?["status"]?.json)
    #expect((shadow["spearman"]?["users"]?.whole ?? 0) > 100)
  }

  /// What it says is of one live policy: with another it begins anew; live itself, it is over.
  @Test func aLivePolicyThatChanges() throws {
    let world = try world()
    _ = try begin(world)
    let line = "{\"op\":\"score\",\(Self.asOf),\"users\":[\(try candidates()[0])]}"
    _ = ask(world, line)
    #expect(try report(world)["shadow"]?["compared"]?.whole == 1)
    let former = world.policies.live.policy.version
    let text = Self.changed.replacing("cutoff: 545", with: "cutoff: 555")
    func activate(_ text: String) throws {
      let live = try LivePolicy.make(Array(text.utf8), format: .yaml)
      world.policies.activate(.init(live: live, text: Array(text.utf8), since: 0, by: "test"))
    }
    try activate(text)
    #expect(try report(world)["shadow"]?["compared"]?.whole == 0)
    _ = ask(world, line)
    _ = ask(world, line.dropLast() + ",\"policy\":\"\(former)\"}")
    let said = try report(world)["shadow"]
    #expect(said?["compared"]?.whole == 1 && said?["skipped"]?.whole == 1, "\(said?.json ?? "")")
    try activate(Self.changed)
    #expect(try report(world)["shadow"]?.isNull == true)
  }

  @Test func whatIsWrong() throws {
    let world = try world()
    let faulty = try begin(world, "name: x\n")
    #expect(faulty["error"]?["at"]?.text == "/text" && (faulty["error"]?["diagnostics"]?.items.count ?? 0) > 1)
    #expect(try begin(world, try Vectors.text("policy.yaml"))["error"]?["code"]?.text == "conflict")
    #expect(
      try value(ask(world, #"{"op":"policy","do":"shadow","shadow":true}"#))["error"]?["at"]?.text == "/shadow")
    #expect(try report(world, ends: true)["shadow"]?.isNull == true)
    let scorer = try SessionHarness.World(roles: [.score])
    #expect(try begin(scorer)["error"]?["code"]?.text == "forbidden")
  }

  /// What does not fit is counted, and costs nobody a wait.
  @Test func aQueueThatIsFull() {
    let queue = ShadowQueue()
    var made = 0
    func put(_ bytes: Int) {
      queue.put(bytes: bytes, count: 2) {
        made += 1
        return ShadowItem(
          live: Self.live, now: 0, usesLedger: false,
          candidates: .lines(Block(UnsafeRawBufferPointer(start: nil, count: 0))),
          bytes: bytes, count: 2)
      }
    }
    for _ in 0..<6 { put(1 << 20) }
    // Where there is no room, nothing is even made.
    #expect(queue.counts.seen == 12 && queue.counts.dropped == 4 && made == 4)
    let taken = queue.takeAll()
    #expect(taken.count == 4 && queue.takeAll().isEmpty)
    // What has been taken counts until it is done.
    put(1)
    #expect(queue.counts.dropped == 6)
    for item in taken { queue.finish(item) }
    put(ShadowQueue.mostBytes + 1)
    #expect(queue.counts.dropped == 8)
    for _ in 0..<(ShadowQueue.mostItems + 10) { put(1) }
    #expect(queue.counts.dropped == 8 + 20)
    queue.clear()
    #expect(queue.counts.seen == 0 && queue.takeAll().isEmpty)
    put(ShadowQueue.mostBytes)
    #expect(queue.counts.seen == 2 && queue.counts.dropped == 0)
  }

  private static let live: LivePolicy = {
    do { return try LivePolicy.make(try Vectors.bytes("policy.yaml"), format: .yaml) } catch { fatalError("\(error)") }
  }()
}
