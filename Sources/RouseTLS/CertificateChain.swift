import COpenSSL

/// The certificates of a PEM file, looked over for whoever keeps an installation: nothing here trusts or serves anybody.
package struct CertificateChain {
  package let file: String
  /// In the file's order; at least one.
  package let facts: [Facts]
  private let certificates: [Certificate]

  package struct Facts: Sendable, Equatable {
    /// In RFC 2253 notation.
    package let subject: String
    package let issuer: String
    package let dnsNames: [String]
    /// In the usual notation: `127.0.0.1`, `::1`.
    package let ipAddresses: [String]
    /// Seconds since 1970.
    package let notBefore: Int64
    package let notAfter: Int64
    /// It may issue others.
    package let isAuthority: Bool

    /// The common name where the subject is nothing else, or else the subject.
    package var name: Substring {
      subject.hasPrefix("CN=") && !subject.contains(",") ? subject.dropFirst(3) : subject[...]
    }

    /// It was issued by nobody else.
    package var isOwn: Bool { subject.utf8.elementsEqual(issuer.utf8) }
  }

  package init(file: String) throws(TLSError) {
    self.file = file
    certificates = try PEMFile(file, role: "certificate").certificates()
    var facts: [Facts] = []
    for certificate in certificates {
      var begin: Int64 = 0
      guard let identity = PeerIdentity(certificate: certificate.pointer), let end = certificate.notAfter,
        rouse_seconds(X509_get0_notBefore(certificate.pointer), &begin) == 1
      else {
        throw .configuration("\(file): a certificate has names or times that cannot be read; issue it anew")
      }
      facts.append(
        Facts(
          subject: identity.subject, issuer: distinguishedName(X509_get_issuer_name(certificate.pointer)) ?? "",
          dnsNames: identity.dnsNames, ipAddresses: identity.ipAddresses, notBefore: begin, notAfter: end,
          isAuthority: rouse_is_authority(certificate.pointer) == 1))
    }
    self.facts = facts
  }

  /// The number of the first certificate that the next one in the file has not issued; nil: each has.
  package var breaksAt: Int? {
    (1..<max(1, certificates.count)).first { !certificates[$0 - 1].isIssued(by: certificates[$0]) }
  }

  /// Whether the last certificate of this file was issued by one of another that counts.
  package func isIssued(by authorities: CertificateChain, where counts: (Facts) -> Bool = { _ in true }) -> Bool {
    guard let last = certificates.last else { return false }
    return zip(authorities.certificates, authorities.facts).contains { counts($1) && last.isIssued(by: $0) }
  }

  /// The certificates as PEM again, those that `keeps` wants.
  package func pem(_ keeps: (Facts) -> Bool) throws(TLSError) -> [UInt8] {
    var text: [UInt8] = []
    for (certificate, facts) in zip(certificates, facts) where keeps(facts) {
      text += try HomeCertificates.pem { PEM_write_bio_X509($0, certificate.pointer) }
    }
    return text
  }

  /// Throws where the private key in a file is none, or belongs to another certificate than the first.
  package func checkKey(file key: String) throws(TLSError) {
    let read = try PEMFile(key, role: "private key").privateKey()
    defer { ERR_clear_error() }
    guard let leaf = certificates.first, X509_check_private_key(leaf.pointer, read.pointer) == 1 else {
      throw .configuration(
        "\(key): the key does not match the certificate \(file); give the key it was issued for")
    }
  }
}

extension Certificate {
  /// By name, and by signature.
  fileprivate func isIssued(by issuer: Certificate) -> Bool {
    ERR_clear_error()
    defer { ERR_clear_error() }
    guard X509_NAME_cmp(X509_get_issuer_name(pointer), X509_get_subject_name(issuer.pointer)) == 0,
      let key = X509_get0_pubkey(issuer.pointer)
    else { return false }
    return X509_verify(pointer, key) == 1
  }
}
