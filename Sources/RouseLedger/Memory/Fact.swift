/// A contact that was made, in 8 bytes: the user's place in the block, the second, the channel. They are in order of
/// the user, then of time.
struct ContactFact: BitwiseCopyable {
  let bits: UInt64

  /// Half of the range of 40 bits: every moment of the years 1 to 9999 lies within.
  private static let shift: Int64 = 1 << 39

  /// No channel.
  static let noChannel = 0xFFFF

  init(user: Int, at: Int64, channel: Int) {
    let moment = UInt64(min(max(at, -Self.shift), Self.shift - 1) + Self.shift)
    bits = UInt64(user & 0xFF) << 56 | moment << 16 | UInt64(channel & 0xFFFF)
  }

  var user: Int { Int(truncatingIfNeeded: bits &>> 56) }
  var at: Int64 { Int64(truncatingIfNeeded: bits &>> 16 & 0xFF_FFFF_FFFF) - Self.shift }
  var channel: Int { Int(truncatingIfNeeded: bits & 0xFFFF) }
}

/// Anything else that is known of a user, in 16 bytes.
struct Fact: BitwiseCopyable {
  enum Kind {
    /// The latest opt-out, opt-in and complaint: `value` is their moment.
    static let optOut: UInt8 = 1
    static let optIn: UInt8 = 2
    static let complaint: UInt8 = 3
    /// Taken by a plan, `number`, until `value`.
    static let lease: UInt8 = 4
    /// `value` is the ledger's sequence at which what is known of the user last changed.
    static let changed: UInt8 = 5
  }

  /// The user's place in the block, the kind and the number: they are in this order.
  let bits: UInt64
  var value: Int64

  init(user: Int, kind: UInt8, number: Int = 0, value: Int64) {
    bits = UInt64(user & 0xFF) << 56 | UInt64(kind) << 48 | UInt64(truncatingIfNeeded: number) & 0xFFFF_FFFF_FFFF
    self.value = value
  }

  var user: Int { Int(truncatingIfNeeded: bits &>> 56) }
  var kind: UInt8 { UInt8(truncatingIfNeeded: bits &>> 48) }
  var number: Int { Int(truncatingIfNeeded: bits & 0xFFFF_FFFF_FFFF) }
}
