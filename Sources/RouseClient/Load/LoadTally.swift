import Histogram

/// What one thread of a load has counted within the measured time.
struct LoadTally {
  var requests = 0
  var users = 0
  /// By their code.
  var errors: [String: Int] = [:]
  /// Nanoseconds from the write of a request to the read of its answer, to three digits.
  var latencies = Histogram<UInt64>(
    highestTrackableValue: LoadTally.longest, numberOfSignificantValueDigits: .three)

  /// Nanoseconds; beyond the time after which a load gives up waiting.
  static let longest: UInt64 = 3600 * 1_000_000_000

  mutating func add(_ other: LoadTally) {
    requests += other.requests
    users += other.users
    errors.merge(other.errors, uniquingKeysWith: +)
    latencies.add(other.latencies)
  }
}
