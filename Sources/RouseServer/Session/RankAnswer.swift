import NIOCore
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
  private let meters: Meters?
  /// Whether the request is for a candidate that has been scored again, by its user's number.
  private let isWanted: @Sendable (CandidateRow, Int?) -> Bool
  /// Asked for parts alone without the lock.
  private let ranking: Ranking
  private let cancelled = Atomic<Bool>(false)
  private let attempts = Atomic<Int>(0)

  private struct Shared: ~Copyable {
    let ranking: Ranking
    var cursor = Ranking.Cursor()
    var lease: MemoryLease?
    /// The rows of a plan that was committed before.
    var former: PlanRows?
    var head: PlanHead?
    /// Indices of the plan's users that have changed.
    var stale: (rows: [Int], gone: Set<Int>) = ([], [])
    /// Users who were scored again, and the ledger's sequence before that.
    var again: [[UInt8]: UInt64] = [:]
  }
  private let shared: Mutex<Shared>

  /// - Parameters:
  ///   - memory: what the candidates are taken from; nil: it is not counted.
  ///   - commitment: nil: the plan is not kept.
  init(
    _ hands: Hands, rows: RankRows, limits: PlanLimits, memory: MemoryPool?, commitment: Commitment? = nil,
    meters: Meters? = nil,
    isWanted: @escaping @Sendable (CandidateRow, Int?) -> Bool = { _, _ in true }
  ) {
    self.hands = hands
    self.isWanted = isWanted
    kind = rows
    self.limits = limits
    self.commitment = commitment
    self.meters = meters
    let ranking = Ranking(
      scorer: hands.scorer, writer: hands.writer, rows: rows, limits: limits, isForCommit: commitment != nil)
    self.ranking = ranking
    shared = Mutex(Shared(ranking: ranking, lease: memory.map { MemoryLease(of: $0) }))
  }

  var commits: Bool { commitment != nil }
  var isCancelled: Bool { cancelled.load(ordering: .relaxed) }

  /// Nobody waits for an answer any more: what has not begun need not be done.
  func cancel() { cancelled.store(true, ordering: .relaxed) }

  // MARK: - Candidates

  func makePart() -> RankPart { ranking.part() }

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
    shared.withLock { shared in shared.ranking.finish(limits, threads: System.coreCount) { isCancelled } }
    guard let commitment, !isCancelled else { return done(.ready) }
    do throws(WireError) {
      commit(try draft(commitment), commitment, done)
    } catch {
      done(.failed(error))
    }
  }

  /// Scores the users again that have changed, plans, and tries to commit once more.
  func planAgain(_ done: @escaping @Sendable (Outcome) -> Void) {
    guard let commitment, !isCancelled else { return done(.ready) }
    do throws(WireError) {
      guard attempts.wrappingAdd(1, ordering: .relaxed).newValue <= Self.mostAttempts, try decideAgain(commitment)
      else {
        throw WireError(
          .overloaded, "the plan's users kept changing while it was made; try again", retryAfterMS: 1000)
      }
      plan(done)
    } catch {
      done(.failed(error))
    }
  }
  private static let mostAttempts = 20

  private func commit(
    _ draft: PlanDraft, _ commitment: Commitment, _ done: @escaping @Sendable (Outcome) -> Void
  ) {
    commitment.ledger.commit(draft) { [self] answer in
      switch answer {
      case .failure(let error): done(.failed(WireError(error)))
      case .success(.conflict):
        done(
          .failed(
            WireError(
              .conflict, "the plan_key was used for another request; give this one another", at: "/plan_key")))
      case .success(.committed(let head)):
        shared.withLock { $0.head = head }
        done(.ready)
      case .success(.replayed(let head)):
        shared.withLock { $0.former = PlanRows(head, of: commitment.ledger) }
        done(.ready)
      case .success(.stale(let rows, let gone)):
        shared.withLock { $0.stale = (rows, gone) }
        done(.stale)
      }
    }
  }

  // MARK: - Committing

  /// The plan as the ledger is to keep it.
  private func draft(_ commitment: Commitment) throws(WireError) -> PlanDraft {
    let (chosen, totals, sums, again) = shared.withLock { shared in
      var totals = ByteWriter()
      shared.ranking.writePlan(into: &totals)
      return (shared.ranking.chosen(), totals.array, shared.ranking.sums, shared.again)
    }
    let lines = try lines(of: chosen, commitment.ledger)
    let hand = hands.borrow()
    defer { hands.giveBack(hand) }
    var rows: [PlanDraft.Row] = []
    rows.reserveCapacity(chosen.count)
    // The memory is held for a few users at a time.
    for start in stride(from: 0, to: chosen.count, by: Self.held) {
      try hand.work { (worker) throws(WireError) in
        for index in start..<min(start + Self.held, chosen.count) {
          var row = row(chosen[index], lines[index], worker)
          row.seen = again[row.userID]
          rows.append(row)
        }
      }
    }
    return PlanDraft(
      key: commitment.key, digest: commitment.digest, campaign: commitment.campaign,
      policy: hands.live.policy.version, asOf: commitment.asOf.seconds, asOfText: commitment.asOf.text,
      made: commitment.made, request: commitment.settings, totals: totals, value: sums.value, spend: sums.spend,
      capital: sums.capital, seen: commitment.seen, rows: rows)
  }
  private static let held = 256

  /// The candidates' lines, with empty user_ids.
  private func lines(of chosen: [Ranking.Chosen], _ ledger: Ledger) throws(WireError) -> [[UInt8]] {
    var lines = chosen.map(\.source)
    let missing = lines.indices.filter { lines[$0].isEmpty }
    guard !missing.isEmpty else { return lines }
    let users = ledger.read { standing in
      missing.map { index in chosen[index].userID.withUnsafeBytes { standing.number(of: $0) } ?? -1 }
    }
    let kept = try asking { () throws(LedgerError) in try ledger.lines(of: users) }
    for (index, line) in zip(missing, kept) { lines[index] = line ?? [] }
    return lines
  }

  private func row(_ chosen: Ranking.Chosen, _ line: [UInt8], _ worker: BatchWorker) -> PlanDraft.Row {
    let policy = hands.live.policy
    let option = chosen.option
    var draft = PlanDraft.Row(
      userID: chosen.userID, rank: chosen.rank, channel: policy.channels[Int(option.channel)].name,
      value: option.value, spend: option.spend, capital: option.capital, p: Int64(option.p), pd: 0,
      propensity: chosen.propensity, arm: chosen.arm.name, stage: "", tier: "", regionGroup: nil, row: chosen.row,
      candidate: line, known: [])
    // What the plan was made of says no more than what shows; the rest is found as it was then.
    let block = line.withUnsafeBytes { Block($0) }
    _ = worker.scoreKept(UnsafeRawBufferPointer(rebasing: block.bytes.dropLast()), userID: chosen.userID) {
      row, decision in
      draft.pd = Micros.from(decision.pd)
      if decision.stage >= 0 { draft.stage = policy.stages[decision.stage].name }
      if decision.tier >= 0 { draft.tier = policy.tierName(decision.tier) }
      draft.regionGroup = policy.regionGroup(of: row)
      draft.known = Self.contacts(row, policy)
    }
    return draft
  }

  /// All contacts that counted, where the ledger knew of some that the candidate did not carry.
  private static func contacts(_ row: CandidateRow, _ policy: Policy) -> [UInt8] {
    guard row.known.contacts > 0 else { return [] }
    var out = ByteWriter(capacity: 256)
    out.put(0x5B)
    for (index, contact) in row.contacts.enumerated() {
      out.write(index > 0 ? ",{\"at\":" : "{\"at\":")
      out.write(contact.at)
      out.write(",\"channel\":")
      if contact.channel >= 0 { out.writeQuoted(policy.channels[contact.channel].name) } else { out.write("\"\"") }
      out.put(0x7D)
    }
    out.put(0x5D)
    return out.array
  }

  /// Scores users of the last draft again, by what is known of them now. False when too few are left to choose from.
  private func decideAgain(_ commitment: Commitment) throws(WireError) -> Bool {
    // Read before the scoring: what changes from here on makes them stale once more.
    let now = commitment.ledger.sequence
    let (stale, chosen) = shared.withLock { ($0.stale, $0.ranking.chosen()) }
    let all = stale.rows.filter { chosen.indices.contains($0) }
    let users = all.filter { !stale.gone.contains($0) }.map { chosen[$0] }
    let lines = try lines(of: users, commitment.ledger)
    let hand = hands.borrow()
    defer { hands.giveBack(hand) }
    let part = makePart()
    for start in stride(from: 0, to: users.count, by: Self.held) {
      try hand.work { (worker) throws(WireError) in
        for index in start..<min(start + Self.held, users.count) {
          let block = lines[index].withUnsafeBytes { Block($0) }
          worker.rankKept(
            UnsafeRawBufferPointer(rebasing: block.bytes.dropLast()), userID: users[index].userID, into: part
          ) { row in isWanted(row, hand.facts?.number(of: row)) }
        }
      }
    }
    return shared.withLock { shared in
      for user in users { shared.again[user.userID] = now }
      return shared.ranking.replace(all.map { chosen[$0].user }, with: part)
    }
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
        count(shared.ranking)
        shared.ranking.writePlan(into: &out)
        shared.head?.writeCommit(replayed: false, into: &out)
      }
    }
  }

  private func count(_ ranking: Ranking) {
    guard let meters else { return }
    meters.decided(.rank, ranking.totals)
    let policy = hands.live.policy
    for (index, count) in ranking.contactsByStageAndChannel.enumerated() where count > 0 {
      let (stage, channel) = index.quotientAndRemainder(dividingBy: policy.channels.count)
      meters.chosen(stage: policy.stages[stage].name, channel: policy.channels[channel].name, count)
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
