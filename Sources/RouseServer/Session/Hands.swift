import RouseCore
import RouseLedger
import RouseWire
import Synchronization

/// The workers of one request, made as threads ask for them and used again.
final class Hands: Sendable {
  /// A worker with what it asks of the ledger.
  struct Hand: @unchecked Sendable {
    // Sendable because one thread at a time has it.
    let worker: BatchWorker
    let facts: LedgerFacts?

    /// Runs what scores candidates, with the ledger's memory held still where it counts.
    func work<Answer>(_ body: (BatchWorker) throws(WireError) -> Answer) throws(WireError) -> Answer {
      guard let facts else { return try body(worker) }
      return try facts.hold { (_) throws(WireError) in try body(worker) }
    }
  }

  let live: LivePolicy
  let scorer: Scorer
  let writer: DecisionWriter
  private let extras: Extras
  private let longestLine: Int
  private let ledger: Ledger?
  /// Whom candidates are offered to that have been decided on.
  let shadow: ShadowWatch?
  private struct Idle: @unchecked Sendable {
    // Sendable because it stays under the lock, and a hand is with one thread at a time.
    var hands: [Hand] = []
  }
  private let idle = Mutex(Idle())

  /// - Parameters:
  ///   - now: seconds since 1970, of the request.
  ///   - ledger: nil: only what candidates carry counts.
  init(
    _ live: LivePolicy, now: Int64, extras: Extras = [], longestLine: Int, ledger: Ledger?, shadow: ShadowWatch? = nil
  ) {
    self.live = live
    let made = live.scorer(at: now)
    scorer = made.scorer
    writer = made.writer
    self.extras = extras
    self.longestLine = longestLine
    self.ledger = ledger
    self.shadow = shadow
  }

  func borrow() -> Hand {
    if let hand = idle.withLock({ $0.hands.popLast() }) { return hand }
    let facts = ledger.map { LedgerFacts($0, policy: live.policy, now: scorer.now) }
    let worker = BatchWorker(
      scorer: scorer, writer: writer, tables: live.tables, extras: extras, facts: facts, longestLine: longestLine,
      isStream: true)
    return Hand(worker: worker, facts: facts)
  }

  func giveBack(_ hand: Hand) { idle.withLock { $0.hands.append(hand) } }
}
