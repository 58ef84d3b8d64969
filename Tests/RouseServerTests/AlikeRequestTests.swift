import TestData
import Testing

@testable import RouseServer

/// Requests like the one before them are answered without being read as requests: nobody can tell.
struct AlikeRequestTests {
  private static let candidate =
    #"{"user_id":"u1","stage":"x","device":{"os":"ios","a":[1,{"b":null}]},"credit_limit":5000,"sms_ok":true}"#
  private static let first = #"{"op":"score","id":7,"as_of":"2026-03-01T02:00:00Z","users":[\#(candidate)]}"#

  /// What a line is answered with after another one.
  private static func answer(_ line: [UInt8], after first: String, in world: SessionHarness.World) -> (
    text: String, isAlike: Bool
  ) {
    let harness = SessionHarness(world)
    harness.send(first + "\n")
    let before = harness.text.utf8.count
    let looked = harness.session.shapesUnused
    harness.send(line + [0x0A])
    harness.settle()
    let text = String(decoding: harness.output.dropFirst(before), as: UTF8.self)
    return (text, looked > 0 && harness.session.shapesUnused == 0)
  }

  private static func expectSame(_ line: [UInt8], after first: String, in world: SessionHarness.World? = nil) throws
    -> Bool
  {
    let world = try world ?? SessionHarness.World()
    let got = answer(line, after: first, in: world)
    // A ping leaves nothing to be like.
    let wanted = answer(line, after: #"{"op":"ping"}"#, in: world).text
    #expect(got.text == wanted, "\(String(decoding: line, as: UTF8.self))")
    return got.isAlike
  }

  static let alike = [
    first, first.replacing(":7", with: ":0"), first.replacing(":7", with: ":123456789012345"),
    first.replacing(":7", with: #":"a b""#), first.replacing(":7", with: #":"""#),
    first.replacing(candidate, with: ""), first.replacing(candidate, with: " "),
    first.replacing(candidate, with: candidate + " , " + candidate), first.replacing(candidate, with: "7,null,[[]]"),
  ]
  @Test(arguments: alike) func sameForm(_ line: String) throws {
    #expect(try Self.expectSame(Array(line.utf8), after: Self.first))
  }

  static let unlike = [
    // Ids that are to be looked at, and those that are none.
    first.replacing(":7", with: ":-7"), first.replacing(":7", with: ":07"), first.replacing(":7", with: ":7.0"),
    first.replacing(":7", with: ":7e1"), first.replacing(":7", with: ":null"), first.replacing(":7", with: ":"),
    first.replacing(":7", with: #":"\u0041""#), first.replacing(":7", with: #":"\q""#),
    first.replacing(":7", with: ":\"\u{1}\""),
    first.replacing(":7", with: ":\"é\""), first.replacing(":7", with: ":1234567890123456789"),
    first.replacing(":7", with: #":"7,"as_of":""#),
    // Other members, and another form.
    first.replacing("02:00:00Z", with: "02:00:01Z"), first.replacing(#""id":7,"#, with: ""),
    first.replacing(#","users""#, with: #","explain":true,"users""#), first + " ", " " + first,
    first.replacing("]}", with: #"],"id":8}"#), first.replacing("]}", with: #"],"x_id":8}"#),
    first.replacing(#""op":"score""#, with: #""op":"rank""#), first.replacing(":[", with: ": ["),
    // Faults in and behind the candidates.
    first.replacing(candidate, with: candidate + ","), first.replacing(candidate, with: "," + candidate),
    first.replacing(candidate, with: candidate + candidate), first.replacing(candidate, with: candidate + "]"),
    first.replacing(candidate, with: "[" + candidate), first.replacing(candidate, with: candidate + "]}{"),
    first.replacing(candidate, with: #"{"user_id":"a","user_id":"b"}"#),
    first.replacing(candidate, with: candidate + #",{"x":{"b":1,"b":2}}"#), first.replacing(candidate, with: "nul"),
    first.replacing(candidate, with: String(repeating: "[", count: 70)),
    first.replacing(candidate, with: candidate + #"],"x_":["#),
  ]
  @Test(arguments: unlike) func otherForm(_ line: String) throws {
    #expect(try !Self.expectSame(Array(line.utf8), after: Self.first))
  }

  /// Lines after which nothing is taken for alike: a name in them could pass for the id's, or the id stands elsewhere.
  static let withoutForm = [
    first.replacing(#""id":7"#, with: #""x_":{"id":7},"id":7"#),
    first.replacing(#""id":7"#, with: #""x_":"\"id\":7","id":7"#),
    first.replacing(#""id":7,"#, with: "").replacing("]}", with: #"],"id":7}"#),
    first.replacing(#""id":7"#, with: #""i\u0064":7"#), first.replacing(":7", with: #":7,"timeout_ms":1000"#),
  ]
  @Test(arguments: withoutForm) func noForm(_ first: String) throws {
    let line = Array(first.replacing(":7", with: ":8").utf8)
    #expect(try !Self.expectSame(line, after: first))
  }

  /// Requests as clients write them; the next line is often, but for a byte or two, one of them.
  static let forms = [
    first, first.replacing(#""id":7,"#, with: ""), first.replacing(":7", with: #":"a-1""#),
    first.replacing("]}", with: #"],"ledger":false,"x_":{"id":[7,{"id":7}]}}"#),
    #"{ "users" : [\#(candidate), {"user_id":"u2"} ] , "id" : 7 , "op" : "score" }"#,
    #"{ "id" : 7 , "op" : "score" , "users" : [ ] , "as_of" : "2026-03-01T02:00:00Z" , "x_n" : 1 }"#,
    first.replacing(":7", with: ":7,\"id\":8"), first.replacing(candidate, with: "{},\(candidate)") + "\r",
  ]
  @Test(arguments: forms) func mutated(_ first: String) throws {
    let world = try SessionHarness.World()
    var random = SplitMix(state: UInt64(first.utf8.count) &* 104_729 &+ 1)
    for _ in 0..<300 {
      var line = Array(first.utf8)
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        let at = Int.random(in: 0..<line.count, using: &random)
        let byte = Array("0123456789\"\\{}[],: abcdefnrtu\u{1}\u{e9}".utf8).randomElement(using: &random) ?? 0
        switch random.next() % 4 {
        case 0: line[at] = byte
        case 1: line.remove(at: at)
        case 2: line.insert(byte, at: at)
        default:
          let part = Array(line[at..<min(line.count, at + 9)])
          line.insert(contentsOf: part, at: Int(random.next() % UInt64(line.count)))
        }
      }
      line.removeAll { $0 == 0x0A }
      _ = try Self.expectSame(line, after: first, in: world)
    }
  }

  /// Answers and what is noted of them come in the lines' order and are the same, in whichever pieces the lines come and
  /// whatever else stands among them.
  @Test(arguments: 0..<20) func manyAtOnce(_ seed: UInt64) throws {
    let world = try SessionHarness.World()
    var random = SplitMix(state: seed &+ 77)
    let kinds = [
      Self.first, Self.first, Self.first, Self.first, Self.first.replacing("]}", with: "}]}"),
      Self.first.replacing(#""u1""#, with: #""u2""#), Self.first.replacing("02:00:00Z", with: "02:00:01Z"),
      Self.first.replacing(Self.candidate, with: "3"), #"{"op":"ping","id":7}"#, " \r", "{",
      Self.first.replacing(#""op":"score""#, with: #""op":"rank""#), #"{"op":"auth","id":7,"token":"wrong"}"#,
    ]
    var lines = (0..<60).map { id in
      kinds[Int.random(in: 0..<(kinds.count - 1), using: &random)].replacing(":7", with: ":\(id)") + "\n"
    }
    lines[30] = kinds[kinds.count - 1] + "\n"
    func harness(_ pieces: [some Collection<UInt8>]) -> (text: String, notices: [String]) {
      let harness = SessionHarness(world)
      for piece in pieces {
        harness.send(piece)
        if random.next() % 2 == 0 { harness.settle() }
      }
      harness.settle()
      return (harness.text, harness.notices.map { String(describing: $0) })
    }
    // Each alone on a connection: there is nothing before it that it could be like.
    let wanted = lines.map { harness([Array($0.utf8)]) }
    let all = Array(lines.joined().utf8)
    var cuts = [0, all.count]
    for _ in 0..<Int(seed) { cuts.append(Int.random(in: 0...all.count, using: &random)) }
    cuts.sort()
    let got = harness(zip(cuts, cuts.dropFirst()).map { all[$0..<$1] })
    #expect(got.text == wanted.map(\.text).joined())
    #expect(got.notices == wanted.flatMap(\.notices))
  }

  @Test func asManyAsInAnyRequest() throws {
    var limits = Configuration.Limits()
    limits.inlineCandidates = 2
    let world = try SessionHarness.World(limits: limits)
    for (count, isAnswered) in [(2, true), (3, false)] {
      let users = Array(repeating: Self.candidate, count: count).joined(separator: ",")
      let line = Array(Self.first.replacing(Self.candidate, with: users).utf8)
      let got = Self.answer(line, after: Self.first, in: world)
      #expect(got.isAlike == isAnswered)
      #expect(got.text.contains(#""ok":true"#) == isAnswered)
      #expect(got.text.contains("too_many") != isAnswered)
    }
  }

  /// What a reload takes away is gone for those too.
  @Test func rolesAndRates() throws {
    let world = try SessionHarness.World()
    let harness = SessionHarness(world)
    func answer() -> String {
      harness.send(Self.first + "\n")
      return harness.lines.last ?? ""
    }
    for _ in 0..<3 { #expect(answer().contains(#""ok":true"#)) }
    #expect(harness.session.shapesUnused == 0)
    world.change { $0.limits.requestsPerSecond = 1 }
    #expect(answer().contains(#""ok":true"#))
    #expect(answer().contains("rate_limited"))
    world.change {
      $0.limits.requestsPerSecond = nil
      $0.identities = []
    }
    #expect(answer().contains("unauthenticated"))
  }

  /// The moment of an answer is that of its request, and the policy the one that is live.
  @Test func theMomentMovesOn() throws {
    let line = Self.first.replacing(#""as_of":"2026-03-01T02:00:00Z","#, with: "")
    let harness = try SessionHarness()
    harness.send(line + "\n" + line + "\n")
    harness.advanceCalendar(to: SessionHarness.wall + 61)
    harness.send(line + "\n")
    #expect(harness.session.shapesUnused == 0)
    #expect(harness.lines.map { $0.contains(#""as_of":"2026-03-01T02:00:00Z""#) } == [true, true, false])
    #expect(harness.lines.last?.contains(#""as_of":"2026-03-01T02:01:01Z""#) == true)
  }

  /// Lines that never are alike are not examined for ever.
  @Test func givesUp() throws {
    let harness = try SessionHarness()
    for second in 10..<40 { harness.send(Self.first.replacing("00:00Z", with: "00:\(second)Z") + "\n") }
    #expect(harness.session.shapesUnused == 8)
    #expect(harness.lines.count == 30)
  }
}
