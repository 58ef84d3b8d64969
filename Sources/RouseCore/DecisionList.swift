/// One of a decision's lists as it is: whatever the decision is used for next, it stays.
package struct DecisionList<Element: BitwiseCopyable>: RandomAccessCollection {
  private let memory: DecisionMemory
  private let start: UnsafeMutablePointer<Element>
  package let count: Int

  init(_ start: UnsafeMutablePointer<Element>, _ count: Int, in memory: DecisionMemory) {
    self.memory = memory
    self.start = start
    self.count = count
  }

  package var startIndex: Int { 0 }
  package var endIndex: Int { count }

  package subscript(index: Int) -> Element {
    precondition(index >= 0 && index < count)
    return withExtendedLifetime(memory) { start[index] }
  }

  package func withContiguousStorageIfAvailable<Result>(
    _ body: (UnsafeBufferPointer<Element>) throws -> Result
  ) rethrows -> Result? {
    try withExtendedLifetime(memory) { try body(UnsafeBufferPointer(start: start, count: count)) }
  }
}

/// Where a decision's lists stand. Copies of a decision share it until one of them changes.
package final class DecisionMemory: @unchecked Sendable {
  // Sendable because only a decision that alone holds it writes to it.

  /// How long the lists may become.
  struct Sizes: BitwiseCopyable {
    var reasons = 16
    var channels = 8
    var bins = 16

    @inline(__always)
    func fit(_ other: Sizes) -> Bool {
      reasons >= other.reasons && channels >= other.channels && bins >= other.bins
    }

    /// Such that both fit.
    func widened(by other: Sizes) -> Sizes {
      Sizes(
        reasons: max(reasons, other.reasons), channels: max(channels, other.channels), bins: max(bins, other.bins))
    }
  }

  /// The lists themselves; valid while the memory lives.
  package struct Lists: BitwiseCopyable, @unchecked Sendable {
    let sizes: Sizes
    package let reasons: UnsafeMutablePointer<Int32>
    package let responseBins: UnsafeMutablePointer<Int32>
    let free: UnsafeMutablePointer<Int32>
    let recentOn: UnsafeMutablePointer<Int>
    package let options: UnsafeMutablePointer<Option>

    init(_ sizes: Sizes) {
      self.sizes = sizes
      reasons = .allocate(capacity: sizes.reasons)
      responseBins = .allocate(capacity: sizes.bins)
      free = .allocate(capacity: sizes.channels)
      recentOn = .allocate(capacity: sizes.channels)
      options = .allocate(capacity: sizes.channels)
    }
  }
  let lists: Lists

  init(_ sizes: Sizes) { lists = Lists(sizes) }

  deinit {
    lists.reasons.deallocate()
    lists.responseBins.deallocate()
    lists.free.deallocate()
    lists.recentOn.deallocate()
    lists.options.deallocate()
  }
}
