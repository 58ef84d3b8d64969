import RouseCore
import RouseLedger
import RouseReview
import RouseWire
import Synchronization

/// What has been gathered of a shadow beside one live policy. One thread decides; any may look.
final class ShadowGathering: @unchecked Sendable {
  // Sendable because `made` is the deciding thread's alone, and the rest is under the lock or does not change.
  let live: LivePolicy
  /// Seconds since 1970.
  let since: Int64
  private let shadow: LivePolicy
  private let ledger: Ledger?
  private let longestLine: Int

  private struct State {
    var tally: ShadowTally
    var skipped = 0
    var lastNow: Int64
  }
  private let state: Mutex<State>

  /// What decides for requests of one moment; those that follow each other mostly share it.
  private struct Made {
    let now: Int64
    let usesLedger: Bool
    let isStream: Bool
    let worker: ComparisonWorker
  }
  private var made: Made?

  init(live: LivePolicy, shadow: LivePolicy, since: Int64, ledger: Ledger?, longestLine: Int) {
    self.live = live
    self.shadow = shadow
    self.since = since
    self.ledger = ledger
    self.longestLine = longestLine
    let now = min(max(since, Moment.first), Moment.last)
    state = Mutex(
      State(
        tally: ShadowTally(
          old: ComparedPolicy(live.policy, tables: live.tables, now: now),
          new: ComparedPolicy(shadow.policy, tables: shadow.tables, now: now)), lastNow: now))
  }

  var gathered: (compared: Int, skipped: Int, result: ComparisonResult) {
    let (tally, skipped, now) = state.withLock { ($0.tally, $0.skipped, $0.lastNow) }
    return (tally.count, skipped, tally.result(asOf: now))
  }

  var counts: (compared: Int, skipped: Int) { state.withLock { ($0.tally.count, $0.skipped) } }

  private func worker(for item: ShadowItem, isStream: Bool) -> ComparisonWorker {
    if let made, made.now == item.now, made.usesLedger == item.usesLedger, made.isStream == isStream {
      return made.worker
    }
    func side(_ live: LivePolicy) -> BatchWorker {
      let facts = item.usesLedger ? ledger.map { BriefFacts(LedgerFacts($0, policy: live.policy, now: item.now)) } : nil
      return ComparedPolicy(live.policy, tables: live.tables, now: item.now)
        .worker(facts: facts, longestLine: longestLine, isStream: isStream)
    }
    let worker = ComparisonWorker(old: side(live), new: side(shadow), longestLine: longestLine)
    made = Made(now: item.now, usesLedger: item.usesLedger, isStream: isStream, worker: worker)
    return worker
  }

  /// Decides by both policies, and adds what differs.
  func decide(_ item: ShadowItem) {
    var left = item.count
    // A request that pinned another version, or began under one that has gone.
    if item.live === live {
      switch item.candidates {
      case .lines(let block): decide(block, worker(for: item, isStream: true), &left)
      case .users(let line, let at):
        if let block = try? line.itemLines(at: at) { decide(block, worker(for: item, isStream: false), &left) }
      case .audience(let view, let users): decide(view, users, item, &left)
      }
    }
    let rest = left
    state.withLock { state in
      state.skipped += max(0, rest)
      state.lastNow = item.now
    }
  }

  private func decide(_ block: Block, _ worker: ComparisonWorker, _ left: inout Int) {
    var at = 0
    while left > 0, let line = block.nextLine(&at, longest: longestLine) {
      guard line.count <= longestLine, worker.decide(line, add) else { return }
      left -= 1
    }
  }

  private func add(
    _ oldRow: CandidateRow, _ oldDecision: Decision, _ newRow: CandidateRow, _ newDecision: Decision
  ) {
    state.withLock { $0.tally.add(old: oldRow, oldDecision, new: newRow, newDecision) }
  }

  private func decide(_ view: AudienceView, _ users: Range<Int>, _ item: ShadowItem, _ left: inout Int) {
    let lines = KeptLines(
      view, worker(for: item, isStream: false), old: live.policy, now: item.now, usesLedger: item.usesLedger,
      longestLine: longestLine)
    var rest = left
    // What cannot be read now is skipped, and counted as that.
    try? view.ledger.eachCandidate(from: users.lowerBound, batch: Self.batch) { batch in
      let own = batch.filter { users.contains($0.user) }
      do throws(WireError) {
        try lines.decide(own) { oldRow, oldDecision, newRow, newDecision in
          guard rest > 0 else { return }
          rest -= 1
          add(oldRow, oldDecision, newRow, newDecision)
        }
        return own.count == batch.count && rest > 0
      } catch {
        return false
      }
    }
    left = rest
  }
  private static let batch = 256
}
