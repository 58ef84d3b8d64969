import RouseCore
import RouseWire
import Synchronization

/// The work of one streamed request, or of a large inline one, off the event loop: blocks are decoded and scored on any
/// thread, and put in order.
final class StreamWork: Sendable {
  enum Kind: Sendable {
    case score(Extras)
    case rank(RankRows, PlanLimits)
  }

  /// What became of one block.
  struct BlockResult: Sendable {
    let index: Int
    /// Rows of a score, an LF after each.
    let rows: [UInt8]
    let totals: Totals
    let stop: BatchWorker.Stop
    /// The rank would take more memory than ranks may.
    var isOverMemory = false
  }

  let kind: Kind
  private let live: LivePolicy
  private let scorer: Scorer
  private let writer: DecisionWriter
  private let longestLine: Int
  private let isCancelled = Atomic<Bool>(false)

  /// Whether rows come only when all candidates are there.
  var isRank: Bool { if case .rank = kind { true } else { false } }

  /// Whether a candidate's row is many times as long as the candidate.
  var isExplained: Bool { if case .score(let extras) = kind { extras.contains(.explain) } else { false } }

  /// What threads share.
  private struct Shared: ~Copyable {
    var idle: [BatchWorker] = []
    let ranking: Ranking?
    var cursor = Ranking.Cursor()
    /// Index of the block whose part comes next.
    var next = 0
    var waiting: [Int: (part: RankPart, stop: BatchWorker.Stop)] = [:]
    /// Collects small blocks, so that a stream that drips does not make a part a line.
    var open: RankPart?
    var openBytes = 0
    var isSealed = false
    var lease: MemoryLease?
  }
  private let shared: Mutex<Shared>

  /// - Parameter memory: what a rank's candidates are taken from.
  init(_ kind: Kind, live: LivePolicy, now: Int64, longestLine: Int, memory: MemoryPool?) {
    self.kind = kind
    self.live = live
    let made = live.scorer(at: now)
    scorer = made.scorer
    writer = made.writer
    self.longestLine = longestLine
    var ranking: Ranking?
    if case .rank(let rows, _) = kind { ranking = Ranking(scorer: made.scorer, writer: made.writer, rows: rows) }
    shared = Mutex(Shared(ranking: ranking, lease: memory.map { MemoryLease(of: $0) }))
  }

  /// Nobody waits for an answer any more: what has not begun need not be done.
  func cancel() { isCancelled.store(true, ordering: .relaxed) }

  private func borrow() -> BatchWorker {
    if let worker = shared.withLock({ $0.idle.popLast() }) { return worker }
    var extras: Extras = []
    if case .score(let asked) = kind { extras = asked }
    return BatchWorker(
      scorer: scorer, writer: writer, tables: live.tables, extras: extras, longestLine: longestLine, isStream: true)
  }

  private func giveBack(_ worker: BatchWorker) {
    shared.withLock { shared in shared.idle.append(worker) }
  }

  /// Works off one block of whole lines. Blocks may run at once; `index` counts them from 0.
  func run(_ block: Block, index: Int) -> BlockResult {
    if isCancelled.load(ordering: .relaxed) {
      return BlockResult(index: index, rows: [], totals: Totals(), stop: .none)
    }
    let worker = borrow()
    defer { giveBack(worker) }
    switch kind {
    case .score:
      var rows = ByteWriter(capacity: block.count + block.count / 4)
      var totals = Totals()
      let stop = worker.score(block, into: &rows, totals: &totals)
      return BlockResult(index: index, rows: rows.array, totals: totals, stop: stop)
    case .rank(let rows, _):
      let open = block.count < Self.smallBlock ? takeOpen(index) : nil
      let part = open ?? RankPart(policy: live.policy, rows: rows)
      let before = part.totals
      let memoryBefore = part.memory
      let stop = worker.rank(block, into: part)
      var totals = part.totals
      totals.subtract(before)
      let fits = hold(part.memory - memoryBefore)
      place(part, index, stop, isOpen: open != nil, bytes: block.count)
      return BlockResult(index: index, rows: [], totals: totals, stop: stop, isOverMemory: !fits)
    }
  }

