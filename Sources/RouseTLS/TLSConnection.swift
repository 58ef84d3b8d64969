import COpenSSL
import NIOCore

/// One TLS connection without a network: bytes in, bytes out, and what became of it. Knows OpenSSL, not channels.
///
/// Every call to OpenSSL begins with an empty error queue: the queue belongs to the thread, that is to all connections of
/// an event loop, and a left-over of one would be read as the failure of another.
final class TLSConnection {
  enum Step: Equatable {
    case done
    case wantsMore
    case closedByPeer
    case failed(TLSError)
  }

  let records = RecordBuffers()
  private let ssl: OpaquePointer
  private let client: (context: TLSClientContext, host: String)?
  private let server: TLSServerContext?
  /// The peer may come back without being asked again who it is.
  private let mayResume: Bool
  /// Why the peer's certificate was refused, where that is another reason than the alert tells the peer.
  var verdict: Int32?

  /// - Parameter isBrief: the peer is not asked who it is and gets no tickets, which is half of the handshake's cost.
  init(server: TLSServerContext, isBrief: Bool = false) throws(TLSError) {
    self.server = server
    client = nil
    mayResume = !isBrief
    ssl = try Self.make(server.pointer, records)
    SSL_set_accept_state(ssl)
    if isBrief {
      SSL_set_verify(ssl, SSL_VERIFY_NONE, nil)
      SSL_set_num_tickets(ssl, 0)
    }
    rouse_ssl_set_owner(ssl, Unmanaged.passUnretained(self).toOpaque())
  }

  /// `host` is the name or the address connected to; the server's certificate must carry it.
  init(client: TLSClientContext, host: String) throws(TLSError) {
    let name = client.settings.serverName ?? host
    server = nil
    self.client = (client, name)
    mayResume = true
    ssl = try Self.make(client.pointer, records)
    SSL_set_connect_state(ssl)
    rouse_ssl_set_owner(ssl, Unmanaged.passUnretained(self).toOpaque())
    try Self.expect(name: name, of: ssl)
    if let session = client.takeSession(for: name) {
      SSL_set_session(ssl, session)
      SSL_SESSION_free(session)
    }
  }

  deinit { SSL_free(ssl) }

  private static func make(_ context: OpaquePointer, _ records: RecordBuffers) throws(TLSError) -> OpaquePointer {
    ERR_clear_error()
    guard let ssl = SSL_new(context) else {
      throw .connection(takeOpenSSLReason(otherwise: "out of memory"))
    }
    guard let bio = records.makeBIO() else {
      SSL_free(ssl)
      throw .connection(takeOpenSSLReason(otherwise: "out of memory"))
    }
    SSL_set_bio(ssl, bio, bio)
    return ssl
  }

  /// An address is checked against the certificate's addresses; a name against its names, and sent as SNI (RFC 6066
  /// forbids addresses there).
  static func expect(name: String, of ssl: OpaquePointer) throws(TLSError) {
    // C would stop at a NUL and check half of the name; an empty name would check nothing at all.
    guard !name.isEmpty, !name.utf8.contains(0) else {
      throw .configuration("the server's name is empty or not a name; give a host name or an address")
    }
    let parameters = SSL_get0_param(ssl)
    if X509_VERIFY_PARAM_set1_ip_asc(parameters, name) == 1 { return }
    ERR_clear_error()
    X509_VERIFY_PARAM_set_hostflags(parameters, UInt32(X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS))
    guard X509_VERIFY_PARAM_set1_host(parameters, name, name.utf8.count) == 1, rouse_ssl_set_name(ssl, name) == 1 else {
      ERR_clear_error()
      throw .configuration("the server's name is not a host name or an address; give one")
    }
  }

  /// Called while OpenSSL reads or makes a ticket, or has shaken hands on TLS 1.2, which needs no ticket to resume; true
  /// when the reference was taken over.
  func keep(session: OpaquePointer) -> Bool {
    // A session without a certificate would stand for one where it is required: OpenSSL asks none of a peer that resumes.
    guard mayResume else { return false }
    if let server {
      return rouse_ssl_chain_bytes(ssl) <= ServerSessions.longestChain && server.sessions.keep(session)
    }
    guard let client else { return false }
    client.context.keep(session: session, for: client.host)
    return true
  }

  /// The session that a client's ticket names, with a reference for OpenSSL.
  func session(_ id: UnsafePointer<UInt8>?, _ count: Int32) -> OpaquePointer? {
    server?.sessions.find(id, Int(count))
  }

