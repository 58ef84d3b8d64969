import RouseCore
import TestData
import Testing

@testable import RouseWire

/// The reader guesses how a line is spelled. Whatever is spelled otherwise, and whatever is no candidate, it must read as one
/// who guesses nothing.
@Suite struct PlainReadingTests {
  private static let offline = Result { try Offline(policy: Vectors.policy("policy.yaml"), asOf: Vectors.asOf) }

  /// One reader for many lines, as it is used: what it remembers of one must not change the next.
  private struct Subject {
    let policy: Policy
    private var reader: CandidateReader
    private let row: CandidateRow

    init() throws {
      let offline = try PlainReadingTests.offline.get()
      policy = offline.policy
      reader = CandidateReader(tables: offline.tables)
      row = CandidateRow(policy: policy)
    }

    mutating func read(_ line: [UInt8]) -> PlainRow? {
      line.withUnsafeBytes { bytes in
        let block = Block(bytes)
        let line = UnsafeRawBufferPointer(rebasing: block.bytes.dropLast())
        return withExtendedLifetime(block) { reader.read(line, into: row) == .candidate ? PlainRow(row) : nil }
      }
    }

    mutating func read(_ line: UnsafeRawBufferPointer) -> PlainRow? {
      reader.read(line, into: row) == .candidate ? PlainRow(row) : nil
    }

    /// nil when the line is read as the model says.
    /// - Parameter place: where it stands then; nil: in a block.
    mutating func fault(_ line: [UInt8], at place: UnsafeRawBufferPointer? = nil) -> String? {
      let got = if let place { read(place) } else { read(line) }
      let wanted = PlainRow(line, policy)
      if got == wanted { return nil }
      return "\(String(decoding: line, as: UTF8.self))\nis read as \(String(describing: got))\n"
        + "instead of \(String(describing: wanted))"
    }
  }

  // MARK: - Lines

  private static let names = [
    "registered_at", "last_login_at", "borrow_clicked_at", "application_submitted_at", "credit_expires_at",
    "open_loans", "credit_limit", "external_score", "app_installed", "push_ok", "minor", "region", "network",
    "device.os", "nobody", "x.y", "user_id", "contacts", "a_name_of_more_bytes_than_one_comparison_has",
  ]
  private static let inner = ["os", "tier", "os_age_years", "integrity", "model", "user_id", "nobody"]
  private static let values: [[String]] = [
    [
      "\"2025-02-14T08:24:22Z\"", "\"2025-02-14t08:24:22z\"", "\"2025-02-14T08:24:22+08:00\"",
      "\"2024-02-29T23:59:59.5Z\"", "\"2025-02-29T00:00:00Z\"", "\"0000-01-01T00:00:00Z\"", "\"2025-13-01T00:00:00Z\"",
      "\"2025-01-32T00:00:00Z\"", "\"2025-01-01T24:00:00Z\"", "\"9999-12-31T23:59:59Z\"",
      "\"2025-02-14\\u005408:24:22Z\"",
      "1739521462", "1739521462.0", "1.739521462e9", "-1", "253402300800",
    ],
    [
      "0", "7", "42", "1234567", "12345678", "123456789", "999999999999999", "9999999999999999",
      "123456789012345678901", "-5", "-0", "1.5", "1e3", "12345678.25", "1e999", "0.1", "100000000", "00", "01", "1.",
      "12345678e", "1x",
    ],
    ["true", "false", "True", "tru", "falsey"],
    [
      "\"wifi\"", "\"android\"", "\"CN-12\"", "\"\"", "\"other text\"", "\"eight by\"", "\"nine byte\"", "\"ios\"",
      "\"a text that is longer than sixteen bytes\"", "\"sixteen bytes it\"", "\"w\\u0069fi\"", "\"é\"", "\"a\\\"b\"",
      "\"mid\"",
      "\"\u{1}\"", "\"abc", "\"\\x\"",
    ],
    [
      "null", "[]", "[1,{\"a\":[]}]", "{}", "{\"a\":1}", "{\"os\":\"ios\",\"os_age_years\":3}", "{\"b\":{\"c\":null}}",
      "[{\"at\":1739521462,\"channel\":\"sms\"},{\"at\":\"2025-02-14T08:24:22Z\",\"channel\":\"pigeon\"},{\"at\":1},3]",
    ],
  ]

