/// Hashes bytes with a key of this process, so that nobody can choose texts that fill one bucket. The hash finds what is
/// equal and never shows in an answer.
package enum KeyedHash {
  private static let key = UInt64.random(in: .min ... .max) | 1

  package static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    var value = key ^ UInt64(truncatingIfNeeded: bytes.count) &* 0x9E37_79B9_7F4A_7C15
    var at = 0
    while at + 8 <= bytes.count {
      value = mix(value ^ bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self))
      at += 8
    }
    var rest: UInt64 = 0
    while at < bytes.count {
      rest = rest << 8 | UInt64(bytes[at])
      at += 1
    }
    return mix(value ^ rest)
  }

  @inline(__always)
  private static func mix(_ value: UInt64) -> UInt64 {
    let (high, low) = value.multipliedFullWidth(by: (key ^ 0xA076_1D64_78BD_642F) | 1)
    return high ^ low &+ key
  }
}
