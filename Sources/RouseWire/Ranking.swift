import RouseCore

/// A rank over many blocks: takes their parts in input order, finds repeated users, plans, and writes the rows.
package final class Ranking: @unchecked Sendable {
  // Sendable because one task at a time holds it: parts are added in order, then the plan is made, then rows are written.
  private let scorer: Scorer
  let policy: Policy
  private let writer: DecisionWriter
  private let rows: RankRows
  private var parts: [RankPart] = []
  private(set) var users: PlanUsers
  /// Where what was decided on a user of `users` stands packed.
  private var places: [Place] = []
  private var seen = SeenUsers()
  /// What parts have counted, and what the plan has made of that.
  private var counted = Totals()
  package private(set) var totals = Totals()
  private(set) var plan: Plan?
  /// The plan is to be committed: ghosts are asked for, and lines are kept.
  private let isForCommit: Bool
  private let sieve: Sieve?
  /// How many users may be taken out again for others to come in their place.
  private var spare: Int?

  private struct Place {
    let part: Int32
    let packing: RankPart.Packing
  }

  /// - Parameters:
  ///   - limits: those that will be planned under, when they are known by now: they may allow a sieve.
  ///   - isForCommit: ghosts are asked for, though no rows but the contacts', and users may turn out to have changed.
  package init(
    scorer: Scorer, writer: DecisionWriter, rows: RankRows, limits: PlanLimits? = nil, isForCommit: Bool = false
  ) {
    self.scorer = scorer
    policy = scorer.policy
    self.writer = writer
    self.rows = rows
    self.isForCommit = isForCommit
    var wider = limits
    // Another campaign may take all of the same users in the meantime.
    let spare = min(limits?.limit ?? 0, 1_000_000_000) + 1000
    if isForCommit, let limit = limits?.limit { wider?.limit = limit.addingReportingOverflow(spare).partialValue }
    sieve = rows == .contacts ? wider.flatMap { Sieve(policy: scorer.policy, limits: $0) } : nil
    self.spare = sieve == nil ? nil : Int(clamping: spare)
    users = PlanUsers(policy: scorer.policy)
  }

  /// A part to be filled and added. The later it is made, the fewer users it keeps whom no plan can want. Any thread may
  /// ask for one.
  package func part() -> RankPart {
    RankPart(policy: policy, rows: rows, isForCommit: isForCommit, mark: sieve?.mark)
  }

  /// Adds the next part. A user_id that came before makes its line invalid, I03.
  package func add(_ part: RankPart) {
    let partIndex = Int32(truncatingIfNeeded: parts.count)
    parts.append(part)
    let refused = seen.insert(part).compactMap { part.refuse($0) }
    var next = refused[...]
    let new = part.users
    for user in 0..<new.count {
      if next.first == user {
        next.removeFirst()
        continue
      }
      places.append(Place(part: partIndex, packing: part.packing(ofUser: user)))
    }
    let known = users.count
    users.append(new, leavingOut: refused)
    part.forgetUsers(policy)
    counted.add(part.totals)
    totals = counted
    guard rows == .contacts else { return }
    part.forgetLines()
    if part.isEmpty { parts.removeLast() }
    sieve?.note(users, from: known)
    if let sieve, users.count > 4 * sieve.limit + 4000, users.count > 2 * keptLast { narrow(sieve) }
  }

  /// How many users were kept when it was last asked who may still matter.
  private var keptLast = 0

  /// Drops the users whom no plan can want any more.
  private func narrow(_ sieve: Sieve) {
    let mark = sieve.narrow()
    var kept = [part()]
    var dropped: [Int] = []
    var moved: [Place] = []
    for (index, place) in places.enumerated() {
      let user = users.users[index]
      let worth = sieve.worth(users.best(index))
      guard mark.wants(arm: user.arm, worth: worth, tie: user.tie) else {
        dropped.append(index)
        continue
      }
      // Places count in 32 bits, and lines that are kept for a commitment may be long.
      if kept[kept.count - 1].packedCount > Self.mostPacked { kept.append(part()) }
      let packing = kept[kept.count - 1].take(place.packing, of: parts[Int(place.part)])
      let target = Int32(truncatingIfNeeded: parts.count + kept.count - 1)
      moved.append(Place(part: target, packing: packing))
    }
    var left = PlanUsers(policy: policy)
    left.append(users, leavingOut: dropped)
    users = left
    places = moved
    keptLast = users.count
    for part in parts { part.forgetPacked() }
    parts.append(contentsOf: kept)
  }
  private static let mostPacked = 1 << 30

  /// Chooses the contacts. After it no part may be added.
  /// - Parameters:
  ///   - limits: those that the rank was made with, where it was made with any.
  ///   - threads: that may share the work.
  ///   - isAbandoned: once it is true, nobody will ask for the rows.
  package func finish(_ limits: PlanLimits, threads: Int = 1, isAbandoned: () -> Bool = { false }) {
    seen = SeenUsers()
    totals = counted
    if let sieve { narrow(sieve) }
    let plan = Plan(
      users: users, policy: policy, limits: limits, rankWaitlist: rows == .all, threads: threads,
      isAbandoned: isAbandoned)
    let eligible = totals.statuses[Int(Status.eligible.rawValue)]
    totals.statuses[Int(Status.eligible.rawValue)] = 0
    totals.statuses[Int(Status.contact.rawValue)] += plan.contacts
    totals.statuses[Int(Status.waitlist.rawValue)] += eligible - plan.contacts
    self.plan = plan
  }

  /// Where the writing of rows has come to.
  package struct Cursor {
    fileprivate var part = 0
    fileprivate var line = 0
    fileprivate var user = 0
    fileprivate var rank = 0
    package fileprivate(set) var isAtEnd = false

    package init() {}
  }

  /// Writes the next rows, until about `enough` bytes stand in `out`.
  /// - Parameter asLines: an LF after each row; else a comma between rows.
  package func writeRows(_ cursor: inout Cursor, into out: inout ByteWriter, enough: Int, asLines: Bool) {
    guard let plan else { return }
    var decision = Decision()
    let start = out.count
    while out.count - start < enough {
      switch rows {
      case .contacts:
        guard cursor.rank < plan.contacts else {
          cursor.isAtEnd = true
          return
        }
        if !asLines, cursor.rank > 0 { out.put(0x2C) }
        write(plan.order[cursor.rank], plan, &decision, &out)
        cursor.rank += 1
      case .all:
        while cursor.part < parts.count, cursor.line >= parts[cursor.part].lines.count {
          cursor.part += 1
          cursor.line = 0
        }
        guard cursor.part < parts.count else {
          cursor.isAtEnd = true
          return
        }
        if !asLines, cursor.part > 0 || cursor.line > 0 { out.put(0x2C) }
        let part = parts[cursor.part]
        let line = part.lines[cursor.line]
        cursor.line += 1
        if line.isRepeated {
          decision.invalidate(.i03)
          writer.write(decision, userID: part.userID(at: line.id), into: &out)
        } else if line.user >= 0 {
          write(cursor.user, plan, &decision, &out)
          cursor.user += 1
        } else {
          part.unpack(line: cursor.line - 1, policy: policy, into: &decision)
          writer.write(decision, userID: part.userID(at: line.id), into: &out)
        }
      }
      if asLines { out.put(0x0A) }
    }
  }

  /// What was decided on a user.
  func unpack(_ user: Int, into decision: inout Decision) {
    let place = places[user]
    parts[Int(place.part)].unpack(place.packing, policy: policy, into: &decision)
  }

  /// A candidate's line with an empty user_id; empty for one of the audience.
  func source(_ user: Int) -> UnsafeRawBufferPointer {
    let place = places[user]
    return parts[Int(place.part)].source(place.packing)
  }

  /// Takes users out of the ranking as if they had never been in it. False when that leaves too few to choose from.
  /// - Parameter removed: indices into `users`, rising.
  func remove(_ removed: [Int]) -> Bool {
    var decision = Decision()
    // Nobody comes in the place of one who is held out.
    let chosen = removed.count { users.users[$0].arm != .holdout }
    for user in removed {
      let place = places[user]
      parts[Int(place.part)].unpack(place.packing, policy: policy, into: &decision)
      counted.uncount(decision.status, ignored: decision.ignored)
    }
    var rest = PlanUsers(policy: policy)
    rest.append(users, leavingOut: removed)
    users = rest
    var left: [Place] = []
    left.reserveCapacity(places.count)
    var next = removed[...]
    for (user, place) in places.enumerated() {
      if next.first == user { next.removeFirst() } else { left.append(place) }
    }
    places = left
    guard let most = spare else { return true }
    spare = most - chosen
    return most >= chosen
  }

  func write(_ user: Int, _ plan: Plan, _ decision: inout Decision, _ out: inout ByteWriter) {
    let placement = place(user, plan, &decision)
    users.userID(user).withUnsafeBytes {
      writer.write(decision, userID: $0, placement: placement, into: &out)
    }
  }

  /// What was decided on a user, with the option that the plan shows as the only one.
  private func place(_ user: Int, _ plan: Plan, _ decision: inout Decision) -> DecisionWriter.Placement {
    let place = places[user]
    parts[Int(place.part)].unpack(place.packing, policy: policy, into: &decision)
    let outcome = plan.outcomes[user]
    decision.setOption(users.options[outcome.shown])
    var placement = DecisionWriter.Placement()
    placement.rank = outcome.rank
    if decision.arm != .policy { placement.ghost = outcome.ghost }
    if decision.arm != .holdout {
      decision.status = outcome.taken >= 0 ? .contact : .waitlist
      if outcome.taken >= 0 { placement.propensity = plan.propensity(user) }
    }
    return placement
  }

  /// `{"lines":..}`, the plan's totals (model 10).
  package func writePlan(into out: inout ByteWriter) {
    guard let plan else { return }
    PlanTotals(plan).write(totals, policy, into: &out)
  }
}
