import Foundation
import RouseCore
import TestData
import Testing

@testable import RouseWire

/// What is I-JSON, in the part of a candidate that is skipped and in the part that is read.
@Suite struct StrictJSONTests {
  static let valid: [String] = [
    "1", "-0", "-0.0", "0.5", "1e5", "1E-5", "1e+5", "123456789012345678901234567890", "1e400", "1e-400", "true",
    "false",
    "null", "\"\"", #""\"\\\/\b\f\n\r\t""#, #""\u0000""#, #""\u00e9\uD83D\uDE00""#, #""\uffff""#,
    "\"\u{10FFFF}\u{FFFF}\u{7F}\"",
    "[]", "[ ]", "[1 , 2]", "[[],[[]]]", "{}", "{ }", #"{"":1}"#, #"{"a":{"a":{"a":1}}}"#, #"{"a":1,"A":2}"#,
    "{\"e\u{301}\":1,\"\u{e9}\":2}", " \t 1 \t ", String(repeating: "[", count: 63) + String(repeating: "]", count: 63),
  ]
  static let broken: [String] = [
    "", ",", "01", "-", "-01", "+1", ".5", "1.", "1.e5", "1e", "1e+", "0x10", "1_000", "NaN", "Infinity", "-Infinity",
    "nul",
    "nulll", "True", "tru", "'a'", "\"", "\"a", #""\x""#, #""\u12""#, #""\u12g4""#, #""\ud800""#, #""\ud800\u0041""#,
    #""\udc00""#, #""\udc00\ud800""#, "\"\u{1}\"", "\"\t\"", "[", "]", "[1", "[1,", "[1,]", "[,1]", "[1 2]", "{", "}",
    "{\"a\"",
    "{\"a\":", "{\"a\":1", "{\"a\":1,", "{\"a\":1,}", "{,}", "{a:1}", "{\"a\" 1}", "{\"a\":1 \"b\":2}",
    #"{"a":1,"a":1}"#,
    #"{"a":1,"\u0061":1}"#, #"[{"b":1,"b":2}]"#, "1 2", "//c\n1", "/*c*/1", "\u{FEFF}1", "\u{A0}1", "\u{2028}1",
    String(repeating: "[", count: 64) + String(repeating: "]", count: 64), String(repeating: "[", count: 100_000),
  ]
  /// Bytes that are no UTF-8.
  static let notUTF8: [[UInt8]] = [
    [0x80], [0xBF], [0xC0, 0x80], [0xC1, 0xBF], [0xC2], [0xC2, 0x41], [0xE0, 0x80, 0x80], [0xE0, 0x9F, 0xBF],
    [0xE2, 0x82],
    [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF], [0xF0, 0x80, 0x80, 0x80], [0xF0, 0x8F, 0xBF, 0xBF],
    [0xF4, 0x90, 0x80, 0x80],
    [0xF5, 0x80, 0x80, 0x80], [0xF0, 0x9F, 0x98], [0xFF], [0xFE],
  ]

  static let offline: Offline? = try? Offline(policy: Vectors.policy("policy.yaml"), asOf: Vectors.asOf)

  private func isInvalid(_ line: [UInt8]) throws -> Bool {
    try #require(Self.offline).score([line]).hasPrefix(#"{"user_id":null,"status":"invalid","reasons":["I01"]}"#)
  }

  /// In an ignored member, in each kind of declared field, in a contact: the same verdict.
  private static let places = [
    #"{"user_id":"a","x":@}"#, #"{"x":@,"user_id":"a"}"#, #"{"user_id":"a","credit_limit":@}"#,
    #"{"user_id":"a","registered_at":@}"#, #"{"user_id":"a","sms_ok":@}"#, #"{"user_id":"a","region":@}"#,
    #"{"user_id":"a","device":@}"#, #"{"user_id":"a","device":{"os":@}}"#, #"{"user_id":"a","contacts":@}"#,
    #"{"user_id":"a","contacts":[@]}"#, #"{"user_id":"a","contacts":[{"at":@}]}"#,
    #"{"user_id":"a","contacts":[{"channel":@}]}"#,
  ]

