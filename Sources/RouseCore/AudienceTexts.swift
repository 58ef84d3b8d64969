/// An audience's numbers of texts and channels as a policy's: made once for a policy, refreshed before each use, for the
/// audience grows. One a thread.
package final class AudienceTexts {
  package let audience: Audience
  package let policy: Policy
  /// By the audience's number: the policy's. One more stands behind them, for all that are not known.
  private var numbers: UnsafeMutablePointer<UInt32>
  private var count = 0
  private var capacity = 64
  private var channels: [Int] = []
  /// Of the audience's shares, when they are by the policy's salt.
  private(set) var generation = -1

  package init(audience: Audience, policy: Policy) {
    self.audience = audience
    self.policy = policy
    numbers = .allocate(capacity: capacity)
    numbers.initialize(repeating: UInt32(TextTable.other), count: capacity)
  }

  deinit { numbers.deallocate() }

  /// Learns what has come since; to be called before rows are gathered, while nobody may write.
  package func refresh() {
    if audience.words.count >= capacity { grow(to: audience.words.count + audience.words.count / 2 + 1) }
    while count < audience.words.count {
      numbers[count] = UInt32(truncatingIfNeeded: audience.words.withText(count) { policy.texts.id(of: $0) })
      count += 1
    }
    numbers[count] = UInt32(TextTable.other)
    for number in channels.count..<audience.channels.count {
      let text = audience.channels.withText(number) { policy.texts.id(of: $0) }
      channels.append(policy.channel(ofText: text) ?? -1)
    }
    generation = audience.salt == policy.experiment.salt ? audience.generation : -1
  }

  private func grow(to size: Int) {
    let larger = UnsafeMutablePointer<UInt32>.allocate(capacity: size)
    larger.initialize(repeating: UInt32(TextTable.other), count: size)
    larger.update(from: numbers, count: count)
    numbers.deallocate()
    numbers = larger
    capacity = size
  }

  @inline(__always)
  func number(of word: UInt64) -> UInt64 { UInt64(numbers[Int(min(word, UInt64(count)))]) }

  func channel(of number: Int) -> Int { number >= 0 && number < channels.count ? channels[number] : -1 }
}
