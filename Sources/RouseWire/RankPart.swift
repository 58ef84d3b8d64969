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
    let hash: UInt32
    /// Where its user_id stands among the part's.
    let id: UInt32
    /// Index into `users`, or -1.
    let user: Int32
    let ignored: Int32
    let status: UInt8
    /// Whether other lines may have its user_id.
    let mayRepeat: Bool
    /// Its user_id came in an earlier line: I03.
    var isRepeated = false
  }

  /// Where what was decided stands packed, and then the candidate's line.
  struct Packing {
    let start: UInt32
    let count: UInt32
    /// Where its line begins in what is packed: at the end, where none is kept.
    let sourceAt: UInt32
  }

  let rows: RankRows
  private struct Kept: ~Copyable {
    var totals = Totals()
    var lines: [Line] = []
    /// Of each line when all rows are asked for, else of each user.
    var packings: [Packing] = []
    /// Indices of the users' lines, when all rows are asked for.
    var userLines: [UInt32] = []
    var users: PlanUsers
    /// Each user_id after a byte that counts its own.
    var ids = ByteWriter(capacity: 256)
    var packed = ByteWriter(capacity: 1024)
  }
  /// Outside the object: fields of a class are checked at each access.
  private let kept: UnsafeMutablePointer<Kept>
  package var totals: Totals { kept.pointee.totals }
  var lines: [Line] { kept.pointee.lines }
  var users: PlanUsers { kept.pointee.users }
  private let mark: Sieve.Mark?
  private let keepsHoldout: Bool
  /// The plan is to be committed: its candidates' lines are kept, but for those of the audience.
  private let keepsSources: Bool

  /// A part of a rank without a sieve and ghosts; `Ranking.part()` makes one of any.
  package convenience init(policy: Policy, rows: RankRows) {
    self.init(policy: policy, rows: rows, isForCommit: false, mark: nil)
  }

  /// - Parameter mark: of the rank's sieve; who is beyond it is counted, and not kept.
  init(policy: Policy, rows: RankRows, isForCommit: Bool, mark: Sieve.Mark?) {
    self.rows = rows
    kept = .allocate(capacity: 1)
    kept.initialize(to: Kept(users: PlanUsers(policy: policy)))
    self.mark = mark
    keepsHoldout = rows == .all || isForCommit
    keepsSources = isForCommit
  }

  deinit {
    kept.deinitialize(count: 1)
    kept.deallocate()
  }

  /// Adds what was decided on a line.
  func add(_ decision: Decision, _ row: CandidateRow, _ scorer: Scorer) {
    kept.pointee.totals.count(decision)
    guard row.userIDCount > 0 || rows == .all else { return }
    let isPlanned = isPlanned(decision, scorer.policy) { row.userID }
    keep(decision, row, scorer, userID: row.userID, isPlanned: isPlanned, mayRepeat: row.userIDCount > 0)
  }

  /// Adds what was decided on a candidate of the audience, or on one that is scored again: no other has its user_id, so
  /// that nobody looks for one.
  /// - Parameter userID: asked for when it is needed.
  func add(_ decision: Decision, _ row: CandidateRow, _ scorer: Scorer, userID: () -> UnsafeRawBufferPointer) {
    kept.pointee.totals.count(decision)
    let isPlanned = isPlanned(decision, scorer.policy, userID)
    guard isPlanned || rows == .all else { return }
    keep(decision, row, scorer, userID: userID(), isPlanned: isPlanned, mayRepeat: false)
  }

  @inline(__always)
  private func isPlanned(_ decision: Decision, _ policy: Policy, _ userID: () -> UnsafeRawBufferPointer) -> Bool {
    guard decision.status == .eligible || decision.status == .holdout && keepsHoldout else { return false }
    guard let mark, let best = decision.bestOption else { return true }
    let worth = policy.worth(value: best.value, spend: best.spend)
    if let wanted = mark.wants(arm: decision.arm, worth: worth) { return wanted }
    return mark.wants(arm: decision.arm, worth: worth, tie: decision.tie ?? policy.experiment.tie(userID()))
  }

  private func keep(
    _ decision: Decision, _ row: CandidateRow, _ scorer: Scorer, userID: UnsafeRawBufferPointer, isPlanned: Bool,
    mayRepeat: Bool
  ) {
    var user: Int32 = -1
    if isPlanned {
      user = Int32(truncatingIfNeeded: kept.pointee.users.count)
      let policy = scorer.policy
      kept.pointee.users.append(
        decision, tie: decision.tie ?? policy.experiment.tie(userID), userID: userID,
        quotas: { scorer.isUnder(quota: $0, row) }, quotaCount: policy.quotas.count)
      if rows == .all { kept.pointee.userLines.append(UInt32(truncatingIfNeeded: kept.pointee.lines.count)) }
    }
    if isPlanned || rows == .all { pack(decision, row, isPlanned: isPlanned) }
    kept.pointee.lines.append(
      Line(
        hash: mayRepeat ? UInt32(truncatingIfNeeded: KeyedHash.hash(userID) >> 32) : 0,
        id: UInt32(truncatingIfNeeded: kept.pointee.ids.count), user: user,
        ignored: Int32(truncatingIfNeeded: decision.ignored), status: decision.status.rawValue, mayRepeat: mayRepeat))
    if mayRepeat || rows == .all {
      kept.pointee.ids.put(UInt8(truncatingIfNeeded: userID.count))
      kept.pointee.ids.write(userID)
    }
  }

  private func pack(_ decision: Decision, _ row: CandidateRow, isPlanned: Bool) {
    let start = kept.pointee.packed.count
    PackedDecision.pack(decision, withBest: !isPlanned && decision.depth == .value, into: &kept.pointee.packed)
    let sourceAt = kept.pointee.packed.count - start
    if isPlanned, keepsSources { kept.pointee.packed.write(row.sourceWithoutUserID) }
    kept.pointee.packings.append(
      Packing(
        start: UInt32(truncatingIfNeeded: start),
        count: UInt32(truncatingIfNeeded: kept.pointee.packed.count - start),
        sourceAt: UInt32(truncatingIfNeeded: sourceAt)))
  }

  /// About the bytes that this part will cost its rank, the table over all parts included.
  package var memory: Int {
    let count = kept.pointee.lines.count
    let ids = kept.pointee.ids.count
    let rest = rows == .all ? count &* (MemoryLayout<Line>.stride + MemoryLayout<Packing>.stride) &+ ids : 0
    return count &* SeenUsers.memory &+ ids &+ rest &+ kept.pointee.packed.count &+ kept.pointee.users.memory
  }

  func userID(at id: UInt32) -> UnsafeRawBufferPointer {
    let start = Int(id) + 1
    return UnsafeRawBufferPointer(
      rebasing: kept.pointee.ids.bytes[start..<(start + Int(kept.pointee.ids.bytes[start - 1]))])
  }

  /// - Parameter line: index of one of all rows.
  func unpack(line: Int, policy: Policy, into decision: inout Decision) {
    let isUnprofitable = Status(rawValue: kept.pointee.lines[line].status) == .unprofitable
    unpack(
      kept.pointee.packings[line], withBest: kept.pointee.lines[line].user < 0 && isUnprofitable, policy: policy,
      into: &decision)
  }

  func unpack(_ packing: Packing, withBest: Bool = false, policy: Policy, into decision: inout Decision) {
    PackedDecision.unpack(
      UnsafeRawBufferPointer(rebasing: kept.pointee.packed.bytes[Int(packing.start)...]), withBest: withBest,
      policy: policy,
      into: &decision)
  }

  func packing(ofUser user: Int) -> Packing {
    kept.pointee.packings[rows == .all ? Int(kept.pointee.userLines[user]) : user]
  }

  /// - Parameter line: index of one of all rows.
  func packing(ofLine line: Int) -> Packing { kept.pointee.packings[line] }

  /// What was decided, as it is packed.
  func packed(_ packing: Packing) -> UnsafeRawBufferPointer {
    let start = Int(packing.start)
    return UnsafeRawBufferPointer(rebasing: kept.pointee.packed.bytes[start..<(start + Int(packing.sourceAt))])
  }

  /// A candidate's line with an empty user_id; empty for one of the audience.
  func source(_ packing: Packing) -> UnsafeRawBufferPointer {
    let start = Int(packing.start)
    return UnsafeRawBufferPointer(
      rebasing: kept.pointee.packed.bytes[(start + Int(packing.sourceAt))..<(start + Int(packing.count))])
  }

  /// A line whose user_id came before: it counts as invalid, and its ignored members are not shown.
  /// - Returns: the index of its user, who is to be left out.
  func refuse(_ index: Int) -> Int? {
    kept.pointee.totals.statuses[Int(kept.pointee.lines[index].status)] -= 1
    kept.pointee.totals.statuses[Int(Status.invalid.rawValue)] += 1
    kept.pointee.totals.ignored -= Int(kept.pointee.lines[index].ignored)
    kept.pointee.lines[index].isRepeated = true
    return kept.pointee.lines[index].user < 0 ? nil : Int(kept.pointee.lines[index].user)
  }

  // MARK: - What is needed no more

  /// The lines, once their users have their places.
  func forgetLines() {
    kept.pointee.lines = []
    kept.pointee.packings = []
    kept.pointee.ids = ByteWriter(capacity: 0)
  }

  /// The users, once they are the rank's.
  func forgetUsers(_ policy: Policy) { kept.pointee.users = PlanUsers(policy: policy) }

  /// What was decided, once it has been taken over.
  func forgetPacked() { kept.pointee.packed = ByteWriter(capacity: 0) }

  /// Bytes of what was decided.
  var packedCount: Int { kept.pointee.packed.count }

  /// Whether nothing in it is ever asked for again.
  var isEmpty: Bool { kept.pointee.lines.isEmpty && kept.pointee.packed.count == 0 }

  /// Takes over what was decided on a user of another part; where it stands.
  func take(_ packing: Packing, of other: RankPart) -> Packing {
    let start = UInt32(truncatingIfNeeded: kept.pointee.packed.count)
    let end = Int(packing.start) + Int(packing.count)
    kept.pointee.packed.write(
      UnsafeRawBufferPointer(rebasing: other.kept.pointee.packed.bytes[Int(packing.start)..<end]))
    return Packing(start: start, count: packing.count, sourceAt: packing.sourceAt)
  }
}
