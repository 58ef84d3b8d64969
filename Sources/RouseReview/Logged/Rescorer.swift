import RouseCore
import RouseWire

/// Decides again on candidates as they were at a contact, under any policy: what the ledger kept of them, the contacts
/// among it, and nothing that came later.
package final class Rescorer {
  package let policy: Policy
  private let tables: WireTables
  private let facts = PastFacts()
  private var made: (now: Int64, worker: BatchWorker, scorer: Scorer)?

  package init(_ policy: Policy) {
    self.policy = policy
    tables = WireTables(policy: policy)
  }

  /// What was decided, and how it came about.
  package struct Rescored {
    /// Scored; valid until the next candidate.
    package let row: CandidateRow
    package let decision: Decision
    package let scorer: Scorer

    /// The bin of each row of a card.
    package func bins(_ card: Scorecard) -> [Int32] { scorer.bins(card, row) }
  }

  /// - Parameters:
  ///   - asOf: seconds since 1970.
  ///   - take: not called when what was kept is no candidate.
  /// - Returns: whether it was one.
  package func score(_ texts: LoggedTexts, asOf: Int64, _ take: (Rescored) -> Void) -> Bool {
    let (worker, scorer) = worker(at: asOf)
    facts.set(texts.known, policy: policy, now: scorer.now)
    let block = texts.candidate.withUnsafeBytes { Block($0) }
    return withExtendedLifetime(block) {
      worker.scoreKept(UnsafeRawBufferPointer(rebasing: block.bytes.dropLast()), userID: texts.userID) {
        row, decision in
        take(Rescored(row: row, decision: decision, scorer: scorer))
      }
    }
  }

  /// The same as a decision of `score` with `explain`; nil when what was kept is no candidate.
  package func explain(_ texts: LoggedTexts, asOf: Int64) -> [UInt8]? {
    let scorer = Scorer(policy: policy, now: min(max(asOf, Moment.first), Moment.last))
    let worker = BatchWorker(
      scorer: scorer, writer: DecisionWriter(scorer: scorer, tables: tables), tables: tables, extras: .explain,
      facts: facts, longestLine: .max, isStream: false)
    facts.set(texts.known, policy: policy, now: scorer.now)
    let block = texts.candidate.withUnsafeBytes { Block($0) }
    var out = ByteWriter()
    let isRead = withExtendedLifetime(block) {
      worker.scoreKept(
        UnsafeRawBufferPointer(rebasing: block.bytes.dropLast()), userID: texts.userID, into: &out)
    }
    return isRead ? out.array : nil
  }

  /// Rows of one plan share a moment.
  private func worker(at now: Int64) -> (BatchWorker, Scorer) {
    let now = min(max(now, Moment.first), Moment.last)
    if let made, made.now == now { return (made.worker, made.scorer) }
    let scorer = Scorer(policy: policy, now: now)
    let worker = BatchWorker(
      scorer: scorer, writer: DecisionWriter(scorer: scorer, tables: tables), tables: tables, facts: facts,
      longestLine: .max, isStream: false)
    made = (now, worker, scorer)
    return (worker, scorer)
  }
}

/// The contacts that a ledger knew of at the time.
private final class PastFacts: FactSource {
  private var contacts: [CandidateRow.Contact] = []
  private var now: Int64 = 0

  func set(_ known: [UInt8], policy: Policy, now: Int64) {
    self.now = now
    contacts.removeAll(keepingCapacity: true)
    // Most have none: `[]`.
    guard known.count > 2, let list = JSONValue(known) else { return }
    for item in list.items {
      let at = item["at"].flatMap { $0.whole.map(Int64.init) ?? $0.text.flatMap(Moment.parse) }
      guard let at, let name = item["channel"]?.text else { continue }
      let channel = policy.channels.firstIndex { ExactText($0.name) == ExactText(name) } ?? -1
      contacts.append(CandidateRow.Contact(at: at, channel: channel))
    }
  }

  func tell(_ row: CandidateRow) { row.know(KnownFacts(), contacts: contacts, now: now) }
}
