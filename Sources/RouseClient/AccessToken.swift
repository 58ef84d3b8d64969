import RouseWire

/// What stands for us where we have no certificate. No message and no dump of it ever shows it.
package struct AccessToken: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  private let text: String

  /// nil for what no token looks like: printed characters without a space, at most 1 KiB of them.
  package init?(_ text: some StringProtocol) {
    guard (1...1024).contains(text.utf8.count), text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else { return nil }
    self.text = String(text)
  }

  package var description: String { "a token" }
  package var debugDescription: String { description }
  package var customMirror: Mirror { Mirror(self, children: []) }

  /// The request that shows it to a server.
  var request: String {
    var request = RequestLine("auth")
    request.set("token", text: text)
    return request.line
  }
}
