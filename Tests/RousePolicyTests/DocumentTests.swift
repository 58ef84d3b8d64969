import RousePolicy
import Testing

/// The small part of YAML, and strict JSON (model 1.1).
@Suite struct DocumentTests {
  private func yaml(_ text: String) -> String { fault(Array(text.utf8), .yaml) }
  private func json(_ text: String) -> String { fault(Array(text.utf8), .json) }

  private func fault(_ bytes: [UInt8], _ format: Document.Format) -> String {
    do throws(PolicyDiagnostics) {
      _ = try Document.parse(bytes, format: format)
      return "fine"
    } catch {
      #expect(error.all.count == 1)
      return error.all.map(short).joined(separator: ", ")
    }
  }

  @Test(arguments: [
    ("a: 1\n", "fine"), ("---\na: 1\n...\n", "fine"), ("a: 1\r\nb: 2\r\n", "fine"), ("", "fine"), ("# x\n", "fine"),
    ("é: 1\ne\u{301}: 2", "fine"), ("{a: 1,\n b: [1,\n 2]}", "fine"), ("a:\n- 1\n- b: 2\n", "fine"),
    ("? a\n: b", "fine"), ("<<: {a: 1}", "fine"), ("a: '#x' # y", "fine"), ("a: b!&*|>", "fine"),
    ("a: 1\n---\nb: 2", "syntax 2:1"), ("%YAML 1.2\n---\na: 1", "syntax 1:1"),
    ("a: &x 1\nb: 2", "syntax 1:4"), ("é: *x", "syntax 1:4"), ("&a b: c", "syntax 1:1"),
    ("a: !x 1", "syntax 1:4"), ("a: ! 1", "syntax 1:4"), ("a: !!map {}", "syntax 1:4"), ("a: ! 'x'", "syntax 1:4"),
    ("a: !", "syntax 1:4"), ("! a: 1", "syntax 1:1"), ("- !!str\n- 2", "syntax 1:3"),
    ("a: |\n  x", "syntax 1:4"), ("a: >-\n  x", "syntax 1:4"), ("a: x\n  y", "syntax 1:4"),
    ("a: \"x\n  y\"", "syntax 1:4"), ("a: 'x\n\n  y'", "syntax 1:4"), ("a: \"x\\\n  y\"", "syntax 1:4"),
    ("? [a]\n: 1", "syntax 1:3"), ("{[a]: 1}", "syntax 1:2"), ("? |\n  a\n: 1", "syntax 1:3"),
    ("a: 1\na: 2", "duplicate a 2:1"), ("a: {b: 1, 'b': 2}", "duplicate a.b 1:11"),
    ("a: 1\n\"a\": 2", "duplicate a 2:1"),
    ("- {x.y: [0, {z: 1, z: 2}]}", "duplicate 0.x.y.1.z 1:20"), ("a: 1\na: 2\nb: !x 1", "duplicate a 2:1"),
    ("b: !x 1\na: 1\na: 2", "syntax 1:4"), ("~: 1\n'~': 2", "duplicate ~ 2:1"),
    ("a:\n\tb: 1", "syntax 2:1"), ("a: [1", "syntax 1:6"), ("a: [1\n", "syntax 2:1"), ("a: 'x", "syntax 1:6"),
    ("a: b: c", "syntax 1:5"), ("a: @x", "syntax 1:4"), ("a: \"\\q\"", "syntax 1:6"), ("é: \u{1}", "syntax 1:4"),
    ("a: \u{7F}", "syntax 1:4"), ("\u{FEFF}a: 1", "syntax 1:1"), ("a\n\0", "syntax 2:1"), ("a: 1\n b: 2", "syntax 1:4"),
    ("a:\n  b: 1\n c: 2", "syntax 3:2"),
  ])
  func yamlText(_ text: String, _ expected: String) {
    #expect(yaml(text) == expected)
  }

