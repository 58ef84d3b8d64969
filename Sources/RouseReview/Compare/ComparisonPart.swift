import RouseCore
import RouseWire

/// What a comparison keeps of one block's candidates: 64 bytes each, and what the two plans need of those who are eligible.
package final class ComparisonPart: @unchecked Sendable {
  // Sendable because one thread fills it, and only then hands it over.

  struct Line: BitwiseCopyable {
    var old: ComparedSide
    var new: ComparedSide
  }

  let old: ComparedPolicy
  let new: ComparedPolicy
  var lines: [Line] = []
  /// The user_id of each line after a byte that counts its own; a count of 0: it has none that is usable.
  private(set) var ids: [UInt8] = []
  private(set) var oldUsers: PlanUsers
  private(set) var newUsers: PlanUsers
  private(set) var movers: [Mover] = []
  private let mark: MoverBoard.Mark

  init(old: ComparedPolicy, new: ComparedPolicy, mark: MoverBoard.Mark) {
    self.old = old
    self.new = new
    self.mark = mark
    oldUsers = PlanUsers(policy: old.policy)
    newUsers = PlanUsers(policy: new.policy)
  }

  package var count: Int { lines.count }

  /// Adds what both policies decided on a line.
  package func add(
    old oldRow: CandidateRow, _ oldDecision: Decision, new newRow: CandidateRow, _ newDecision: Decision
  ) {
    let line = Line(old: ComparedSide(oldDecision, oldRow, old), new: ComparedSide(newDecision, newRow, new))
    if line.old.isEligible { Self.append(oldDecision, oldRow, old.scorer, to: &oldUsers) }
    if line.new.isEligible { Self.append(newDecision, newRow, new.scorer, to: &newUsers) }
    ids.append(UInt8(truncatingIfNeeded: oldRow.userIDCount))
    ids.append(contentsOf: oldRow.userID)
    let change = line.new.gain(new.policy).subtractingReportingOverflow(line.old.gain(old.policy))
    if !change.overflow, mark.mayWant(change.partialValue), oldRow.userIDCount > 0 {
      movers.append(
        Mover(
          line: lines.count, userID: Array(oldRow.userID), change: change.partialValue,
          old: MoverFacts(oldDecision, oldRow, old), new: MoverFacts(newDecision, newRow, new)))
    }
    lines.append(line)
  }

  private static func append(_ decision: Decision, _ row: CandidateRow, _ scorer: Scorer, to users: inout PlanUsers) {
    let policy = scorer.policy
    users.append(
      decision, tie: decision.tie ?? policy.experiment.tie(row.userID), userID: row.userID,
      quotas: { scorer.isUnder(quota: $0, row) }, quotaCount: policy.quotas.count)
  }

  /// About the bytes that this part will cost its comparison, the plans and the table over all users included.
  package var memory: Int {
    lines.count &* (MemoryLayout<Line>.stride &+ Comparison.finishMemory &+ SeenUsers.memory) &+ ids.count
      &+ oldUsers.memory &+ newUsers.memory
  }
}
