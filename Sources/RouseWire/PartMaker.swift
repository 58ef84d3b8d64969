import RouseCore

/// Makes a part of a plan out of candidates' lines: what the plan asks of it again and again, what is needed once to write its
/// rows, and the user_ids by which lines of several parts are compared.
package final class PartMaker {
  private let scorer: Scorer
  private let part: RankPart
  private let origin: PlanPart.Origin
  private let number: Int

  /// - Parameter number: no other part of the plan has it.
  package init(scorer: Scorer, rows: RankRows, number: Int) {
    self.scorer = scorer
    part = RankPart(policy: scorer.policy, rows: rows)
    origin = PlanPart.Origin(policy: scorer.policy.version, now: scorer.now, keepsAll: rows == .all)
    self.number = number
  }

  package var totals: Totals { part.totals }

  /// Scores the lines of a block, and keeps what is needed of them.
  package func add(_ block: Block, _ worker: BatchWorker) -> BatchWorker.Stop { worker.rank(block, into: part) }

  package func finish() -> MadePart {
    let users = part.users
    let totals = part.totals
    let options = PlanPart(
      origin: origin, number: number, counts: [totals.lines] + totals.statuses + [totals.ignored], users: users)
    var decisions = PartWriter(.decisions)
    var lines = PartWriter(.lines)
    var offsets: [UInt8] = []
    var ids: [UInt8] = []
    /// Where the next begins.
    func mark() {
      withUnsafeBytes(of: UInt32(truncatingIfNeeded: ids.count).littleEndian) { offsets.append(contentsOf: $0) }
    }
    let all = part.lines
    lines.put(all.count)
    decisions.put(origin.keepsAll ? all.count : users.count)
    mark()
    for (index, line) in all.enumerated() {
      lines.put(line.status)
      lines.put(Int(line.ignored))
      lines.put(Int(line.user))
      let id = part.userID(at: line.id)
      ids.append(contentsOf: id)
      mark()
      if line.user >= 0 {
        decisions.put(PartRow.Kind.user.rawValue)
        decisions.put(part.packed(part.packing(ofUser: Int(line.user))))
      } else if origin.keepsAll {
        decisions.put(
          (Status(rawValue: line.status) == .unprofitable ? PartRow.Kind.valued : .other).rawValue)
        decisions.put(id)
        decisions.put(part.packed(part.packing(ofLine: index)))
      }
    }
    return MadePart(
      options: options.sealed(), decisions: decisions.sealed(), lines: lines.sealed(), offsets: offsets, ids: ids)
  }
}

/// A part as bytes.
package struct MadePart: Sendable {
  /// What a plan asks about.
  package var options: [UInt8]
  /// What its rows are written from.
  package var decisions: [UInt8]
  /// What is needed to refuse one of its lines.
  package var lines: [UInt8]
  /// The user_ids of its lines, one after another, and where each begins, in 32 bits, and the last one ends; empty where a
  /// line has none that is usable.
  package var offsets: [UInt8]
  package var ids: [UInt8]

  package init(options: [UInt8], decisions: [UInt8], lines: [UInt8], offsets: [UInt8] = [], ids: [UInt8] = []) {
    self.options = options
    self.decisions = decisions
    self.lines = lines
    self.offsets = offsets
    self.ids = ids
  }

  /// Makes lines invalid, I03: their user_ids came in an earlier line of this part or another.
  /// - Parameter refused: indices of lines, as the user_ids stand; in any order.
  package mutating func refuse(_ refused: [Int], policy: Policy) throws(PartFault) {
    let refused = Set(refused)
    if refused.isEmpty { return }
    let made = self
    var part: PlanPart
    do { part = try made.options.withUnsafeBytes { try PlanPart($0, policy: policy) } } catch {
      throw Self.fault(error)
    }
    var removed: [Int] = []
    var rows = PartWriter(.decisions)
    do {
      try made.lines.withUnsafeBytes { lines in
        try made.decisions.withUnsafeBytes { decisions in
          var lines = try PartReader(lines, .lines)
          var decisions = try PartReader(decisions, .decisions)
          let count = try lines.count()
          guard let most = refused.max(), let least = refused.min(), least >= 0, most < count else {
            throw PartFault("there is no such line in it")
          }
          var kept: [(kind: PartRow.Kind, id: [UInt8], packed: [UInt8])] = []
          _ = try decisions.count()
          for line in 0..<count {
            guard let status = Status(rawValue: try lines.byte()) else {
              throw PartFault("it is damaged; make it again")
            }
            let ignored = try lines.int(0..<(1 << 40))
            let user = try lines.int(-1..<part.users.count)
            var row: PartRow.Stored?
            if user >= 0 || part.origin.keepsAll { row = try PartRow.Stored(&decisions) }
            if refused.contains(line) {
              part.counts[1 + Int(status.rawValue)] -= 1
              part.counts[1 + Int(Status.invalid.rawValue)] += 1
              part.counts[1 + Status.allCases.count] -= ignored
              if user >= 0 { removed.append(user) }
              if let row, part.origin.keepsAll {
                kept.append((.repeated, user >= 0 ? Array(part.users.userID(user)) : Array(row.id), []))
              }
            } else if let row {
              kept.append((row.kind, Array(row.id), Array(row.packed)))
            }
          }
          rows.put(kept.count)
          for row in kept { PartRow.write(row.kind, row.id, row.packed, into: &rows) }
        }
      }
    } catch { throw Self.fault(error) }
    guard Set(removed).count == removed.count else { throw PartFault("it is damaged; make it again") }
    var left = PlanUsers(policy: policy)
    left.append(part.users, leavingOut: removed.sorted())
    part.users = left
    options = part.sealed()
    decisions = rows.sealed()
  }

  private static func fault(_ error: any Error) -> PartFault { error as? PartFault ?? PartFault("\(error)") }
}

extension Totals {
  /// What parts have counted, and what their plan has made of it.
  package init(_ plan: PartedPlan) {
    self.init()
    lines = plan.counts[0]
    statuses = Array(plan.counts[1...Status.allCases.count])
    ignored = plan.counts[1 + Status.allCases.count]
    let eligible = statuses[Int(Status.eligible.rawValue)]
    statuses[Int(Status.eligible.rawValue)] = 0
    statuses[Int(Status.contact.rawValue)] += plan.sum.contacts
    statuses[Int(Status.waitlist.rawValue)] += eligible - plan.sum.contacts
  }
}
