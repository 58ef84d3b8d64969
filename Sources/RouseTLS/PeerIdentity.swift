import COpenSSL
import Glibc

/// Who the other side is, by its verified certificate.
package struct PeerIdentity: Sendable, Equatable {
  /// nil when the subject has no common name, or several: which one counts would be a guess.
  package let subjectCommonName: String?
  /// The subject alternative names, in the certificate's order.
  package let dnsNames: [String]
  package let uris: [String]
  package let emails: [String]
  /// In the usual notation: `127.0.0.1`, `::1`.
  package let ipAddresses: [String]
  /// The whole subject in RFC 2253 notation, as `openssl x509 -subject -nameopt RFC2253` prints it.
  package let subject: String
  /// Seconds since 1970.
  package let notAfter: Int64
  /// Hexadecimal, lower case, without a prefix or separators.
  package let serial: String
  /// SHA-256 of the certificate's DER, as 64 lower-case hexadecimal digits.
  package let sha256Fingerprint: String

  package init(
    subjectCommonName: String?, dnsNames: [String], uris: [String], emails: [String], ipAddresses: [String],
    subject: String, notAfter: Int64, serial: String, sha256Fingerprint: String
  ) {
    self.subjectCommonName = subjectCommonName
    self.dnsNames = dnsNames
    self.uris = uris
    self.emails = emails
    self.ipAddresses = ipAddresses
    self.subject = subject
    self.notAfter = notAfter
    self.serial = serial
    self.sha256Fingerprint = sha256Fingerprint
  }

  /// Reads an X509, which it only borrows. nil when a name is not plain text of its kind: an embedded NUL or a control
  /// character makes two programs see two names, so such a certificate names nobody.
  init?(certificate: OpaquePointer) {
    ERR_clear_error()
    defer { ERR_clear_error() }
    guard let names = AlternativeNames(certificate: certificate) else { return nil }
    dnsNames = names.dns
    uris = names.uris
    emails = names.emails
    ipAddresses = names.addresses
    guard case .some(let commonName) = Self.commonName(of: certificate) else { return nil }
    subjectCommonName = commonName
    guard let subject = distinguishedName(X509_get_subject_name(certificate)) else { return nil }
    self.subject = subject
    var seconds: Int64 = 0
    guard rouse_not_after(certificate, &seconds) == 1 else { return nil }
    notAfter = seconds
    guard let number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nil) else { return nil }
    defer { BN_free(number) }
    var bytes = [UInt8](repeating: 0, count: max(0, Int(BN_num_bits(number)) + 7) / 8)
    BN_bn2bin(number, &bytes)
    serial = bytes.isEmpty ? "00" : Self.hexadecimal(bytes)
    guard let fingerprint = Self.fingerprint(of: certificate) else { return nil }
    sha256Fingerprint = fingerprint
  }

  static func fingerprint(of certificate: OpaquePointer) -> String? {
    var digest = [UInt8](repeating: 0, count: 32)
    var length: UInt32 = 32
    guard X509_digest(certificate, EVP_sha256(), &digest, &length) == 1, length == 32 else { return nil }
    return hexadecimal(digest)
  }

  /// The outer nil: not readable; the inner: none, or several.
  private static func commonName(of certificate: OpaquePointer) -> String?? {
    let subject = X509_get_subject_name(certificate)
    let first = X509_NAME_get_index_by_NID(subject, NID_commonName, -1)
    guard first >= 0 else { return .some(nil) }
    guard X509_NAME_get_index_by_NID(subject, NID_commonName, first) < 0 else { return .some(nil) }
    let entry = X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, first))
    var bytes: UnsafeMutablePointer<UInt8>?
    let count = ASN1_STRING_to_UTF8(&bytes, entry)
    guard count >= 0, let bytes else { return nil }
    defer { rouse_free(bytes) }
    let text = UnsafeBufferPointer(start: bytes, count: Int(count))
    guard text.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }) else { return nil }
    guard let name = String(validating: text, as: UTF8.self) else { return nil }
    return .some(name)
  }

  private static func hexadecimal(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }
}

/// In RFC 2253 notation: one line, whatever the name holds.
func distinguishedName(_ name: OpaquePointer?) -> String? {
  guard let bio = BIO_new(BIO_s_mem()) else { return nil }
  defer { BIO_free(bio) }
  guard rouse_print_name(bio, name) == 1 else { return nil }
  var text: UnsafePointer<UInt8>?
  let count = rouse_bio_bytes(bio, &text)
  return String(decoding: UnsafeBufferPointer(start: text, count: count), as: UTF8.self)
}

/// The subject alternative names of a certificate, by kind; other kinds are passed over.
private struct AlternativeNames {
  var dns: [String] = []
  var uris: [String] = []
  var emails: [String] = []
  var addresses: [String] = []

  init?(certificate: OpaquePointer) {
    var state: Int32 = 0
    guard let names = rouse_alternative_names(certificate, &state) else {
      // -1: the certificate has none. Anything else: it has, but malformed or twice.
      guard state == -1 else { return nil }
      return
    }
    defer { rouse_names_free(names) }
    for index in 0..<max(0, rouse_names_count(names)) {
      var start: UnsafePointer<UInt8>?
      var count: Int32 = 0
      let kind = rouse_name_at(names, index, &start, &count)
      guard kind >= 0 else { continue }
      let bytes = UnsafeBufferPointer(start: start, count: Int(max(0, count)))
      if kind == GEN_IPADD {
        guard let address = Self.address(bytes) else { return nil }
        addresses.append(address)
        continue
      }
      guard !bytes.isEmpty, bytes.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else { return nil }
      let text = String(decoding: bytes, as: UTF8.self)
      switch kind {
      case GEN_DNS: dns.append(text)
      case GEN_URI: uris.append(text)
      default: emails.append(text)
      }
    }
  }

  private static func address(_ bytes: UnsafeBufferPointer<UInt8>) -> String? {
    guard bytes.count == 4 || bytes.count == 16 else { return nil }
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    let family = bytes.count == 4 ? AF_INET : AF_INET6
    guard inet_ntop(family, bytes.baseAddress, &text, socklen_t(text.count)) != nil else { return nil }
    return text.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } }
  }
}
