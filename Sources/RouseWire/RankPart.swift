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
  package var totals: Totals { counted.pointee }
  /// Outside the object: fields of a class are checked at each access.
  private let counted: UnsafeMutablePointer<Totals>
  private(set) var lines: [Line] = []
  /// Of each line when all rows are asked for, else of each user.
  private var packings: [Packing] = []
  /// Indices of the users' lines.
  private var userLines: [UInt32] = []
  var users: PlanUsers
  /// Each user_id after a byte that counts its own.
  private var ids: ByteWriter
  private var packed: ByteWriter
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
    counted = .allocate(capacity: 1)
    counted.initialize(to: Totals())
    self.mark = mark
    keepsHoldout = rows == .all || isForCommit
    keepsSources = isForCommit
    users = PlanUsers(policy: policy)
    ids = ByteWriter(capacity: 256)
    packed = ByteWriter(capacity: 1024)
  }

  deinit {
    counted.deinitialize(count: 1)
    counted.deallocate()
  }

  /// Adds what was decided on a line.
  func add(_ decision: Decision, _ row: CandidateRow, _ scorer: Scorer) {
    counted.pointee.count(decision)
    guard row.userIDCount > 0 || rows == .all else { return }
    let isPlanned = isPlanned(decision, scorer.policy) { row.userID }
    keep(decision, row, scorer, userID: row.userID, isPlanned: isPlanned, mayRepeat: row.userIDCount > 0)
  }

  /// Adds what was decided on a candidate of the audience, or on one that is scored again: no other has its user_id, so
  /// that nobody looks for one.
  /// - Parameter userID: asked for when it is needed.
  func add(_ decision: Decision, _ row: CandidateRow, _ scorer: Scorer, userID: () -> UnsafeRawBufferPointer) {
    counted.pointee.count(decision)
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
    let user = users.count
    if isPlanned {
      if rows == .all { userLines.append(UInt32(truncatingIfNeeded: lines.count)) }
      let policy = scorer.policy
      users.append(
        decision, tie: decision.tie ?? policy.experiment.tie(userID), userID: userID,
        quotas: { scorer.isUnder(quota: $0, row) }, quotaCount: policy.quotas.count)
    }
    if isPlanned || rows == .all {
      let start = packed.count
      PackedDecision.pack(decision, withBest: !isPlanned && decision.depth == .value, into: &packed)
      let sourceAt = packed.count - start
      if isPlanned, keepsSources { packed.write(row.sourceWithoutUserID) }
      packings.append(
        Packing(
          start: UInt32(truncatingIfNeeded: start), count: UInt32(truncatingIfNeeded: packed.count - start),
          sourceAt: UInt32(truncatingIfNeeded: sourceAt)))
    }
    lines.append(
      Line(
        hash: mayRepeat ? UInt32(truncatingIfNeeded: KeyedHash.hash(userID) >> 32) : 0,
        id: UInt32(truncatingIfNeeded: ids.count), user: isPlanned ? Int32(truncatingIfNeeded: user) : -1,
        ignored: Int32(truncatingIfNeeded: decision.ignored), status: decision.status.rawValue, mayRepeat: mayRepeat))
    if mayRepeat || rows == .all {
      ids.put(UInt8(truncatingIfNeeded: userID.count))
      ids.write(userID)
    }
  }

  /// About the bytes that this part will cost its rank, the table over all parts included.
  package var memory: Int {
    let kept = rows == .all ? MemoryLayout<Line>.stride + MemoryLayout<Packing>.stride &+ ids.count : 0
    return lines.count &* SeenUsers.memory &+ ids.count &+ kept &+ packed.count &+ users.memory
  }

  func userID(at id: UInt32) -> UnsafeRawBufferPointer {
    let start = Int(id) + 1
    return UnsafeRawBufferPointer(rebasing: ids.bytes[start..<(start + Int(ids.bytes[start - 1]))])
  }

  /// - Parameter line: index of one of all rows.
  func unpack(line: Int, policy: Policy, into decision: inout Decision) {
    let isUnprofitable = Status(rawValue: lines[line].status) == .unprofitable
    unpack(packings[line], withBest: lines[line].user < 0 && isUnprofitable, policy: policy, into: &decision)
  }

  func unpack(_ packing: Packing, withBest: Bool = false, policy: Policy, into decision: inout Decision) {
    PackedDecision.unpack(
      UnsafeRawBufferPointer(rebasing: packed.bytes[Int(packing.start)...]), withBest: withBest, policy: policy,
      into: &decision)
  }

  func packing(ofUser user: Int) -> Packing { packings[rows == .all ? Int(userLines[user]) : user] }

  /// A candidate's line with an empty user_id; empty for one of the audience.
  func source(_ packing: Packing) -> UnsafeRawBufferPointer {
    let start = Int(packing.start)
    return UnsafeRawBufferPointer(
      rebasing: packed.bytes[(start + Int(packing.sourceAt))..<(start + Int(packing.count))])
  }

  /// A line whose user_id came before: it counts as invalid, and its ignored members are not shown.
  /// - Returns: the index of its user, who is to be left out.
  func refuse(_ index: Int) -> Int? {
    counted.pointee.statuses[Int(lines[index].status)] -= 1
    counted.pointee.statuses[Int(Status.invalid.rawValue)] += 1
    counted.pointee.ignored -= Int(lines[index].ignored)
    lines[index].isRepeated = true
    return lines[index].user < 0 ? nil : Int(lines[index].user)
  }

  // MARK: - What a rank of contacts alone needs no more

  /// The lines, once their users have their places.
  func forgetLines() {
    lines = []
    packings = []
    ids = ByteWriter(capacity: 0)
  }

  /// What was decided, once it has been taken over.
  func forgetPacked() { packed = ByteWriter(capacity: 0) }

  /// Bytes of what was decided.
  var packedCount: Int { packed.count }

  /// Whether nothing in it is ever asked for again.
  var isEmpty: Bool { lines.isEmpty && packed.count == 0 }

  /// Takes over what was decided on a user of another part; where it stands.
  func take(_ packing: Packing, of other: RankPart) -> Packing {
    let start = UInt32(truncatingIfNeeded: packed.count)
    let end = Int(packing.start) + Int(packing.count)
    packed.write(UnsafeRawBufferPointer(rebasing: other.packed.bytes[Int(packing.start)..<end]))
    return Packing(start: start, count: packing.count, sourceAt: packing.sourceAt)
  }
}
