import RouseCore
import RouseLedger
import RousePolicy
import RouseReview
import RouseWire
import Synchronization

/// The work of one `policy` with `do: compare`, on the thread for long questions: the candidates of the request or of the
/// standing audience, decided by a policy that is kept and by another.
final class CompareWork: Sendable {
  /// Where its candidates are.
  enum Candidates: Sendable {
    /// In the request's line, from this offset on.
    case users(Block, at: Int)
    case audience(AudienceView)
  }

  private let old: LivePolicy
  private let oldLimits: PlanLimits
  private let request: Request
  private let candidates: Candidates
  /// Seconds since 1970.
  private let now: Int64
  private let ledger: Ledger?
  private let memory: MemoryPool
  private let longestLine: Int
  private let isCancelled = Atomic<Bool>(false)

  /// - Parameters:
  ///   - ledger: nil: only what candidates carry counts.
  ///   - memory: what candidates are taken from.
  init(
    _ request: Request, _ candidates: Candidates, old: LivePolicy, now: Int64, ledger: Ledger?, memory: MemoryPool,
    longestLine: Int
  ) throws(WireError) {
    oldLimits = try request.limits(old.policy)
    self.old = old
    self.request = request
    self.candidates = candidates
    self.now = now
    self.ledger = ledger
    self.memory = memory
    self.longestLine = longestLine
  }

  /// Nobody waits for an answer any more.
  func cancel() { isCancelled.store(true, ordering: .relaxed) }

  private var isOver: Bool { isCancelled.load(ordering: .relaxed) }

  private static let cancelled = WireError(.cancelled, "nobody waits for the comparison any more")

  /// `,"comparison":{..}`.
  func run() throws(WireError) -> [UInt8] {
    if isOver { throw Self.cancelled }
    let new = try Self.policy(request)
    let comparison = Comparison(
      old: ComparedPolicy(old.policy, tables: old.tables, now: now, limits: oldLimits),
      new: ComparedPolicy(new.policy, tables: new.tables, now: now, limits: try request.limits(new.policy)))
    var lease = MemoryLease(of: memory)
    let desk = Desk(comparison, ledger, longestLine: longestLine)
    switch candidates {
    case .users(let line, let at): try desk.add(line, usersAt: at, &lease)
    case .audience(let view): try addAudience(view, desk, &lease)
    }
    guard let result = comparison.finish(isAbandoned: { isOver }) else { throw Self.cancelled }
    return Array(",\"comparison\":".utf8) + result.json()
  }

  /// The policy of a request's text.
  static func policy(_ request: Request) throws(WireError) -> LivePolicy {
    do throws(PolicyDiagnostics) {
      return try LivePolicy.make(Array((request.text ?? "").utf8), format: request.format.document)
    } catch {
      var refusal = WireError(.badRequest, "the policy has faults, so there is nothing to compare", at: "/text")
      refusal.diagnostics = error.all.map { PolicyFinding($0) }
      throw refusal
    }
  }

  private func addAudience(_ view: AudienceView, _ desk: Desk, _ lease: inout MemoryLease) throws(WireError) {
    let condition = AudienceFilter(view, now: now, usesLedger: ledger != nil, longestLine: longestLine)
    var failure: WireError?
    try asking { () throws(LedgerError) in
      try view.ledger.eachCandidate(from: 0, batch: Self.batch) { batch in
        if isOver {
          failure = Self.cancelled
          return false
        }
        do throws(WireError) {
          try desk.add(batch, of: view, condition, &lease)
          return true
        } catch {
          failure = error
          return false
        }
      }
    }
    if let failure { throw failure }
  }

  /// Candidates for which the ledger's memory is held at once: a millisecond's work or so.
  private static let batch = 512
}

/// Whom of the audience a comparison is for, by the policy that the audience stands under.
private final class AudienceFilter {
  private let view: AudienceView
  /// nil: it is for all.
  private let asked: (facts: LedgerFacts?, worker: BatchWorker)?

