import COpenSSL

/// A certificate revocation list, freed with its owner.
final class RevocationList {
  let pointer: OpaquePointer
  init(adopting pointer: OpaquePointer) { self.pointer = pointer }
  deinit { X509_CRL_free(pointer) }

  var issuer: String { distinguishedName(X509_CRL_get_issuer(pointer)) ?? "" }

  /// Seconds since 1970; nil when it is malformed.
  var begins: Int64? {
    var seconds: Int64 = 0
    return rouse_seconds(X509_CRL_get0_lastUpdate(pointer), &seconds) == 1 ? seconds : nil
  }

  /// When the next one is due, in seconds since 1970. The outer nil: malformed; the inner: it never ends.
  var ends: Int64?? {
    guard let time = X509_CRL_get0_nextUpdate(pointer) else { return .some(nil) }
    var seconds: Int64 = 0
    return rouse_seconds(time, &seconds) == 1 ? .some(seconds) : nil
  }

  func isNamed(after authority: Certificate) -> Bool {
    X509_NAME_cmp(X509_CRL_get_issuer(pointer), X509_get_subject_name(authority.pointer)) == 0
  }

  func isSigned(by authority: Certificate) -> Bool {
    ERR_clear_error()
    defer { ERR_clear_error() }
    guard let key = X509_get0_pubkey(authority.pointer) else { return false }
    return X509_CRL_verify(pointer, key) == 1
  }
}

/// From when to when a revocation list holds: for a warning in good time.
package struct RevocationPeriod: Sendable, Equatable {
  /// The authority, in RFC 2253 notation.
  package let issuer: String
  /// Seconds since 1970.
  package let begins: Int64
  /// Seconds since 1970; nil when the list does not say.
  package let ends: Int64?
  /// None of the client authorities has issued it: it only counts for clients that send its issuer's certificate along.
  package let isOfAnother: Bool
}

/// The revocation lists that client certificates are held against.
///
/// A client is let in only where a list in force speaks for each authority above it. So a list that has ended lets nobody
/// in, and is warned of, since the next is due any time; but a file that could never let anyone in is refused.
struct RevocationLists {
  private let lists: [RevocationList]
  /// Of the latest list of each authority.
  let periods: [RevocationPeriod]

  /// An authority that changes its key keeps its name, and has two lists for a time.
  private struct Signer: Hashable {
    let name: String
    let index: Int?
  }

  /// Bytes: some hundred thousand revoked certificates.
  private static let limit = 16 << 20

  /// - Parameter authorities: of the file `authorityFile`.
  init(file: String, authorities: [Certificate], authorityFile: String) throws(TLSError) {
    lists = try PEMFile(file, role: "revocation list", limit: Self.limit).revocationLists()
    var latest: [Signer: RevocationPeriod] = [:]
    for list in lists {
      let namesakes = authorities.filter(list.isNamed)
      if !namesakes.isEmpty, !namesakes.contains(where: list.isSigned) {
        throw .configuration(
          "\(file): the revocation list of '\(list.issuer)' is not signed by the authority of that name in "
            + "\(authorityFile); fetch the list anew, or give the authority that signs it")
      }
      guard let begins = list.begins, case .some(let ends) = list.ends else {
        throw .configuration("\(file): the revocation list of '\(list.issuer)' has malformed times; fetch it anew")
      }
      let signer = Signer(
        name: list.issuer, index: authorities.firstIndex { list.isNamed(after: $0) && list.isSigned(by: $0) })
      if let other = latest[signer], other.begins >= begins { continue }
      latest[signer] = RevocationPeriod(
        issuer: list.issuer, begins: begins, ends: ends, isOfAnother: namesakes.isEmpty)
    }
    periods = latest.values.sorted { ($0.issuer, $0.begins) < ($1.issuer, $1.begins) }
    for authority in authorities {
      guard lists.contains(where: { $0.isNamed(after: authority) && $0.isSigned(by: authority) }) else {
        throw .configuration(
          "\(file): has no revocation list of '\(authority.subject)', an authority in \(authorityFile), so none of its "
            + "clients could be let in; add its list (one that revokes nothing will do)")
      }
      guard rouse_may_sign_lists(authority.pointer) != 0 else {
        throw .configuration(
          "\(authorityFile): the certificate of '\(authority.subject)' does not allow it to sign revocation lists "
            + "(key usage), so none of its clients could be let in; issue it with cRLSign, or do without client_crl")
      }
    }
  }

  /// The first moment at which one of them no longer holds; far away when none says.
  var ends: Int64 { periods.compactMap(\.ends).min() ?? .max }

  /// Holds every certificate of a client's chain against the lists.
  func install(in context: OpaquePointer, file: String) throws(TLSError) {
    ERR_clear_error()
    let store = SSL_CTX_get_cert_store(context)
    for list in lists where X509_STORE_add_crl(store, list.pointer) != 1 {
      throw .configuration("\(file): OpenSSL refuses a list: \(takeOpenSSLReason(otherwise: "unknown reason"))")
    }
    X509_VERIFY_PARAM_set_flags(
      SSL_CTX_get0_param(context), UInt(X509_V_FLAG_CRL_CHECK) | UInt(X509_V_FLAG_CRL_CHECK_ALL))
  }
}
