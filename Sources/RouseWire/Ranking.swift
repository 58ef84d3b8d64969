import RouseCore

/// A rank over many blocks: takes their parts in input order, finds repeated users, plans, and writes the rows.
package final class Ranking: @unchecked Sendable {
  // Sendable because one task at a time holds it: parts are added in order, then the plan is made, then rows are written.
  private let scorer: Scorer
  private let policy: Policy
  private let writer: DecisionWriter
  private let rows: RankRows
  private var parts: [RankPart] = []
  private(set) var users: PlanUsers
  /// Where a user of `users` stands: its part and line.
  private var places: [(part: Int32, line: Int32)] = []
  private var seen = SeenUsers()
  /// What parts have counted, and what the plan has made of that.
  private var counted = Totals()
  package private(set) var totals = Totals()
  private(set) var plan: Plan?

  package init(scorer: Scorer, writer: DecisionWriter, rows: RankRows) {
    self.scorer = scorer
    policy = scorer.policy
    self.writer = writer
    self.rows = rows
    users = PlanUsers(policy: scorer.policy)
  }

  /// Adds the next part. A user_id that came before makes its line invalid, I03.
  package func add(_ part: RankPart) {
    let partIndex = Int32(truncatingIfNeeded: parts.count)
    parts.append(part)
    var refused: [Int] = []
    for index in part.lines.indices {
      let line = part.lines[index]
      let place = (part: partIndex, line: Int32(truncatingIfNeeded: index))
      if line.idCount > 0, !line.isUnique, !seen.insert(line.hash, place, isSame: { self.isSame(part, line, $0) }) {
        part.refuse(index)
        if line.user >= 0 { refused.append(Int(line.user)) }
      } else if line.user >= 0 {
        places.append(place)
      }
    }
    users.append(part.users, leavingOut: refused)
    part.users = PlanUsers(policy: policy)
    counted.add(part.totals)
    totals = counted
  }

  private func isSame(_ part: RankPart, _ line: RankPart.Line, _ other: (part: Int32, line: Int32)) -> Bool {
    let otherPart = parts[Int(other.part)]
    return otherPart.userID(otherPart.lines[Int(other.line)]).elementsEqual(part.userID(line))
  }

  /// Chooses the contacts. After it no part may be added.
  /// - Parameter isAbandoned: once it is true, nobody will ask for the rows.
  package func finish(_ limits: PlanLimits, isAbandoned: () -> Bool = { false }) {
    seen = SeenUsers()
    totals = counted
    let plan = Plan(users: users, policy: policy, limits: limits, rankWaitlist: rows == .all, isAbandoned: isAbandoned)
    for user in users.users.indices where users.users[user].arm != .holdout {
      totals.statuses[Int(Status.eligible.rawValue)] -= 1
      totals.statuses[Int((plan.outcomes[user].taken >= 0 ? Status.contact : .waitlist).rawValue)] += 1
    }
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
        let user = plan.order[cursor.rank]
        cursor.rank += 1
        let place = places[user]
        let part = parts[Int(place.part)]
        write(part, part.lines[Int(place.line)], user, plan, &decision, &out)
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
          writer.write(decision, userID: part.userID(line), into: &out)
        } else if line.user >= 0 {
          write(part, line, cursor.user, plan, &decision, &out)
          cursor.user += 1
        } else {
          part.unpack(line, policy: policy, into: &decision)
          writer.write(decision, userID: part.userID(line), into: &out)
        }
      }
      if asLines { out.put(0x0A) }
    }
  }

  /// A user's line, and the part that holds it.
  func place(_ user: Int) -> (part: RankPart, line: RankPart.Line) {
    let part = parts[Int(places[user].part)]
    return (part, part.lines[Int(places[user].line)])
  }

  /// Takes users out of the ranking as if they had never been in it.
  /// - Parameter removed: indices into `users`, rising.
  func remove(_ removed: [Int]) {
    for user in removed {
      let line = place(user).line
      counted.uncount(Status(rawValue: line.status) ?? .invalid, ignored: Int(line.ignored))
    }
    var rest = PlanUsers(policy: policy)
    rest.append(users, leavingOut: removed)
    users = rest
    for user in removed.reversed() { places.remove(at: user) }
  }

  func write(
    _ part: RankPart, _ line: RankPart.Line, _ user: Int, _ plan: Plan, _ decision: inout Decision,
    _ out: inout ByteWriter
  ) {
    part.unpack(line, policy: policy, into: &decision)
    let outcome = plan.outcomes[user]
    decision.options.removeAll(keepingCapacity: true)
    decision.options.append(users.options[outcome.shown])
    decision.best = 0
    var placement = DecisionWriter.Placement()
    placement.rank = outcome.rank
    if decision.arm != .policy { placement.ghost = outcome.ghost }
    if decision.arm != .holdout {
      decision.status = outcome.taken >= 0 ? .contact : .waitlist
      if outcome.taken >= 0 { placement.propensity = plan.propensity(user) }
    }
    writer.write(decision, userID: part.userID(line), placement: placement, into: &out)
  }

  /// `{"lines":..}`, the plan's totals (model 10).
  package func writePlan(into out: inout ByteWriter) {
    guard let plan else { return }
    out.put(0x7B)
    totals.write(
      [.invalid, .suppressed, .active, .declined, .resting, .holdout, .unprofitable, .contact, .waitlist], into: &out)
    out.write(",\"contacts\":")
    out.write(plan.contacts)
    out.write(",\"value\":")
    out.write(micros: plan.value)
    out.write(",\"spend\":")
    out.write(micros: plan.spend)
    out.write(",\"capital\":")
    out.write(micros: plan.capital)
    out.write(",\"by_channel\":{")
    for (index, channel) in policy.channels.enumerated() {
      if index > 0 { out.put(0x2C) }
      out.writeQuoted(channel.name)
      out.put(0x3A)
      out.write(plan.byChannel[index])
    }
    out.write("},\"net_value\":")
    out.write(micros: floorDivide(plan.netValue, Int128(Micros.one)))
    out.write(",\"net_value_at_most\":")
    out.write(micros: -floorDivide(-plan.netValueAtMost, Int128(Micros.one)))
    out.write(",\"cut\":[")
    for (index, cut) in plan.cut.enumerated() {
      if index > 0 { out.put(0x2C) }
      write(cut, &out)
    }
    out.write("]}")
  }

  private func write(_ cut: Plan.Cut, _ out: inout ByteWriter) {
    out.write("{\"limit\":")
    out.writeQuoted(cut.limit)
    out.write(",\"max\":")
    out.write(micros: cut.most)
    out.write(",\"used\":")
    out.write(micros: cut.used)
    out.write(",\"price\":")
    out.write(micros: cut.price)
    out.write(",\"say\":")
    var price = ByteWriter(capacity: 64)
    price.write(micros: cut.price)
    out.writeQuoted(cut.say + String(decoding: price.array, as: UTF8.self) + " of net value")
    out.put(0x7D)
  }
}

