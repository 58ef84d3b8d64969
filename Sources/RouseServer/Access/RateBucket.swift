import Synchronization

/// The token bucket of one identity, over all its connections: so many requests a second, of which one second's worth may
/// come at once.
final class RateBucket: Sendable {
  /// Requests a second.
  let rate: Int
  private struct Level {
    /// Requests that may come now, in billionths.
    var tokens: UInt64
    var time: UInt64
  }
  private let level: Mutex<Level>
  private static let one: UInt64 = 1_000_000_000

  init(rate: Int) {
    self.rate = max(1, rate)
    level = Mutex(Level(tokens: UInt64(max(1, rate)) &* Self.one, time: 0))
  }

  /// Takes one request's token; else the milliseconds until there is one.
  /// - Parameter now: nanoseconds since some moment.
  func take(now: UInt64) -> Int? {
    let rate = UInt64(self.rate)
    return level.withLock { level in
      let most = rate &* Self.one
      // More than a second's worth does not gather, so a longer time need not be multiplied out.
      let passed = min(now > level.time ? now - level.time : 0, Self.one)
      level.tokens = min(most, level.tokens &+ passed &* rate)
      level.time = max(level.time, now)
      guard level.tokens < Self.one else {
        level.tokens -= Self.one
        return nil
      }
      let nanoseconds = (Self.one - level.tokens + rate - 1) / rate
      return Int(nanoseconds / 1_000_000) + 1
    }
  }
}
