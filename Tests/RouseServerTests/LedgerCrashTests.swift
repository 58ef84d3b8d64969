import Foundation
import RouseWire
import TestData
import Testing

/// A server that is killed while events stream in: what it has acknowledged is there afterwards, once, and nothing else is.
@Suite struct LedgerCrashTests {
  /// `ROUSE_KILLS` sets another number, as a soak does.
  static let kills = ProcessInfo.processInfo.environment["ROUSE_KILLS"].flatMap(Int.init) ?? 200

  @Test func killedUnderLoad() async throws {
    let server = try ServerProcess()
    var random = SplitMix(state: 7)
    let log = EventLog()
    for _ in 0..<Self.kills {
      let events = log.make(400)
      // What may have been recorded without our having heard so is sent again, as any client does.
      let again = log.unacknowledged.suffix(50)
      let peer = try await server.connect()
      try await peer.send("{\"op\":\"record\",\"stream\":true}\n" + (again + events).joined(separator: "\n") + "\n")
      let delay = UInt64(random.next() % 60_000_000)
      let reading = Task { await peer.lines() }
      try await Task.sleep(nanoseconds: delay)
      server.signal(SIGKILL)
      log.acknowledge(await reading.value)
      try server.restart()
    }
    #expect(log.acknowledged > Self.kills * 10, "too little was recorded to tell anything")
    try await check(server, log)
  }

  private func check(_ server: ServerProcess, _ log: EventLog) async throws {
    let peer = try await server.connect()
    // Everything is sent once more: what was acknowledged is known by its key.
    var recorded = 0
    var rows: [String] = []
    for start in stride(from: 0, to: log.lines.count, by: 500) {
      let part = log.lines[start..<min(start + 500, log.lines.count)]
      try await peer.send("{\"op\":\"record\",\"events\":[" + part.joined(separator: ",") + "]}\n")
      let reply = JSONValue(Array((try await peer.replies(1)).joined().utf8))
      rows += (reply?["results"]?.items ?? []).map(\.json)
      recorded += reply?["recorded"]?.whole ?? 0
    }
    let lost = zip(log.keys, rows).filter { log.isAcknowledged($0) && !$1.contains("replayed") }
    #expect(lost.isEmpty, "\(lost.prefix(3))")
    #expect(rows.count == log.lines.count)
    for user in 0..<EventLog.users {
      try await peer.send("{\"op\":\"user\",\"user_id\":\"u\(user)\"}\n")
      let reply = JSONValue(Array((try await peer.replies(1)).joined().utf8))
      #expect(reply?["event_count"]?.whole == log.count(of: user), "u\(user)")
      for event in reply?["events"]?.items ?? [] {
        #expect(log.hasSent(event["at"]?.text ?? "", by: user), "\(event.json) was never sent")
      }
    }
  }
}

/// Events that were sent, and what became of them.
private final class EventLog {
  static let users = 20
  /// A month ago: the server's clock is the machine's.
  private let start = Date().addingTimeInterval(-30 * 86_400)
  private(set) var lines: [String] = []
  private(set) var keys: [String] = []
  private var known: Set<String> = []
  private var moments: [Int: Set<String>] = [:]

  /// A second each, so that each can be told from all others.
  func make(_ count: Int) -> [String] {
    let first = lines.count
    for number in first..<(first + count) {
      let at = ISO8601DateFormatter().string(from: start.addingTimeInterval(Double(number)))
      let user = number % Self.users
      keys.append("k\(number)")
      moments[user, default: []].insert(at)
      lines.append(#"{"key":"k\#(number)","user_id":"u\#(user)","kind":"login","at":"\#(at)"}"#)
    }
    return Array(lines[first...])
  }

  var acknowledged: Int { known.count }
  var unacknowledged: [String] { zip(keys, lines).filter { !known.contains($0.0) }.map(\.1) }
  func isAcknowledged(_ key: String) -> Bool { known.contains(key) }
  func count(of user: Int) -> Int { moments[user]?.count ?? 0 }
  func hasSent(_ at: String, by user: Int) -> Bool { moments[user]?.contains(at) ?? false }

  func acknowledge(_ rows: [String]) {
    for row in rows {
      let row = JSONValue(Array(row.utf8))
      guard let key = row?["key"]?.text, let result = row?["result"]?.text else { continue }
      if result == "recorded" || result == "replayed" { known.insert(key) }
      if result == "recorded", known.contains("!" + key) { Issue.record("\(key) was recorded twice") }
      if result == "recorded" { known.insert("!" + key) }
    }
  }
}
