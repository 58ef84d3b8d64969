import RouseCore

/// A secret that stands for an identity, as the server knows it: by its SHA-256, so that nobody can present what they read
/// here.
package struct Token: Sendable, Equatable {
  package let name: String
  package let roles: Set<Configuration.Role>
  /// RFC 3339, in UTC.
  package let added: String
  /// Of the token's text.
  let digest: SIMD4<UInt64>

  /// - Parameter sha256: 32 bytes; nil for any other number.
  package init?(name: String, roles: Set<Configuration.Role>, added: String, sha256: [UInt8]) {
    guard sha256.count == 32 else { return nil }
    self.name = name
    self.roles = roles
    self.added = added
    digest = sha256.withUnsafeBytes { $0.loadUnaligned(as: SIMD4<UInt64>.self) }
  }

  package var sha256: [UInt8] { withUnsafeBytes(of: digest) { Array($0) } }

  /// A new token's text: `rouse_` and 32 random bytes in base64url, 256 bits that nobody guesses.
  package static func makeText() -> String {
    var random = SystemRandomNumberGenerator()
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
    var text = Array("rouse_".utf8)
    // 43 digits of 6 bits hold 256 bits; the last digit has 4 of them, and ends with two zeros.
    for digit in 0..<43 { text.append(alphabet[Int(random.next() & (digit < 42 ? 63 : 60))]) }
    return String(decoding: text, as: UTF8.self)
  }
}

/// The tokens that the server takes.
package struct Tokens: Sendable, Equatable {
  /// By name, in the file's order.
  package private(set) var all: [Token]

  package init(_ all: [Token] = []) { self.all = all }

  package var isEmpty: Bool { all.isEmpty }

  package subscript(_ name: String) -> Token? { all.first { $0.name.utf8.elementsEqual(name.utf8) } }

  /// The token that a peer presents, or nil. How long it takes tells nothing: not whether there is such a token, nor
  /// which, nor how much of its SHA-256 was right. Every one is compared, and each in full.
  package func match(_ presented: String) -> Token? {
    let digest = sha256(Array(presented.utf8)).withUnsafeBytes { $0.loadUnaligned(as: SIMD4<UInt64>.self) }
    var found = -1
    for (index, token) in all.enumerated() {
      let different = token.digest ^ digest
      let any = different.x | different.y | different.z | different.w
      // 0 when they are equal, else 1.
      let isOther = Int((any | (0 &- any)) >> 63)
      found = found & -isOther | index & (isOther - 1)
    }
    return found < 0 ? nil : all[found]
  }

  mutating func add(_ token: Token) { all.append(token) }

  mutating func remove(_ name: String) { all.removeAll { $0.name.utf8.elementsEqual(name.utf8) } }
}
