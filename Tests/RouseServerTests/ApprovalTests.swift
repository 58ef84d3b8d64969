import Foundation
import RouseWire
import TestData
import Testing

@testable import RouseServer

/// Four eyes, with the real daemon and two people: one by certificate, one by token.
@Suite(.ownThreads) struct ApprovalTests {
  /// A server that needs approvals, and the token of `ben` (and `cid`), who may tune.
  private final class Desk {
    let server: ServerProcess
    let tokens: [String: String]
    var file: URL { server.home.appending(path: "policy.yaml") }
    var record: URL { server.home.appending(path: "policy.yaml.approval") }

    init(_ approval: String = "required") throws {
      server = try ServerProcess {
        $0.replacingOccurrences(of: "policy_approval: none", with: "policy_approval: \(approval)")
      }
      let config = server.home.appending(path: "server.yaml").path
      var tokens: [String: String] = [:]
      for name in ["ben", "cid"] {
        let added = try ServerProcess.run(
          "rouse-server", ["token", "add", name, "--roles", "tune", "--config", config])
        guard added.code == 0 else { throw ServerProcess.Failed(description: added.error) }
        tokens[name] = String(decoding: added.output, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
      }
      self.tokens = tokens
      server.signal(SIGHUP)
      server.waitForLog("tokens=2")
    }

    func ann() async throws -> Peer { try await server.connect() }

    func other(_ name: String) async throws -> Peer {
      let peer = try await server.connect(withCertificate: false)
      try await peer.send("{\"op\":\"auth\",\"token\":\"\(try #require(tokens[name]))\"}\n")
      _ = try await peer.replies(1)
      return peer
    }

    func text() throws -> String { try String(contentsOf: file, encoding: .utf8) }

    func events() throws -> [JSONValue] {
      try Data(contentsOf: server.home.appending(path: "audit.ndjson")).split(separator: 0x0A).compactMap {
        JSONValue(Array($0))
      }
    }

    func isAuditSound() throws -> Bool {
      if case .sound = try AuditVerification.run(file: server.home.appending(path: "audit.ndjson").path) {
        true
      } else {
        false
      }
    }

    func kill() throws {
      server.signal(SIGKILL)
      _ = server.exitCode()
      try server.restart()
    }
  }

  private static func ask(_ peer: Peer, _ members: String) async throws -> JSONValue {
    try await peer.send("{\"op\":\"policy\",\(members)}\n")
    let line = try await peer.replies(1).last ?? ""
    // Every answer is as its schema says.
    let schemas = try JSONSchema.specification.get()
    #expect(schemas.fault(try JSONNode(line.utf8), "reply.schema.json") == nil, "\(line)")
    return try #require(JSONValue(line.utf8))
  }

  private static func live(_ peer: Peer) async throws -> String {
    try #require(try await ask(peer, #""do":"history""#)["policy"]?.text)
  }

