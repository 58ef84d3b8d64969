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
    switch candidates {
    case .users(let line, let at):
      let part = comparison.part()
      _ = worker(comparison).compare(try line.itemLines(at: at), into: part)
      try take(part, comparison, &lease)
    case .audience(let view): try addAudience(view, to: comparison, &lease)
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

  private func worker(_ comparison: Comparison) -> ComparisonWorker {
    func worker(_ side: ComparedPolicy) -> BatchWorker {
      let facts = ledger.map { BriefFacts(LedgerFacts($0, policy: side.policy, now: now)) }
      return side.worker(facts: facts, longestLine: longestLine)
    }
    return ComparisonWorker(old: worker(comparison.old), new: worker(comparison.new), longestLine: longestLine)
  }

  private func take(
    _ part: ComparisonPart, _ comparison: Comparison, _ lease: inout MemoryLease
  ) throws(WireError) {
    guard lease.resize(to: lease.bytes + part.memory) else { throw RankAnswer.outOfMemory }
    comparison.add(part)
  }

  private func addAudience(
    _ view: AudienceView, to comparison: Comparison, _ lease: inout MemoryLease
  ) throws(WireError) {
    let lines = KeptLines(
      view, worker(comparison), old: old.policy, now: now, usesLedger: ledger != nil, longestLine: longestLine)
    var failure: WireError?
    try asking { () throws(LedgerError) in
      try view.ledger.eachCandidate(from: 0, batch: Self.batch) { batch in
        do throws(WireError) {
          if isOver { throw Self.cancelled }
          let part = comparison.part()
          try lines.decide(batch) { part.add(old: $0, $1, new: $2, $3) }
          try take(part, comparison, &lease)
          return true
        } catch {
          failure = error
          return false
        }
      }
    }
    if let failure { throw failure }
  }

  private static let batch = 1024
}
