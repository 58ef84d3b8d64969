import COpenSSL

/// Names for users in logs: the same user has the same name, and without the key nobody can find the user, not even by
/// trying all user_ids.
package struct Pseudonyms: Sendable, Equatable, CustomStringConvertible, CustomReflectable {
  package static let keySize = 32
  private let key: [UInt8]

  /// - Parameter key: 64 hexadecimal digits.
  package init?(hexadecimal: String) {
    let digits = Array(hexadecimal.utf8)
    guard digits.count == 2 * Self.keySize else { return nil }
    var key: [UInt8] = []
    for index in stride(from: 0, to: digits.count, by: 2) {
      guard let high = Self.value(digits[index]), let low = Self.value(digits[index + 1]) else { return nil }
      key.append(high << 4 | low)
    }
    self.key = key
  }

  /// The first half of HMAC-SHA-256, as 16 hexadecimal digits.
  package func pseudonym(of userID: UnsafeRawBufferPointer) -> String {
    var digest = [UInt8](repeating: 0, count: 32)
    let bytes = userID.bindMemory(to: UInt8.self)
    guard HMAC(EVP_sha256(), key, Int32(key.count), bytes.baseAddress, bytes.count, &digest, nil) != nil else {
      return "unknown"
    }
    return hexadecimal(digest.prefix(8))
  }

  package func pseudonym(of userID: some Collection<UInt8>) -> String {
    Array(userID).withUnsafeBytes { pseudonym(of: $0) }
  }

  /// The key stays out of whatever a configuration is printed to.
  package var description: String { "pseudonyms" }
  package var customMirror: Mirror { Mirror(self, children: []) }

  private static func value(_ digit: UInt8) -> UInt8? {
    switch digit {
    case 0x30...0x39: digit - 0x30
    case 0x41...0x46: digit - 0x37
    case 0x61...0x66: digit - 0x57
    default: nil
    }
  }
}

/// Lower case.
func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
  let digits = Array("0123456789abcdef".utf8)
  return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
}
