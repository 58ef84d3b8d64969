/// An audience's numbers of texts and channels as a policy's: made once for a policy, refreshed as the audience grows. One a
/// thread.
package final class AudienceTexts {
  package let audience: Audience
  package let policy: Policy
  /// By the audience's number: the policy's. One more stands behind them, for all that are not known.
  private var numbers: ContiguousArray<UInt32> = [UInt32(TextTable.other)]
  private var channels: [Int] = []
  /// Of the audience's shares, when they are by the policy's salt.
  private(set) var generation = -1

  package init(audience: Audience, policy: Policy) {
    self.audience = audience
    self.policy = policy
    refresh()
  }

  /// Learns what has come since; to be called before rows are gathered, while nobody may write.
  package func refresh() {
    if numbers.count <= audience.words.count {
      numbers.removeLast()
      for number in numbers.count..<audience.words.count {
        numbers.append(UInt32(truncatingIfNeeded: audience.words.withText(number) { policy.texts.id(of: $0) }))
      }
      numbers.append(UInt32(TextTable.other))
    }
    for number in channels.count..<audience.channels.count {
      let text = audience.channels.withText(number) { policy.texts.id(of: $0) }
      channels.append(policy.channel(ofText: text) ?? -1)
    }
    generation = audience.salt == policy.experiment.salt ? audience.generation : -1
  }

  @inline(__always)
  func number(of word: UInt64) -> UInt64 {
    numbers.withUnsafeBufferPointer { UInt64($0[Int(min(word, UInt64($0.count - 1)))]) }
  }

  func channel(of number: Int) -> Int { number >= 0 && number < channels.count ? channels[number] : -1 }
}
