import COpenSSL

/// A client's TLS connection on a connected socket, read and written by whoever holds it, without an event loop: a load
/// generator may cost less a request than the server it measures. It checks the server as `TLSConnection` does.
package final class TLSSocket {
  /// What became of a read or a write.
  package enum Outcome: Equatable {
    case bytes(Int)
    /// Nothing now; of a blocking socket, its time is over.
    case wouldBlock
    /// The server has said goodbye with a close_notify.
    case closedByPeer
    case failed(TLSError)
  }

  private let ssl: OpaquePointer
  /// It refers to this while the connection lives.
  private let context: TLSClientContext

  /// - Parameters:
  ///   - host: the name or the address connected to; the server's certificate must carry it, or the settings' name.
  ///   - descriptor: a connected socket. It is the caller's to close, after this is gone.
  ///   - session: to be resumed.
  package init(
    client: TLSClientContext, host: String, descriptor: Int32, resuming session: TLSSession? = nil
  ) throws(TLSError) {
    context = client
    ERR_clear_error()
    guard let ssl = SSL_new(client.pointer) else {
      throw .connection(takeOpenSSLReason(otherwise: "out of memory"))
    }
    self.ssl = ssl
    guard SSL_set_fd(ssl, descriptor) == 1 else {
      throw .connection(takeOpenSSLReason(otherwise: "out of memory"))
    }
    // A record's header and its body in one system call.
    SSL_set_read_ahead(ssl, 1)
    SSL_set_connect_state(ssl)
    try TLSConnection.expect(name: client.settings.serverName ?? host, of: ssl)
    if let session { SSL_set_session(ssl, session.pointer) }
  }

  deinit { SSL_free(ssl) }

  /// On a blocking socket. Throws `TLSError.handshake`.
  package func handshake() throws(TLSError) {
    ERR_clear_error()
    let result = SSL_do_handshake(ssl)
    if result == 1 { return }
    let cause = SSL_get_error(ssl, result)
    let verdict = SSL_get_verify_result(ssl)
    let reason = takeOpenSSLReason(
      otherwise: cause == SSL_ERROR_WANT_READ || cause == SSL_ERROR_WANT_WRITE ? "no answer in time" : "hung up")
    guard verdict != Int(X509_V_OK), let text = X509_verify_cert_error_string(verdict) else { throw .handshake(reason) }
    throw .handshake("\(reason): \(String(cString: text))")
  }

  /// At most one record.
  package func read(into space: UnsafeMutableRawBufferPointer) -> Outcome {
    var count = 0
    ERR_clear_error()
    let result = SSL_read_ex(ssl, space.baseAddress, space.count, &count)
    return result == 1 ? .bytes(count) : failure(result)
  }

  /// All of it or nothing. What `wouldBlock` must be offered again, the same bytes, before anything else is written.
  package func write(_ bytes: UnsafeRawBufferPointer) -> Outcome {
    var count = 0
    ERR_clear_error()
    let result = SSL_write_ex(ssl, bytes.baseAddress, bytes.count, &count)
    return result == 1 ? .bytes(count) : failure(result)
  }

  private func failure(_ result: Int32) -> Outcome {
    switch SSL_get_error(ssl, result) {
    case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: .wouldBlock
    case SSL_ERROR_ZERO_RETURN: .closedByPeer
    default: .failed(.connection(takeOpenSSLReason(otherwise: "the connection broke off")))
    }
  }

  /// Bytes have been taken from the socket that no read has returned: waiting for the socket would wait in vain.
  package var hasPending: Bool { SSL_has_pending(ssl) == 1 }

  /// The handshake was a short one.
  package var isResumed: Bool { SSL_session_reused(ssl) == 1 }

  /// What the next connection may resume: the newest ticket that a read has met; nil before there is one.
  package var session: TLSSession? {
    guard let session = SSL_get1_session(ssl) else { return nil }
    let kept = TLSSession(session)
    return SSL_SESSION_is_resumable(session) == 1 ? kept : nil
  }

  /// Sends a close_notify.
  package func sayGoodbye() {
    ERR_clear_error()
    SSL_shutdown(ssl)
    ERR_clear_error()
  }
}

/// A ticket, and the secret that goes with it.
package final class TLSSession {
  fileprivate let pointer: OpaquePointer

  /// Takes a reference over.
  fileprivate init(_ pointer: OpaquePointer) { self.pointer = pointer }

  deinit { SSL_SESSION_free(pointer) }
}
