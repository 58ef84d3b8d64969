import Foundation
import RouseCore
import RouseWire
import TestData
import Testing

@testable import RouseServer

/// The session machine as protocol traces.
@Suite struct SessionTests {
  static let head = #"{"op":"OP","id":7,"as_of":"2026-03-01T02:00:00Z","stream":true}"# + "\n"
  static let end = #"{"op":"end"}"# + "\n"
  static let context = #"{"id":7,"ok":true,"policy":"cash-loan-recall@eb2aa0cf209f","as_of":"2026-03-01T02:00:00Z","#

  static func stream(_ op: String, extra: String = "") throws -> [UInt8] {
    let head = head.replacingOccurrences(of: "OP", with: op).replacingOccurrences(of: "true}", with: "true\(extra)}")
    return Array(head.utf8) + (try Vectors.bytes("examples/candidates.ndjson")) + Array(end.utf8)
  }

  /// The vectors' rows, and the totals in the line that has `ok`.
  static func expected(_ op: String) throws -> String {
    let lines = try Vectors.text("examples/expected.\(op).ndjson").split(separator: "\n").map(String.init)
    let totals = try #require(lines.last)
    return lines.dropLast().map { $0 + "\n" }.joined() + context + totals.dropFirst() + "\n"
  }

  @Test(arguments: ["score", "rank"]) func streamWhole(_ op: String) throws {
    let harness = try SessionHarness()
    harness.send(try Self.stream(op, extra: op == "rank" ? #","rows":"all""# : ""))
    harness.settle()
    #expect(harness.text == (try Self.expected(op)))
  }

  @Test(arguments: ["score", "rank"]) func streamByteByByte(_ op: String) throws {
    let harness = try SessionHarness()
    for byte in try Self.stream(op, extra: op == "rank" ? #","rows":"all""# : "") {
      harness.send([byte])
      harness.settle()
    }
    #expect(harness.text == (try Self.expected(op)))
  }

  /// Chunks of any size, jobs done in any order, three requests sent ahead.
  @Test(arguments: 0..<60) func chunksAndOrder(_ seed: UInt64) throws {
    var random = SplitMix(state: seed)
    let harness = try SessionHarness()
    let bytes =
      try Self.stream("score") + Array("{\"op\":\"ping\",\"id\":\"p\"}\r\n \t\r\n".utf8)
      + Self.stream("rank", extra: #","rows":"all""#) + Array("{\"op\":\"ping\"}\n".utf8)
    var at = 0
    while at < bytes.count {
      let size = min(bytes.count - at, Int.random(in: 1...(seed % 3 == 0 ? 20 : 3000), using: &random))
      harness.send(bytes[at..<(at + size)])
      at += size
      while Bool.random(using: &random), harness.runJob(using: &random) {}
    }
    while harness.runJob(using: &random) {}
    let wanted =
      try Self.expected("score") + "{\"id\":\"p\",\"ok\":true}\n" + Self.expected("rank") + "{\"ok\":true}\n"
    #expect(harness.text == wanted)
  }

  @Test func validUntilInlineAndStreamed() throws {
    let expected = try Vectors.examplesValidUntil()
    #expect(expected.count == 15)
    let harness = try SessionHarness()
    harness.send(try Self.stream("score", extra: #","valid_until":true"#))
    harness.settle()
    #expect(Array(harness.lines.dropLast()) == Array(expected.dropLast()))
    let candidates = try Vectors.text("examples/candidates.ndjson").split(separator: "\n").joined(separator: ",")
    func answer(_ extra: String) throws -> String {
      try SessionHarness.answer(
        #"{"op":"score","id":7,"as_of":"2026-03-01T02:00:00Z"\#(extra),"users":[\#(candidates)]}"#)
    }
    let wanted =
      Self.context + #""results":["# + expected.dropLast().joined(separator: ",") + "],"
      + (expected.last ?? "").dropFirst() + "\n"
    #expect(try answer(#","valid_until":true"#) == wanted)
    #expect(try answer(#","valid_until":false,"explain":null"#) == answer(""))
    // Before `explain`.
    let both = try answer(#","valid_until":true,"explain":true"#)
    #expect(both.contains(#""valid_until":"2026-03-02T03:30:00Z","explain":{"facts":"#))
    #expect(both.contains(#""valid_until":null,"explain":{"facts":"#))
  }

  /// A few candidates are explained where they are read, alike lines after them too, and all of them are counted.
  @Test func fewAreExplainedAtOnce() throws {
    let harness = try SessionHarness()
    func line(_ count: Int) -> String {
      let users = (0..<count).map { #"{"user_id":"\#($0)","registered_at":"2026-01-01T00:00:00Z"}"# }
      return #"{"op":"score","explain":true,"users":[\#(users.joined(separator: ","))]}"# + "\n"
    }
    harness.send(line(8))
    #expect(harness.lines.count == 1)
    harness.send(line(8) + line(8))
    #expect(harness.lines.count == 3)
    #expect(Set(harness.lines).count == 1)
    harness.send(line(9))
    #expect(harness.lines.count == 3)
    harness.settle()
    #expect(harness.lines.count == 4)
    let first = try #require(harness.lines.first?.split(separator: "],\"summary\"").first)
    #expect(harness.lines.last?.hasPrefix(first) == true)
    let meters = harness.session.shared.meters
    #expect(meters.count(.score, nil) == 4 && meters.times(.score).count == 4)
    #expect(Status.allCases.reduce(0) { $0 + meters.candidates(.score, $1) } == 33)
  }

  @Test func contactsInRankOrder() throws {
    let harness = try SessionHarness()
    harness.send(try Self.stream("rank", extra: #","limit":2"#))
    harness.settle()
    let lines = harness.lines
    #expect(lines.count == 3)
    #expect(lines.first?.hasPrefix(#"{"user_id":"x418","status":"contact","rank":1,"#) == true)
    #expect(lines.last?.contains(#""contacts":2"#) == true)
    #expect(lines.last?.contains(#""limit":"quota.limit","max":2,"used":2"#) == true)
  }

  @Test func inlineIsTheSameAsStreamed() throws {
    let candidates = try Vectors.text("examples/candidates.ndjson").split(separator: "\n").joined(separator: ",")
    for op in ["score", "rank"] {
      let rows = op == "rank" ? #","rows":"all""# : ""
      let answer = try SessionHarness.answer(
        #"{"op":"\#(op)","id":7,"as_of":"2026-03-01T02:00:00Z"\#(rows),"users":[\#(candidates)]}"#)
      let expected = try Vectors.text("examples/expected.\(op).ndjson").split(separator: "\n").map(String.init)
      let wanted =
        Self.context + #""results":["# + expected.dropLast().joined(separator: ",") + "],"
        + (expected.last ?? "").dropFirst() + "\n"
      #expect(answer == wanted)
    }
  }

  /// code, place, request: each is one line, answered by one line, and the connection goes on.
  static let faults: [(String, String?, String)] = [
    ("bad_json", nil, "nonsense"), ("bad_json", nil, #"{"op":"ping"} x"#), ("bad_json", nil, #"{"op":"ping",}"#),
    ("bad_json", nil, "{\"op\":\"pi\u{0}ng\"}"), ("bad_json", nil, "\u{FEFF}{\"op\":\"ping\"}"),
    ("bad_json", nil, "GET / HTTP/1.1"), ("bad_json", nil, #"{"op":"\ud800"}"#),
    ("duplicate_key", nil, #"{"op":"ping","\u006fp":"ping"}"#),
    ("duplicate_key", nil, #"{"op":"score","users":[{"user_id":"a","x":{"b":1,"b":2}}]}"#),
    ("not_an_object", nil, "[1,2]"), ("not_an_object", nil, "7"), ("not_an_object", nil, "null"),
    (
      "too_deep", nil,
      #"{"op":"ping","x_":"# + String(repeating: "[", count: 64) + String(repeating: "]", count: 64) + "}"
    ),
    ("unknown_op", "/op", #"{"op":"rnak"}"#), ("bad_request", "/op", #"{"id":1}"#),
    ("bad_request", "/op", #"{"op":7}"#),
    ("bad_request", "/limmit", #"{"op":"rank","limmit":3,"users":[]}"#),
    ("bad_request", "/id", #"{"op":"ping","id":1.5}"#), ("bad_request", "/id", #"{"op":"ping","id":[]}"#),
    ("bad_request", "/as_of", #"{"op":"score","as_of":"yesterday","users":[]}"#),
    ("bad_request", "/as_of", #"{"op":"score","as_of":1772330400,"users":[]}"#),
    ("bad_request", "/users", #"{"op":"score"}"#), ("bad_request", "/users", #"{"op":"score","users":{}}"#),
    ("bad_request", "/explain", #"{"op":"rank","users":[],"explain":true}"#),
    ("bad_request", "/valid_until", #"{"op":"rank","users":[],"valid_until":true}"#),
    ("bad_request", "/valid_until", #"{"op":"score","users":[],"valid_until":"yes"}"#),
    ("bad_request", "/budget", #"{"op":"rank","users":[],"budget":-1}"#),
    ("bad_request", "/capacity/cal", #"{"op":"rank","users":[],"capacity":{"cal":1}}"#),
    ("bad_request", "/capacity/call", #"{"op":"rank","users":[],"capacity":{"call":1.5}}"#),
    ("bad_request", "/quota/nobody", #"{"op":"rank","users":[],"quota":{"nobody":1}}"#),
    ("bad_request", "/rows", #"{"op":"rank","users":[],"rows":"some"}"#),
    ("bad_request", "/timeout_ms", #"{"op":"rank","users":[],"timeout_ms":0}"#),
    ("bad_request", "/op", #"{"op":"end"}"#),
    ("not_found", "/policy", #"{"op":"score","policy":"other@000000000000","users":[]}"#),
  ]

  @Test(arguments: faults) func oneErrorLine(_ code: String, _ at: String?, _ line: String) throws {
    let harness = try SessionHarness()
    harness.send(line + "\n" + #"{"op":"ping","id":2}"# + "\n")
    harness.settle()
    let lines = harness.lines
    #expect(lines.count == 2)
    #expect(lines.first?.contains(#""ok":false,"error":{"code":"\#(code)","#) == true, "\(lines)")
    if let at { #expect(lines.first?.contains(#""at":"\#(at)""#) == true, "\(lines)") }
    #expect(lines.last == #"{"id":2,"ok":true}"#)
    #expect(!harness.session.wantsClose)
  }

  @Test func idsAreEchoedAsGiven() throws {
    #expect(try SessionHarness.answer(#"{"op":"ping","id":"\u0041\/"}"#) == #"{"id":"\u0041\/","ok":true}"# + "\n")
    #expect(
      try SessionHarness.answer(#"{"id":-12345678901234567890,"op":"ping","x_trace":{"a":[1]}}"#)
        == #"{"id":-12345678901234567890,"ok":true}"# + "\n")
    #expect(try SessionHarness.answer(#"{"op":"ping","id":null}"#) == #"{"ok":true}"# + "\n")
  }

  @Test func withoutIdentityOnlyPing() throws {
    #expect(try SessionHarness.answer(#"{"op":"ping"}"#, identified: false) == "{\"ok\":true}\n")
    for op in ["info", "fields", "score", "rank"] {
      let answer = try SessionHarness.answer(#"{"op":"\#(op)","users":"no","id":1}"#, identified: false)
      #expect(answer.contains(#"{"id":1,"ok":false,"error":{"code":"unauthenticated""#))
    }
  }

  @Test func withoutTheRoleForbidden() throws {
    #expect(try SessionHarness.answer(#"{"op":"info"}"#, roles: [.tune]).contains(#""roles":["tune"]"#))
    #expect(try SessionHarness.answer(#"{"op":"rank","users":[]}"#, roles: [.tune]).contains(#""code":"forbidden""#))
  }

  @Test func refusedStreamIsAnsweredOnceAndSkipped() throws {
    for head in [#"{"op":"rank","stream":true,"bad":1}"#, #"{"op":"nope","stream":true}"#] {
      let harness = try SessionHarness()
      harness.send(
        head + "\n{\"user_id\":\"a\"}\nnonsense\n{\"op\":\"ping\"}\n" + Self.end + "{\"op\":\"ping\",\"id\":3}\n")
      harness.settle()
      #expect(harness.lines.count == 2)
      #expect(harness.lines.first?.contains(#""ok":false"#) == true)
      #expect(harness.lines.last == #"{"id":3,"ok":true}"#)
    }
  }

  @Test func refusedStreamThatIsCutOffIsAnsweredOnce() throws {
    let harness = try SessionHarness()
    harness.send("{\"op\":\"rank\",\"stream\":true,\"bad\":1}\n{\"user_id\":\"a\"}\n{\"user_id\":")
    harness.endInput()
    #expect(harness.lines.count == 1)
    #expect(harness.session.wantsClose)
  }

  @Test func everyRefusedHeadThatAsksForAStreamIsSkipped() throws {
    for head in [#"{"op":"ping","stream":true}"#, #"{"op":"score","users":[],"stream":true}"#, #"{"stream":true}"#] {
      let harness = try SessionHarness()
      harness.send(head + "\n{\"user_id\":\"a\"}\n{}\n" + Self.end + "{\"op\":\"ping\",\"id\":3}\n")
      harness.settle()
      #expect(harness.lines.count == 2, "\(harness.lines)")
      #expect(harness.lines.last == #"{"id":3,"ok":true}"#)
    }
  }

  /// A block cut ahead of time after a rank's end holds the next request's lines, and none of the rank's.
  @Test func aSealedRankTakesNoMore() throws {
    let live = try SessionHarness.World().policies.live
    let hands = Hands(live, now: 1_772_330_400, longestLine: 1 << 20, ledger: nil)
    let answer = RankAnswer(hands, rows: .contacts, limits: PlanLimits(policy: live.policy), memory: nil)
    let work = RankWork(hands, answer)
    func block(_ text: String) -> Block { Array(text.utf8).withUnsafeBytes { Block($0) } }
    work.run(block("{\"user_id\":\"a\"}\n{\"op\":\"end\"}\n"), index: 0) { _ in }
    work.run(block("{\"user_id\":\"b\"}\n{\"op\":\"ping\"}\n"), index: 1) { _ in }
    work.plan { _ in }
    #expect(String(decoding: answer.tail(), as: UTF8.self).hasPrefix(",\"plan\":{\"lines\":1,"))
  }

  /// A deadline is kept though nothing comes.
  @Test func deadlineOfASilentStream() throws {
    let harness = try SessionHarness()
    harness.send("{\"op\":\"rank\",\"stream\":true,\"timeout_ms\":50,\"id\":1}\n{\"user_id\":\"a\"}\n")
    harness.settle()
    harness.wake()
    #expect(harness.output.isEmpty)
    harness.advanceClock(milliseconds: 60)
    harness.wake()
    #expect(harness.lines.count == 1)
    harness.send(Self.end + "{\"op\":\"ping\"}\n")
    #expect(harness.lines.count == 2)
  }

  @Test func cancelAnswersOnce() throws {
    let harness = try SessionHarness()
    harness.send(
      Self.head.replacingOccurrences(of: "OP", with: "rank")
        + "{\"user_id\":\"a\"}\n{\"op\":\"cancel\"}\n{\"op\":\"ping\"}\n")
    harness.settle()
    #expect(harness.lines.count == 2)
    #expect(harness.lines.first?.contains(#"{"id":7,"ok":false,"error":{"code":"cancelled""#) == true)
    #expect(harness.lines.last == #"{"ok":true}"#)
  }

  @Test func otherOpsInAStreamAreInvalidCandidates() throws {
    let harness = try SessionHarness()
    harness.send(
      Self.head.replacingOccurrences(of: "OP", with: "score") + "{\"op\":\"ping\"}\n{\"op\":null,\"user_id\":\"a\"}\n"
        + "{\"\\u006fp\":\"e\\u006ed\"}\n")
    harness.settle()
    #expect(harness.lines.count == 3)
    #expect(harness.lines[0] == #"{"user_id":null,"status":"invalid","reasons":["I01"]}"#)
    #expect(harness.lines[1] == harness.lines[0])
    #expect(harness.lines[2].contains(#""lines":2,"status":{"invalid":2"#))
  }

  @Test func unfinishedLinesAreNotExecuted() throws {
    let harness = try SessionHarness()
    harness.send("{\"op\":\"ping\",\"id\":1}\n{\"op\":\"ping\",\"id\":2}")
    harness.endInput()
    #expect(harness.lines.count == 2)
    #expect(harness.lines.last?.contains("incomplete_line") == true)
    #expect(harness.session.wantsClose)
  }

  @Test func unfinishedStreamsAreNotExecuted() throws {
    let harness = try SessionHarness()
    harness.send(Self.head.replacingOccurrences(of: "OP", with: "rank") + "{\"user_id\":\"a\"}\n")
    harness.endInput()
    #expect(harness.lines.count == 1)
    #expect(harness.text.contains("incomplete_line"))
    #expect(harness.session.wantsClose)
  }

  @Test(arguments: ["", "{\"op\":\"score\",\"stream\":true}\n", "{\"op\":\"score\",\"stream\":true}\n{}\n"])
  func longLinesEndTheConnection(_ before: String) throws {
    var limits = Configuration.Limits()
    limits.lineBytes = 2000
    for withEnd in [false, true] {
      let harness = try SessionHarness(limits: limits)
      harness.send(before)
      harness.settle()
      for _ in 0..<30 { harness.send(String(repeating: "a", count: 100)) }
      if withEnd { harness.send("\n") }
      harness.settle()
      #expect(harness.lines.last?.contains(#""code":"line_too_long""#) == true)
      #expect(harness.session.wantsClose)
    }
  }

  @Test func tooManyInlineAndStreamed() throws {
    var limits = Configuration.Limits()
    limits.inlineCandidates = 2
    limits.streamCandidates = 2
    let harness = try SessionHarness(limits: limits)
    harness.send("{\"op\":\"score\",\"users\":[{},{},{}]}\n")
    harness.settle()
    #expect(harness.text.contains(#""code":"too_many","#))
    harness.send("{\"op\":\"rank\",\"stream\":true}\n{}\n{}\n{}\n{}\n")
    harness.settle()
    harness.send("{}\n" + Self.end + "{\"op\":\"ping\"}\n")
    harness.settle()
    #expect(harness.lines.count == 3)
    #expect(harness.lines[1].contains(#""code":"too_many","#))
    #expect(harness.lines[2] == #"{"ok":true}"#)
  }

  @Test func deadlinePasses() throws {
    let harness = try SessionHarness()
    harness.send("{\"op\":\"rank\",\"stream\":true,\"timeout_ms\":50}\n{\"user_id\":\"a\"}\n")
    harness.advanceClock(milliseconds: 60)
    harness.settle()
    harness.send("{\"user_id\":\"b\"}\n" + Self.end + "{\"op\":\"ping\"}\n")
    harness.settle()
    #expect(harness.lines.count == 2)
    #expect(harness.lines[0].contains("deadline_exceeded"))
    #expect(harness.lines[1] == #"{"ok":true}"#)
  }

  @Test func drainsAfterWhatIsUnderWay() throws {
    let harness = try SessionHarness()
    harness.send(Self.head.replacingOccurrences(of: "OP", with: "score"))
    harness.drain()
    #expect(!harness.session.wantsClose)
    harness.send(Self.end)
    harness.settle()
    #expect(harness.lines.first?.hasPrefix(#"{"id":7,"ok":true"#) == true)
    #expect(harness.lines.last == #"{"event":"goodbye","reason":"draining"}"#)
    #expect(harness.session.wantsClose)
  }

  /// However the candidates came, rows go on as soon as those before them have been taken.
  @Test func manyRowsOfARankThatDripped() throws {
    let harness = try SessionHarness()
    harness.send(
      Self.head.replacingOccurrences(of: "OP", with: "rank").replacing("true}", with: #"true,"rows":"all"}"#))
    for number in 0..<1500 {
      harness.send("{\"user_id\":\"u\(number)\"}\n")
      harness.settle()
    }
    harness.send(Self.end)
    harness.settle()
    #expect(harness.lines.count == 1501)
    #expect(harness.lines.last?.hasPrefix(#"{"id":7,"ok":true"#) == true)
  }

  /// A peer that does not read: nothing is refused, nothing is lost, and no more replies are made than a little.
  @Test func slowReadersAreHeldBack() throws {
    let harness = try SessionHarness()
    let candidates = try Vectors.bytes("golden/candidates.ndjson")
    harness.send(Self.head.replacingOccurrences(of: "OP", with: "score"))
    harness.setWritable(false)
    for _ in 0..<3 { harness.send(candidates) }
    harness.settle()
    #expect(harness.output.isEmpty)
    #expect(!harness.session.wantsBytes)
    #expect(!harness.session.hasPartialLine)
    harness.setWritable(true)
    harness.settle()
    harness.send(Self.end)
    harness.settle()
    #expect(harness.lines.count == 3 * 1998 + 1)

    let pings = try SessionHarness()
    pings.setWritable(false)
    pings.send(String(repeating: "{\"op\":\"info\"}\n", count: 5000))
    #expect(pings.output.isEmpty)
    #expect(!pings.session.wantsBytes)
    pings.setWritable(true)
    #expect(pings.lines.count == 5000)
  }

  /// Mutated traces: no crash, and one `ok` line for each that the session took for a request.
  @Test(arguments: 0..<200) func mutatedTraces(_ seed: UInt64) throws {
    var random = SplitMix(state: seed &* 7919)
    var bytes =
      try Self.stream("rank") + Array("{\"op\":\"ping\"}\n".utf8) + Self.stream("score", extra: #","explain":true"#)
    for _ in 0..<Int.random(in: 1...30, using: &random) {
      let at = Int.random(in: 0..<bytes.count, using: &random)
      switch random.next() % 4 {
      case 0: bytes[at] = UInt8(truncatingIfNeeded: random.next())
      case 1: bytes.remove(at: at)
      case 2: bytes.insert(UInt8(truncatingIfNeeded: random.next()), at: at)
      default:
        bytes.insert(contentsOf: bytes[at..<min(bytes.count, at + 50)], at: Int(random.next() % UInt64(bytes.count)))
      }
    }
    let harness = try SessionHarness()
    var at = 0
    while at < bytes.count, !harness.session.wantsClose {
      let size = min(bytes.count - at, Int.random(in: 1...2000, using: &random))
      harness.send(bytes[at..<(at + size)])
      at += size
      while Bool.random(using: &random), harness.runJob(using: &random) {}
    }
    harness.settle()
    harness.endInput()
    #expect(harness.session.wantsClose)
    for line in harness.lines {
      #expect((try? JSONSerialization.jsonObject(with: Data(line.utf8))) != nil, "\(line)")
    }
  }
}
