import RouseCore
import RouseLedger
import RouseReview
import RouseWire

/// The lines of the standing audience, for two policies to decide on: with other fields than its columns have.
final class KeptLines {
  private let view: AudienceView
  private let worker: ComparisonWorker
  /// Asks the audience's condition of the row that the old policy has read.
  private let isOldAsked: Bool
  /// Asks it under the policy that the audience stands under, where that is another.
  private let asked: BatchWorker?

  /// - Parameters:
  ///   - old: what the worker's old side decides by.
  ///   - now: seconds since 1970.
  init(
    _ view: AudienceView, _ worker: ComparisonWorker, old: Policy, now: Int64, usesLedger: Bool, longestLine: Int
  ) {
    self.view = view
    self.worker = worker
    isOldAsked = view.live.policy === old
    guard !view.isOfAll, !isOldAsked else {
      asked = nil
      return
    }
    let side = ComparedPolicy(view.live.policy, tables: view.live.tables, now: now)
    let facts = usesLedger ? BriefFacts(LedgerFacts(view.ledger, policy: view.live.policy, now: now)) : nil
    asked = side.worker(facts: facts, longestLine: longestLine)
  }

  /// Decides on some candidates.
  /// - Parameter take: the row and the decision of the old policy, and of the new; valid until it returns.
  func decide(
    _ batch: [(user: Int, line: [UInt8])],
    _ take: (CandidateRow, Decision, CandidateRow, Decision) -> Void
  ) throws(WireError) {
    var bytes = ByteWriter(capacity: 512 * batch.count)
    var ends: [Int] = []
    for (_, line) in batch {
      bytes.write(line)
      ends.append(bytes.count)
      bytes.put(0x0A)
    }
    let block = Block(bytes.bytes)
    let userIDs = try view.userIDs(batch.map(\.user))
    var start = 0
    for (index, end) in ends.enumerated() {
      defer { start = end + 1 }
      let (user, userID) = (batch[index].user, userIDs[index])
      // Erased, or taken out, meanwhile.
      guard !userID.isEmpty else { continue }
      let line = UnsafeRawBufferPointer(rebasing: block.bytes[start..<end])
      if let asked {
        var isWanted = false
        _ = asked.scoreKept(line, userID: userID) { row, _ in isWanted = view.holdsNow(row, user) }
        guard isWanted else { continue }
      }
      _ = worker.decideKept(line, userID: userID) { oldRow, oldDecision, newRow, newDecision in
        guard !isOldAsked || view.holdsNow(oldRow, user) else { return }
        take(oldRow, oldDecision, newRow, newDecision)
      }
    }
  }
}
