import RouseCore
import RouseLedger
import RouseWire

/// What one worker asks of the ledger's memory, a block of candidates at a time: the memory is locked for so long.
final class LedgerFacts: FactSource {
  private let ledger: Ledger
  private let policy: Policy
  /// Seconds since 1970, of the request.
  private let now: Int64
  private var standing: Standing?
  /// The policy's channel for each of the ledger's, or -1.
  private var channels: [Int] = []

  init(_ ledger: Ledger, policy: Policy, now: Int64) {
    self.ledger = ledger
    self.policy = policy
    self.now = now
  }

  /// Lets `tell` answer while the body runs: some milliseconds and no more, for nothing can be recorded meanwhile.
  func hold<Answer>(_ body: (Standing) throws(WireError) -> Answer) throws(WireError) -> Answer {
    let answer: Result<Answer, WireError> = ledger.read { standing in
      self.standing = standing
      defer { self.standing = nil }
      mapChannels(standing)
      do throws(WireError) { return .success(try body(standing)) } catch { return .failure(error) }
    }
    return try answer.get()
  }

  private func mapChannels(_ standing: Standing) {
    let names = standing.channels
    while channels.count < names.count {
      let name = ExactText(names[channels.count])
      channels.append(policy.channels.firstIndex { ExactText($0.name) == name } ?? -1)
    }
  }

  func tell(_ row: CandidateRow) {
    guard let standing, let user = standing.number(of: row.userID) else { return }
    tell(user, row)
  }

  /// The number of a row's user, while the memory is held.
  func number(of row: CandidateRow) -> Int? { standing?.number(of: row.userID) }

  /// The same of a user whose number is known.
  func tell(_ user: Int, _ row: CandidateRow) {
    guard let standing, standing.hasFacts(user) else { return }
    standing.tell(user, to: row, channels: channels, now: now)
  }
}

/// The same for a thread of low priority, which may be made to wait in the midst of its work: the memory is held for each
/// candidate by itself, and for no longer than it takes to look.
final class BriefFacts: FactSource {
  private let facts: LedgerFacts

  init(_ facts: LedgerFacts) { self.facts = facts }

  func tell(_ row: CandidateRow) {
    // What is asked cannot fail.
    try? facts.hold { (_) throws(WireError) in facts.tell(row) }
  }
}
