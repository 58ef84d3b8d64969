import RouseCore

/// Which rows a rank answers with.
package enum RankRows: Sendable, Equatable {
  /// The contacts, in rank order.
  case contacts
  /// Every candidate, in input order.
  case all
}

/// What a rank keeps of one block's candidates: tens of bytes each.
package final class RankPart: @unchecked Sendable {
  // Sendable because one worker fills it, and only then hands it over.

  /// A line with a usable user_id, or any line when all rows are asked for.
  struct Line {
    let hash: UInt64
    let idStart: UInt32
    let packedStart: UInt32
    /// Index into `users`, or -1.
    let user: Int32
    let ignored: Int32
    let idCount: UInt8
    let status: UInt8
    /// No other line can have its user_id.
    let isUnique: Bool
    /// Its user_id came in an earlier line: I03.
    var isRepeated = false
  }

  let rows: RankRows
  /// The plan is to be committed: held-out users are planned with, and lines are kept.
  let isForCommit: Bool
  package private(set) var totals = Totals()
  private(set) var lines: [Line] = []
  var users: PlanUsers
  private var ids: ByteWriter
  private var packed: ByteWriter
  /// The lines of `users` with empty user_ids, one after another, and where they end.
  private var sources = ByteWriter(capacity: 64)
  private var sourceEnds: [Int] = []

  package init(policy: Policy, rows: RankRows, isForCommit: Bool = false) {
    self.rows = rows
    self.isForCommit = isForCommit
    users = PlanUsers(policy: policy)
    ids = ByteWriter(capacity: 256)
    packed = ByteWriter(capacity: 1024)
  }

  /// Adds what was decided on a line.
  func add(_ decision: Decision, _ row: CandidateRow, _ scorer: Scorer) {
    totals.count(decision)
    guard row.userIDCount > 0 || rows == .all else { return }
    keep(decision, row, scorer, userID: row.userID, hash: KeyedHash.hash(row.userID))
  }

  /// Adds what was decided on a candidate of the audience: no other has its user_id, so that nobody looks for one.
  /// - Parameter userID: asked for when it is needed.
  func add(_ decision: Decision, _ row: CandidateRow, _ scorer: Scorer, userID: () -> UnsafeRawBufferPointer) {
    totals.count(decision)
    guard isPlanned(decision) || rows == .all else { return }
    keep(decision, row, scorer, userID: userID(), hash: nil)
  }

  private func isPlanned(_ decision: Decision) -> Bool {
    decision.status == .eligible || decision.status == .holdout && (rows == .all || isForCommit)
  }

  private func keep(
    _ decision: Decision, _ row: CandidateRow, _ scorer: Scorer, userID: UnsafeRawBufferPointer, hash: UInt64?
  ) {
    let isPlanned = isPlanned(decision)
    lines.append(
      Line(
        hash: hash ?? 0, idStart: UInt32(truncatingIfNeeded: ids.count),
        packedStart: UInt32(truncatingIfNeeded: packed.count),
        user: isPlanned ? Int32(truncatingIfNeeded: users.count) : -1,
        ignored: Int32(truncatingIfNeeded: decision.ignored), idCount: UInt8(truncatingIfNeeded: userID.count),
        status: decision.status.rawValue, isUnique: hash == nil))
    ids.write(userID)
    if isPlanned {
      let policy = scorer.policy
      users.append(
        decision, tie: decision.tie ?? policy.experiment.tie(userID), userID: userID,
        quotas: { scorer.isUnder(quota: $0, row) }, quotaCount: policy.quotas.count)
      if isForCommit {
        sources.write(row.sourceWithoutUserID)
        sourceEnds.append(sources.count)
      }
    }
    if isPlanned || rows == .all {
      PackedDecision.pack(decision, withBest: !isPlanned && decision.depth == .value, into: &packed)
    }
  }

  /// About the bytes that this part will cost its rank, the tables over all parts included.
  package var memory: Int {
    lines.count &* (MemoryLayout<Line>.stride + Self.tablesPerLine) &+ ids.count &+ packed.count &+ users.memory
      &+ sources.count &+ sourceEnds.count &* 8
  }
  /// The places of user_ids, their hashes, and their buckets, at most half full.
  private static let tablesPerLine = 48

  func userID(_ line: Line) -> UnsafeRawBufferPointer {
    let start = Int(line.idStart)
    return UnsafeRawBufferPointer(rebasing: ids.bytes[start..<(start + Int(line.idCount))])
  }

  /// Empty for one of the audience.
  func source(_ line: Line) -> UnsafeRawBufferPointer {
    let user = Int(line.user)
    guard sourceEnds.indices.contains(user) else { return UnsafeRawBufferPointer(start: nil, count: 0) }
    return UnsafeRawBufferPointer(
      rebasing: sources.bytes[(user > 0 ? sourceEnds[user - 1] : 0)..<sourceEnds[user]])
  }

  /// Adds a candidate that was scored again.
  func addAgain(_ decision: Decision, _ row: CandidateRow, _ scorer: Scorer) {
    totals.count(decision)
    guard isPlanned(decision) else { return }
    keep(decision, row, scorer, userID: row.userID, hash: nil)
  }

  func unpack(_ line: Line, policy: Policy, into decision: inout Decision) {
    let status = Status(rawValue: line.status)
    PackedDecision.unpack(
      UnsafeRawBufferPointer(rebasing: packed.bytes[Int(line.packedStart)...]),
      withBest: line.user < 0 && status == .unprofitable, policy: policy, into: &decision)
  }

  /// A line whose user_id came before: it counts as invalid, and its ignored members are not shown.
  func refuse(_ index: Int) {
    totals.statuses[Int(lines[index].status)] -= 1
    totals.statuses[Int(Status.invalid.rawValue)] += 1
    totals.ignored -= Int(lines[index].ignored)
    lines[index].isRepeated = true
  }
}