  /// Takes the handshake as far as the inbox allows.
  func handshake() -> Step {
    ERR_clear_error()
    let result = SSL_do_handshake(ssl)
    if result == 1 { return .done }
    switch SSL_get_error(ssl, result) {
    case SSL_ERROR_WANT_READ: return .wantsMore
    case SSL_ERROR_ZERO_RETURN: return .failed(.handshake("the peer closed the connection"))
    default:
      if server != nil, !records.hasSpoken, !isPeersAlert(ERR_peek_error()) {
        // OpenSSL says nothing to a peer that does not speak TLS at all. `unexpected_message`, fatal, in the clear: a peer
        // that does speak it, and only begins badly, learns more than by a hang-up.
        records.outbox.writeBytes([21, 3, 1, 0, 2, 2, 10])
      }
      let verdict = verdict.map(Int.init) ?? SSL_get_verify_result(ssl)
      let reason = takeOpenSSLReason(otherwise: "protocol error")
      guard verdict != Int(X509_V_OK), let text = X509_verify_cert_error_string(verdict) else {
        return .failed(.handshake(reason))
      }
      return .failed(.handshake("\(reason): \(String(cString: text))"))
    }
  }

  private func isPeersAlert(_ error: UInt) -> Bool { ERR_GET_REASON(error) >= SSL_AD_REASON_OFFSET }

  /// Decrypts all that the inbox holds, appending to `plaintext`; never `.done`.
  func decrypt(into plaintext: inout ByteBuffer) -> Step {
    defer { if records.inbox.readableBytes == 0 { records.inbox = ByteBuffer() } }
    while true {
      var result: Int32 = 0
      ERR_clear_error()
      plaintext.writeWithUnsafeMutableBytes(minimumWritableBytes: 1024) { space in
        var count = 0
        result = SSL_read_ex(ssl, space.baseAddress, space.count, &count)
        return result == 1 ? count : 0
      }
      if result == 1 { continue }
      switch SSL_get_error(ssl, result) {
      case SSL_ERROR_WANT_READ: return .wantsMore
      case SSL_ERROR_ZERO_RETURN: return .closedByPeer
      default: return .failed(.connection(takeOpenSSLReason(otherwise: "protocol error")))
      }
    }
  }

  /// Encrypts into the outbox, in records of 16 KiB; nil when it went well. `bytes` must not be empty.
  func encrypt(_ bytes: ByteBufferView) -> TLSError? {
    let records = bytes.count / 16384 + 1
    self.records.outbox.reserveCapacity(minimumWritableBytes: bytes.count + records * 64)
    ERR_clear_error()
    var written = 0
    let result = bytes.withUnsafeBytes { SSL_write_ex(ssl, $0.baseAddress, $0.count, &written) }
    guard result == 1, written == bytes.count else {
      return .connection(takeOpenSSLReason(otherwise: "cannot write"))
    }
    return nil
  }

  /// Writes a close_notify to the outbox, once.
  func sayGoodbye() {
    ERR_clear_error()
    SSL_shutdown(ssl)
    ERR_clear_error()
  }

  /// The verified certificate of the other side, from the handshake or from the ticket that replaced it. The outer nil:
  /// there is one, but its names are unreadable or it has ended since the ticket was given.
  func peer(now: Int64) -> PeerIdentity?? {
    guard let certificate = SSL_get0_peer_certificate(ssl) else { return .some(nil) }
    guard SSL_get_verify_result(ssl) == Int(X509_V_OK), let identity = PeerIdentity(certificate: certificate),
      identity.notAfter >= now
    else { return nil }
    return .some(identity)
  }

  /// Whether the revocation lists of another context than that of the handshake revoke the peer's certificate.
  func isPeerRevoked(by other: TLSServerContext) -> Bool {
    !other.revocationPeriods.isEmpty && rouse_ssl_peer_is_revoked(ssl, other.pointer) == 1
  }

  var alpn: String? {
    var bytes: UnsafePointer<UInt8>?
    var count: UInt32 = 0
    SSL_get0_alpn_selected(ssl, &bytes, &count)
    guard let bytes, count > 0 else { return nil }
    return String(decoding: UnsafeBufferPointer(start: bytes, count: Int(count)), as: UTF8.self)
  }

  var resumed: Bool { SSL_session_reused(ssl) == 1 }
}
