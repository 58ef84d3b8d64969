/// Where a server listens: `127.0.0.1:7411`, `[::1]:7411` or `rouse.example:7411`.
package struct Endpoint: Sendable, Equatable, CustomStringConvertible {
  /// Without brackets.
  package let host: String
  package let port: Int

  /// nil when the text is not HOST:PORT.
  package init?(_ text: String) {
    guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]), port > 0,
      text[text.index(after: colon)...].allSatisfy(\.isASCIIDigit)
    else { return nil }
    var host = text[..<colon]
    if host.first == "[", host.last == "]" {
      host = host.dropFirst().dropLast()
    } else if host.contains(":") {
      return nil
    }
    guard !host.isEmpty, !host.contains(where: { $0.isWhitespace || $0 == "[" || $0 == "]" || $0 == "/" }) else {
      return nil
    }
    self.host = String(host)
    self.port = Int(port)
  }

  package var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

extension Character {
  fileprivate var isASCIIDigit: Bool { self >= "0" && self <= "9" && isASCII }
}
