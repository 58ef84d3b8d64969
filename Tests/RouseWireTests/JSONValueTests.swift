import RouseWire
import Testing

@Suite("JSON as a tree")
struct JSONValueTests {
  @Test(
    "What is read is written again byte for byte",
    arguments: [
      #"{"a":[1,-0.5,1e9,true,false,null],"b":{"c":""}}"#, #""\"\\\b\f\n\r\t\u0001é😀""#, "12.50", "[]", "{}",
    ])
  func sameBytes(_ text: String) throws { #expect(try #require(JSONValue(text.utf8)).json == text) }

  @Test(
    "What is no JSON is nil",
    arguments: [
      "", "01", "1.", "-", "[1,]", "{\"a\":1,}", "\"\u{1}\"", #""\ud800""#, "nul", "1 2", "{a:1}", "\"a", "1\n2",
      #"{"a":1,"\u0061":2}"#,
    ])
  func refused(_ text: String) { #expect(JSONValue(text.utf8) == nil) }

  @Test("Deep nesting and bytes that are no UTF-8 are nil, not a crash")
  func hostile() {
    #expect(JSONValue([UInt8](repeating: 0x5B, count: 1_000_000)) == nil)
    #expect(JSONValue([0x22, 0xFF, 0x22]) == nil)
  }

  @Test("An escaped surrogate pair is one character")
  func surrogates() { #expect(JSONValue(#""\ud83d\ude00""#.utf8)?.text == "😀") }
}