  private static func activate(_ peer: Peer, _ text: String, against: String) async throws -> JSONValue {
    try await ask(peer, #""do":"activate","against":"\#(against)","text":"\#(AccessTests.escaped(text))""#)
  }

  private static func code(_ answer: JSONValue) -> String? { answer["error"]?["code"]?.text }

  /// Until history has so many proposals.
  private static func waiting(_ peer: Peer, _ count: Int) async throws -> [JSONValue] {
    var found: [JSONValue] = []
    try await comesTrue {
      found = try await ask(peer, #""do":"history""#)["proposals"]?.items ?? []
      return found.count == count
    }
    return found
  }

  @Test func anotherApproves() async throws {
    let desk = try Desk()
    let (ann, ben) = (try await desk.ann(), try await desk.other("ben"))
    let (text, was) = (try desk.text(), try await Self.live(ann))
    let proposed = try await Self.activate(ann, text + "# 1\n", against: was)
    let next = try #require(proposed["policy"]?.text)
    #expect(proposed["state"]?.text == "proposed" && proposed["was"]?.text == was && next != was)
    #expect(try await Self.live(ann) == was)
    #expect(try desk.text() == text)
    // The same again changes nothing; from another it is no second proposal.
    #expect(try await Self.activate(ann, text + "# 1\n", against: was)["state"]?.text == "proposed")
    #expect(Self.code(try await Self.activate(ben, text + "# 1\n", against: was)) == "conflict")
    #expect(try await Self.ask(ann, #""do":"show","policy":"\#(next)""#)["text"]?.text == text + "# 1\n")
    // It cannot be pinned, and its author cannot approve it.
    try await ann.send("{\"op\":\"score\",\"policy\":\"\(next)\",\"users\":[]}\n")
    #expect(try await ann.replies(1).last?.contains("not_found") == true)
    #expect(Self.code(try await Self.ask(ann, #""do":"approve","policy":"\#(next)""#)) == "forbidden")
    #expect(Self.code(try await Self.ask(ben, #""do":"approve","policy":"\#(was)""#)) == "not_found")
    #expect(
      Self.code(try await Self.ask(ben, #""do":"approve","policy":"\#(next)","against":"x@0""#)) == "conflict")
    #expect(try await Self.live(ann) == was)

    let approved = try await Self.ask(ben, #""do":"approve","policy":"\#(next)","against":"\#(was)""#)
    #expect(approved["state"]?.text == "live" && approved["author"]?.text == "identity:operator", "\(approved)")
    #expect(try desk.text() == text + "# 1\n")
    let history = try await Self.ask(ann, #""do":"history""#)
    let first = try #require(history["versions"]?.items.first)
    #expect(first["policy"]?.text == next && first["by"]?.text == "identity:ben")
    #expect(first["author"]?.text == "identity:operator" && history["proposals"]?.items.isEmpty == true)
    // Without the role nobody may do any of it.
    let nobody = try await desk.server.connect(withCertificate: false)
    #expect(Self.code(try await Self.ask(nobody, #""do":"approve","policy":"\#(next)""#)) == "unauthenticated")

    let entry = try #require(try desk.events().last { $0["event"]?.text == "policy_approved" })
    #expect(entry["author"]?.text == "identity:operator" && entry["by"]?.text == "identity:ben")
    #expect(try desk.events().contains { $0["event"]?.text == "policy_proposed" && $0["to"]?.text == next })
    #expect(try desk.isAuditSound())
  }

  /// A server that is killed between the two forgets nothing, and makes nothing live by itself.
  @Test func killedInBetween() async throws {
    let desk = try Desk()
    let ann = try await desk.ann()
    let (text, was) = (try desk.text(), try await Self.live(ann))
    let next = try #require(try await Self.activate(ann, text + "# 1\n", against: was)["policy"]?.text)
    try desk.kill()
    let (again, ben) = (try await desk.ann(), try await desk.other("ben"))
    #expect(try await Self.live(again) == was)
    #expect(try await Self.waiting(again, 1).first?["author"]?.text == "identity:operator")
    #expect(Self.code(try await Self.ask(again, #""do":"approve","policy":"\#(next)""#)) == "forbidden")
    #expect(try await Self.ask(ben, #""do":"approve","policy":"\#(next)""#)["state"]?.text == "live")
    try desk.kill()
    let third = try await desk.ann()
    #expect(try await Self.live(third) == next)
    #expect(try await Self.waiting(third, 0).isEmpty)
    #expect(try desk.isAuditSound())
  }

  @Test func theFileIsAProposal() async throws {
    let desk = try Desk()
    let (ann, ben) = (try await desk.ann(), try await desk.other("ben"))
    let (text, was) = (try desk.text(), try await Self.live(ann))
    func write(_ text: String) throws { try Data(text.utf8).write(to: desk.file, options: .atomic) }
    try write(text + "# 1\n")
    let first = try #require(try await Self.waiting(ann, 1).first)
    #expect(["file", "SIGHUP"].contains(first["author"]?.text) && first["against"]?.text == was)
    #expect(try await Self.live(ann) == was)
    // Put back, it waits no more.
    try write(text)
    #expect(try await Self.waiting(ann, 0).isEmpty)
    // Nothing else becomes live over the head of whoever changed it.
    try write(text + "# 2\n")
    _ = try await Self.waiting(ann, 1)
    let other = try #require(try await Self.activate(ann, text + "# 3\n", against: was)["policy"]?.text)
    #expect(Self.code(try await Self.ask(ben, #""do":"approve","policy":"\#(other)""#)) == "conflict")
    let files = try #require(try await Self.waiting(ann, 2).first?["policy"]?.text)
    #expect(try await Self.ask(ben, #""do":"withdraw","policy":"\#(files)""#)["state"]?.text == "withdrawn")
    #expect(try desk.text() == text)
    let kept = desk.server.home.appending(path: "policy.yaml.withdrawn")
    #expect(try String(contentsOf: kept, encoding: .utf8) == text + "# 2\n")
    #expect(try await Self.ask(ben, #""do":"approve","policy":"\#(other)""#)["state"]?.text == "live")

    // Changed while the server was down: what was live is live, and the change waits.
    desk.server.signal(SIGTERM)
    #expect(desk.server.exitCode() == 0)
    try write(text + "# 4\n")
    try desk.server.restart()
    let (again, other2) = (try await desk.ann(), try await desk.other("ben"))
    #expect(try await Self.live(again) == other)
    let late = try #require(try await Self.waiting(again, 1).first)
    #expect(late["author"]?.text == "file")
    #expect(
      try await Self.ask(other2, #""do":"approve","policy":"\#(late["policy"]?.text ?? "")""#)["state"]?.text == "live")
    #expect(try desk.text() == text + "# 4\n")
    #expect(try desk.isAuditSound())
  }

  /// Of two at once one makes it live, and the other finds nothing.
  @Test func twoApprovalsAtOnce() async throws {
    let desk = try Desk()
    let ann = try await desk.ann()
    let others = [try await desk.other("ben"), try await desk.other("cid")]
    var (text, was) = (try desk.text(), try await Self.live(ann))
    for round in 0..<5 {
      text += "# \(round)\n"
      let next = try #require(try await Self.activate(ann, text, against: was)["policy"]?.text)
      let answers = try await withThrowingTaskGroup(of: JSONValue.self) { group in
        for peer in others { group.addTask { try await Self.ask(peer, #""do":"approve","policy":"\#(next)""#) } }
        // And the server looks at its files meanwhile.
        desk.server.signal(SIGHUP)
        return try await group.reduce(into: [JSONValue]()) { $0.append($1) }
      }
      #expect(answers.filter { $0["state"]?.text == "live" }.count == 1, "\(answers)")
      #expect(answers.filter { Self.code($0) == "not_found" }.count == 1, "\(answers)")
      #expect(try await Self.live(ann) == next)
      #expect(try desk.text() == text)
      was = next
    }
    #expect(try await Self.waiting(ann, 0).isEmpty)
    #expect(try desk.events().filter { $0["event"]?.text == "policy_approved" }.count == 5)
    #expect(try desk.isAuditSound())
  }

  @Test func aProposalIsAgainstOne() async throws {
    let desk = try Desk()
    let (ann, ben) = (try await desk.ann(), try await desk.other("ben"))
    let (text, was) = (try desk.text(), try await Self.live(ann))
    let one = try #require(try await Self.activate(ann, text + "# 1\n", against: was)["policy"]?.text)
    let two = try #require(try await Self.activate(ann, text + "# 2\n", against: was)["policy"]?.text)
    #expect(try await Self.ask(ben, #""do":"approve","policy":"\#(one)""#)["state"]?.text == "live")
    #expect(Self.code(try await Self.ask(ben, #""do":"approve","policy":"\#(two)""#)) == "conflict")
    // Put forward anew, by whoever does.
    #expect(try await Self.activate(ben, text + "# 2\n", against: one)["state"]?.text == "proposed")
    #expect(try await Self.waiting(ann, 1).first?["author"]?.text == "identity:ben")
    #expect(try await Self.ask(ann, #""do":"approve","policy":"\#(two)""#)["author"]?.text == "identity:ben")
    // No more than 16 wait.
    for number in 0..<16 {
      #expect(try await Self.activate(ann, text + "# more \(number)\n", against: two)["state"]?.text == "proposed")
    }
    #expect(Self.code(try await Self.activate(ann, text + "# more\n", against: two)) == "conflict")
    let faulty = try await Self.activate(ann, "version: 2\n", against: two)
    #expect(Self.code(faulty) == "bad_request" && faulty["error"]?["diagnostics"]?.items.isEmpty == false)
    // An old one makes room once another is live.
    let last = try #require(try await Self.waiting(ann, 16).last?["policy"]?.text)
    #expect(try await Self.ask(ben, #""do":"approve","policy":"\#(last)""#)["state"]?.text == "live")
    for number in 0..<3 {
      #expect(try await Self.activate(ann, text + "# newer \(number)\n", against: last)["state"]?.text == "proposed")
    }
    #expect(try await Self.waiting(ann, 16).count == 16)
  }

  /// With `# 5005192` and with `# 12326178` after it, its hash begins with the same twelve digits.
  private static let twin = """
    version: 2
    name: twin
    fields: {times: [seen_at]}
    clock_skew_seconds: 300
    stages:
      all: {when: TRUE, since: seen_at, dormant: 0, steps: [loan], loan: 500, coupon: 0, incremental: 1.0, points: 0}
    tiers: {}
    risk: {base: {score: 600, odds: 20}, cutoff: 0, reasons: 1, card: {}}
    response: {half_life: 90, floor: -80, steps: {loan: {rate: 0.4, weight: 50}}, card: {}}
    money: {margin: 0.2, loss_given_default: 0.6, use_of_limit: 1.0, max_loan: 100000, relationship: 0}
    ladder: best
    gap_days: 0
    cap_30d: 1000
    hours: 00:00-24:00
    channels:
      push: {needs: TRUE, cost: 0.01, reach: 0.9, click: 0.5, quit: 0, cap_30d: 100, best: [00:00-24:00]}
    experiment: {salt: s, holdout: 0.0, explore: 0.0}
    regions: {utc_offset: "+00:00"}
    guardrails: {}

    """

  /// Who approves a name has seen one text: its twin is not put forward under it.
  @Test(arguments: ["required", "none"]) func aNameIsOneText(_ approval: String) async throws {
    let desk = try Desk(approval)
    let (ann, ben) = (try await desk.ann(), try await desk.other("ben"))
    let was = try await Self.live(ann)
    let harmless = try await Self.activate(ann, Self.twin + "# 5005192\n", against: was)
    let name = try #require(harmless["policy"]?.text)
    #expect(name == "twin@00e49283c235")
    #expect(try await Self.ask(ben, #""do":"show","policy":"\#(name)""#)["text"]?.text == Self.twin + "# 5005192\n")
    if approval == "required" {
      #expect(try await Self.ask(ann, #""do":"withdraw","policy":"\#(name)""#)["state"]?.text == "withdrawn")
    }
    let live = try await Self.live(ann)
    #expect(Self.code(try await Self.activate(ann, Self.twin + "# 12326178\n", against: live)) == "conflict")
    #expect(try await Self.live(ann) == live)
    guard approval == "required" else { return }
    // The first text may come again.
    #expect(try await Self.activate(ann, Self.twin + "# 5005192\n", against: was)["state"]?.text == "proposed")
    #expect(try await Self.ask(ben, #""do":"approve","policy":"\#(name)""#)["state"]?.text == "live")
    #expect(Self.code(try await Self.activate(ann, Self.twin + "# 12326178\n", against: name)) == "conflict")
  }

  @Test func theWayBack() async throws {
    let desk = try Desk("none")
    let ann = try await desk.ann()
    let (text, first) = (try desk.text(), try await Self.live(ann))
    #expect(try await Self.activate(ann, text + "# 1\n", against: first)["state"]?.text == "live")
    let second = try await Self.live(ann)
    #expect(
      try await Self.ask(ann, #""do":"rollback","policy":"\#(first)","against":"\#(second)""#)["was"]?.text == second)
    #expect(try desk.text() == text)
    #expect(try await Self.live(ann) == first)
    #expect(
      Self.code(try await Self.ask(ann, #""do":"rollback","policy":"\#(second)","against":"\#(second)""#)) == "conflict"
    )
    #expect(Self.code(try await Self.ask(ann, #""do":"rollback","policy":"x@000000000000""#)) == "not_found")

    // Approvals from now on; and after a restart only the ledger knows what was live.
    let config = desk.server.home.appending(path: "server.yaml")
    let set = try String(contentsOf: config, encoding: .utf8)
    try Data(set.replacingOccurrences(of: "policy_approval: none", with: "policy_approval: required").utf8)
      .write(to: config, options: .atomic)
    eventually { FileManager.default.fileExists(atPath: desk.record.path) }
    desk.server.signal(SIGTERM)
    #expect(desk.server.exitCode() == 0)
    try desk.server.restart()
    let again = try await desk.ann()
    let history = try await Self.ask(again, #""do":"history""#)
    #expect(history["approval"]?.text == "required")
    #expect(history["older"]?.items.map { $0["policy"]?.text } == [second])
    #expect(try await Self.ask(again, #""do":"show","policy":"\#(second)""#)["text"]?.text == text + "# 1\n")
    #expect(Self.code(try await Self.ask(again, #""do":"show","policy":"x@000000000000""#)) == "not_found")
    // It was live, so one person may. What only waits may not come in by this door.
    let next = try #require(try await Self.activate(again, text + "# 2\n", against: first)["policy"]?.text)
    #expect(Self.code(try await Self.ask(again, #""do":"rollback","policy":"\#(next)""#)) == "not_found")
    #expect(try await Self.ask(again, #""do":"rollback","policy":"\#(second)""#)["state"]?.text == "live")
    #expect(try desk.text() == text + "# 1\n")
    #expect(try desk.events().last?["event"]?.text == "policy_rolled_back")
    #expect(try desk.isAuditSound())
  }

  /// A record that someone has spoilt is named, and not passed over.
  @Test func theRecord() async throws {
    let desk = try Desk()
    let ann = try await desk.ann()
    let (text, was) = (try desk.text(), try await Self.live(ann))
    _ = try await Self.activate(ann, text + "# 1\n", against: was)
    desk.server.signal(SIGTERM)
    #expect(desk.server.exitCode() == 0)
    let whole = try String(contentsOf: desk.record, encoding: .utf8)
    #expect(whole.split(separator: "\n").count == 2)
    try Data(whole.replacingOccurrences(of: #"# 1\n"}"#, with: #"# 9\n"}"#).utf8).write(to: desk.record)
    #expect {
      try desk.server.restart()
    } throws: {
      "\($0)".contains("policy.yaml.approval:2: ") && "\($0)".contains("remove it")
    }
    // Without it the file is live, and the ledger knows that another was.
    try FileManager.default.removeItem(at: desk.record)
    try Data((text + "# 2\n").utf8).write(to: desk.file)
    try desk.server.restart()
    let live = try await Self.live(try await desk.ann())
    #expect(live != was)
    let entry = try #require(try desk.events().last { $0["event"]?.text == "policy_unapproved" })
    #expect(entry["from"]?.text == was && entry["to"]?.text == live)
    #expect(desk.server.logText.contains("nobody is known to have approved it"))
  }

  @Test func whatTheConfigurationSays() throws {
    let folder = try ServerProcess.temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appending(path: "server.yaml").path
    func read(_ more: String) throws -> Configuration {
      try "listen: 127.0.0.1:0\npolicy: p.yaml\ntls: {certificate: a, key: b}\n\(more)"
        .write(toFile: file, atomically: true, encoding: .utf8)
      return try Configuration.read(file: file)
    }
    #expect(try read("").policyApproval == .notRequired)
    for block in try MarkdownTable.blocks("yaml", of: "approval.md") {
      let alone = try read(block)
      #expect(alone.policyApproval == .required && alone.approvalWarnings.count == 1)
      let two = "identities: {a: {certificate: dns:a, roles: [tune]}, b: {certificate: dns:b, roles: [tune, score]}}\n"
      #expect(try read(block + two).approvalWarnings.isEmpty)
    }
    #expect(throws: ConfigurationError.self) { try read("policy_approval: two\n") }
  }

  // MARK: - The client

  @Test func theClient() async throws {
    let desk = try Desk()
    let profile = ["--profile", try desk.server.profile()]
    let token = desk.server.home.appending(path: "ben.token").path
    try Data((desk.tokens["ben"] ?? "").utf8).write(to: URL(filePath: token))
    let ben = ["--server", "127.0.0.1:\(desk.server.port)", "--ca", desk.server.tls("ca.pem"), "--token-file", token]
    func rouse(_ arguments: [String]) throws -> (code: Int32, text: String, error: String) {
      let ended = try ServerProcess.run("rouse", ["policy"] + arguments, environment: ["ROUSE_PROFILE": ""])
      return (ended.code, String(decoding: ended.output, as: UTF8.self), ended.error)
    }
    let text = try desk.text()
    let next = desk.server.home.deletingLastPathComponent().appending(path: "next.yaml").path
    let changed = text.replacingOccurrences(of: "cutoff: 565", with: "cutoff: 570 # stricter")
    try Data(changed.utf8).write(to: URL(filePath: next))

    let diff = try rouse(["diff", next] + profile)
    #expect(diff.code == 1 && diff.text.hasPrefix("  risk.cutoff: 565 → 570\n\n--- cash-loan-recall@"), "\(diff)")
    #expect(diff.text.contains("\n-  cutoff: 565\n+  cutoff: 570 # stricter\n"))
    #expect(try rouse(["diff", next, next]).code == 0)
    #expect(try rouse(["diff", next, desk.file.path, "--values"]).text == "  risk.cutoff: 565 → 570\n")

    let activated = try rouse(["activate", next] + profile)
    let version = String(activated.text.prefix { $0 != " " })
    #expect(
      activated.text
        == "\(version) is proposed; another person approves it with: rouse policy approve \(version)\n", "\(activated)")
    #expect(try rouse(["history", "--table"] + profile).text.contains("identity:operator  waits for an approval"))
    let own = try rouse(["approve", version, "--yes"] + profile)
    #expect(own.code == 3 && own.error.contains("forbidden"), "\(own)")
    let unasked = try rouse(["approve", version] + ben)
    #expect(unasked.code == 2 && unasked.error.contains("--yes"))
    let approved = try rouse(["approve", version, "--yes"] + ben)
    #expect(approved.code == 0 && approved.text.hasPrefix("\(version) is live; it was "), "\(approved)")
    #expect(
      approved.error.contains("put forward by identity:operator on ")
        && approved.error.contains("risk.cutoff: 565 → 570"))
    #expect(
      try rouse(["history", "--table"] + profile).text.contains("identity:ben, put forward by identity:operator"))
    let none = try rouse(["approve", version, "--yes"] + ben)
    #expect(none.code == 3 && none.error.contains("none does"))

    let back = try rouse(["rollback", "--yes"] + profile)
    #expect(back.code == 0 && back.text.contains("is live again; it was \(version)"), "\(back)")
    #expect(back.error.contains("risk.cutoff: 570 → 565"))
    #expect(try desk.text() == text)
    #expect(try rouse(["activate", next] + profile).code == 0)
    let withdrawn = try rouse(["withdraw", version] + ben)
    #expect(withdrawn.text == "\(version), put forward by identity:operator, waits no more\n", "\(withdrawn)")
    #expect(try rouse(["diff", version] + profile).code == 1)
  }
}
