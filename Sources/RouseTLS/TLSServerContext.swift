import COpenSSL

/// Certificates and policy of a server, shared by all its connections. Make a new one to rotate certificates: old
/// connections keep the one they began with.
///
/// Unchecked: an SSL_CTX counts its references atomically and locks inside; nothing here changes it after `init`.
package final class TLSServerContext: @unchecked Sendable {
  let pointer: OpaquePointer
  /// The end of the server certificate's validity, in seconds since 1970. An expired one still loads: clients will say
  /// so, and a server that runs can still tell its owner.
  package let certificateNotAfter: Int64
  /// SHA-256 of the server certificate, as in `PeerIdentity`.
  package let certificateFingerprint: String
  /// When the revocation lists hold; empty without any.
  package private(set) var revocationPeriods: [RevocationPeriod] = []
  package let settings: TLSServerSettings

  /// What its tickets stand for: no other context takes them.
  private(set) var sessions = ServerSessions(certificatesEnd: .max)

  /// Throws `TLSError.configuration`: one line with the file, what is wrong, and the remedy.
  package init(_ settings: TLSServerSettings) throws(TLSError) {
    let chain = try PEMFile(settings.certificateChainFile, role: "certificate").certificates()
    let key = try PEMFile(settings.privateKeyFile, role: "private key").privateKey()
    guard let context = SSL_CTX_new(TLS_server_method()) else {
      throw .configuration("OpenSSL cannot start: \(takeOpenSSLReason(otherwise: "out of memory"))")
    }
    // The property is set at once so that deinit frees the context whatever is thrown below.
    pointer = context
    self.settings = settings
    guard let end = chain.first?.notAfter else {
      certificateNotAfter = 0
      certificateFingerprint = ""
      throw .configuration("\(settings.certificateChainFile): the certificate's end date is malformed; issue it anew")
    }
    certificateNotAfter = end
    certificateFingerprint = chain.first?.sha256Fingerprint ?? ""
    guard rouse_ctx_harden(context, settings.minimumVersion == .tls12 ? 1 : 0) == 1 else {
      throw .configuration("OpenSSL refuses the TLS settings: \(takeOpenSSLReason(otherwise: "unknown reason"))")
    }
    try install(
      chain: chain, key: key, in: context, certificateFile: settings.certificateChainFile,
      keyFile: settings.privateKeyFile)
    sessions = ServerSessions(certificatesEnd: try requestClientCertificates())
    rouse_ctx_select_alpn(context)
    rouse_ctx_keep_server_sessions(context, ServerSessions.lifetime) { ssl, session in
      guard let session else { return 0 }
      return connection(ssl)?.keep(session: session) == true ? 1 : 0
    } _: { ssl, id, count, addsReference in
      addsReference?.pointee = 0
      return connection(ssl)?.session(id, count)
    }
    // Without an id context OpenSSL refuses to resume a session that had a client certificate.
    let name = Array("rouse/1".utf8)
    guard SSL_CTX_set_session_id_context(context, name, UInt32(name.count)) == 1 else {
      throw .configuration("OpenSSL refuses the TLS settings: \(takeOpenSSLReason(otherwise: "session context"))")
    }
  }

  deinit { SSL_CTX_free(pointer) }

  /// The moment until which a certificate, once verified, may count as such.
  private func requestClientCertificates() throws(TLSError) -> Int64 {
    guard settings.clientCertificate != .none else { return .max }
    guard let file = settings.clientCAFile else {
      throw .configuration(
        "client certificates are \(settings.clientCertificate.rawValue), but no client CA file is given")
    }
    let authorities = try trust(file: file, in: pointer, announce: true)
    let mode = SSL_VERIFY_PEER | (settings.clientCertificate == .required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0)
    SSL_CTX_set_verify(pointer, mode, judgeClientCertificate)
    guard let revocationFile = settings.clientCRLFile else { return .max }
    let lists = try RevocationLists(file: revocationFile, authorities: authorities, authorityFile: file)
    try lists.install(in: pointer, file: revocationFile)
    revocationPeriods = lists.periods
    return lists.ends
  }
}

/// Whose callback it is.
private func connection(_ ssl: OpaquePointer?) -> TLSConnection? {
  rouse_ssl_owner(ssl).map { Unmanaged<TLSConnection>.fromOpaque($0).takeUnretainedValue() }
}

/// Puts a certificate, its intermediates and its key into a context, and checks that they belong together.
func install(
  chain: [Certificate], key: PrivateKey, in context: OpaquePointer, certificateFile: String, keyFile: String
) throws(TLSError) {
  ERR_clear_error()
  guard let leaf = chain.first, SSL_CTX_use_certificate(context, leaf.pointer) == 1 else {
    throw .configuration(
      "\(certificateFile): OpenSSL refuses the certificate: \(takeOpenSSLReason(otherwise: "unknown reason"))")
  }
  for intermediate in chain.dropFirst() where rouse_ctx_add_chain(context, intermediate.pointer) != 1 {
    throw .configuration(
      "\(certificateFile): OpenSSL refuses an intermediate: \(takeOpenSSLReason(otherwise: "unknown reason"))")
  }
  // Asked before SSL_CTX_use_PrivateKey, which answers a key of another kind with an error of its own.
  guard X509_check_private_key(leaf.pointer, key.pointer) == 1 else {
    ERR_clear_error()
    throw .configuration(
      "\(keyFile): the key does not match the certificate \(certificateFile); give the key it was issued for")
  }
  guard SSL_CTX_use_PrivateKey(context, key.pointer) == 1, SSL_CTX_check_private_key(context) == 1 else {
    throw .configuration("\(keyFile): OpenSSL refuses the key: \(takeOpenSSLReason(otherwise: "unknown reason"))")
  }
}

/// Trusts the authorities of a file; `announce` also names them to clients, who choose their certificate by it.
@discardableResult
func trust(file: String, in context: OpaquePointer, announce: Bool) throws(TLSError) -> [Certificate] {
  let authorities = try PEMFile(file, role: "CA certificate").certificates()
  ERR_clear_error()
  let store = SSL_CTX_get_cert_store(context)
  for authority in authorities {
    guard X509_STORE_add_cert(store, authority.pointer) == 1,
      !announce || SSL_CTX_add_client_CA(context, authority.pointer) == 1
    else {
      throw .configuration("\(file): OpenSSL refuses an authority: \(takeOpenSSLReason(otherwise: "unknown reason"))")
    }
  }
  return authorities
}
