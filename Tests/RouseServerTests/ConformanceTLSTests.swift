import Foundation
import RouseServer
import RouseWire
import TestData
import Testing

/// The wire vectors against the real daemon over real TLS: one server for each profile.
@Suite(.ownThreads) struct ConformanceTLSTests {
  private static let stillThere = Array("{\"op\":\"ping\",\"id\":\"still-there\"}\n".utf8)
  private static let pong = Array("{\"id\":\"still-there\",\"ok\":true}\n".utf8)

  /// - Parameter folder: for the file of the tokens.
  private static func server(_ profile: WireProfile, _ folder: URL) throws -> ServerProcess {
    let tokens = folder.appending(path: "tokens.yaml")
    let lines = (profile.tokens ?? [:]).map { name, token in
      "\(name): {sha256: \"\(token.sha256)\", roles: [\(token.roles.joined(separator: ", "))], added: \"\(token.added)\"}\n"
    }
    if !lines.isEmpty { try Data(lines.joined().utf8).write(to: tokens) }
    let roles = profile.roles.joined(separator: ", ")
    return try ServerProcess(configure: { text in
      let text = profile.ledger == false ? withoutLedger(text) : text
      let own = profile.limits.map { "  \($0.key): \($0.value)" }
      let lines = text.components(separatedBy: "\n").flatMap { line in
        if line == "limits:" { return [line] + own }
        return profile.limits.keys.contains { line.hasPrefix("  \($0): ") } ? [] : [line]
      }
      return lines.joined(separator: "\n")
        .replacingOccurrences(of: "roles: [score, record, tune, admin]", with: "roles: [\(roles)]")
        .replacingOccurrences(of: "tokens: tokens.yaml", with: "tokens: \(tokens.path)")
    })
  }

  private static func withoutLedger(_ text: String) -> String {
    var isWithin = false
    return text.components(separatedBy: "\n").filter { line in
      isWithin = line == "ledger:" || isWithin && line.hasPrefix("  ")
      return !isWithin
    }.joined(separator: "\n")
  }

  @Test(arguments: WireProfile.all.keys.sorted()) func conversations(_ name: String) async throws {
    let profile = try #require(WireProfile.all[name])
    let folder = try ServerProcess.temporaryFolder()
    defer { try? FileManager.default.removeItem(at: folder) }
    let server = try Self.server(profile, folder)
    let cases = WireCase.all.filter { $0.profileName == name && !$0.isOfClock }
    #expect(!cases.isEmpty)
    await withTaskGroup(of: (String, String?).self) { group in
      func report(_ result: (String, String?)?) {
        if case (let name, let fault?)? = result { Issue.record("\(name): \(fault)") }
      }
      for (index, vector) in (cases + cases).enumerated() {
        if index >= (profile.isMetered ? 1 : 8) { report(await group.next()) }
        let inPieces = index >= cases.count
        let place = ConformancePeer.Place(server, withCertificate: !vector.isNobody)
        group.addTask {
          let vector = vector.filled(ConformanceSessionTests.marks(vector, now: wallClock()))
          var fault = await Self.fault(of: vector, inPieces: inPieces, at: place)
          // A machine too busy to send in time has the server lose patience sooner than the case means: it has more tries.
          for _ in 0..<3 where fault != nil && vector.waitsForTimers {
            fault = await Self.fault(of: vector, inPieces: inPieces, at: place)
          }
          return (vector.name, fault)
        }
      }
      for await result in group { report(result) }
    }
    #expect(server.isRunning)
  }

  private static func fault(of vector: WireCase, inPieces: Bool, at place: ConformancePeer.Place) async -> String? {
    guard let peer = try? await ConformancePeer(place) else {
      return "no connection"
    }
    let isOpen = vector.then == .open && !vector.endsInput
    async let answer = peer.read(until: isOpen ? pong : nil)
    for part in vector.send {
      switch part {
      case .pause(let milliseconds): try? await Task.sleep(for: .milliseconds(milliseconds))
      case .answered(let name, let nth):
        guard let text = await peer.text(of: name, nth: nth) else { break }
        await peer.send(text.utf8)
      case .bytes(let bytes):
        let size = inPieces ? max(1, bytes.count / 60) : bytes.count
        var rest = bytes[...]
        while !rest.isEmpty {
          await peer.send(rest.prefix(size))
          rest = rest.dropFirst(size)
        }
      }
    }
    if isOpen { await peer.send(stillThere) }
    if vector.endsInput { await peer.endInput() }
    var (output, end) = await answer
    await peer.close()
    if isOpen {
      guard output.suffix(pong.count) == pong[...] else {
        return "the next request was not answered: \(String(decoding: output.suffix(500), as: UTF8.self))"
      }
      output.removeLast(pong.count)
    } else if end != .closeNotify {
      return "the server did not end with close_notify: \(String(decoding: output.suffix(500), as: UTF8.self))"
    }
    return vector.fault(in: output)
  }

