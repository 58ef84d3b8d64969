/// How much of a processor the shadow takes. While it keeps up with all that is asked, as much as that needs. Once something
/// had no room, there is more to do than it can look at anyway, and a part tells as much: then it rests three times as long
/// as it works. For the lowest priority alone does not keep a thread from costing others: it fills their caches, and they wait
/// a little until it leaves the processor.
struct ShadowPace {
  /// Nanoseconds of work between two rests.
  static let stretch: UInt64 = 1_000_000
  private static let restsPerWork: UInt64 = 3

  private var dropped = 0
  private var isBehind = false
  private var worked: UInt64 = 0

  /// - Parameter dropped: how many candidates have found no room until now.
  mutating func look(dropped: Int) {
    isBehind = dropped > self.dropped
    self.dropped = dropped
  }

  /// - Parameter nanoseconds: what was worked since the last call.
  /// - Returns: microseconds to rest for; nil: none.
  mutating func rest(after nanoseconds: UInt64) -> UInt32? {
    guard isBehind else {
      worked = 0
      return nil
    }
    worked &+= nanoseconds
    guard worked >= Self.stretch else { return nil }
    defer { worked = 0 }
    return UInt32(min(worked / 1000 * Self.restsPerWork, 1_000_000))
  }
}
