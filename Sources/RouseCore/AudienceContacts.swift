/// The contacts that a candidate carries, by the audience's numbers of channels: few candidates carry any.
struct AudienceContacts {
  /// What stands in the column `contacts`.
  enum Code {
    static let none: UInt64 = 0
    static let wrongType: UInt64 = 1
    /// An empty list.
    static let empty: UInt64 = 2
    /// They stand beside the columns.
    static let beside: UInt64 = 3
  }

  /// Entries of the list, usable or not.
  let entries: Int
  /// A usable contact: its time counted from the first moment there is, and the number of its channel, counted from 1.
  private var packed: [UInt64]

  private static let channelBits: UInt64 = 24

  static func code(_ row: CandidateRow) -> UInt64 {
    if row.contactEntries > 0 { return Code.beside }
    switch row.contactsState {
    case FactState.present: return Code.empty
    case FactState.wrongType: return Code.wrongType
    default: return Code.none
    }
  }

  /// - Parameter number: of a channel's name.
  init(_ row: CandidateRow, number: (UnsafeRawBufferPointer) -> Int?) {
    entries = row.contactEntries
    packed = []
    row.textBytes.withUnsafeBytes { bytes in
      for (contact, place) in zip(row.contacts, row.channelPlaces) {
        let name = UnsafeRawBufferPointer(rebasing: bytes[place.start..<(place.start + place.count)])
        packed.append(Self.pack(contact.at, number(name) ?? -1))
      }
    }
  }

  private static func pack(_ at: Int64, _ channel: Int) -> UInt64 {
    let channel = channel + 1 < 1 << channelBits ? UInt64(channel + 1) : 0
    return UInt64(bitPattern: at &- Moment.first) << channelBits | channel
  }

  /// The same by other numbers of channels.
  func numbered(_ numbers: [Int]) -> AudienceContacts {
    var other = self
    other.packed = all.map { at, channel in Self.pack(at, channel >= 0 ? numbers[channel] : -1) }
    return other
  }

  /// Times and numbers of channels; -1: one that has no number.
  var all: [(at: Int64, channel: Int)] {
    packed.map { value in
      (
        Int64(bitPattern: value >> Self.channelBits) &+ Moment.first,
        Int(value & ((1 << Self.channelBits) - 1)) - 1
      )
    }
  }

  /// About the bytes of one, its place in a dictionary and its list included.
  static let memory = 128
}
