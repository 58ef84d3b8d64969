import RouseCore

/// 16 bytes that stand for an id or a key, by a secret of the ledger: who sees them alone cannot try out names against
/// them. The secret is in the same file, so whoever has all of that can.
package struct KeyedHash: Hashable, Sendable {
  package let high: UInt64
  package let low: UInt64

  package init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  /// nil unless there are 16 bytes.
  package init?(bytes: some Collection<UInt8>) {
    guard bytes.count == 16 else { return nil }
    high = bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    low = bytes.dropFirst(8).reduce(0) { $0 << 8 | UInt64($1) }
  }

  package var bytes: [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(16)
    for word in [high, low] {
      for shift in stride(from: UInt64(56), through: 0, by: -8) {
        bytes.append(UInt8(truncatingIfNeeded: word >> shift))
      }
    }
    return bytes
  }
}

/// The secret of a ledger, made with it.
package struct LedgerSecret: Sendable {
  package enum Purpose: UInt8, Sendable {
    case user = 0x75
    case event = 0x65
  }

  package static let size = 32
  package let bytes: [UInt8]

  /// nil unless it is as long as it must be.
  package init?(_ bytes: [UInt8]) {
    guard bytes.count == Self.size else { return nil }
    self.bytes = bytes
  }

  package init() {
    var random = SystemRandomNumberGenerator()
    bytes = (0..<Self.size).map { _ in UInt8.random(in: 0...255, using: &random) }
  }

  package func hash(_ purpose: Purpose, _ text: [UInt8]) -> KeyedHash {
    var all: [UInt8] = []
    all.reserveCapacity(bytes.count + 1 + text.count)
    all.append(contentsOf: bytes)
    all.append(purpose.rawValue)
    all.append(contentsOf: text)
    let digest = sha256(all)
    return KeyedHash(bytes: digest.prefix(16)) ?? KeyedHash(high: 0, low: 0)
  }
}
