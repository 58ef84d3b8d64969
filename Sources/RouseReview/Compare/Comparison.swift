import RouseCore
import RouseWire

/// Two policies over the same candidates: takes parts in input order, finds repeated users, plans under both, and tells
/// what differs. The same for any number of threads.
package final class Comparison: @unchecked Sendable {
  // Sendable because one task at a time holds it; only `part` is asked for from any thread.
  package let old: ComparedPolicy
  package let new: ComparedPolicy
  private let board = MoverBoard()
  private var parts: [[ComparisonPart.Line]] = []
  private var oldUsers: PlanUsers
  private var newUsers: PlanUsers
  private var seen = SeenUsers()
  package private(set) var count = 0

  /// Bytes a candidate that `finish` takes for a while.
  static let finishMemory = 56

  package init(old: ComparedPolicy, new: ComparedPolicy) {
    self.old = old
    self.new = new
    oldUsers = PlanUsers(policy: old.policy)
    newUsers = PlanUsers(policy: new.policy)
  }

  /// A part to be filled and added. Any thread may ask for one.
  package func part() -> ComparisonPart { ComparisonPart(old: old, new: new, mark: board.mark) }

  /// Adds the next part. A user_id that came before makes its line invalid, I03.
  package func add(_ part: ComparisonPart) {
    var lines = part.lines
    var (oldRefused, newRefused, repeated): ([Int], [Int], Set<Int>) = ([], [], [])
    var (oldUser, newUser, at) = (0, 0, 0)
    part.ids.withUnsafeBytes { ids in
      for index in lines.indices {
        let id = UnsafeRawBufferPointer(rebasing: ids[(at + 1)..<(at + 1 + Int(ids[at]))])
        at += 1 + id.count
        if id.count > 0, !seen.insert(id) {
          repeated.insert(index)
          if lines[index].old.isEligible { oldRefused.append(oldUser) }
          if lines[index].new.isEligible { newRefused.append(newUser) }
        }
        if lines[index].old.isEligible { oldUser += 1 }
        if lines[index].new.isEligible { newUser += 1 }
      }
    }
    for index in repeated {
      lines[index].old.repeatUser()
      lines[index].new.repeatUser()
    }
    oldUsers.append(part.oldUsers, leavingOut: oldRefused)
    newUsers.append(part.newUsers, leavingOut: newRefused)
    board.add(
      part.movers.filter { !repeated.contains($0.line) }.map { mover in
        var mover = mover
        mover.line += count
        return mover
      })
    count += lines.count
    parts.append(lines)
  }

  /// Plans under both policies, and compares. After it no part may be added.
  /// - Parameters:
  ///   - isAbandoned: asked now and then; once it is true the rest is skipped.
  ///   - note: told what is done next.
  /// - Returns: nil when it was abandoned.
  package func finish(
    isAbandoned: () -> Bool = { false }, note: (String) -> Void = { _ in }
  ) -> ComparisonResult? {
    seen = SeenUsers()
    note("planning by the old policy")
    let oldPlan = Plan(
      users: oldUsers, policy: old.policy, limits: old.limits, rankWaitlist: true, isAbandoned: isAbandoned)
    if isAbandoned() { return nil }
    note("planning by the new policy")
    let newPlan = Plan(
      users: newUsers, policy: new.policy, limits: new.limits, rankWaitlist: true, isAbandoned: isAbandoned)
    if isAbandoned() { return nil }
    note("comparing")
    return compare(PlannedSide(old, oldUsers, oldPlan), PlannedSide(new, newUsers, newPlan), isAbandoned)
  }

  private func compare(
    _ old: PlannedSide, _ new: PlannedSide, _ isAbandoned: () -> Bool
  ) -> ComparisonResult? {
    var tally = ComparisonTally(old: self.old, new: self.new)
    var nets: [(old: Int64, new: Int64)] = []
    var ranks: [(old: Int, new: Int)] = []
    let (up, down) = board.movers
    var waiting = Dictionary(grouping: up + down, by: \.line)
    var moved: [Int: PlacedMover] = [:]
    var (oldUser, newUser, line) = (0, 0, 0)
    for part in parts {
      if isAbandoned() { return nil }
      for sides in part {
        let before = old.placed(sides.old, oldUser)
        let after = new.placed(sides.new, newUser)
        tally.add(old: before, new: after)
        if sides.old.hasOption, sides.new.hasOption {
          nets.append((sides.old.net(old.policy), sides.new.net(new.policy)))
        }
        if before.taken != nil, after.taken != nil { ranks.append((old.rank(oldUser), new.rank(newUser))) }
        if !waiting.isEmpty, let mover = waiting.removeValue(forKey: line)?.first {
          moved[line] = PlacedMover(mover: mover, old: before, new: after)
        }
        if sides.old.isEligible { oldUser += 1 }
        if sides.new.isEligible { newUser += 1 }
        line += 1
      }
    }
    if isAbandoned() { return nil }
    return ComparisonResult(
      old: self.old, new: self.new, asOf: self.old.scorer.now, tally: tally, correlation: RankCorrelation(nets),
      movers: .init(up: up.compactMap { moved[$0.line] }, down: down.compactMap { moved[$0.line] }),
      plans: .init(
        overlaps: ListOverlap.all(ranks, old: old.plan.contacts, new: new.plan.contacts),
        oldCut: old.plan.cut, newCut: new.plan.cut, oldCurve: ValueCurve(old.plan, old.users, old.policy),
        newCurve: ValueCurve(new.plan, new.users, new.policy)))
  }
}

/// One side's plan, as it places candidates.
private struct PlannedSide {
  let policy: Policy
  let users: PlanUsers
  let plan: Plan

  init(_ side: ComparedPolicy, _ users: PlanUsers, _ plan: Plan) {
    policy = side.policy
    self.users = users
    self.plan = plan
  }

  func rank(_ user: Int) -> Int { plan.outcomes[user].rank }

  /// - Parameter user: the index of the candidate's user, where it is eligible.
  func placed(_ side: ComparedSide, _ user: Int) -> ComparisonTally.Placed {
    guard side.isEligible, user < plan.outcomes.count else {
      return .init(side: side, status: Status(rawValue: side.status) ?? .invalid, taken: nil, worth: 0)
    }
    let taken = plan.outcomes[user].taken
    guard taken >= 0 else { return .init(side: side, status: .waitlist, taken: nil, worth: 0) }
    let option = users.options[taken]
    return .init(
      side: side, status: .contact, taken: option, worth: policy.worth(value: option.value, spend: option.spend))
  }
}

/// A mover and where its plans put it.
struct PlacedMover {
  let mover: Mover
  let old: ComparisonTally.Placed
  let new: ComparisonTally.Placed
}

/// What came of a comparison.
package struct ComparisonResult {
  struct Movers {
    var up: [PlacedMover] = []
    var down: [PlacedMover] = []
  }

  /// What two plans tell beside it.
  struct Plans {
    let overlaps: [ListOverlap]
    let oldCut: [Plan.Cut]
    let newCut: [Plan.Cut]
    let oldCurve: ValueCurve
    let newCurve: ValueCurve
  }

  let old: ComparedPolicy
  let new: ComparedPolicy
  /// Seconds since 1970.
  let asOf: Int64
  let tally: ComparisonTally
  let correlation: RankCorrelation
  let movers: Movers
  /// nil: no plans were made, and who is eligible counts as contacted by his best option.
  let plans: Plans?

  /// Candidates.
  package var lines: Int { tally.lines }
  /// Lines that are invalid under the old policy, and so can be told of no user.
  package var invalid: Int { tally.old.statuses[Int(Status.invalid.rawValue)] }
}