  private func hold(_ bytes: Int) -> Bool {
    shared.withLock { shared in
      guard let held = shared.lease?.bytes else { return true }
      return shared.lease?.resize(to: held + bytes) ?? true
    }
  }

  private static let smallBlock = 1 << 15
  private static let mostOpen = 1 << 18

  /// The part for small blocks, when this block is the next in order.
  private func takeOpen(_ index: Int) -> RankPart? {
    guard case .rank(let rows, _) = kind else { return nil }
    let part = RankPart(policy: live.policy, rows: rows)
    return shared.withLock { shared in
      // After the stream's end no part is open any more: a block cut ahead of time holds the next request's lines.
      guard !shared.isSealed, shared.next == index, shared.waiting.isEmpty else { return nil }
      let open = shared.open ?? part
      shared.open = open
      return open
    }
  }

  /// Puts a part in its place, and with it all that waited for it.
  private func place(_ part: RankPart, _ index: Int, _ stop: BatchWorker.Stop, isOpen: Bool, bytes: Int) {
    shared.withLock { shared in
      if isOpen {
        shared.next += 1
        shared.openBytes += bytes
        if stop != .none { shared.isSealed = true }
        if shared.isSealed || shared.openBytes > Self.mostOpen { Self.flush(&shared) }
      } else {
        shared.waiting[index] = (part, stop)
      }
      while let waiting = shared.waiting.removeValue(forKey: shared.next) {
        shared.next += 1
        if shared.isSealed { continue }
        Self.flush(&shared)
        shared.ranking?.add(waiting.part)
        if waiting.stop != .none { shared.isSealed = true }
      }
    }
  }

  private static func flush(_ shared: inout Shared) {
    guard let open = shared.open else { return }
    shared.ranking?.add(open)
    shared.open = nil
    shared.openBytes = 0
  }

  // MARK: - The answer of a rank

  /// Plans, after the last block.
  func plan() {
    guard case .rank(_, let limits) = kind, !isCancelled.load(ordering: .relaxed) else { return }
    shared.withLock { shared in
      Self.flush(&shared)
      shared.ranking?.finish(limits) { isCancelled.load(ordering: .relaxed) }
    }
  }

  /// The next rows, about so many bytes of them.
  func rows(enough: Int) -> (bytes: [UInt8], isAtEnd: Bool) {
    shared.withLock { shared in
      guard let ranking = shared.ranking else { return ([], true) }
      var out = ByteWriter(capacity: enough + 4096)
      ranking.writeRows(&shared.cursor, into: &out, enough: enough, asLines: true)
      return (out.array, shared.cursor.isAtEnd)
    }
  }

  /// The plan's totals.
  func planTotals() -> [UInt8] {
    shared.withLock { shared in
      var out = ByteWriter()
      shared.ranking?.writePlan(into: &out)
      return out.array
    }
  }

  // MARK: - Inline

  /// `"results":[..]` and the summary or plan of a request's own candidates, or what is wrong with them.
  func runInline(_ block: Block, usersAt at: Int) throws(WireError) -> [UInt8] {
    let worker = borrow()
    var out = ByteWriter(capacity: 1024)
    out.write(",\"results\":[")
    defer { giveBack(worker) }
    switch kind {
    case .score:
      var totals = Totals()
      try worker.score(block, usersAt: at, into: &out, totals: &totals)
      out.write("],\"summary\":")
      totals.writeSummary(into: &out)
    case .rank(let rows, let limits):
      let part = RankPart(policy: live.policy, rows: rows)
      try worker.rank(block, usersAt: at, into: part)
      let ranking = Ranking(scorer: scorer, writer: writer, rows: rows)
      ranking.add(part)
      ranking.finish(limits)
      var cursor = Ranking.Cursor()
      ranking.writeRows(&cursor, into: &out, enough: .max, asLines: false)
      out.write("],\"plan\":")
      ranking.writePlan(into: &out)
    }
    return out.array
  }
}
