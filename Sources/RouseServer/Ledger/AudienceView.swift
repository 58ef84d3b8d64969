import RouseCore
import RouseLedger
import RouseWire

/// The candidates of the standing audience that one request is for.
struct AudienceView: Sendable {
  let live: LivePolicy
  let ledger: Ledger
  private let standing: StandingAudience
  private let condition: AudienceCondition
  /// The columns that the request began with, and how far they went.
  private let columns: Audience
  let slots: Int

  /// nil: the columns have been taken away.
  init?(_ standing: StandingAudience, _ ledger: Ledger, live: LivePolicy, condition: AudienceCondition) {
    self.standing = standing
    self.ledger = ledger
    self.live = live
    self.condition = condition
    guard let found = ledger.read({ memory in standing.audience(memory).map { ($0, $0.slotCount) } }) else {
      return nil
    }
    (columns, slots) = found
  }

  /// Whether everyone is wanted, so that no row is needed to tell.
  var isOfAll: Bool { condition.isAlwaysTrue }

  /// The user_ids of some users; empty for one who is not of the audience. Holds the ledger's memory for so long.
  func userIDs(_ users: [Int]) throws(WireError) -> [[UInt8]] {
    let ids: Result<[[UInt8]], WireError> = ledger.read { memory in
      guard isCurrent(memory) else { return .failure(Self.arranged) }
      return .success(users.map { columns.has($0) ? Array(memory.userID($0)) : [] })
    }
    return try ids.get()
  }

  /// The same as `holds`, and holds the ledger's memory for so long.
  func holdsNow(_ row: CandidateRow, _ user: Int) -> Bool {
    condition.isAlwaysTrue || ledger.read { isCurrent($0) && holds(row, user) }
  }

  /// Columns that have been replaced are no longer told of changes.
  fileprivate func isCurrent(_ memory: Standing) -> Bool { standing.audience(memory) === columns }

  fileprivate static let arranged = WireError(
    .overloaded, "the audience has been arranged anew meanwhile; try again", retryAfterMS: 100)

  /// Whether a candidate that has been scored again is still one of them; while the ledger's memory is held.
  func holds(_ row: CandidateRow, _ user: Int?) -> Bool {
    guard let user, columns.has(user) else { return false }
    return condition.isAlwaysTrue || condition.holds(user, row, columns)
  }

  /// One thread's way of going through them.
  /// - Parameter facts: whether what the ledger knows counts.
  func reader(_ hands: (scorer: Scorer, writer: DecisionWriter), extras: Extras = [], facts: Bool) -> Reader {
    Reader(
      self,
      AudienceWorker(
        audience: columns, scorer: hands.scorer, writer: hands.writer, condition: condition, extras: extras),
      facts: LedgerFacts(ledger, policy: live.policy, now: hands.scorer.now), counts: facts)
  }

  final class Reader: AudienceSource {
    private let view: AudienceView
    private let worker: AudienceWorker
    private let facts: LedgerFacts
    private let counts: Bool
    private var memory: Standing?

    fileprivate init(_ view: AudienceView, _ worker: AudienceWorker, facts: LedgerFacts, counts: Bool) {
      self.view = view
      self.worker = worker
      self.facts = facts
      self.counts = counts
    }

    func userID(_ slot: Int) -> UnsafeRawBufferPointer {
      memory?.userID(slot) ?? UnsafeRawBufferPointer(start: nil, count: 0)
    }

    func tell(_ slot: Int, _ row: CandidateRow) { if counts { facts.tell(slot, row) } }

    func told(from slot: Int) -> UInt64 { counts ? memory?.told(from: slot) ?? 0 : 0 }

    func rank(_ slots: Range<Int>, into part: RankPart) throws(WireError) {
      try hold { worker.rank(slots, of: self, into: part) }
    }

    func score(_ slots: Range<Int>, into out: inout ByteWriter, totals: inout Totals) throws(WireError) {
      try hold { worker.score(slots, of: self, into: &out, totals: &totals) }
    }

    private func hold(_ body: () -> Void) throws(WireError) {
      try facts.hold { (standing) throws(WireError) in
        guard view.isCurrent(standing) else { throw AudienceView.arranged }
        memory = standing
        defer { memory = nil }
        body()
      }
    }
  }
}
