import RouseCore
import RouseWire

/// A committed plan, computed again from what the ledger kept of it: what each contact was judged by then, the policy's
/// text, and the totals.
package struct Replay {
  package enum Verdict: String, Sendable {
    /// Every row and every total comes out the same.
    case equal
    /// Every row that is still kept does, and the totals as far as they can; others have been erased.
    case erased
    case differs
    /// The policy's text is not kept, so nothing can be computed.
    case notKept = "policy_not_kept"
  }

  /// A row that does not come out as it was kept.
  struct Difference {
    let rank: Int
    let userID: [UInt8]
    /// What differs: members of the row and columns of the ledger. Empty: the candidate cannot be read any more.
    let members: [String]
  }

  let plan: LoggedPlan
  private(set) var verdict: Verdict
  private(set) var contacts = 0
  private(set) var ghosts = 0
  private(set) var equal = 0
  private(set) var different = 0
  /// The first of them.
  private(set) var differences: [Difference] = []
  private(set) var totals: [ReplayTotals.Total] = []
  /// How many took what is best at the kept prices, and how many something else, for the limits; nil: that was not looked at.
  private(set) var choice: (best: Int, other: Int)?

  /// A user of the plan whose decision was asked for: how it came about, as a decision of `score` with `explain`.
  struct User {
    /// 0: held out.
    let rank: Int
    let channel: String
    let isEqual: Bool
    /// nil: the candidate cannot be read any more.
    let decision: [UInt8]?
  }
  private(set) var user: User?

  /// Differences that are told of one by one.
  private static let most = 20

  /// - Parameter explained: the user_id of a user of the plan whose decision is to be explained.
  /// - Throws: `notFound` for a plan that is not kept; `noSuchUser` where the plan does not hold the user, or not any more.
  package init(
    _ id: String, of source: some ReviewSource, explaining explained: [UInt8]? = nil,
    isAbandoned: @Sendable () -> Bool = { false }
  ) throws(ReviewError) {
    guard let plan = try source.plan(id) else { throw ReviewError(.notFound, "the ledger has no such plan") }
    self.plan = plan
    verdict = .notKept
    guard let policy = try source.policy(plan.policy) else { return }
    let rows = ReplayedRows(policy, plan)
    var sums = ReplayTotals(policy)
    var differences: [Difference] = []
    var (contacts, ghosts, equal, different, seen) = (0, 0, 0, 0, 0)
    var isCancelled = false
    var user: User?
    try source.eachRow(madeIn: plan.made..<plan.made.adding(1), withTexts: true) { row, texts in
      guard row.plan == plan.number else { return true }
      seen += 1
      if seen & 0x3FF == 0, isAbandoned() {
        isCancelled = true
        return false
      }
      if row.rank > 0 { contacts += 1 } else { ghosts += 1 }
      if row.rank > 0 { sums.add(row, policy) }
      let members = texts.map { rows.compare(row, $0) } ?? []
      if let texts, let explained, texts.userID == explained {
        user = User(
          rank: row.rank, channel: row.channel, isEqual: members?.isEmpty ?? false,
          decision: Rescorer(policy).explain(texts, asOf: row.asOf))
      }
      if members?.isEmpty ?? false {
        equal += 1
      } else {
        different += 1
        if differences.count < Self.most {
          differences.append(Difference(rank: row.rank, userID: texts?.userID ?? [], members: members ?? []))
        }
      }
      return true
    }
    if isCancelled { throw ReviewError(.cancelled, "nobody waits for this any more") }
    if explained != nil, user == nil {
      throw ReviewError(.noSuchUser, "\(plan.id) holds no such user, or no longer: erased, or past its retention")
    }
    self.user = user
    self.differences = differences
    (self.contacts, self.ghosts, self.equal, self.different) = (contacts, ghosts, equal, different)
    totals = sums.against(plan.totals)
    choice = rows.choice
    let isWhole = contacts == plan.contacts && ghosts == plan.ghosts && plan.erased == 0
    let areTotalsEqual = totals.allSatisfy { $0.isEqual }
    verdict =
      if different > 0 { .differs } else if isWhole { areTotalsEqual ? .equal : .differs } else {
        // What is missing must be what was erased, and no more.
        contacts + ghosts + plan.erased == plan.contacts + plan.ghosts ? .erased : .differs
      }
  }

  /// proto-spec/review.md, section 4.
  package func json() -> [UInt8] {
    var answer = AnswerWriter()
    answer.object { answer in
      answer.set("plan_id", plan.id)
      answer.set("policy", plan.policy)
      answer.set("as_of", moment: plan.asOf)
      answer.set("made", moment: plan.made)
      answer.set("verdict", verdict.rawValue)
      answer.object("rows") { answer in
        answer.set("contacts", contacts)
        answer.set("ghosts", ghosts)
        answer.set("equal", equal)
        answer.set("different", different)
        answer.set("erased", plan.erased)
        let all = plan.contacts + plan.ghosts
        answer.set("erased_share", all > 0 ? Double(plan.erased) / Double(all) : nil)
      }
      answer.list("differences", differences) { answer, difference in
        answer.object { answer in
          answer.set("rank", difference.rank)
          answer.set("user_id", String(decoding: difference.userID, as: UTF8.self))
          answer.set("members", texts: difference.members)
        }
      }
      answer.list("totals", totals) { answer, total in
        answer.object { answer in
          answer.set("name", total.name)
          answer.set("kept", total.kept)
          answer.set("rows", total.rows)
          answer.set("equal", total.isEqual)
        }
      }
      if let choice {
        answer.object("choice") { answer in
          answer.set("best_at_prices", choice.best)
          answer.set("other", choice.other)
        }
      } else {
        answer.null("choice")
      }
      if let user {
        answer.object("user") { answer in
          answer.set("rank", user.rank)
          answer.set("channel", user.channel)
          answer.set("equal", user.isEqual)
          answer.set("decision", json: user.decision ?? Array("null".utf8))
        }
      }
      answer.set("not_recomputed", texts: Self.notRecomputed)
      answer.set("say", say)
    }
    return answer.bytes
  }

  /// What follows from those who were not chosen, of whom nothing is kept.
  private static let notRecomputed = ["rank", "ghost", "lines", "status", "ignored", "net_value_at_most", "cut"]

  private var say: String {
    switch verdict {
    case .equal:
      "\(plan.id) comes out the same, byte by byte: \(Words.count(contacts)) contacts, \(Words.count(ghosts)) held out, "
        + "and the totals."
    case .erased:
      "What is still kept of \(plan.id) comes out the same: \(Words.count(equal)) rows. \(Words.count(plan.erased)) of "
        + "\(Words.count(plan.contacts + plan.ghosts)) rows are gone, erased or no longer kept, and with them their part "
        + "of the totals."
    case .differs:
      "\(plan.id) does not come out the same: \(Words.count(different)) of \(Words.count(contacts + ghosts)) rows differ"
        + (totals.allSatisfy { $0.isEqual }
          ? "."
          : ", and so do totals: "
            + totals.filter { !$0.isEqual }.map(\.name).joined(separator: ", ") + ".")
    case .notKept:
      "The text of \(plan.policy) is not in the ledger, so \(plan.id) cannot be computed again."
    }
  }
}
