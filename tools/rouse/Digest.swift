import ArgumentParser
import COpenSSL

/// A digest as ad platforms take it: lower-case hexadecimal digits.
enum Digest: String, ExpressibleByArgument, CaseIterable {
  case sha256, md5

  /// Bytes.
  var size: Int { self == .sha256 ? 32 : 16 }

  func callAsFunction(_ bytes: [UInt8]) throws -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
    var count: UInt32 = 0
    guard EVP_Digest(bytes, bytes.count, &digest, &count, self == .sha256 ? EVP_sha256() : EVP_md5(), nil) == 1,
      count == size
    else { throw Failure(.usage, "this system's OpenSSL makes no \(rawValue) (is it in FIPS mode?)") }
    return Array(digest[..<size])
  }

  static func hex(_ digest: some Collection<UInt8>) -> [UInt8] {
    digest.flatMap { [hexDigit($0 >> 4), hexDigit($0 & 15)] }
  }

  private static func hexDigit(_ value: UInt8) -> UInt8 { value < 10 ? 0x30 + value : 0x57 + value }
}
