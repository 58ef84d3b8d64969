import Foundation
import RouseCore
import RouseWire
import TestData
import Testing

@testable import RouseServer

/// Who may do what, on the session machine.
@Suite struct AccessTests {
  static let token = "rouse_AAAA"
  static func tokens(_ roles: Set<Configuration.Role> = [.score], of text: String = token) throws -> Tokens {
    Tokens([
      try #require(
        Token(name: "nightly", roles: roles, added: "2026-03-01T00:00:00Z", sha256: sha256(Array(text.utf8))))
    ])
  }
  static func auth(_ token: String) -> String { "{\"op\":\"auth\",\"token\":\"\(token)\",\"id\":1}\n" }

  @Test func aTokenGivesItsRoles() throws {
    let harness = SessionHarness(try .init(tokens: Self.tokens()), identified: false)
    harness.send("{\"op\":\"info\"}\n" + Self.auth(Self.token) + "{\"op\":\"score\",\"users\":[]}\n")
    #expect(harness.lines.count == 3)
    #expect(harness.lines[0].contains("unauthenticated"))
    #expect(harness.lines[1] == #"{"id":1,"ok":true,"identity":"nightly","roles":["score"]}"#)
    #expect(harness.lines[2].contains(#""ok":true"#))
  }

  @Test func aTokenTakesTheCertificatesPlace() throws {
    let harness = SessionHarness(try .init(roles: [.tune], tokens: Self.tokens()))
    harness.send("{\"op\":\"score\",\"users\":[]}\n" + Self.auth(Self.token) + "{\"op\":\"score\",\"users\":[]}\n")
    #expect(harness.lines[0].contains("forbidden"))
    #expect(harness.lines[2].contains(#""ok":true"#))
    harness.send("{\"op\":\"policy\",\"do\":\"history\"}\n")
    #expect(harness.lines[3].contains("forbidden"))
  }

  @Test func theThirdBadTokenCloses() throws {
    let harness = SessionHarness(try .init(tokens: Self.tokens()))
    harness.send(Self.auth("wrong") + Self.auth("rouse_AAAB") + "{\"op\":\"info\"}\n")
    #expect(harness.lines.count == 3)
    #expect(harness.lines[2].contains(#""identity":"operator""#))
    #expect(!harness.session.wantsClose)
    harness.send(Self.auth("") + "{\"op\":\"ping\"}\n")
    #expect(harness.lines.count == 4)
    #expect(harness.lines[3].contains("unauthenticated"))
    #expect(harness.session.wantsClose)
    let bad = harness.notices.filter { if case .unknownToken = $0 { true } else { false } }
    #expect(bad.count == 3)
  }

  /// What a reload takes away is gone from the next request on, of open connections too.
  @Test func aReloadTakesAway() throws {
    let world = try SessionHarness.World(tokens: Self.tokens())
    let byCertificate = SessionHarness(world)
    let byToken = SessionHarness(world, identified: false)
    byToken.send(Self.auth(Self.token))
    let request = "{\"op\":\"score\",\"users\":[]}\n"
    for harness in [byCertificate, byToken] {
      harness.send(request)
      #expect(harness.lines.last?.contains(#""ok":true"#) == true)
    }
    world.change {
      $0.identities[0].roles = [.record]
      $0.tokens = Tokens()
    }
    byCertificate.send(request)
    byToken.send(request)
    #expect(byCertificate.lines.last?.contains("forbidden") == true)
    #expect(byToken.lines.last?.contains("unauthenticated") == true)
    // The same name with another secret is another.
    let others = try Self.tokens(of: "rouse_other")
    world.change { $0.tokens = others }
    byToken.send(request)
    #expect(byToken.lines.last?.contains("unauthenticated") == true)
    world.change { $0.identities = [] }
    byCertificate.send(request)
    #expect(byCertificate.lines.last?.contains("unauthenticated") == true)
    byCertificate.send("{\"op\":\"ping\"}\n")
    #expect(byCertificate.lines.last == #"{"ok":true}"#)
  }

  /// Nothing but the code and the role: not what is wrong besides, nor what there would be.
  @Test func forbiddenSaysNothingElse() throws {
    for line in [
      #"{"op":"policy","do":"nonsense"}"#, #"{"op":"policy","do":"show","policy":"x@0"}"#,
      #"{"op":"policy","text":7,"more":1}"#,
    ] {
      let answer = try SessionHarness.answer(line)
      #expect(
        answer
          == #"{"ok":false,"error":{"code":"forbidden","message":"this needs the role tune, which the identity lacks"}}"#
          + "\n")
    }
  }

  // MARK: - The op policy

  static func policy(_ members: String) throws -> String {
    try SessionHarness.answer("{\"op\":\"policy\",\(members)}", roles: [.tune])
  }

  @Test func showsWhatIsLive() throws {
    let answer = try Self.policy(#""do":"show""#)
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(answer.utf8)) as? [String: Any])
    #expect(object["policy"] as? String == "cash-loan-recall@eb2aa0cf209f")
    #expect(object["format"] as? String == "yaml")
    #expect((object["text"] as? String).map { Array($0.utf8) } == (try Vectors.bytes("policy.yaml")))
  }

  @Test func checksWithoutChanging() throws {
    let good = try Self.policy(
      "\"do\":\"check\",\"text\":\"# \\n" + Self.escaped(try Vectors.text("policy.yaml")) + "\"")
    #expect(good.hasPrefix(#"{"ok":true,"valid":true,"policy":"cash-loan-recall@"#), "\(good.prefix(300))")
    let bad = try Self.policy(#""do":"check","text":"version: 2\nname: 7\n""#)
    #expect(bad.hasPrefix(#"{"ok":true,"valid":false,"diagnostics":[{"kind":"#))
    let json = try Self.policy(#""do":"check","format":"json","text":"{\"version\":2}""#)
    #expect(json.contains(#""line":null"#))
  }

  static func escaped(_ text: String) -> String {
    text.replacingOccurrences(of: "\\", with: "\\\\").replacingOccurrences(of: "\"", with: "\\\"")
      .replacingOccurrences(of: "\n", with: "\\n")
  }

  @Test func pinsTheLast16() throws {
    let world = try SessionHarness.World()
    let text = try Vectors.text("policy.yaml")
    var names = [world.policies.live.policy.version]
    for index in 0..<20 {
      let bytes = Array((text + "# \(index)\n").utf8)
      let live = try LivePolicy.make(bytes, format: .yaml)
      world.policies.activate(.init(live: live, text: bytes, since: 0, by: "file"))
      names.append(live.policy.version)
    }
    let harness = SessionHarness(world)
    for (index, name) in names.reversed().enumerated() {
      harness.send("{\"op\":\"score\",\"policy\":\"\(name)\",\"users\":[]}\n")
      let answer = harness.lines.last ?? ""
      if index < 16 {
        #expect(answer.hasPrefix("{\"ok\":true,\"policy\":\"\(name)\""))
      } else {
        #expect(answer.contains("not_found"))
      }
    }
    #expect(world.policies.versions.count == 16)
    // One that was live before comes back to the front, and nothing is lost for it.
    let former = world.policies.versions[5]
    world.policies.activate(former)
    #expect(world.policies.versions.count == 16)
    #expect(world.policies.live === former.live)
  }

  /// A stream keeps the version it began with.
  @Test func streamsKeepTheirPolicy() throws {
    let world = try SessionHarness.World()
    let harness = SessionHarness(world)
    harness.send("{\"op\":\"score\",\"stream\":true}\n{\"user_id\":\"a\"}\n")
    harness.settle()
    let bytes = Array((try Vectors.text("policy.yaml") + "# next\n").utf8)
    let next = try LivePolicy.make(bytes, format: .yaml)
    world.policies.activate(.init(live: next, text: bytes, since: 0, by: "file"))
    harness.send("{\"op\":\"end\"}\n{\"op\":\"score\",\"users\":[]}\n")
    harness.settle()
    #expect(harness.lines[1].contains("cash-loan-recall@eb2aa0cf209f"))
    #expect(harness.lines[2].contains(next.policy.version))
  }
}
