import COpenSSL
import Glibc

/// An X.509 certificate, freed with its owner.
final class Certificate {
  let pointer: OpaquePointer
  init(adopting pointer: OpaquePointer) { self.pointer = pointer }
  deinit { X509_free(pointer) }

  /// Seconds since 1970; nil when the certificate's time is malformed.
  var notAfter: Int64? {
    var seconds: Int64 = 0
    return rouse_not_after(pointer, &seconds) == 1 ? seconds : nil
  }

  /// Lower-case hexadecimal; empty when OpenSSL cannot tell it.
  var sha256Fingerprint: String { PeerIdentity.fingerprint(of: pointer) ?? "" }

  var subject: String { distinguishedName(X509_get_subject_name(pointer)) ?? "" }
}

/// A private key, freed with its owner.
final class PrivateKey {
  let pointer: OpaquePointer
  init(adopting pointer: OpaquePointer) { self.pointer = pointer }
  deinit { EVP_PKEY_free(pointer) }
}

/// A PEM file read whole. Every error names the file, what is wrong and the remedy.
struct PEMFile {
  let path: String
  private let bytes: [UInt8]
  /// Bytes; the bundle of all public authorities has a quarter of it.
  private static let limit = 1 << 20

  /// `role` says what the file is for: "certificate", "private key". A file of more than `limit` bytes is refused.
  init(_ path: String, role: String, limit: Int = PEMFile.limit) throws(TLSError) {
    self.path = path
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw Self.unreadable(path, role, errno) }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 16384)
    while true {
      let count = read(descriptor, &chunk, chunk.count)
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw Self.unreadable(path, role, errno) }
      if count == 0 { break }
      bytes.append(contentsOf: chunk[..<count])
      guard bytes.count <= limit else {
        throw .configuration("\(path): too large for a \(role) (over \(limit >> 20) MiB); give a PEM file")
      }
    }
    self.bytes = bytes
  }

  private static func unreadable(_ path: String, _ role: String, _ code: Int32) -> TLSError {
    let remedy =
      switch code {
      case ENOENT, ENOTDIR: "give the path of the \(role) in PEM form"
      case EACCES: "let the user who runs this read it"
      default: "give a readable PEM file"
      }
    return .configuration("\(path): cannot read the \(role): \(String(cString: strerror(code))); \(remedy)")
  }

  /// All certificates of the file, in its order; at least one.
  func certificates() throws(TLSError) -> [Certificate] {
    let bio = try memory()
    defer { BIO_free(bio) }
    var found: [Certificate] = []
    ERR_clear_error()
    while let pointer = rouse_read_certificate(bio) { found.append(Certificate(adopting: pointer)) }
    let ended = rouse_error_is_end_of_pem() == 1
    let reason = takeOpenSSLReason(otherwise: "malformed")
    guard ended else { throw .configuration("\(path): damaged certificate (\(reason)); give it in PEM form") }
    guard !found.isEmpty else {
      throw .configuration("\(path): holds no certificate; it must be PEM, with -----BEGIN CERTIFICATE-----")
    }
    return found
  }

  /// All certificate revocation lists of the file, in its order; at least one.
  func revocationLists() throws(TLSError) -> [RevocationList] {
    let bio = try memory()
    defer { BIO_free(bio) }
    var found: [RevocationList] = []
    ERR_clear_error()
    while let pointer = rouse_read_revocation_list(bio) { found.append(RevocationList(adopting: pointer)) }
    let ended = rouse_error_is_end_of_pem() == 1
    let reason = takeOpenSSLReason(otherwise: "malformed")
    guard ended else { throw .configuration("\(path): damaged revocation list (\(reason)); give it in PEM form") }
    guard !found.isEmpty else {
      throw .configuration(
        "\(path): holds no revocation list; it must be PEM, with -----BEGIN X509 CRL-----: "
          + "openssl crl -inform DER -in FILE -out NEW makes one of DER")
    }
    return found
  }

  func privateKey() throws(TLSError) -> PrivateKey {
    let bio = try memory()
    defer { BIO_free(bio) }
    ERR_clear_error()
    if let pointer = rouse_read_private_key(bio) { return PrivateKey(adopting: pointer) }
    if rouse_error_is_passphrase() == 1 {
      ERR_clear_error()
      throw .configuration(
        "\(path): the private key has a passphrase; take it off with: openssl pkey -in FILE -out NEW")
    }
    let reason = takeOpenSSLReason(otherwise: "malformed")
    // OpenSSL's answer to a file without a key is as unspecific as that to a damaged one.
    if !String(decoding: bytes, as: UTF8.self).contains("PRIVATE KEY-----") {
      throw .configuration("\(path): holds no private key; it must be PEM, with -----BEGIN PRIVATE KEY-----")
    }
    throw .configuration("\(path): damaged private key (\(reason)); give it in PEM form")
  }

  private func memory() throws(TLSError) -> OpaquePointer {
    guard !bytes.isEmpty else { throw .configuration("\(path): is empty; give a PEM file") }
    // The BIO copies: a read-only one over the array would outlive the closure that lends the bytes.
    guard let bio = BIO_new(BIO_s_mem()) else { throw .configuration("\(path): out of memory") }
    guard BIO_write(bio, bytes, Int32(bytes.count)) == Int32(bytes.count) else {
      BIO_free(bio)
      throw .configuration("\(path): out of memory")
    }
    return bio
  }
}

/// When the first certificate of a PEM file ends, in seconds since 1970: for a warning in good time.
package func certificateNotAfter(file: String) throws(TLSError) -> Int64 {
  guard let end = try PEMFile(file, role: "certificate").certificates().first?.notAfter else {
    throw .configuration("\(file): the certificate's end date is malformed; issue it anew")
  }
  return end
}
