import RouseCore
import RouseLedger
import RouseWire
import Synchronization

/// What becomes of a rank's candidates, wherever they came from: the plan, its commitment, and the rows.
final class RankAnswer: RowSource {
  /// What planning has come to.
  enum Outcome: Sendable {
    /// The rows can be written.
    case ready
    case failed(WireError)
    /// Users of the plan have changed since they were scored: it is to be made again, by `planAgain`.
    case stale
  }

  private let hands: Hands
  private let kind: RankRows
  private let limits: PlanLimits
  private let commitment: Commitment?
  private let cancelled = Atomic<Bool>(false)

  private struct Shared: ~Copyable {
    let ranking: Ranking
    var cursor = Ranking.Cursor()
    var lease: MemoryLease?
    /// The rows of a plan that was committed before.
    var former: PlanRows?
    var head: PlanHead?
    /// Indices of the plan's users that have changed.
    var stale: [Int] = []
  }
  private let shared: Mutex<Shared>

  /// - Parameters:
  ///   - memory: what the candidates are taken from; nil: it is not counted.
  ///   - commitment: nil: the plan is not kept.
  init(_ hands: Hands, rows: RankRows, limits: PlanLimits, memory: MemoryPool?, commitment: Commitment? = nil) {
    self.hands = hands
    kind = rows
    self.limits = limits
    self.commitment = commitment
    let ranking = Ranking(scorer: hands.scorer, writer: hands.writer, rows: rows)
    shared = Mutex(Shared(ranking: ranking, lease: memory.map { MemoryLease(of: $0) }))
  }

  var commits: Bool { commitment != nil }
  var isCancelled: Bool { cancelled.load(ordering: .relaxed) }

  /// Nobody waits for an answer any more: what has not begun need not be done.
  func cancel() { cancelled.store(true, ordering: .relaxed) }

  // MARK: - Candidates

  func makePart() -> RankPart { RankPart(policy: hands.live.policy, rows: kind) }

  /// Counts memory for candidates; false when open ranks hold all they may.
  func hold(_ bytes: Int) -> Bool {
    shared.withLock { shared in
      guard let held = shared.lease?.bytes else { return true }
      return shared.lease?.resize(to: held + bytes) ?? true
    }
  }

  static let outOfMemory = WireError(
    .overloaded, "open ranks hold all the memory they may; try again, or send fewer candidates", retryAfterMS: 1000)

  /// Adds the next part, in input order.
  func add(_ part: RankPart) { shared.withLock { $0.ranking.add(part) } }

  /// Takes the bytes of the next lines into what tells one request from another.
  func digest(_ block: Block, _ stop: BatchWorker.Stop) { commitment?.digest(block, stop) }

  /// The same of the list of candidates in a request's line.
  func digest(_ line: Block, usersAt at: Int) {
    guard let commitment, commitment.key != nil else { return }
    commitment.digest(UnsafeRawBufferPointer(rebasing: line.list(at: at)))
  }

  // MARK: - Planning

  func plan(_ done: @escaping @Sendable (Outcome) -> Void) {
    if isCancelled { return done(.ready) }
    shared.withLock { shared in shared.ranking.finish(limits) { isCancelled } }
    guard let commitment, !isCancelled else { return done(.ready) }
    commit(commitment, done)
  }

  /// Scores the users again that have changed, plans, and tries to commit once more.
  func planAgain(_ done: @escaping @Sendable (Outcome) -> Void) {
    plan(done)
  }

  private func commit(_ commitment: Commitment, _ done: @escaping @Sendable (Outcome) -> Void) {
    done(.ready)
  }

  // MARK: - Rows

  func rows(enough: Int) throws(WireError) -> (bytes: [UInt8], isAtEnd: Bool) {
    if let former = shared.withLock({ $0.former }) { return try former.rows(enough: enough) }
    return shared.withLock { shared in
      var out = ByteWriter(capacity: enough + 4096)
      shared.ranking.writeRows(&shared.cursor, into: &out, enough: enough, asLines: true)
      return (out.array, shared.cursor.isAtEnd)
    }
  }

  var context: (policy: String, asOf: String)? {
    shared.withLock { shared in shared.former.map { ($0.head.policy, $0.head.asOfText) } }
  }

  func tail() -> [UInt8] {
    var out = ByteWriter()
    writeTail(into: &out)
    return out.array
  }

  private func writeTail(into out: inout ByteWriter) {
    out.write(",\"plan\":")
    shared.withLock { shared in
      if let former = shared.former {
        out.write(former.head.totals)
        former.head.writeCommit(replayed: true, into: &out)
      } else {
        shared.ranking.writePlan(into: &out)
        shared.head?.writeCommit(replayed: false, into: &out)
      }
    }
  }

  /// `,"results":[..]` and the plan: the answer in one line.
  func inline() throws(WireError) -> [UInt8] {
    var out = ByteWriter(capacity: 1024)
    out.write(",\"results\":[")
    if let former = shared.withLock({ $0.former }) {
      try former.writeAll(into: &out)
    } else {
      shared.withLock { $0.ranking.writeRows(&$0.cursor, into: &out, enough: .max, asLines: false) }
    }
    out.put(0x5D)
    writeTail(into: &out)
    return out.array
  }
}