  private func line(_ place: String, _ value: [UInt8]) -> [UInt8] {
    let parts = place.utf8.split(separator: UInt8(ascii: "@")).map { Array($0) }
    return parts[0] + value + parts[1]
  }

  @Test(arguments: valid) func accepted(_ value: String) throws {
    let deep = value.count == 126
    for place in Self.places where !deep || place.hasPrefix(#"{"user_id":"a","x""#) {
      #expect(try !isInvalid(line(place, Array(value.utf8))), "\(place)")
    }
  }

  @Test(arguments: broken) func refused(_ value: String) throws {
    for place in Self.places {
      // An empty list has no item, and an empty object none to refuse.
      if value.isEmpty, place.contains("[@]") { continue }
      #expect(try isInvalid(line(place, Array(value.utf8).map { $0 == 0x0A ? 0x0B : $0 })), "\(place)")
    }
  }

  @Test(arguments: notUTF8) func refusedBytes(_ bytes: [UInt8]) throws {
    for place in Self.places {
      #expect(try isInvalid(line(place, [0x22] + bytes + [0x22])))
      #expect(try isInvalid(line(place, [0x22, 0x5C, 0x6E] + Array("padding over eight".utf8) + bytes + [0x22])))
    }
    #expect(try isInvalid(Array(#"{"user_id":"a","x"#.utf8) + bytes + Array("\":1}".utf8)))
  }

  /// Bit for bit the double that the text says.
  @Test func numbersAreTheNearestDoubles() throws {
    var random = SystemRandomNumberGenerator()
    var texts = [
      "0.1", "2.2250738585072011e-308", "9007199254740993", "1.7976931348623157e308", "5e-324", "123456789.125e-3",
    ]
    for _ in 0..<50_000 {
      texts.append(
        Double(bitPattern: random.next()).description.replacingOccurrences(of: "nan", with: "0")
          .replacingOccurrences(of: "-inf", with: "1").replacingOccurrences(of: "inf", with: "1"))
      texts.append("\(Int64.random(in: -1 << 60...1 << 60))." + String(UInt32.random(in: 0...UInt32.max)))
      texts.append("\(Int32.random(in: -99999...99999))e\(Int.random(in: -30...30))")
    }
    for text in texts {
      let bytes = Array((text + "\n").utf8) + [UInt8](repeating: 0x0A, count: JSONScanner.padding)
      try bytes.withUnsafeBufferPointer { buffer in
        let base = try #require(buffer.baseAddress)
        var scanner = JSONScanner(base: base, count: text.utf8.count)
        let number = try scanner.number()
        #expect(scanner.at == text.utf8.count)
        #expect(scanner.double(number).bitPattern == Double(text)?.bitPattern, "\(text)")
      }
    }
  }

  /// Keys in any order, and many of them.
  @Test func shuffledAndCrowdedObjects() throws {
    let offline = try #require(Self.offline)
    let text = try #require(String(bytes: Vectors.bytes("examples/candidates.ndjson"), encoding: .utf8))
    let wanted = offline.score([Array(text.utf8)])
    var random = SystemRandomNumberGenerator()
    for _ in 0..<50 {
      var lines: [String] = []
      for line in text.split(separator: "\n") {
        let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        let members = try object.map { key, value in
          let json = try JSONSerialization.data(withJSONObject: value, options: [.fragmentsAllowed])
          return "\"\(key)\":" + String(decoding: json, as: UTF8.self)
        }.shuffled(using: &random)
        lines.append("{" + members.joined(separator: ",") + "}")
      }
      #expect(firstDifference(offline.score([Array(lines.joined(separator: "\n").utf8)]), wanted) == nil)
    }
    let many = (0..<50_000).map { "\"k\($0)\":\($0)" }.joined(separator: ",")
    #expect(offline.score([Array("{\"user_id\":\"a\",\(many)}".utf8)]).contains("\"ignored\":50000"))
    #expect(try isInvalid(Array("{\"user_id\":\"a\",\(many),\"k7\":1}".utf8)))
  }
}
