import COpenSSL
import Synchronization

/// What a client trusts and who it is, shared by all its connections; it also remembers tickets, host by host, so that
/// the second connection is cheap.
///
/// Unchecked: an SSL_CTX counts its references atomically and locks inside, and nothing here changes it after `init`; the
/// tickets are behind a mutex.
package final class TLSClientContext: @unchecked Sendable {
  let pointer: OpaquePointer
  package let settings: TLSClientSettings
  private let tickets = Mutex<[String: [UInt]]>([:])

  /// A server sends one or two tickets a connection, and a ticket is used once.
  private static let ticketsPerHost = 4
  private static let hosts = 64

  /// Throws `TLSError.configuration`: one line with the file, what is wrong, and the remedy.
  package init(_ settings: TLSClientSettings) throws(TLSError) {
    guard let context = SSL_CTX_new(TLS_client_method()) else {
      throw .configuration("OpenSSL cannot start: \(takeOpenSSLReason(otherwise: "out of memory"))")
    }
    pointer = context
    self.settings = settings
    guard rouse_ctx_harden(context, 0) == 1, rouse_ctx_offer_alpn(context) == 1 else {
      throw .configuration("OpenSSL refuses the TLS settings: \(takeOpenSSLReason(otherwise: "unknown reason"))")
    }
    if let file = settings.caFile {
      try trust(file: file, in: context, announce: false)
    } else if SSL_CTX_set_default_verify_paths(context) != 1 {
      throw .configuration("the system's trusted certificates cannot be loaded; give a CA file")
    }
    switch (settings.certificateFile, settings.keyFile) {
    case (let certificate?, let key?):
      try install(
        chain: PEMFile(certificate, role: "certificate").certificates(),
        key: PEMFile(key, role: "private key").privateKey(), in: context, certificateFile: certificate, keyFile: key)
    case (let certificate?, nil): throw .configuration("\(certificate): a client certificate needs its key file too")
    case (nil, let key?): throw .configuration("\(key): a client key needs its certificate file too")
    case (nil, nil): break
    }
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nil)
    X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), UInt(X509_V_FLAG_X509_STRICT))
    rouse_ctx_keep_client_sessions(context) { ssl, session in
      guard let session, let owner = rouse_ssl_owner(ssl) else { return 0 }
      return Unmanaged<TLSConnection>.fromOpaque(owner).takeUnretainedValue().keep(session: session) ? 1 : 0
    }
  }

  deinit {
    for ticket in tickets.withLock({ $0 }).values.joined() { SSL_SESSION_free(OpaquePointer(bitPattern: ticket)) }
    SSL_CTX_free(pointer)
  }

  /// Takes over a reference to the session.
  func keep(session: OpaquePointer, for host: String) {
    let dropped: UInt? = tickets.withLock { tickets in
      guard tickets[host] != nil || tickets.count < Self.hosts else { return UInt(bitPattern: session) }
      tickets[host, default: []].append(UInt(bitPattern: session))
      return (tickets[host]?.count ?? 0) > Self.ticketsPerHost ? tickets[host]?.removeFirst() : nil
    }
    if let dropped { SSL_SESSION_free(OpaquePointer(bitPattern: dropped)) }
  }

  /// Gives away the newest session with that host, and the reference with it.
  func takeSession(for host: String) -> OpaquePointer? {
    tickets.withLock { $0[host]?.popLast() }.flatMap { OpaquePointer(bitPattern: $0) }
  }
}
