/// An audience's numbers of texts and channels as a policy's: made once for a policy, refreshed before each use, for the
/// audience grows. One a thread.
package final class AudienceTexts {
  package let audience: Audience
  package let policy: Policy
  private struct Head {
    /// By the audience's number: the policy's. One more stands behind them, for all that are not known.
    var numbers: UnsafeMutablePointer<UInt32>
    var count = 0
    var capacity = 64
    /// Of the audience's shares, when they are by the policy's salt.
    var generation = -1
  }
  /// Outside the object: fields of a class are checked at each access.
  private let head: UnsafeMutablePointer<Head>
  private var channels: [Int] = []

  package init(audience: Audience, policy: Policy) {
    self.audience = audience
    self.policy = policy
    head = .allocate(capacity: 1)
    head.initialize(to: Head(numbers: .allocate(capacity: 64)))
    head.pointee.numbers.initialize(repeating: UInt32(TextTable.other), count: head.pointee.capacity)
  }

  deinit {
    head.pointee.numbers.deallocate()
    head.deallocate()
  }

  var generation: Int {
    @inline(__always) get { head.pointee.generation }
  }

  /// Learns what has come since; to be called before rows are gathered, while nobody may write.
  package func refresh() {
    let words = audience.words
    if words.count >= head.pointee.capacity { grow(to: words.count + words.count / 2 + 1) }
    for number in head.pointee.count..<max(head.pointee.count, words.count) {
      head.pointee.numbers[number] = UInt32(
        truncatingIfNeeded: words.withText(number) { policy.texts.id(of: $0) })
    }
    head.pointee.count = words.count
    head.pointee.numbers[words.count] = UInt32(TextTable.other)
    for number in channels.count..<audience.channels.count {
      let text = audience.channels.withText(number) { policy.texts.id(of: $0) }
      channels.append(policy.channel(ofText: text) ?? -1)
    }
    head.pointee.generation = audience.salt == policy.experiment.salt ? audience.generation : -1
  }

  private func grow(to size: Int) {
    let larger = UnsafeMutablePointer<UInt32>.allocate(capacity: size)
    larger.initialize(repeating: UInt32(TextTable.other), count: size)
    larger.update(from: head.pointee.numbers, count: head.pointee.count)
    head.pointee.numbers.deallocate()
    head.pointee.numbers = larger
    head.pointee.capacity = size
  }

  @inline(__always)
  func number(of word: UInt64) -> UInt64 {
    UInt64(head.pointee.numbers[Int(min(word, UInt64(head.pointee.count)))])
  }

  func channel(of number: Int) -> Int { number >= 0 && number < channels.count ? channels[number] : -1 }
}
