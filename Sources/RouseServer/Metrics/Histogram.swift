import CoreMetrics
import Glibc
import Synchronization

/// How long things took, counted in buckets eight a doubling: a quantile is right to an eighth. Any thread may
/// record, without a lock.
final class Histogram: TimerHandler, RecorderHandler, @unchecked Sendable {
  // Sendable because its memory is atomic, and stands where it is.

  /// Buckets a doubling, and doublings from 1 microsecond on: to 67 seconds. What is longer counts in the last.
  private static let steps = 8
  private static let doublings = 26
  static let count = steps * doublings + 1

  private let buckets: UnsafeMutablePointer<Atomic<Int>>
  private let sum = Atomic<Int>(0)
  private let greatest = Atomic<Int>(0)

  init() {
    buckets = .allocate(capacity: Self.count)
    for index in 0..<Self.count { (buckets + index).initialize(to: Atomic(0)) }
  }

  deinit {
    buckets.deinitialize(count: Self.count)
    buckets.deallocate()
  }

  func recordNanoseconds(_ duration: Int64) { recordNanoseconds(duration, times: 1) }

  /// As many took as long.
  func recordNanoseconds(_ duration: Int64, times: Int) {
    let nanoseconds = Int(max(0, duration))
    buckets[Self.bucket(nanoseconds)].wrappingAdd(times, ordering: .relaxed)
    sum.wrappingAdd(nanoseconds &* times, ordering: .relaxed)
    if nanoseconds > greatest.load(ordering: .relaxed) { raise(to: nanoseconds) }
  }

  func record(_ value: Int64) { recordNanoseconds(value) }
  func record(_ value: Double) { recordNanoseconds(value.isFinite ? Int64(min(max(value, 0), 1e18)) : 0) }

  private func raise(to value: Int) {
    var seen = greatest.load(ordering: .relaxed)
    while value > seen {
      let (done, now) = greatest.compareExchange(expected: seen, desired: value, ordering: .relaxed)
      if done { return }
      seen = now
    }
  }

  /// By the two highest bits' place and the three after them: no logarithm.
  private static func bucket(_ nanoseconds: Int) -> Int {
    let micros = nanoseconds / 125
    // In eighths of a microsecond, so that the first doubling has its eight steps too.
    guard micros >= 8 else { return 0 }
    let exponent = Int.bitWidth - 1 - micros.leadingZeroBitCount
    let step = (micros >> (exponent - 3)) & 7
    return min((exponent - 3) * steps + step + 1, count - 1)
  }

  /// Seconds: what a bucket holds is less than this.
  private static func bound(_ bucket: Int) -> Double {
    guard bucket > 0 else { return 1e-6 }
    let (doubling, step) = (bucket - 1).quotientAndRemainder(dividingBy: steps)
    return 1e-6 * Double(1 << doubling) * (1 + Double(step + 1) / Double(steps))
  }

  /// A view of it: taken bucket by bucket, so that what is recorded meanwhile may be in it or not.
  struct Snapshot {
    fileprivate var counts: [Int]
    /// Seconds.
    let sum: Double
    let greatest: Double
    let count: Int

    /// Seconds; nil when nothing was recorded.
    func quantile(_ share: Double) -> Double? {
      guard count > 0 else { return nil }
      let wanted = max(1, Int((Double(count) * share).rounded(.up)))
      var seen = 0
      for (bucket, here) in counts.enumerated() {
        seen += here
        if seen >= wanted { return min(Histogram.bound(bucket), greatest) }
      }
      return greatest
    }

    /// How many took at most so many doublings of a microsecond, for each doubling: the bounds are Prometheus' `le`.
    var doublings: [(le: Double, count: Int)] {
      var seen = counts[0]
      var all: [(le: Double, count: Int)] = [(1e-6, seen)]
      for doubling in 0..<Histogram.doublings {
        for step in 0..<Histogram.steps { seen += counts[1 + doubling * Histogram.steps + step] }
        // The last bucket has no end.
        if doubling < Histogram.doublings - 1 { all.append((1e-6 * Double(1 << (doubling + 1)), seen)) }
      }
      return all
    }
  }

  var snapshot: Snapshot {
    let counts = (0..<Self.count).map { buckets[$0].load(ordering: .relaxed) }
    return Snapshot(
      counts: counts, sum: Double(sum.load(ordering: .relaxed)) * 1e-9,
      greatest: Double(greatest.load(ordering: .relaxed)) * 1e-9, count: counts.reduce(0, +))
  }
}