  init(_ view: AudienceView, now: Int64, usesLedger: Bool, longestLine: Int) {
    self.view = view
    guard !view.isOfAll else {
      asked = nil
      return
    }
    let facts = usesLedger ? LedgerFacts(view.ledger, policy: view.live.policy, now: now) : nil
    let (scorer, writer) = view.live.scorer(at: now)
    asked = (
      facts,
      BatchWorker(
        scorer: scorer, writer: writer, tables: view.live.tables, facts: facts, longestLine: longestLine,
        isStream: false)
    )
  }

  /// While the ledger's memory is held.
  func wants(_ user: Int, _ line: UnsafeRawBufferPointer, userID: [UInt8], _ standing: Standing) throws(WireError)
    -> Bool
  {
    guard view.has(user) else { return false }
    guard let asked else { return true }
    var isWanted = false
    func ask() { _ = asked.worker.scoreKept(line, userID: userID) { row, _ in isWanted = view.holds(row, user) } }
    guard let facts = asked.facts else {
      ask()
      return isWanted
    }
    try facts.hold(with: standing) { ask() }
    return isWanted
  }
}

/// Decides for a comparison, with what the ledger knows.
private final class Desk {
  private let comparison: Comparison
  private let ledger: Ledger?
  private let oldFacts: LedgerFacts?
  private let newFacts: LedgerFacts?
  private let worker: ComparisonWorker

  init(_ comparison: Comparison, _ ledger: Ledger?, longestLine: Int) {
    self.comparison = comparison
    self.ledger = ledger
    func facts(_ side: ComparedPolicy) -> LedgerFacts? {
      ledger.map { LedgerFacts($0, policy: side.policy, now: side.scorer.now) }
    }
    oldFacts = facts(comparison.old)
    newFacts = facts(comparison.new)
    worker = ComparisonWorker(
      old: comparison.old.worker(facts: oldFacts, longestLine: longestLine),
      new: comparison.new.worker(facts: newFacts, longestLine: longestLine), longestLine: longestLine)
  }

  /// Lets both policies' facts be asked for while the ledger's memory is held.
  private func hold(_ standing: Standing, _ body: () throws(WireError) -> Void) throws(WireError) {
    guard let oldFacts, let newFacts else { return try body() }
    try oldFacts.hold(with: standing) { () throws(WireError) in try newFacts.hold(with: standing, body) }
  }

  private func hold(in ledger: Ledger, _ body: (Standing) throws(WireError) -> Void) throws(WireError) {
    let done: Result<Void, WireError> = ledger.read { standing in
      do throws(WireError) {
        return .success(try hold(standing) { () throws(WireError) in try body(standing) })
      } catch {
        return .failure(error)
      }
    }
    try done.get()
  }

  private func take(_ part: ComparisonPart, _ lease: inout MemoryLease) throws(WireError) {
    guard lease.resize(to: lease.bytes + part.memory) else { throw RankAnswer.outOfMemory }
    comparison.add(part)
  }

  /// Adds the candidates of a request's line.
  func add(_ line: Block, usersAt at: Int, _ lease: inout MemoryLease) throws(WireError) {
    let block = try line.itemLines(at: at)
    let part = comparison.part()
    if let ledger {
      try hold(in: ledger) { _ in _ = worker.compare(block, into: part) }
    } else {
      _ = worker.compare(block, into: part)
    }
    try take(part, &lease)
  }

  /// Adds candidates that the ledger keeps.
  func add(
    _ batch: [(user: Int, line: [UInt8])], of view: AudienceView, _ filter: AudienceFilter, _ lease: inout MemoryLease
  ) throws(WireError) {
    var bytes = ByteWriter(capacity: 512 * batch.count)
    var places: [Range<Int>] = []
    for (_, line) in batch {
      let start = bytes.count
      bytes.write(line)
      places.append(start..<bytes.count)
      bytes.put(0x0A)
    }
    let block = Block(bytes.bytes)
    let part = comparison.part()
    try hold(in: view.ledger) { (standing) throws(WireError) in
      for ((user, _), place) in zip(batch, places) {
        let userID = Array(standing.userID(user))
        // Erased meanwhile.
        guard !userID.isEmpty else { continue }
        let line = UnsafeRawBufferPointer(rebasing: block.bytes[place])
        guard try filter.wants(user, line, userID: userID, standing) else { continue }
        _ = worker.compareKept(line, userID: userID, into: part) { _ in true }
      }
    }
    try take(part, &lease)
  }
}