  /// - Parameter clean: most values are of their field's kind, as in the lines that readers are made for.
  private static func line(_ style: Int, clean: Bool, _ random: inout SplitMix) -> [UInt8] {
    func pick<Value>(_ values: [Value]) -> Value { values[Int.random(in: 0..<values.count, using: &random)] }
    func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }
    func space() -> String { style < 3 ? "" : pick(["", "", " ", "\t", "  ", " \r "]) }
    let comma = style == 1 ? ", " : ","
    let colon = style == 0 ? ":" : ": "
    func value(_ name: String) -> String {
      if clean || chance(70) {
        if name.hasSuffix("_at") { return values[0][chance(80) ? 0 : pick(Array(values[0].indices))] }
        if ["app_installed", "push_ok", "minor"].contains(name) { return pick(["true", "false"]) }
        if name == "user_id" {
          return pick(["\"u00000001\"", "\"a-user-id-of-thirty-six-bytes-or-so\"", "\"\\u0075\""])
        }
        if ["region", "network", "os", "tier", "integrity", "model", "device.os"].contains(name) {
          return values[3][Int.random(in: 0..<(clean ? 14 : values[3].count), using: &random)]
        }
        return values[1][Int.random(in: 0..<(clean ? 17 : values[1].count), using: &random)]
      }
      return pick(pick(values))
    }
    func object(_ names: [String]) -> String {
      "{" + space()
        + names.map { "\"\($0)\"" + space() + colon + space() + value($0) + space() }.joined(separator: comma + space())
        + "}"
    }
    var chosen = names.filter { _ in chance(50) }
    if chance(80), !chosen.contains("user_id") { chosen.insert("user_id", at: 0) }
    if chance(30) { chosen.shuffle(using: &random) }
    if chance(2) { chosen.append(pick(names)) }
    var text = object(chosen)
    if chance(60) {
      var members = inner.filter { _ in chance(60) }
      if chance(30) { members.shuffle(using: &random) }
      text = String(text.dropLast()) + (chosen.isEmpty ? "" : comma) + "\"device\"" + colon + object(members) + "}"
    }
    if chance(3) { text += pick([" ", "\r", "x", "}", ","]) }
    return Array(text.utf8)
  }

  @Test(arguments: 0..<4) func anyLine(_ style: Int) throws {
    var subject = try Subject()
    var random = SplitMix(state: UInt64(style) &+ 20_260_301)
    var candidates = 0
    for round in 0..<3000 {
      let line = Self.line(style, clean: round % 2 == 0, &random)
      #expect(subject.fault(line) == nil)
      if PlainRow(line, subject.policy) != nil { candidates += 1 }
    }
    #expect(candidates > 800, "most lines of one sort are candidates'")
  }

  /// Bytes changed, left out and put in.
  @Test func damagedLines() throws {
    var subject = try Subject()
    var random = SplitMix(state: 4)
    let special = Array("\"\\{}[]:,0123456789.eE+-tfn \t\r\u{1}Zz".utf8) + [0x80, 0xC3, 0xA9, 0xFF]
    for _ in 0..<6000 {
      var line = Self.line(Int.random(in: 0..<3, using: &random), clean: true, &random)
      for _ in 0..<Int.random(in: 1...2, using: &random) where !line.isEmpty {
        let at = Int.random(in: 0..<line.count, using: &random)
        let byte = special[Int.random(in: 0..<special.count, using: &random)]
        switch Int.random(in: 0..<4, using: &random) {
        case 0: line.remove(at: at)
        case 1: line.insert(byte, at: at)
        default: line[at] = byte
        }
      }
      #expect(subject.fault(line) == nil)
    }
  }

  /// What a line is read as depends on nothing behind its LF, and nothing behind the padding is read at all: not of whole
  /// lines, nor of those that end amid anything.
  @Test(arguments: 0..<3) func atTheEndOfMemory(_ style: Int) throws {
    var subject = try Subject()
    let edge = try MemoryEdge()
    var random = SplitMix(state: 7 &+ UInt64(style))
    for round in 0..<150 {
      let line = Self.line(style, clean: round % 2 == 0, &random)
      for end in stride(from: line.count, through: max(0, line.count - 200), by: -1) {
        let part = Array(line[..<end])
        for filler: StaticString in ["\"}", "0123456789", "\n{ \"user_id\": \"x\" , "] {
          #expect(subject.fault(part, at: edge.place(part, before: filler)) == nil)
        }
      }
    }
  }

  /// The same of a request that is like the one before it.
  @Test func alikeAtTheEndOfMemory() throws {
    let offline = try Self.offline.get()
    let edge = try MemoryEdge()
    var random = SplitMix(state: 11)
    let head = #"{"op":"score","id":7,"users":["#
    let first = Array((head + #"{"user_id":"u"}]}"# + "\n").utf8).withUnsafeBytes { Block($0) }
    var requests = RequestReader()
    let shape = try #require(RequestShape(of: requests.read(first).request, in: first))
    let worker = offline.worker()
    var answered = 0
    for _ in 0..<100 {
      let candidate = Self.line(0, clean: true, &random)
      for end in stride(from: candidate.count, through: max(0, candidate.count - 200), by: -1) {
        let line = Array(head.utf8) + candidate[..<end] + Array("]}".utf8)
        for whole in stride(from: line.count, through: line.count - 3, by: -1) {
          let place = edge.place(Array(line[..<whole]), before: "]}\"}0,")
          guard let likeness = shape.likeness(place) else { continue }
          var out = ByteWriter()
          var totals = Totals()
          if worker.score(place, like: likeness, most: 9, into: &out, totals: &totals) { answered += 1 }
        }
      }
    }
    #expect(answered >= 100)
  }

  @Test func everyBeginning() throws {
    var subject = try Subject()
    var random = SplitMix(state: 5)
    for style in 0..<3 {
      let line = Self.line(style, clean: true, &random)
      for count in 0..<line.count { #expect(subject.fault(Array(line.prefix(count))) == nil) }
    }
  }

  /// The key after an object's last one is guessed too, and it is no other object's.
  @Test func aGuessStaysInItsObject() throws {
    var subject = try Subject()
    for line in [
      #"{"device":{"integrity":"ok","user_id":"zzz"}}"#, #"{"device":{"os":"ios"},"os":"ios","user_id":"a"}"#,
      #"{"user_id":"a","device":{"integrity":"ok","registered_at":1}}"#,
    ] {
      for _ in 0..<2 { #expect(subject.fault(Array(line.utf8)) == nil) }
    }
    #expect(subject.read(Array(#"{"device":{"integrity":"ok","user_id":"zzz"}}"#.utf8)) == nil)
  }

  // MARK: - Values

  @Test func wholeNumbers() throws {
    var random = SplitMix(state: 6)
    for _ in 0..<20_000 {
      let digits = (0..<Int.random(in: 0...18, using: &random)).map { _ in UInt8.random(in: 0x30...0x39, using: &random)
      }
      let next = Array(",}, x.eE+-:;/\r".utf8).randomElement(using: &random) ?? 0
      let text = digits + [next, 0x31]
      let (value, count) = text.withUnsafeBytes { bytes in
        let block = Block(bytes)
        return withExtendedLifetime(block) { () -> (UInt64, Int) in
          guard let base = block.bytes.baseAddress else { return (0, 0) }
          return JSONScanner(base: base.assumingMemoryBound(to: UInt8.self), count: text.count).plainWhole(0)
        }
      }
      let isPlain =
        (1...15).contains(digits.count) && (digits[0] != 0x30 || digits.count == 1) && (next == 0x2C || next == 0x7D)
      #expect(count == (isPlain ? digits.count : 0), "\(String(decoding: text, as: UTF8.self))")
      if isPlain { #expect(String(value) == String(decoding: digits, as: UTF8.self)) }
    }
  }
}
