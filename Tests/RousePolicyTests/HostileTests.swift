import RousePolicy
import TestData
import Testing

/// Whatever the bytes are, the answer is a policy or diagnostics in order, never a trap.
@Suite struct HostileTests {
  /// Returns whether there was a policy.
  @discardableResult
  private func check(_ bytes: [UInt8], _ format: Document.Format) -> Bool {
    do throws(PolicyDiagnostics) {
      _ = try PolicyReader.read(bytes, format: format)
      return true
    } catch {
      #expect(!error.all.isEmpty)
      let places = error.all.map { ($0.line ?? 0, $0.column ?? 0) }
      #expect(zip(places, places.dropFirst()).allSatisfy { $0 <= $1 })
      #expect(error.all.allSatisfy { ($0.line == nil) == (format == .json) && ($0.column ?? 1) > 0 })
      #expect(error.all.allSatisfy { !$0.message.isEmpty && !$0.line(file: "f").contains("\n") })
      return false
    }
  }

  @Test(arguments: [
    ("bad-policies/base.yaml", 1), ("../examples/lapsed-donors.yaml", 1), ("policy.yaml", 13),
    ("edges/json-policy/policy.json", 1),
  ])
  func truncated(_ name: String, _ stride: Int) throws {
    let bytes = try Vectors.bytes(name)
    let format = Document.Format(fileName: name)
    for count in Swift.stride(from: 0, to: bytes.count, by: stride) { check(Array(bytes[..<count]), format) }
    #expect(check(bytes, format))
  }

  @Test func mutated() throws {
    var random = SplitMix(state: 42)
    let tokens = [
      "\t", "\n", " ", "- ", ": ", "[", "]", "{", "}", "'", "\"", "#", "&a", "*a", "!", "|", "é", "\0", "\\", "null",
      "-5", "?",
    ]
    .map { Array($0.utf8) }
    let json = try Vectors.bytes("edges/json-policy/policy.json")
    let yaml = try Vectors.bytes("bad-policies/base.yaml")
    for round in 0..<1500 {
      let format: Document.Format = round % 3 == 0 ? .json : .yaml
      var bytes = format == .json ? json : yaml
      for _ in 0...Int(random.next() % 3) {
        let at = Int(random.next() % UInt64(bytes.count))
        let end = min(bytes.count, at + Int(random.next() % 6))
        switch random.next() % 3 {
        case 0: bytes.replaceSubrange(at..<end, with: tokens[Int(random.next() % UInt64(tokens.count))])
        case 1: bytes[at] = UInt8(truncatingIfNeeded: random.next())
        default: bytes.removeSubrange(at..<end)
        }
      }
      check(bytes, format)
    }
  }

  @Test func randomBytes() {
    var random = SplitMix(state: 7)
    for _ in 0..<500 {
      let bytes = (0..<Int(random.next() % 200)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
      let text = bytes.map { $0 % 0x60 + 0x20 }
      for one in [bytes, text] {
        #expect(!check(one, .yaml))
        #expect(!check(one, .json))
      }
    }
  }

  @Test func huge() {
    let long = String(repeating: "x", count: 1 << 20)
    for text in [
      long, "\(long): 1", "name: \(long)", "'\(long)': 1",
      "fields: {numbers: [\(String(repeating: "a.", count: 1 << 19))a]}",
      "fields: {numbers: [\((0..<2_000).map { "f\($0)" }.joined(separator: ","))]}\nsuppress:\n"
        + (0..<2_000).map { "  k\($0): {when: g\($0) > 1}\n" }.joined(),
      String(repeating: "- a\n", count: 1 << 17),
    ] {
      #expect(!check(Array(text.utf8), .yaml))
    }
    let or = small(("debt > 1000", Array(repeating: "debt > 1000", count: 5_000).joined(separator: " OR ")))
    #expect(check(Array(or.utf8), .yaml))
    #expect(!check(Array(small(("debt > 1000", String(repeating: "(", count: 500_000))).utf8), .yaml))
    #expect(!check(Array("{\"name\": \"\(long)\"}".utf8), .json))
  }
}