/// The user_ids seen so far, as places of lines: open addressing, at most half full.
private struct SeenUsers {
  private var places: [(part: Int32, line: Int32)] = []
  private var hashes: [UInt64] = []
  /// The upper half of a hash, and the index of its place counted from 1; 0 is empty. So a look-up that finds another
  /// user touches no other memory.
  private var buckets = [UInt64](repeating: 0, count: 1 << 10)

  /// False when the same id is there.
  mutating func insert(
    _ hash: UInt64, _ place: (part: Int32, line: Int32), isSame: ((part: Int32, line: Int32)) -> Bool
  ) -> Bool {
    if places.count * 2 >= buckets.count { grow() }
    let upper = hash & 0xFFFF_FFFF_0000_0000
    var at = Int(truncatingIfNeeded: hash) & (buckets.count - 1)
    while case let entry = buckets[at], entry != 0 {
      if entry & 0xFFFF_FFFF_0000_0000 == upper {
        let index = Int(entry & 0xFFFF_FFFF) - 1
        if hashes[index] == hash, isSame(places[index]) { return false }
      }
      at = (at + 1) & (buckets.count - 1)
    }
    places.append(place)
    hashes.append(hash)
    buckets[at] = upper | UInt64(places.count)
    return true
  }

  private mutating func grow() {
    var larger = [UInt64](repeating: 0, count: buckets.count * 4)
    for (index, hash) in hashes.enumerated() {
      var at = Int(truncatingIfNeeded: hash) & (larger.count - 1)
      while larger[at] != 0 { at = (at + 1) & (larger.count - 1) }
      larger[at] = hash & 0xFFFF_FFFF_0000_0000 | UInt64(index + 1)
    }
    buckets = larger
  }
}
