import Foundation
import RouseCore
import RouseWire
import TestData
import Testing

@testable import RouseServer

/// Campaigns that rank, contact and report, side by side, again and again: nobody is contacted over a cap, inside the gap,
/// after having opted out, or while another campaign has the user.
@Suite struct CampaignTests {
  /// 10,000 histories of users: 100 worlds of 100 users. `ROUSE_SEED` runs one world alone.
  static let seeds: [UInt64] =
    ProcessInfo.processInfo.environment["ROUSE_SEED"].flatMap(UInt64.init).map { [$0] }
    ?? Array(1...100)

  @Test(arguments: seeds) func nobodyIsContactedTooOften(_ seed: UInt64) throws {
    let campaigns = try Campaigns(seed: seed)
    defer { campaigns.remove() }
    try campaigns.run(steps: 60)
    #expect(campaigns.contacts > 50, "seed \(seed): too little happened to tell anything")
  }

  @Test func twoThatRankAtOnceDoNotShareAUser() throws {
    let world = try SessionHarness.World(roles: [.score, .record])
    let folder = try ServerProcess.temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    try world.openLedger(folder.appending(path: "ledger.sqlite").path)
    let first = SessionHarness(world)
    let second = SessionHarness(world)
    let head = #"{"op":"rank","stream":true,"commit":true,"as_of":"2026-03-01T02:00:00Z","limit":30}"# + "\n"
    let lines = (0..<100).map { Campaigns.candidate("u\($0)") }.joined()
    first.send(head + lines)
    second.send(head + lines)
    first.settle()
    second.settle()
    // All are scored by both before either commits.
    first.send("{\"op\":\"end\"}\n")
    first.settle()
    second.send("{\"op\":\"end\"}\n")
    second.settle()
    let plans = try [first, second].map { try Campaigns.Answer($0.lines) }
    #expect(plans.map(\.users.count) == [30, 30])
    #expect(Set(plans[0].users).isDisjoint(with: plans[1].users))
    #expect(plans[0].status("resting") == 0)
    // Those whom the second would have taken, and no more: the others it never asked for again.
    #expect(plans[1].status("resting") > 0)
    for plan in plans { #expect(plan.statuses == 100) }
  }
}

/// One world of users, campaigns that contact them, and what has really happened.
final class Campaigns {
  private var random: SplitMix
  private let seed: UInt64
  private let folder: URL
  private let world: SessionHarness.World
  private var wall: Int64 = 1_772_330_400
  private(set) var contacts = 0

  /// What has happened to a user, whether or not anybody said so yet.
  private struct User {
    var contacts: [(at: Int64, channel: String)] = []
    /// Said, and answered.
    var hasOptedOut = false
    var lease: (plan: String, until: Int64)?
  }
  private var users: [User]

  /// A contact that a campaign will make.
  private struct Order {
    let user: Int
    let plan: String
    let channel: String
    let due: Int64
  }
  private var orders: [Order] = []
  private var lastCommit: (line: String, answer: Answer)?
  private var recorded: [String] = []
  private var nextKey = 0

  private static let lease: Int64 = 2 * 86_400
  private static let gap: Int64 = 3 * 86_400
  private static let month: Int64 = 30 * 86_400
  private static let cap = 6
  private static let channelCaps = ["push": 4, "sms": 3, "email": 4, "call": 1]

  init(seed: UInt64) throws {
    self.seed = seed
    random = SplitMix(state: seed)
    folder = try ServerProcess.temporaryFolder()
    world = try SessionHarness.World(roles: [.score, .record, .admin])
    users = Array(repeating: User(), count: 100)
    try open()
    _ = try ask(
      "{\"op\":\"load\",\"users\":[\(users.indices.map { Self.candidate("u\($0)") }.joined(separator: ","))]}")
  }

  func remove() {
    world.keeping?.ledger.close()
    try? FileManager.default.removeItem(at: folder)
  }

