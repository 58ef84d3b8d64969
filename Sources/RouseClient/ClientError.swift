import RouseWire

/// Why a request has no answer. Each kind has one remedy, and the tool one exit code.
package enum ClientError: Error, Sendable, Equatable, CustomStringConvertible {
  /// A file of the client's own is wrong: certificate, key or CA.
  case configuration(String)
  /// No connection came about.
  case cannotConnect(String)
  /// Somebody answered, but it is not secure to talk to them, or they will not talk to us.
  case tls(String)
  /// The connection ended, or was cut, before the answer was whole.
  case lost(String)
  /// What came is no answer of this protocol.
  case garbled(String)
  /// The server answered an error.
  case server(ServerFault)
  /// The server does not know our token.
  case refused(ServerFault)

  package var description: String {
    switch self {
    case .configuration(let text), .cannotConnect(let text), .tls(let text), .lost(let text), .garbled(let text): text
    case .server(let fault): fault.description
    case .refused(let fault):
      "the server refuses our token (\(fault.message)); give one that it knows with --token-file: its operator makes one "
        + "with rouse-server token add"
    }
  }
}

/// The `error` of an `ok:false` reply.
package struct ServerFault: Sendable, Equatable, CustomStringConvertible {
  package let code: String
  package let message: String
  /// JSON pointer into the request.
  package let at: String?
  package let retryAfter: Int?
  /// What is wrong with a policy's text.
  package let diagnostics: [PolicyFinding]

  package init(_ error: JSONValue?) {
    code = error?["code"]?.text ?? "internal"
    message = error?["message"]?.text ?? "the server gave no reason"
    at = error?["at"]?.text
    retryAfter = error?["retry_after_ms"]?.whole
    diagnostics = (error?["diagnostics"]?.items ?? []).map { finding in
      PolicyFinding(
        kind: finding["kind"]?.text ?? "", path: finding["path"]?.text ?? "", line: finding["line"]?.whole,
        column: finding["column"]?.whole, message: finding["message"]?.text ?? "")
    }
  }

  package var description: String {
    var text = "the server answers \(code)"
    if let at, !at.isEmpty { text += " at \(at)" }
    text += ": \(message)"
    if let retryAfter { text += " (try again in \(retryAfter) ms)" }
    return text
  }
}
