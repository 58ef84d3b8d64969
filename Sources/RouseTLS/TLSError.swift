import COpenSSL

/// What goes wrong around TLS. The text never repeats what a peer sent: it is safe in a log.
package enum TLSError: Error, Sendable, Equatable, CustomStringConvertible {
  /// A file or a setting is wrong; the text names it and says what to do. One line.
  case configuration(String)
  /// The connection failed before it was secure: bad certificate, no common version, not TLS at all.
  case handshake(String)
  /// The connection failed after the handshake: a damaged record, or an alert of the peer. On TLS 1.3 a client whose
  /// certificate is refused learns it this way.
  case connection(String)
  /// A write to a connection that is closed or closing.
  case closed
  /// Certificates could not be issued.
  case issuing(String)

  package var description: String {
    switch self {
    case .configuration(let text): text
    case .handshake(let reason): "TLS handshake failed: \(reason)"
    case .connection(let reason): "TLS connection failed: \(reason)"
    case .closed: "the TLS connection is closed"
    case .issuing(let reason): "cannot issue certificates: \(reason)"
    }
  }
}

/// The oldest entry of this thread's error queue in OpenSSL's own words, and the queue emptied.
///
/// The oldest is the cause; later ones tell who passed it on.
func takeOpenSSLReason(otherwise fallback: String) -> String {
  let code = ERR_get_error()
  ERR_clear_error()
  guard code != 0, let reason = ERR_reason_error_string(code) else { return fallback }
  return String(cString: reason)
}