  private func open() throws {
    try world.openLedger(folder.appending(path: "ledger.sqlite").path, leaseSeconds: Self.lease)
  }

  /// One who is dormant, safe, and worth a contact for years.
  static func candidate(_ id: String, contacts: String = "[]") -> String {
    #"{"user_id":"\#(id)","last_login_at":"2026-01-30T03:00:00Z","credit_granted_at":"2026-01-30T03:30:00Z","#
      + #""credit_limit":8000,"app_installed":true,"push_ok":true,"sms_ok":true,"call_ok":true,"email_ok":true,"#
      + #""external_score":700,"other_loans":0,"region":"CN-33","contacts":\#(contacts)}"# + "\n"
  }

  /// The rows and the last line of a reply.
  struct Answer: Equatable {
    let rows: [String]
    let last: String
    let users: [String]

    init(_ lines: [String]) throws {
      let last = try #require(lines.last)
      rows = Array(lines.dropLast())
      self.last = last
      users = rows.map { JSONValue(Array($0.utf8))?["user_id"]?.text ?? "" }
    }

    var plan: String? { JSONValue(Array(last.utf8))?["plan_id"]?.text }
    func status(_ name: String) -> Int { JSONValue(Array(last.utf8))?["plan"]?["status"]?[name]?.whole ?? -1 }
    var statuses: Int {
      (JSONValue(Array(last.utf8))?["plan"]?["status"]?.members ?? []).reduce(0) { $0 + ($1.value.whole ?? 0) }
    }
  }

  private func ask(_ text: String) throws -> Answer {
    let harness = SessionHarness(world)
    harness.advanceCalendar(to: wall)
    harness.send(text.hasSuffix("\n") ? text : text + "\n")
    harness.settle()
    return try Answer(harness.lines)
  }

  private func chance(_ one: UInt64, in all: UInt64) -> Bool { random.next() % all < one }

  func run(steps: Int) throws {
    for _ in 0..<steps {
      switch random.next() % 12 {
      case 0...4: try commit()
      case 5: try commitAgain()
      case 6: try complain()
      case 7: try open()
      case 8: try recordAgain()
      default: wall += Int64(random.next() % UInt64(4 * 86_400))
      }
      try deliver()
    }
  }

  // MARK: - Campaigns

  private func commit() throws {
    let key = "plan\(nextKey)"
    nextKey += 1
    // A request for a moment that has passed must not forget what came after it.
    let asOf = wall - Int64(chance(1, in: 3) ? random.next() % 172_800 : 0)
    var line = #"{"op":"rank","commit":true,"plan_key":"\#(key)","as_of":"\#(Moment.format(asOf))","#
    line += #""limit":\#(random.next() % 40),"budget":null,"capital":null,"#
    let picked = users.indices.filter { _ in chance(2, in: 3) }
    switch random.next() % 3 {
    case 0: line += #""audience":"\#(chance(1, in: 2) ? "TRUE" : "dormant_days >= 7")"}"#
    case 1:
      line += #""stream":true}"# + "\n" + picked.map { Self.candidate("u\($0)", contacts: carried($0)) }.joined()
      line += #"{"op":"end"}"#
    default:
      let inline = picked.map { Self.candidate("u\($0)", contacts: carried($0)).dropLast() }
      line += #""users":[\#(inline.joined(separator: ","))]}"#
    }
    let answer = try normal(try ask(line))
    take(answer)
    lastCommit = (line, answer)
  }

  /// An inline answer's rows stand in its one line.
  private func normal(_ answer: Answer) throws -> Answer {
    guard let results = JSONValue(Array(answer.last.utf8))?["results"] else { return answer }
    return try Answer(results.items.map(\.json) + [answer.last])
  }

  private func commitAgain() throws {
    guard let lastCommit else { return }
    if chance(1, in: 2) { try open() }
    let answer = try normal(try ask(lastCommit.line))
    #expect(answer.users == lastCommit.answer.users, "seed \(seed)")
    #expect(answer.plan == lastCommit.answer.plan, "seed \(seed)")
    #expect(answer.last.contains("\"replayed\":true"), "seed \(seed): \(answer.last)")
  }