  /// Each document in a request and in a candidate, all on two connections.
  @Test func documents() async throws {
    let server = try ServerProcess()
    let cases = JSONCase.all
    let before = Array(#"{"op":"ping","id":1,"x_":"#.utf8)
    let peer = try await server.connect()
    async let answers = peer.replies(cases.count)
    for vector in cases { try await peer.send(before + vector.bytes + Array("}\n".utf8)) }
    for (vector, answer) in zip(cases, try await answers) {
      let wanted =
        vector.isAccepted
        ? #"{"id":1,"ok":true}"#
        : #"{"id":1,"ok":false,"error":{"code":"\#(vector.verdict)","message":"*","offset":"#
          + "\((vector.offset ?? 0) + before.count)}}"
      #expect(WireCase.Line.exact(wanted).fits(Array(answer.utf8)), "\(vector.name): \(answer)")
    }
    await peer.close()

    let second = try await server.connect()
    async let rows = second.replies(1)
    try await second.send("{\"op\":\"score\",\"as_of\":\"\(Vectors.asOf)\",\"stream\":true}\n")
    for vector in cases {
      try await second.send(Array(#"{"user_id":"a","x":"#.utf8) + vector.bytes + Array("}\n".utf8))
    }
    try await second.send("{\"op\":\"end\"}\n")
    let got = try await rows
    #expect(got.count == cases.count + 1)
    for (vector, row) in zip(cases, got) {
      #expect((row == #"{"user_id":null,"status":"invalid","reasons":["I01"]}"#) != vector.isAccepted, "\(vector.name)")
    }
    await second.close()
  }

  /// `explain` shows a fact as the shortest decimal that is the same double, and a user's share of 10,000.
  @Test func numbersAndHashes() async throws {
    let server = try ServerProcess()
    let numbers = Vectors.rows("wire/numbers.tsv", skipping: 1)
    let hashes = HashCase.all.filter { $0.drawn != nil }
    var text = "{\"op\":\"score\",\"as_of\":\"\(Vectors.asOf)\",\"explain\":true,\"stream\":true}\n"
    for row in numbers {
      text += #"{"user_id":"n","registered_at":"2026-02-01T00:00:00Z","credit_limit":\#(row[0])}"# + "\n"
    }
    for vector in hashes {
      text +=
        #"{"user_id":\#(JSONText.quoted(vector.userID)),"registered_at":"2026-02-10T08:00:00Z","sms_ok":true}"# + "\n"
    }
    let peer = try await server.connect()
    async let lines = peer.replies(1)
    try await peer.send(text + "{\"op\":\"end\"}\n")
    let got = try await lines
    #expect(got.count == numbers.count + hashes.count + 1)
    for (row, line) in zip(numbers, got) {
      let facts = JSONValue(Array(line.utf8))?["explain"]?["facts"]?.items ?? []
      let value = facts.first { $0["name"]?.text == "credit_limit" }?["value"]?.number
      // Whether a zero keeps its sign shows nowhere.
      let bits = value.flatMap { $0 == 0 && Double(row[0]) == 0 ? Double(row[0]) : $0 }?.bitPattern
      #expect(bits == (row[1] == "inf" ? nil : UInt64(row[1], radix: 16)), "\(row[0]): \(line)")
    }
    for (vector, line) in zip(hashes, got.dropFirst(numbers.count)) {
      let experiment = JSONValue(Array(line.utf8))?["explain"]?["experiment"]
      #expect(experiment?["share"]?.whole == vector.share, "\(vector)")
      #expect(experiment?["arm"]?.text == vector.drawn, "\(vector)")
    }
    await peer.close()
  }
}
