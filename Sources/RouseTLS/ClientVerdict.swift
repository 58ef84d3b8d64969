import COpenSSL

/// What OpenSSL says of each certificate in a client's chain, and what we add: it decides which alert the client gets.
///
/// OpenSSL checks signatures, times, the usage (a client's) and the revocation lists. It is not asked to be strict
/// (X509_V_FLAG_X509_STRICT): that refuses clients of well-meant authorities, such as those that `openssl req -x509`
/// makes, for a missing key usage or key identifier that nothing here depends on.
func judgeClientCertificate(_ verified: Int32, _ store: OpaquePointer?) -> Int32 {
  guard verified == 1 else {
    let verdict = X509_STORE_CTX_get_error(store)
    if isAboutList(verdict) {
      // Of the alerts that OpenSSL would send, `certificate_expired` and `unknown_ca` would have the client look for a
      // fault of its own. This one becomes `certificate_unknown`; the log keeps the reason.
      connection(of: store)?.verdict = verdict
      X509_STORE_CTX_set_error(store, X509_V_ERR_CRL_PATH_VALIDATION_ERROR)
    }
    return 0
  }
  guard X509_STORE_CTX_get_error_depth(store) == 0 else { return 1 }
  guard let certificate = X509_STORE_CTX_get_current_cert(store), PeerIdentity(certificate: certificate) != nil else {
    // Its names cannot be told apart safely (an embedded NUL, say): `bad_certificate`.
    X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED)
    return 0
  }
  guard rouse_is_authority(certificate) == 0 else {
    // An authority vouches for clients and is none: who can issue certificates could be anyone. `unsupported_certificate`.
    X509_STORE_CTX_set_error(store, X509_V_ERR_INVALID_PURPOSE)
    return 0
  }
  return 1
}

/// The trouble is with a revocation list, not with the certificate.
private func isAboutList(_ verdict: Int32) -> Bool {
  switch verdict {
  case X509_V_ERR_UNABLE_TO_GET_CRL, X509_V_ERR_UNABLE_TO_DECRYPT_CRL_SIGNATURE, X509_V_ERR_CRL_SIGNATURE_FAILURE,
    X509_V_ERR_CRL_NOT_YET_VALID, X509_V_ERR_CRL_HAS_EXPIRED, X509_V_ERR_ERROR_IN_CRL_LAST_UPDATE_FIELD,
    X509_V_ERR_ERROR_IN_CRL_NEXT_UPDATE_FIELD, X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER, X509_V_ERR_KEYUSAGE_NO_CRL_SIGN,
    X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION, X509_V_ERR_DIFFERENT_CRL_SCOPE:
    true
  default: false
  }
}

private func connection(of store: OpaquePointer?) -> TLSConnection? {
  guard let ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()),
    let owner = rouse_ssl_owner(OpaquePointer(ssl))
  else { return nil }
  return Unmanaged<TLSConnection>.fromOpaque(owner).takeUnretainedValue()
}
