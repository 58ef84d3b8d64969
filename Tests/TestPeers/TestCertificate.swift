import COpenSSL
import Foundation

/// A certificate and its key, as a client shows them.
package final class TestCertificate {
  let pointer: OpaquePointer
  package let key: TestKey
  init(adopting pointer: OpaquePointer, key: TestKey) {
    self.pointer = pointer
    self.key = key
  }
  deinit { X509_free(pointer) }

  /// The same certificate, shown by whoever has that key.
  package func shown(by key: TestKey) -> TestCertificate {
    X509_up_ref(pointer)
    return TestCertificate(adopting: pointer, key: key)
  }

  /// One bit of its issuer's signature is wrong.
  package func damaged() throws -> TestCertificate {
    var bytes: UnsafeMutablePointer<UInt8>?
    let count = i2d_X509(pointer, &bytes)
    guard count > 0, let bytes else { throw TestFault("no DER") }
    defer { rouse_free(bytes) }
    bytes[Int(count) - 1] ^= 1
    var start: UnsafePointer<UInt8>? = UnsafePointer(bytes)
    guard let copy = d2i_X509(nil, &start, Int(count)) else { throw TestFault("no certificate") }
    return TestCertificate(adopting: copy, key: key)
  }

  package var pem: [UInt8] { get throws { try Self.bytes { PEM_write_bio_X509($0, pointer) } } }
  package var keyPEM: [UInt8] {
    get throws { try Self.bytes { PEM_write_bio_PKCS8PrivateKey($0, key.pointer, nil, nil, 0, nil, nil) } }
  }

  static func bytes(_ write: (OpaquePointer) -> Int32) throws -> [UInt8] {
    guard let bio = BIO_new(BIO_s_mem()) else { throw TestFault("no memory") }
    defer { BIO_free(bio) }
    guard write(bio) == 1 else { throw TestFault("cannot write PEM") }
    var bytes: UnsafePointer<UInt8>?
    let count = rouse_bio_bytes(bio, &bytes)
    return Array(UnsafeBufferPointer(start: bytes, count: count))
  }
}

