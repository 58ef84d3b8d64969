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
    /// Its user_id came in an earlier line: I03.
    var isRepeated = false
  }

  let rows: RankRows
  package private(set) var totals = Totals()
  private(set) var lines: [Line] = []
  var users: PlanUsers
  private var ids: ByteWriter
  private var packed: ByteWriter

  package init(policy: Policy, rows: RankRows) {
    self.rows = rows
    users = PlanUsers(policy: policy)
    ids = ByteWriter(capacity: 256)
    packed = ByteWriter(capacity: 1024)
  }

  func add(_ decision: Decision, _ row: CandidateRow, _ scorer: Scorer) {
    totals.count(decision)
    guard row.userIDCount > 0 || rows == .all else { return }
    let isPlanned = decision.status == .eligible || decision.status == .holdout && rows == .all
    lines.append(
      Line(
        hash: UserIDHash.hash(row.userID), idStart: UInt32(truncatingIfNeeded: ids.count),
        packedStart: UInt32(truncatingIfNeeded: packed.count),
        user: isPlanned ? Int32(truncatingIfNeeded: users.count) : -1,
        ignored: Int32(truncatingIfNeeded: decision.ignored), idCount: UInt8(truncatingIfNeeded: row.userIDCount),
        status: decision.status.rawValue))
    ids.write(row.userID)
    if isPlanned {
      let policy = scorer.policy
      users.append(
        decision, userID: row.userID, quotas: { scorer.isUnder(quota: $0, row) }, quotaCount: policy.quotas.count)
    }
    if isPlanned || rows == .all {
      PackedDecision.pack(decision, withBest: !isPlanned && decision.depth == .value, into: &packed)
    }
  }

  /// About the bytes that this part will cost its rank, the tables over all parts included.
  package var memory: Int {
    lines.count &* (MemoryLayout<Line>.stride + Self.tablesPerLine) &+ ids.count &+ packed.count &+ users.memory
  }
  /// The places of user_ids, their hashes, and their buckets, at most half full.
  private static let tablesPerLine = 48

  func userID(_ line: Line) -> UnsafeRawBufferPointer {
    let start = Int(line.idStart)
    return UnsafeRawBufferPointer(rebasing: ids.bytes[start..<(start + Int(line.idCount))])
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

/// Hashes user_ids with a key of this process, so that nobody can choose ids that fill one bucket. The hash finds
/// repeated ids and never shows in an answer.
enum UserIDHash {
  private static let key = UInt64.random(in: .min ... .max) | 1

  static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    var value = key ^ UInt64(truncatingIfNeeded: bytes.count) &* 0x9E37_79B9_7F4A_7C15
    var at = 0
    while at + 8 <= bytes.count {
      value = mix(value ^ bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self))
      at += 8
    }
    var rest: UInt64 = 0
    while at < bytes.count {
      rest = rest << 8 | UInt64(bytes[at])
      at += 1
    }
    return mix(value ^ rest)
  }

  @inline(__always)
  private static func mix(_ value: UInt64) -> UInt64 {
    let (high, low) = value.multipliedFullWidth(by: key ^ 0xA076_1D64_78BD_642F)
    return high ^ low &+ key
  }
}
