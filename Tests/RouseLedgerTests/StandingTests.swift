import TestData
import Testing

@testable import RouseLedger

@Suite struct StandingTests {
  private func add(_ standing: Standing, _ id: String) {
    Array(id.utf8).withUnsafeBytes { standing.addUser($0) }
  }

  private func number(_ standing: Standing, _ id: String) -> Int? { standing.number(of: Array(id.utf8)) }

  private func text(_ standing: Standing, _ user: Int) -> String {
    String(decoding: standing.userID(user), as: UTF8.self)
  }

  @Test func usersAreFound() {
    let standing = Standing()
    var random = SplitMix(state: 1)
    let ids = (0..<60_000).map { number in
      "\(number)-" + String(repeating: "x", count: Int.random(in: 0...20, using: &random))
    }
    for id in ids { add(standing, id) }
    #expect(standing.userCount == ids.count)
    for (user, id) in ids.enumerated() {
      guard number(standing, id) == user, text(standing, user) == id else {
        Issue.record("user \(user)")
        return
      }
    }
    for id in ["", "0", "60000-", "59999", String(repeating: "y", count: 128)] { #expect(number(standing, id) == nil) }
    for user in stride(from: 0, to: ids.count, by: 3) { standing.erase(user) }
    // The tables grow past the erased, whose numbers stand for nobody.
    for more in 0..<60_000 { add(standing, "more-\(more)") }
    for (user, id) in ids.enumerated() where number(standing, id) != (user % 3 == 0 ? nil : user) {
      Issue.record("user \(user)")
      return
    }
    #expect(standing.userID(0).isEmpty && standing.userID(-1).isEmpty && standing.userID(200_000).isEmpty)
    #expect(number(standing, "more-59999") == 119_999)
  }

  @Test func idsOfAnyLengthAndBytes() {
    let standing = Standing()
    for length in 1...128 { add(standing, String(repeating: "\0", count: length)) }
    for length in 1...128 { #expect(number(standing, String(repeating: "\0", count: length)) == length - 1) }
    standing.erase(4)
    #expect(number(standing, "\0\0\0\0\0") == nil && number(standing, "\0\0\0\0") == 3)
    for _ in 0..<600 { Array(repeating: UInt8(0xFE), count: 128).withUnsafeBytes { standing.addUser($0) } }
    #expect(standing.userID(700).count == 128)
    standing.addUser(nil)
    #expect(standing.userID(728).isEmpty)
    add(standing, "after")
    #expect(text(standing, 729) == "after")
  }

  @Test func contactsAreInOrderAndBounded() {
    let standing = Standing()
    standing.channels = ["push", "sms"]
    for user in 0..<600 { add(standing, "u\(user)") }
    var random = SplitMix(state: 2)
    var expected: [Int: [Int64]] = [:]
    for _ in 0..<5000 {
      let user = Int.random(in: 250..<270, using: &random)
      let at = Int64.random(in: -1_000_000_000...2_000_000_000, using: &random)
      standing.addContact(user, at: at, channel: Int(at & 1))
      expected[user, default: []].append(at)
    }
    for (user, times) in expected {
      let contacts = standing.contacts(of: user)
      #expect(contacts.map(\.at) == times.sorted())
      #expect(contacts.allSatisfy { $0.channel == (($0.at & 1) == 0 ? "push" : "sms") })
    }
    #expect(!standing.hasFacts(249) && !standing.hasFacts(270) && !standing.hasFacts(9999))
    for at in 0..<3000 { standing.addContact(7, at: Int64(at), channel: 0) }
    #expect(standing.contacts(of: 7).map(\.at) == (1976..<3000).map { Int64($0) }, "the latest")
    for at in [Int64.min, .max] { standing.addContact(8, at: at, channel: 0) }
    #expect(standing.contacts(of: 8).count == 2)

    let limit: Int64 = 500_000_000
    standing.forget(blocks: 0..<standing.blockCount, contactsBefore: limit) { _ in nil }
    for (user, times) in expected {
      #expect(standing.contacts(of: user).map(\.at) == times.filter { $0 >= limit }.sorted())
    }
    #expect(!standing.hasFacts(7))
  }

  @Test func leasesByPlan() {
    let standing = Standing()
    for user in 0..<3 { add(standing, "u\(user)") }
    standing.lease(1, plan: 5, until: 50)
    standing.lease(1, plan: 4, until: 70)
    standing.lease(1, plan: 1 << 30, until: 60)
    #expect(standing.facts(of: 1).leasedUntil == 70)
    standing.endLease(1, plan: 4)
    standing.endLease(1, plan: 3)
    standing.endLease(2, plan: 5)
    #expect(standing.facts(of: 1).leasedUntil == 60 && !standing.hasFacts(2))
    #expect(standing.lease(1, plan: 5) == 50 && standing.lease(1, plan: 4) == nil)
    standing.changed(1, at: 9)
    standing.changed(1, at: 12)
    standing.changed(2, at: 3)
    #expect(standing.sequence(of: 1) == 12 && standing.sequence(of: 2) == 3 && standing.sequence(of: 0) == 0)
    #expect(!standing.hasFacts(2), "that something has changed is nothing to be told")
    standing.forget(blocks: 0..<1, contactsBefore: nil) { $0 == Fact.Kind.lease ? 61 : 4 }
    #expect(standing.facts(of: 1).leasedUntil == .min && !standing.hasFacts(1))
    #expect(standing.sequence(of: 1) == 12 && standing.sequence(of: 2) == 0)
  }

  /// Readers that never cease do not keep a writer out.
  @Test func aWriterComesBeforeLaterReaders() {
    let lock = ReadersWriterLock()
    nonisolated(unsafe) var isWritten = false
    let arrivals = (0..<3).map { _ in Arrival<Bool>() }
    let threads = arrivals.map { arrival in
      WriterThread {
        while !lock.read({ isWritten }) {}
        arrival.put(true)
      }
    }
    let writer = WriterThread { lock.write { isWritten = true } }
    for arrival in arrivals { #expect(arrival.wait()) }
    for thread in threads + [writer] { thread?.join() }
  }
}
