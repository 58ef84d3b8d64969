import Glibc
import RouseCore

/// What decisions need at once: which users there are, whom they heard from, and what they asked for.
///
/// Whoever writes is the ledger's one writer thread, with the ledger's lock; it alone may read without one.
package final class Standing {
  /// Channels by the ledger's own numbers; more are only ever added at the end.
  package internal(set) var channels: [String] = []

  /// Users that have a number: numbers go from 0 to below this. An erased user's number stands for nobody.
  package private(set) var userCount = 0

  private var blocks: UnsafeMutablePointer<UserBlock>
  private(set) var blockCount = 0
  private var blockRoom = 64
  private let table = UserTable()

  /// A user's latest contacts inform decisions, up to so many: whoever sends no end of them takes no more memory and
  /// time.
  static let mostContacts = 1024

  init() { blocks = .allocate(capacity: blockRoom) }

  deinit {
    for block in 0..<blockCount { blocks[block].free() }
    blocks.deallocate()
    table.free()
  }

  /// nil: nothing is known of the user.
  package func number(of userID: UnsafeRawBufferPointer) -> Int? {
    guard userCount > 0, !userID.isEmpty else { return nil }
    return table.find(UserTable.hash(userID)) { user in
      let known = self.userID(user)
      return known.count == userID.count && equal(known, userID)
    }
  }

  func number(of userID: [UInt8]) -> Int? { userID.withUnsafeBytes { number(of: $0) } }

  /// Empty where the user has been erased.
  package func userID(_ user: Int) -> UnsafeRawBufferPointer {
    guard user >= 0, user < userCount else { return UnsafeRawBufferPointer(start: nil, count: 0) }
    return blocks[user &>> 8].id(user & 0xFF)
  }

  /// Tells a row what is known of a user.
  /// - Parameters:
  ///   - channels: the policy's channel for each of the ledger's, or -1.
  ///   - now: of the request.
  package func tell(_ user: Int, to row: CandidateRow, channels: [Int], now: Int64) {
    guard hasFacts(user) else { return }
    let block = blocks + user &>> 8
    let facts = summary(block, user & 0xFF)
    let range = block.pointee.contactRange(user & 0xFF)
    let contacts = ToldContacts(run: block.pointee.contacts, range: range, channels: channels)
    row.know(facts, contacts: contacts, now: now)
  }

  /// Whether there is anything to tell.
  package func hasFacts(_ user: Int) -> Bool {
    guard user >= 0, user < userCount else { return false }
    return blocks[user &>> 8].told[user & 0xFF]
  }

  /// The same of 64 users, the first in the lowest bit.
  /// - Parameter user: a multiple of 64.
  package func told(from user: Int) -> UInt64 {
    guard user >= 0, user < userCount else { return 0 }
    return blocks[user &>> 8].told.word(user &>> 6 & 3)
  }

  /// What is known of a user, but for the contacts.
  package func facts(of user: Int) -> KnownFacts {
    guard hasFacts(user) else { return KnownFacts() }
    return summary(blocks + user &>> 8, user & 0xFF)
  }

  /// The contacts of a user, the earliest first.
  package func contacts(of user: Int) -> [(at: Int64, channel: String?)] {
    guard hasFacts(user) else { return [] }
    let block = blocks[user &>> 8]
    return block.contactRange(user & 0xFF).map { place in
      let contact = block.contacts[place]
      return (at: contact.at, channel: channels.indices.contains(contact.channel) ? channels[contact.channel] : nil)
    }
  }

  private func summary(_ block: UnsafeMutablePointer<UserBlock>, _ index: Int) -> KnownFacts {
    var known = KnownFacts()
    var out: Int64?
    var back: Int64?
    for place in block.pointee.factRange(index) {
      let fact = block.pointee.facts[place]
      switch fact.kind {
      case Fact.Kind.optOut: out = fact.value
      case Fact.Kind.optIn: back = fact.value
      case Fact.Kind.complaint: known.hasComplained = true
      case Fact.Kind.lease: known.leasedUntil = max(known.leasedUntil, fact.value)
      default: break
      }
    }
    if let out { known.hasOptedOut = back.map { out >= $0 } ?? true }
    return known
  }

  // MARK: - Writing

  /// - Parameter userID: 1 to 128 bytes; nil: of a user who has been erased.
  func addUser(_ userID: UnsafeRawBufferPointer?) {
    if userCount & 0xFF == 0 { addBlock() }
    blocks[userCount &>> 8].append(userID)
    let user = userCount
    userCount += 1
    if let userID { table.insert(user, UserTable.hash(userID)) { self.userID($0) } }
  }

  private func addBlock() {
    if blockCount == blockRoom {
      let larger = UnsafeMutablePointer<UserBlock>.allocate(capacity: blockRoom * 2)
      larger.moveInitialize(from: blocks, count: blockCount)
      blocks.deallocate()
      blocks = larger
      blockRoom *= 2
    }
    (blocks + blockCount).initialize(to: UserBlock())
    blockCount += 1
  }

  func erase(_ user: Int) {
    guard user >= 0, user < userCount else { return }
    blocks[user &>> 8].erase(user & 0xFF)
  }

  /// - Parameter user: below `userCount`.
  func change(_ user: Int, _ body: (inout UserBlock, _ index: Int) -> Void) {
    guard user >= 0, user < userCount else { return }
    body(&blocks[user &>> 8], user & 0xFF)
  }

  func look<Answer>(_ user: Int, _ body: (borrowing UserBlock, _ index: Int) -> Answer) -> Answer? {
    guard user >= 0, user < userCount else { return nil }
    return body(blocks[user &>> 8], user & 0xFF)
  }
}

/// A user's contacts as a policy names their channels.
private struct ToldContacts: RandomAccessCollection {
  let run: SortedRun<ContactFact>
  let range: Range<Int>
  let channels: [Int]

  var startIndex: Int { range.lowerBound }
  var endIndex: Int { range.upperBound }

  subscript(index: Int) -> CandidateRow.Contact {
    let contact = run[index]
    return CandidateRow.Contact(
      at: contact.at, channel: contact.channel < channels.count ? channels[contact.channel] : -1)
  }
}

/// - Parameters: of the same count.
private func equal(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
  guard let a = left.baseAddress, let b = right.baseAddress else { return false }
  return memcmp(a, b, left.count) == 0
}
