import COpenSSL
import Glibc

/// The certificates of a home that runs at once: a private authority, a server and an operator's client, made by libcrypto.
///
/// The authority's key is thrown away: it can neither be stolen nor used for more. A home whose certificates end gets a
/// whole new set (`HomeRenewal`).
package enum HomeCertificates {
  /// PEM files, by the names they have in a home; keys are PKCS#8, and to be written with mode 0600.
  package struct Issued: Sendable {
    package let caPEM: [UInt8]
    package let serverPEM: [UInt8]
    package let serverKeyPEM: [UInt8]
    package let clientPEM: [UInt8]
    package let clientKeyPEM: [UInt8]
  }

  /// The common name and the DNS name of the client certificate.
  package static let clientName = "operator"

  /// What the common names of homes' authorities begin with.
  package static let authorityPrefix = "Rouse private CA "

  /// Certificates begin this many seconds ago, for peers whose clocks are behind.
  private static let clockSkew: Int64 = 300

  /// Issues certificates that hold from 5 minutes before `now` (seconds since 1970) until `days` (1 to 3650) after it, on
  /// P-256, fit for strict X.509 verification.
  ///
  /// The server's certificate carries `serverNames` (host names) and `serverAddresses` (IPv4 or IPv6), at least one in
  /// all. Throws `TLSError.issuing` for names, addresses or times that cannot stand in a certificate.
  package static func make(
    now: Int64, days: Int, serverNames: [String] = ["localhost"], serverAddresses: [String] = ["127.0.0.1", "::1"]
  ) throws(TLSError) -> Issued {
    guard (1...3650).contains(days) else { throw .issuing("validity must be 1 to 3650 days") }
    // To the year 9000: the form of a certificate's time ends with 9999.
    guard (clockSkew...221_845_392_000).contains(now) else { throw .issuing("the clock is out of range") }
    let names = try alternativeNames(serverNames, serverAddresses)
    let validity = (now - clockSkew)...(now + Int64(days) * 86400)

    let authorityKey = try newKey()
    // Two homes' authorities must differ by name, or a client that trusts both tries the wrong one first.
    let authorityName = authorityPrefix + (try randomHexadecimal(4))
    let authority = try certificate(name: authorityName, key: authorityKey, validity: validity)
    try extend(
      authority, by: authority,
      [
        (NID_subject_key_identifier, "hash"), (NID_authority_key_identifier, "keyid:always"),
        (NID_basic_constraints, "critical,CA:TRUE,pathlen:0"), (NID_key_usage, "critical,keyCertSign,cRLSign"),
      ])
    try sign(authority, issuer: authority, key: authorityKey)

    let serverKey = try newKey()
    let server = try certificate(name: serverNames.first ?? "rouse-server", key: serverKey, validity: validity)
    try extend(server, by: authority, leafExtensions(usage: "serverAuth", names: names))
    try sign(server, issuer: authority, key: authorityKey)

    let clientKey = try newKey()
    let client = try certificate(name: clientName, key: clientKey, validity: validity)
    try extend(client, by: authority, leafExtensions(usage: "clientAuth", names: "DNS:\(clientName)"))
    try sign(client, issuer: authority, key: authorityKey)

    return Issued(
      caPEM: try pem { PEM_write_bio_X509($0, authority.pointer) },
      serverPEM: try pem { PEM_write_bio_X509($0, server.pointer) },
      serverKeyPEM: try pem { PEM_write_bio_PKCS8PrivateKey($0, serverKey.pointer, nil, nil, 0, nil, nil) },
      clientPEM: try pem { PEM_write_bio_X509($0, client.pointer) },
      clientKeyPEM: try pem { PEM_write_bio_PKCS8PrivateKey($0, clientKey.pointer, nil, nil, 0, nil, nil) })
  }

  /// In the notation of openssl.cnf. Only checked text goes in: `a,email:b` would otherwise become two names.
  private static func alternativeNames(_ names: [String], _ addresses: [String]) throws(TLSError) -> String {
    var parts: [String] = []
    for name in names {
      let fits = name.utf8.allSatisfy {
        (0x30...0x39).contains($0) || (0x41...0x5a).contains($0) || (0x61...0x7a).contains($0) || $0 == 0x2d
          || $0 == 0x2e
      }
      guard (1...64).contains(name.utf8.count), fits else {
        throw .issuing("a server name must be 1 to 64 letters, digits, dots and hyphens")
      }
      parts.append("DNS:\(name)")
    }
    for address in addresses {
      var space = in6_addr()
      guard !address.utf8.contains(0),
        inet_pton(AF_INET, address, &space) == 1 || inet_pton(AF_INET6, address, &space) == 1
      else { throw .issuing("a server address must be an IPv4 or IPv6 address") }
      parts.append("IP:\(address)")
    }
    guard !parts.isEmpty else { throw .issuing("a server needs a name or an address") }
    return parts.joined(separator: ",")
  }

  private static func leafExtensions(usage: String, names: String) -> [(Int32, String)] {
    [
      (NID_basic_constraints, "critical,CA:FALSE"), (NID_subject_key_identifier, "hash"),
      (NID_authority_key_identifier, "keyid:always"), (NID_key_usage, "critical,digitalSignature"),
      (NID_ext_key_usage, usage), (NID_subject_alt_name, names),
    ]
  }

  private static func newKey() throws(TLSError) -> PrivateKey {
    ERR_clear_error()
    guard let key = rouse_new_p256_key() else { throw failure("no key") }
    return PrivateKey(adopting: key)
  }

  /// An unsigned version 3 certificate with a random serial number: 128 bits, positive, never shorter.
  private static func certificate(
    name: String, key: PrivateKey, validity: ClosedRange<Int64>
  ) throws(TLSError) -> Certificate {
    ERR_clear_error()
    guard let pointer = X509_new() else { throw failure("out of memory") }
    let made = Certificate(adopting: pointer)
    var serial = try random(16)
    serial[0] = serial[0] & 0x7f | 0x40
    guard let number = BN_bin2bn(serial, Int32(serial.count), nil) else { throw failure("no serial number") }
    defer { BN_free(number) }
    let subject = X509_get_subject_name(pointer)
    guard X509_set_version(pointer, 2) == 1, BN_to_ASN1_INTEGER(number, X509_get_serialNumber(pointer)) != nil,
      ASN1_TIME_set(X509_getm_notBefore(pointer), time_t(validity.lowerBound)) != nil,
      ASN1_TIME_set(X509_getm_notAfter(pointer), time_t(validity.upperBound)) != nil,
      X509_NAME_add_entry_by_NID(
        subject, NID_commonName, MBSTRING_UTF8, Array(name.utf8), Int32(name.utf8.count), -1, 0)
        == 1,
      X509_set_pubkey(pointer, key.pointer) == 1
    else { throw failure("the certificate cannot be filled in") }
    return made
  }

  private static func extend(
    _ subject: Certificate, by issuer: Certificate, _ extensions: [(nid: Int32, value: String)]
  ) throws(TLSError) {
    ERR_clear_error()
    for item in extensions where rouse_add_extension(subject.pointer, issuer.pointer, item.nid, item.value) != 1 {
      throw failure("extension \(item.nid)")
    }
  }

  private static func sign(_ subject: Certificate, issuer: Certificate, key: PrivateKey) throws(TLSError) {
    ERR_clear_error()
    guard X509_set_issuer_name(subject.pointer, X509_get_subject_name(issuer.pointer)) == 1,
      X509_sign(subject.pointer, key.pointer, EVP_sha256()) > 0
    else { throw failure("cannot sign") }
  }

  static func pem(_ write: (OpaquePointer) -> Int32) throws(TLSError) -> [UInt8] {
    ERR_clear_error()
    guard let bio = BIO_new(BIO_s_mem()) else { throw failure("out of memory") }
    defer { BIO_free(bio) }
    guard write(bio) == 1 else { throw failure("cannot write PEM") }
    var bytes: UnsafePointer<UInt8>?
    let count = rouse_bio_bytes(bio, &bytes)
    return Array(UnsafeBufferPointer(start: bytes, count: count))
  }

  private static func random(_ count: Int) throws(TLSError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    guard RAND_bytes(&bytes, Int32(count)) == 1 else { throw failure("no random numbers") }
    return bytes
  }

  private static func randomHexadecimal(_ count: Int) throws(TLSError) -> String {
    try random(count).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }

  private static func failure(_ what: String) -> TLSError {
    .issuing("\(what): \(takeOpenSSLReason(otherwise: "unknown reason"))")
  }
}
