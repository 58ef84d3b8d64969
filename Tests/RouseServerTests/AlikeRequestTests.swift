import TestData
import Testing

@testable import RouseServer

/// Requests like the one before them are answered without being read as requests: nobody can tell.
struct AlikeRequestTests {
  private static let candidate =
    #"{"user_id":"u1","stage":"x","device":{"os":"ios","a":[1,{"b":null}]},"credit_limit":5000,"sms_ok":true}"#
  private static let first = #"{"op":"score","id":7,"as_of":"2026-03-01T02:00:00Z","users":[\#(candidate)]}"#

  /// What a line is answered with after another one.
  private static func answer(_ line: [UInt8], after first: String, limits: Configuration.Limits = .init()) throws
    -> (text: String, isAlike: Bool)
  {
    let harness = try SessionHarness(limits: limits)
    harness.send(first + "\n")
    let before = harness.text.utf8.count
    let looked = harness.session.shapesUnused
    harness.send(line + [0x0A])
    harness.settle()
    let text = String(decoding: harness.output.dropFirst(before), as: UTF8.self)
    return (text, looked > 0 && harness.session.shapesUnused == 0)
  }

  private static func expectSame(_ line: [UInt8], after first: String) throws -> Bool {
    let got = try answer(line, after: first)
    // A ping leaves nothing to be like.
    let wanted = try answer(line, after: #"{"op":"ping"}"#).text
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

  @Test(arguments: 0..<300) func mutated(_ seed: UInt64) throws {
    var random = SplitMix(state: seed &* 104_729 &+ 1)
    var line = Array(Self.first.utf8)
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
    _ = try Self.expectSame(line, after: Self.first)
  }

  @Test func asManyAsInAnyRequest() throws {
    var limits = Configuration.Limits()
    limits.inlineCandidates = 2
    for (count, isAnswered) in [(2, true), (3, false)] {
      let users = Array(repeating: Self.candidate, count: count).joined(separator: ",")
      let line = Array(Self.first.replacing(Self.candidate, with: users).utf8)
      let got = try Self.answer(line, after: Self.first, limits: limits)
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
