import NIOCore
import RouseWire
import Testing

@testable import RouseClient

@Suite("Replies")
struct RepliesTests {
  private func kind(_ text: String) -> String {
    switch Array(text.utf8).withUnsafeBytes({ ReplyLine($0) }) {
    case .row: "row"
    case .reply: "reply"
    case .goodbye: "goodbye"
    case .garbled: "garbled"
    }
  }

  @Test(
    "A reply ends with the line that has ok at its top level",
    arguments: [
      (#"{"user_id":"a","status":"contact"}"#, "row"),
      (#"{"user_id":"\"ok\":true","status":"contact"}"#, "row"),
      (#"{"user_id":"ok","status":"contact"}"#, "row"),
      (#"{"user_id":"a","best":{"ok":true}}"#, "row"),
      (#"{"id":1,"ok":true}"#, "reply"),
      (#"{"user_id":1,"\u006fk":false}"#, "reply"),
      (#"{"event":"goodbye","reason":"draining"}"#, "goodbye"),
      (#"HTTP/1.1 400 Bad Request"#, "garbled"),
      (#"{"ok":true"#, "garbled"),
      (#""#, "garbled"),
    ])
  func lines(_ line: String, _ expected: String) { #expect(kind(line) == expected) }

  @Test("A refusal carries code, message, place and pause")
  func refusal() throws {
    let line = Array(
      #"{"ok":false,"error":{"code":"overloaded","message":"busy","at":"/users/3","retry_after_ms":50}}"#.utf8)
    let reply = Reply(line: line, value: try #require(JSONValue(line)))
    #expect {
      try reply.checked()
    } throws: { error in
      "\(error)" == "the server answers overloaded at /users/3: busy (try again in 50 ms)"
    }
  }
}

@Suite("Endpoints")
struct EndpointTests {
  @Test(
    "HOST:PORT, with brackets around IPv6",
    arguments: [
      ("127.0.0.1:7411", "127.0.0.1", 7411), ("[::1]:1", "::1", 1), ("rouse.example:65535", "rouse.example", 65535),
    ])
  func read(_ text: String, _ host: String, _ port: Int) throws {
    let endpoint = try #require(Endpoint(text))
    #expect(endpoint.host == host && endpoint.port == port && endpoint.description == text)
  }

  @Test(
    "Anything else is refused",
    arguments: [
      "", "host", ":1", "host:", "host:0", "host:65536", "host:+1", "::1:1", "[]:1", "a b:1", "http://a:1", "a:1:2",
    ])
  func refused(_ text: String) { #expect(Endpoint(text) == nil) }
}