/// An authority that issues whatever a test asks for, right or wrong.
package final class TestAuthority {
  package let certificate: TestCertificate

  /// A client's certificate, used to issue more.
  package init(misusing certificate: TestCertificate) { self.certificate = certificate }

  /// What stands in a certificate. Extensions are in the notation of openssl.cnf; nil leaves one out.
  package struct Wish {
    package var name = "client"
    package var alternativeNames: String? = "DNS:operator"
    package var usage: String? = "clientAuth"
    package var keyUsage: String? = "critical,digitalSignature"
    package var constraints: String? = "critical,CA:FALSE"
    package var hasKeyIdentifiers = true
    /// Seconds from now.
    package var begins: Int64 = -300
    package var ends: Int64 = 86_400
    package var key = TestKey.Kind.p256
    package var signedWithSHA1 = false
    package init() {}
    package init(_ change: (inout Wish) -> Void) { change(&self) }

    package static func authority(_ name: String) -> Wish {
      Wish {
        $0.name = name
        $0.alternativeNames = nil
        $0.usage = nil
        $0.keyUsage = "critical,keyCertSign,cRLSign"
        $0.constraints = "critical,CA:TRUE"
      }
    }
  }

  /// - Parameter parent: nil signs itself.
  package init(
    _ name: String = "Test CA", under parent: TestAuthority? = nil, _ change: (inout Wish) -> Void = { _ in }
  ) throws {
    var wish = Wish.authority(name)
    change(&wish)
    certificate = try Self.make(wish, issuer: parent?.certificate)
  }

  package func issue(_ change: (inout Wish) -> Void = { _ in }) throws -> TestCertificate {
    try Self.make(Wish(change), issuer: certificate)
  }

  /// A certificate that vouches for itself.
  package static func selfSigned(_ change: (inout Wish) -> Void = { _ in }) throws -> TestCertificate {
    try make(Wish(change), issuer: nil)
  }

  private static func make(_ wish: Wish, issuer: TestCertificate?) throws -> TestCertificate {
    let key = try TestKey(wish.key)
    guard let pointer = X509_new() else { throw TestFault("no memory") }
    let made = TestCertificate(adopting: pointer, key: key)
    let now = Int64(time(nil))
    let subject = X509_get_subject_name(pointer)
    guard X509_set_version(pointer, 2) == 1,
      ASN1_INTEGER_set_uint64(X509_get_serialNumber(pointer), UInt64.random(in: 1...UInt64(Int64.max))) == 1,
      ASN1_TIME_set(X509_getm_notBefore(pointer), time_t(now + wish.begins)) != nil,
      ASN1_TIME_set(X509_getm_notAfter(pointer), time_t(now + wish.ends)) != nil,
      X509_NAME_add_entry_by_NID(
        subject, NID_commonName, MBSTRING_UTF8, Array(wish.name.utf8), Int32(wish.name.utf8.count), -1, 0) == 1,
      X509_set_issuer_name(pointer, X509_get_subject_name(issuer?.pointer ?? pointer)) == 1,
      X509_set_pubkey(pointer, key.pointer) == 1
    else { throw TestFault("no certificate") }
    var extensions = [
      (NID_basic_constraints, wish.constraints), (NID_key_usage, wish.keyUsage), (NID_ext_key_usage, wish.usage),
      (NID_subject_alt_name, wish.alternativeNames),
    ]
    if wish.hasKeyIdentifiers {
      extensions += [(NID_subject_key_identifier, "hash"), (NID_authority_key_identifier, "keyid:always")]
    }
    for case (let nid, let value?) in extensions
    where rouse_add_extension(pointer, issuer?.pointer ?? pointer, nid, value) != 1 {
      throw TestFault("no extension \(value)")
    }
    let signer = issuer?.key ?? key
    let isEdwards = EVP_PKEY_get_id(signer.pointer) == EVP_PKEY_ED25519
    guard X509_sign(pointer, signer.pointer, isEdwards ? nil : wish.signedWithSHA1 ? EVP_sha1() : EVP_sha256()) > 0
    else {
      throw TestFault("no signature")
    }
    return made
  }

  /// PEM.
  /// - Parameters:
  ///   - begins: seconds from now; likewise `ends`, which nil leaves out.
  ///   - key: signs in place of the authority's own.
  package func revocationList(
    of revoked: [TestCertificate] = [], begins: Int64 = -300, ends: Int64? = 86_400, signedBy key: TestKey? = nil
  ) throws -> [UInt8] {
    guard let list = X509_CRL_new() else { throw TestFault("no memory") }
    defer { X509_CRL_free(list) }
    guard let time = ASN1_TIME_set(nil, Foundation.time(nil) + time_t(begins)) else { throw TestFault("no time") }
    defer { ASN1_TIME_free(time) }
    guard X509_CRL_set_version(list, 1) == 1,
      X509_CRL_set_issuer_name(list, X509_get_subject_name(certificate.pointer)) == 1,
      X509_CRL_set1_lastUpdate(list, time) == 1
    else { throw TestFault("no list") }
    for certificate in revoked {
      guard let entry = X509_REVOKED_new(),
        X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(certificate.pointer)) == 1,
        X509_REVOKED_set_revocationDate(entry, time) == 1, X509_CRL_add0_revoked(list, entry) == 1
      else { throw TestFault("no entry") }
    }
    if let ends {
      guard let time = ASN1_TIME_set(nil, Foundation.time(nil) + time_t(ends)) else { throw TestFault("no time") }
      defer { ASN1_TIME_free(time) }
      guard X509_CRL_set1_nextUpdate(list, time) == 1 else { throw TestFault("no end") }
    }
    guard X509_CRL_sign(list, (key ?? certificate.key).pointer, EVP_sha256()) > 0 else {
      throw TestFault("no signature")
    }
    return try TestCertificate.bytes { PEM_write_bio_X509_CRL($0, list) }
  }
}
