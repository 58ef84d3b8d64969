import RouseTLS

extension ClientError {
  /// What OpenSSL says, and what to do about it.
  init(_ error: TLSError, endpoint: Endpoint, serverName: String) {
    switch error {
    case .configuration(let text): self = .configuration(text)
    case .handshake(let reason), .connection(let reason):
      self = .tls("\(endpoint): " + Self.remedy(reason, serverName: serverName))
    case .closed: self = .lost("\(endpoint) closed the connection before the answer was whole")
    case .issuing(let reason): self = .tls("\(endpoint): \(reason)")
    }
  }

  private static func remedy(_ reason: String, serverName: String) -> String {
    func has(_ words: String...) -> Bool { words.contains { reason.contains($0) } }
    if has("certificate verify failed") {
      if has("has expired") { return "the server's certificate has expired (\(reason)); renew it on the server" }
      if has("not yet valid") { return "the server's certificate is not valid yet (\(reason)); check both clocks" }
      if has("mismatch") {
        return "the server's certificate is not for '\(serverName)' (\(reason)); connect by a name that it carries, or "
          + "give that name as server_name in the profile or with --server-name"
      }
      if has("Key Identifier", "key usage", "marked critical", "keyCertSign") {
        return
          "the server's certificate, or its authority's, lacks what the standard asks for (\(reason)); issue it anew, "
          + "such as with rouse-server init"
      }
      return
        "the server's certificate comes from an authority that is not trusted (\(reason)); give its CA file with --ca"
    }
    if has("alert certificate required", "alert handshake failure") {
      return "the server wants a client certificate (\(reason)); give --cert and --key"
    }
    if has("alert certificate revoked") { return "our certificate has been revoked (\(reason)); have a new one issued" }
    if has("alert certificate expired") { return "our certificate has expired (\(reason)); renew it" }
    if has("alert certificate unknown") {
      return "the server cannot check our certificate (\(reason)); ask its operator: rouse-server check says why"
    }
    if has("alert unknown ca", "alert bad certificate", "alert certificate", "alert unsupported certificate") {
      return "the server refuses our certificate (\(reason)); give one that it trusts with --cert and --key"
    }
    if has("wrong version number", "packet length too long", "http request", "unknown protocol", "record layer failure")
    {
      return "what listens there does not speak TLS (\(reason)); check host and port"
    }
    if has("hung up") { return "the server hung up during the TLS handshake; check host and port" }
    return "TLS failed: \(reason)"
  }
}
