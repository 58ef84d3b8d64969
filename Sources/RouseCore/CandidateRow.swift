/// What is known of one fact of a candidate.
package enum FactState {
  package static let missing: UInt8 = 0
  package static let present: UInt8 = 1
  /// Missing, because its value is of another type.
  package static let wrongType: UInt8 = 2
  /// Missing, because the time lies ahead of now.
  package static let ahead: UInt8 = 3
}

/// One candidate, as slots: the reader of the wire fills it, the `Scorer` reads it. One row is used again and again, so
/// that a candidate costs no allocation.
///
/// A slot holds 64 bits: a time as seconds since 1970 (`Int64`), a number as a double's bits, a flag as 0 or 1, a text as
/// its number in the policy's `TextTable`.
package final class CandidateRow {
  package struct Contact {
    package let at: Int64
    /// Channel of the policy, or -1.
    package let channel: Int

    package init(at: Int64, channel: Int) {
      self.at = at
      self.channel = channel
    }

    static func isBefore(_ left: Contact, _ right: Contact) -> Bool {
      left.at != right.at ? left.at < right.at : left.channel < right.channel
    }
  }

  package static let longestUserID = 128

  package let slotCount: Int
  package let declaredCount: Int
  /// Seconds.
  private let clockSkew: Int64
  package let bits: UnsafeMutablePointer<UInt64>
  package let states: UnsafeMutablePointer<UInt8>
  /// At most `longestUserID` bytes of UTF-8.
  package let userIDBytes: UnsafeMutablePointer<UInt8>
  /// What changes with every candidate, outside the object: fields of a class are checked at each access.
  private struct Head {
    var userIDCount = 0
    var contactsState = FactState.missing
    var contacts: ContiguousArray<Contact> = []
    var contactEntries = 0
    var ignored = 0
    var known = KnownFacts()
    var isKnown = false
    var share: Int32 = -1
    var source = UnsafeRawBufferPointer(start: nil, count: 0)
    var userIDStart: UnsafeRawPointer?
    var userIDLength = 0
  }
  private let head: UnsafeMutablePointer<Head>

  /// 0: none usable.
  package var userIDCount: Int {
    get { head.pointee.userIDCount }
    set { head.pointee.userIDCount = newValue }
  }
  /// `FactState`: missing, present, or wrongType when it is no list.
  package var contactsState: UInt8 {
    get { head.pointee.contactsState }
    set { head.pointee.contactsState = newValue }
  }
  /// Entries of the list that have a time and a channel, whether or not the time lies ahead.
  package var contacts: ContiguousArray<Contact> {
    get { head.pointee.contacts }
    _modify { yield &head.pointee.contacts }
  }
  /// Entries of the list, usable or not.
  package var contactEntries: Int {
    get { head.pointee.contactEntries }
    set { head.pointee.contactEntries = newValue }
  }
  /// What the ledger knows of the user; its contacts stand among `contacts`. Set by `know(_:now:)`.
  package var known: KnownFacts { head.pointee.known }
  /// The user's share of 10,000 in the experiment, where it is known already; -1: it is to be hashed.
  package var share: Int32 {
    get { head.pointee.share }
    set { head.pointee.share = newValue }
  }
  /// The candidate's object as it was read; valid until the bytes that it was read from go.
  package var source: UnsafeRawBufferPointer { head.pointee.source }
  package func setSource(_ bytes: UnsafeRawBufferPointer) { head.pointee.source = bytes }
  /// Where the user_id's value stands in it, its quotes included.
  package var userIDStart: UnsafeRawPointer? {
    get { head.pointee.userIDStart }
    set { head.pointee.userIDStart = newValue }
  }
  package var userIDLength: Int {
    get { head.pointee.userIDLength }
    set { head.pointee.userIDLength = newValue }
  }

  /// The object as it was read, but with an empty user_id: what may be kept where users can be forgotten.
  package var sourceWithoutUserID: [UInt8] {
    guard let start = source.baseAddress, let place = userIDStart, userIDCount > 0 else { return Array(source) }
    let before = start.distance(to: place)
    guard before >= 0, before + userIDLength <= source.count else { return Array(source) }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(source.count - userIDLength + 2)
    bytes.append(contentsOf: source[..<before])
    bytes.append(0x22)
    bytes.append(0x22)
    bytes.append(contentsOf: source[(before + userIDLength)...])
    // Outside of strings a CR is white space, and inside there is none: what is kept may stand in a reply's line.
    if bytes.contains(0x0D) { bytes.removeAll { $0 == 0x0D } }
    return bytes
  }

  /// Members that nobody declared.
  package var ignored: Int {
    get { head.pointee.ignored }
    set { head.pointee.ignored = newValue }
  }

  /// Whether texts are kept as they are, beside their numbers: for a policy that compares two fields, and for `explain`.
  package let keepsTexts: Bool
  /// Where the kept text of a slot stands in `textBytes`.
  package let textPlaces: UnsafeMutablePointer<(start: Int, count: Int)>
  package var textBytes: [UInt8] = []
  /// Where the channel that a contact names stands in `textBytes`, for each of `contacts` as they were read.
  package var channelPlaces: ContiguousArray<(start: Int, count: Int)> = []

  package init(policy: Policy, keepingTexts: Bool = false) {
    head = .allocate(capacity: 1)
    head.initialize(to: Head())
    slotCount = policy.fields.slotCount
    declaredCount = policy.fields.declared.count
    clockSkew = policy.definition.clockSkew
    keepsTexts = keepingTexts || policy.comparesTexts
    bits = .allocate(capacity: slotCount)
    bits.initialize(repeating: 0, count: slotCount)
    states = .allocate(capacity: slotCount)
    states.initialize(repeating: FactState.missing, count: slotCount)
    userIDBytes = .allocate(capacity: Self.longestUserID)
    userIDBytes.initialize(repeating: 0, count: Self.longestUserID)
    textPlaces = .allocate(capacity: slotCount)
    textPlaces.initialize(repeating: (0, 0), count: slotCount)
  }

  deinit {
    head.deinitialize(count: 1)
    head.deallocate()
    bits.deallocate()
    states.deallocate()
    userIDBytes.deallocate()
    textPlaces.deallocate()
  }

  package var userID: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: userIDBytes, count: userIDCount) }

  /// Forgets the candidate.
  package func reset() {
    states.update(repeating: FactState.missing, count: slotCount)
    head.pointee.userIDCount = 0
    head.pointee.contactsState = FactState.missing
    if head.pointee.contactEntries > 0 || head.pointee.isKnown {
      head.pointee.contacts.removeAll(keepingCapacity: true)
    }
    if head.pointee.isKnown {
      head.pointee.known = KnownFacts()
      head.pointee.isKnown = false
    }
    head.pointee.share = -1
    head.pointee.source = UnsafeRawBufferPointer(start: nil, count: 0)
    head.pointee.userIDStart = nil
    head.pointee.contactEntries = 0
    head.pointee.ignored = 0
    if keepsTexts {
      textBytes.removeAll(keepingCapacity: true)
      channelPlaces.removeAll(keepingCapacity: true)
    }
  }

  /// Becomes the same candidate as another row of the policy.
  func assign(_ other: CandidateRow) {
    bits.update(from: other.bits, count: slotCount)
    states.update(from: other.states, count: slotCount)
    userIDBytes.update(from: other.userIDBytes, count: Self.longestUserID)
    textPlaces.update(from: other.textPlaces, count: slotCount)
    userIDCount = other.userIDCount
    contactsState = other.contactsState
    contacts = other.contacts
    contactEntries = other.contactEntries
    ignored = other.ignored
    head.pointee.known = other.head.pointee.known
    head.pointee.isKnown = other.head.pointee.isKnown
    head.pointee.share = other.head.pointee.share
    textBytes = other.textBytes
    channelPlaces = other.channelPlaces
  }

  /// Adds what the ledger knows of the user, once, after the candidate has been read. A contact that the candidate carries
  /// too is one contact; one later than now is a contact of now, for it has been made.
  /// - Parameters:
  ///   - contacts: in any order, channels as in the policy.
  ///   - now: seconds since 1970, of the request.
  package func know(_ facts: KnownFacts, contacts: some Collection<Contact>, now: Int64) {
    head.pointee.known = facts
    head.pointee.isKnown = true
    guard !contacts.isEmpty else { return }
    // One that lies ahead is not usable as the candidate carries it; as the ledger tells it, it has been made.
    let latest = now + clockSkew
    var carried = head.pointee.contacts.filter { $0.at <= latest }.sorted(by: Contact.isBefore)[...]
    for contact in contacts.sorted(by: Contact.isBefore) {
      while let first = carried.first, Contact.isBefore(first, contact) { carried.removeFirst() }
      if let first = carried.first, !Contact.isBefore(contact, first) {
        carried.removeFirst()
        continue
      }
      head.pointee.contacts.append(Contact(at: min(contact.at, now), channel: contact.channel))
      head.pointee.known.contacts += 1
    }
  }

  /// For a question of what would be without contacts.
  func forgetKnownContacts() { head.pointee.known.contacts = 0 }

  /// Takes back what scoring did to the first slots, those of kind times.
  func restoreTimes(of other: CandidateRow, _ count: Int) {
    bits.update(from: other.bits, count: count)
    states.update(from: other.states, count: count)
  }

  package func isPresent(_ slot: Int) -> Bool { states[slot] == FactState.present }

  package func time(_ slot: Int) -> Int64? { isPresent(slot) ? Int64(bitPattern: bits[slot]) : nil }
  package func number(_ slot: Int) -> Double? { isPresent(slot) ? Double(bitPattern: bits[slot]) : nil }

  package func set(_ slot: Int, time: Int64) { set(slot, bits: UInt64(bitPattern: time)) }
  package func set(_ slot: Int, number: Double) { set(slot, bits: number.bitPattern) }
  package func set(_ slot: Int, flag: Bool) { set(slot, bits: flag ? 1 : 0) }
  /// - Parameter text: a number of the policy's `TextTable`.
  package func set(_ slot: Int, text: UInt64) { set(slot, bits: text) }

  private func set(_ slot: Int, bits value: UInt64) {
    bits[slot] = value
    states[slot] = FactState.present
  }

  /// Keeps a text as it is; only where `keepsTexts`.
  package func keep(_ slot: Int, _ text: UnsafeRawBufferPointer) {
    textPlaces[slot] = (textBytes.count, text.count)
    textBytes.append(contentsOf: text)
  }

  /// Keeps the channel that the contact read last names; only where `keepsTexts`.
  package func keepChannel(_ text: UnsafeRawBufferPointer) {
    channelPlaces.append((textBytes.count, text.count))
    textBytes.append(contentsOf: text)
  }

  /// Takes a user_id of at most `longestUserID` bytes; another leaves the row without one.
  package func identify(_ userID: UnsafeRawBufferPointer) {
    head.pointee.userIDCount = 0
    guard let start = userID.baseAddress, userID.count <= Self.longestUserID else { return }
    UnsafeMutableRawPointer(userIDBytes).copyMemory(from: start, byteCount: userID.count)
    head.pointee.userIDCount = userID.count
  }

  package func keptText(_ slot: Int) -> String {
    var text = ""
    withKeptText(slot) { text = String(decoding: $0, as: UTF8.self) }
    return text
  }

  /// - Parameter take: gets the text's bytes.
  package func withKeptText(_ slot: Int, _ take: (UnsafeRawBufferPointer) -> Void) {
    let place = textPlaces[slot]
    textBytes.withUnsafeBytes { take(UnsafeRawBufferPointer(rebasing: $0[place.start..<(place.start + place.count)])) }
  }

  /// Whether two texts outside the policy's table are the same.
  func equalKeptTexts(_ left: Int, _ right: Int) -> Bool {
    let a = textPlaces[left]
    let b = textPlaces[right]
    guard a.count == b.count else { return false }
    return textBytes.withUnsafeBytes { bytes in
      equal(
        UnsafeRawBufferPointer(rebasing: bytes[a.start..<(a.start + a.count)]),
        UnsafeRawBufferPointer(rebasing: bytes[b.start..<(b.start + b.count)]))
    }
  }
}