  /// Some of what has happened, as a campaign system that keeps a history of its own sends it along.
  private func carried(_ user: Int) -> String {
    let some = users[user].contacts.filter { _ in chance(1, in: 2) }
    return "[" + some.map { #"{"at":\#($0.at),"channel":"\#($0.channel)"}"# }.joined(separator: ",") + "]"
  }

  private func take(_ answer: Answer) {
    guard let plan = answer.plan else {
      Issue.record("seed \(seed): \(answer.last)")
      return
    }
    for row in answer.rows {
      let row = JSONValue(Array(row.utf8))
      guard let id = row?["user_id"]?.text, let user = Int(id.dropFirst()),
        let channel = row?["best"]?["channel"]?.text
      else {
        Issue.record("seed \(seed): a row without user or channel")
        continue
      }
      let known = users[user]
      #expect(!known.hasOptedOut, "seed \(seed): u\(user) has opted out")
      if let lease = known.lease { #expect(lease.until <= wall, "seed \(seed): u\(user) is \(lease.plan)'s") }
      users[user].lease = (plan, wall + Self.lease)
      // Most are contacted while the plan has them, some never are.
      if chance(9, in: 10) {
        let due = wall + Int64(random.next() % UInt64(Self.lease))
        orders.append(Order(user: user, plan: plan, channel: channel, due: due))
      }
    }
  }

  /// Makes the contacts that are due, and says so.
  private func deliver() throws {
    let due = orders.filter { $0.due <= wall }.sorted { $0.due < $1.due }
    orders.removeAll { $0.due <= wall }
    for order in due where !users[order.user].hasOptedOut {
      contacts += 1
      check(order)
      users[order.user].contacts.append((order.due, order.channel))
      users[order.user].lease = nil
      try record(
        #"{"key":"c\#(nextKey)","user_id":"u\#(order.user)","kind":"contact","at":\#(order.due),"#
          + #""channel":"\#(order.channel)","plan":"\#(order.plan)"}"#)
    }
  }

  private func check(_ order: Order) {
    let past = users[order.user].contacts
    if let last = past.last {
      #expect(order.due - last.at >= Self.gap, "seed \(seed): u\(order.user) within the gap")
    }
    let recent = past.filter { order.due - $0.at < Self.month }
    #expect(recent.count < Self.cap, "seed \(seed): u\(order.user) over the cap")
    let onChannel = recent.count { $0.channel == order.channel }
    #expect(
      onChannel < Self.channelCaps[order.channel] ?? 0, "seed \(seed): u\(order.user) over the cap of \(order.channel)")
  }

  // MARK: - What is told

  private func record(_ event: String) throws {
    nextKey += 1
    recorded.append(event)
    let answer = try ask("{\"op\":\"record\",\"events\":[\(event)]}")
    #expect(answer.last.contains("\"recorded\":1"), "seed \(seed): \(answer.last)")
    if chance(1, in: 4) { try recordAgain() }
  }

  /// A sender that did not get its answer sends again.
  private func recordAgain() throws {
    guard !recorded.isEmpty else { return }
    if chance(1, in: 4) { try open() }
    let some = recorded.suffix(50).filter { _ in chance(1, in: 3) }
    guard !some.isEmpty else { return }
    let answer = try ask("{\"op\":\"record\",\"events\":[\(some.joined(separator: ","))]}")
    #expect(answer.last.contains("\"recorded\":0,\"replayed\":\(some.count)"), "seed \(seed): \(answer.last)")
  }

  private func complain() throws {
    let user = Int(random.next() % UInt64(users.count))
    let kind = chance(1, in: 2) ? "opt_out" : "complaint"
    try record(#"{"key":"o\#(nextKey)","user_id":"u\#(user)","kind":"\#(kind)","at":\#(wall)}"#)
    users[user].hasOptedOut = true
  }
}
