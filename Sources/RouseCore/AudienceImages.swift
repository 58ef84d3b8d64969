/// Candidates on their way into an audience: packed on any thread, so that putting them takes little of the time in which
/// nobody may read.
package final class AudienceImages: @unchecked Sendable {
  // Sendable because one thread fills it, and only then hands it over.

  package let fields: FieldTable
  private let experiment: Experiment?
  /// By candidate and column; a text is a number of `words`.
  private(set) var bits: ContiguousArray<UInt64> = []
  private(set) var states: ContiguousArray<UInt8> = []
  private(set) var shares: ContiguousArray<UInt16> = []
  /// The contacts of those that carry any.
  private(set) var carried: [Int: AudienceContacts] = [:]
  private(set) var words = AudienceWords()
  private(set) var channels = AudienceWords()
  /// The audience's numbers of `words` and `channels`, once it has been asked.
  private(set) var wordNumbers: [Int] = []
  private(set) var channelNumbers: [Int] = []
  private var audience: Audience?

  /// - Parameters:
  ///   - fields: as the audience's.
  ///   - experiment: whose shares are hashed now, so that no rank need do it.
  package init(fields: FieldTable, experiment: Experiment? = nil) {
    self.fields = fields
    self.experiment = experiment
  }

  package var count: Int { shares.count }

  /// Whose shares the images hold.
  var salt: [UInt8]? { experiment?.salt }

  /// About the bytes that the images take.
  package var memory: Int {
    bits.capacity * 8 + states.capacity + shares.capacity * 2 + words.memory + channels.memory
      + carried.count * AudienceContacts.memory
  }

  /// Adds a candidate.
  /// - Parameter row: as it was read, by a reader that keeps texts: scoring changes a row.
  package func append(_ row: CandidateRow) {
    let declared = fields.declared.count
    guard row.keepsTexts, row.declaredCount == declared else { return }
    let start = bits.count
    bits.append(contentsOf: UnsafeBufferPointer(start: row.bits, count: declared))
    states.append(contentsOf: UnsafeBufferPointer(start: row.states, count: declared))
    row.textBytes.withUnsafeBytes { bytes in
      for column in fields.textSlots where row.states[column] == FactState.present {
        let place = row.textPlaces[column]
        let text = UnsafeRawBufferPointer(rebasing: bytes[place.start..<(place.start + place.count)])
        if let number = words.number(of: text) {
          bits[start + column] = UInt64(number)
        } else {
          states[start + column] = FactState.missing
        }
      }
    }
    bits.append(UInt64(min(max(0, row.ignored), Int(UInt32.max))))
    bits.append(AudienceContacts.code(row))
    states.append(FactState.present)
    states.append(FactState.present)
    if row.contactEntries > 0 { carried[count] = AudienceContacts(row) { channels.number(of: $0) } }
    shares.append(
      experiment.map { UInt16(truncatingIfNeeded: $0.shares(row.userID).share) } ?? AudienceChunk.noShare)
  }

  /// Learns the audience's numbers of the words that came since it was last asked.
  func resolve(_ audience: Audience, word: (UnsafeRawBufferPointer) -> Int?, channel: (UnsafeRawBufferPointer) -> Int?)
  {
    if self.audience !== audience {
      self.audience = audience
      wordNumbers.removeAll()
      channelNumbers.removeAll()
    }
    for number in wordNumbers.count..<words.count { wordNumbers.append(words.withText(number, word) ?? -1) }
    for number in channelNumbers.count..<channels.count {
      channelNumbers.append(channels.withText(number, channel) ?? -1)
    }
  }
}