  @Test(arguments: [
    ("{}", "fine"), (" [1, -0, 1.5e+3, \"\\ud83d\\ude00\\n\", null, true, {\"a\": {}}] \r\n", "fine"),
    ("\"\u{7F}\"", "fine"),
    ("{\"é\":1,\"e\\u0301\":2}", "fine"),
    ("", "syntax"), ("{\"a\":1,}", "syntax"), ("[1,]", "syntax"), ("[1 2]", "syntax"), ("{a:1}", "syntax"),
    ("{\"a\" 1}", "syntax"), ("01", "syntax"), ("+1", "syntax"), (".5", "syntax"), ("1.", "syntax"), ("1e", "syntax"),
    ("NaN", "syntax"), ("'a'", "syntax"), ("\"a", "syntax"), ("\"\\x\"", "syntax"), ("\"\\u12\"", "syntax"),
    ("\"\\ud800\"", "syntax"), ("\"\\udc00\"", "syntax"), ("\"\\ud800\\u0041\"", "syntax"), ("\"\u{1}\"", "syntax"),
    ("\"\\", "syntax"), ("\"\\u", "syntax"), ("1 1", "syntax"), ("// x\n1", "syntax"), ("\u{FEFF}1", "syntax"),
    ("nul", "syntax"),
    ("{\"a\":1,\"\\u0061\":2}", "duplicate a"), ("[{\"b\":[{}, {\"c\":1,\"c\":2}]}]", "duplicate 0.b.1.c"),
  ])
  func jsonText(_ text: String, _ expected: String) {
    #expect(json(text) == expected)
  }

  @Test func depthHasALimit() {
    let deep = { (count: Int) in String(repeating: "[", count: count) + String(repeating: "]", count: count) }
    #expect(yaml(deep(64)) == "fine")
    #expect(yaml(deep(65)) == "syntax 1:65")
    #expect(json(deep(64)) == "fine")
    #expect(json(deep(65)) == "syntax")
    // libyaml looks far ahead on a line, and meets its own limit first.
    #expect(yaml(String(repeating: "[", count: 200_000)).hasPrefix("syntax"))
    #expect(yaml(String(repeating: "[\n", count: 200_000)) == "syntax 65:1")
    #expect(yaml(String(repeating: "- ", count: 100_000)) == "syntax 1:129")
    #expect(yaml(String(repeating: "{a: ", count: 100_000)) == "syntax 1:257")
    #expect(json(String(repeating: "{\"a\":", count: 100_000)) == "syntax")
  }

  @Test func sizeHasALimit() {
    let comment = [UInt8](repeating: UInt8(ascii: "#"), count: Document.mostBytes)
    #expect(fault(comment, .yaml) == "fine")
    #expect(fault(comment + [0x23], .yaml) == "syntax 1:1")
    #expect(fault(comment + [0x23], .json) == "syntax")
  }

  @Test func placesCountCharacters() {
    let bytes = Array("# é\nx: ü😀\u{301}".utf8)
    #expect(fault(bytes + [0xFF], .yaml) == "syntax 2:7")
    #expect(fault(bytes + [0xC3], .yaml) == "syntax 2:7")
  }

  @Test(arguments: [
    ("", "null"), ("~", "null"), ("null", "null"), ("Null", "text"), ("true", "boolean"), ("True", "text"),
    ("yes", "text"),
    ("0", "0"), ("010", "10"), ("-5", "-5"), ("+5", "text"), ("999999999999999", "999999999999999"),
    ("1000000000000000", "text"), ("-", "text"), ("1.5", "1.5"), ("-01.50", "-1.5"), ("1.", "text"), (".5", "text"),
    ("1e3", "text"), ("1_000", "text"), ("0x1F", "text"), ("08:00", "text"), (".inf", "text"), ("1.2.3", "text"),
    ("٣", "text"),
    ("12345678901234567890.5", "1.2345678901234567e+19"),
  ])
  func scalars(_ text: String, _ expected: String) {
    let shown =
      switch Document.Scalar(text: text, quoted: false).reading {
      case .null: "null"
      case .boolean: "boolean"
      case .whole(let whole): "\(whole)"
      case .number(let number): "\(number)"
      case .text: "text"
      }
    #expect(shown == expected)
    guard case .text = Document.Scalar(text: text, quoted: true).reading else {
      Issue.record("a quoted scalar is a text")
      return
    }
  }
}
