import Glibc
import RouseCore

/// What contacts have added: those whom plans chose against those held out whom the plans would have chosen, whether or
/// not a contact was made (intention to treat). What counts is a loan within the window from when the plan was made.
struct ReviewLift {
  struct Group {
    var name: String?
    var chosen = Rate(0, of: 0)
    var heldOut = Rate(0, of: 0)
    var chosenUsers = 0
    var heldOutUsers = 0
    /// Micros, that plans expected of the chosen.
    var spend: Int64 = 0
    fileprivate var lastChosen = Int.min
    fileprivate var lastHeldOut = Int.min

    fileprivate mutating func add(_ row: PlannedRows.Row) {
      let came = row.hasBorrowed ? 1 : 0
      if row.rank > 0 {
        chosen = Rate(chosen.count + came, of: chosen.of + 1)
        spend = spend.adding(row.spend)
        if lastChosen != row.user { chosenUsers += 1 }
        lastChosen = row.user
      } else {
        heldOut = Rate(heldOut.count + came, of: heldOut.of + 1)
        if lastHeldOut != row.user { heldOutUsers += 1 }
        lastHeldOut = row.user
      }
    }
  }

  private(set) var all = Group()
  private(set) var dimensions: [(name: String, groups: [Group])] = []
  /// Rows whose window has not ended.
  private(set) var unfinished = 0
  /// Held-out users of whom a contact was reported all the same.
  private(set) var ghosts = 0

  init(_ question: ReviewQuestion, _ policy: Policy, _ rows: PlannedRows, _ names: ReviewNames) {
    var stages = names.stages.names.map { Group(name: $0) }
    var campaigns = [Group()] + names.campaigns.names.map { Group(name: $0) }
    let policyArm = names.arms.known("policy")
    // Users come one after another, so that each is counted once.
    for place in rows.byUser {
      let row = rows.rows[Int(place)]
      guard question.period.contains(row.made) else { continue }
      if row.rank == 0 { ghosts += 1 }
      guard row.rank == 0 || row.arm == policyArm else { continue }
      guard row.made.adding(policy.window) <= question.now else {
        unfinished += 1
        continue
      }
      all.add(row)
      if stages.indices.contains(Int(row.stage)) { stages[Int(row.stage)].add(row) }
      campaigns[Int(row.campaign + 1)].add(row)
    }
    func listed(_ order: [Int32], _ group: (Int32) -> Group?) -> [Group] {
      let groups = order.compactMap(group).filter { $0.chosen.of + $0.heldOut.of > 0 }
      let kept = Set(mostOf(groups.map { $0.chosen.of + $0.heldOut.of }, ReviewGroups.most))
      return groups.indices.filter { kept.contains($0) }.map { groups[$0] }
    }
    dimensions = [
      (
        "stage",
        listed(names.stages.order(policy.definition.stages.map(\.name))) { $0 >= 0 ? stages[Int($0)] : nil }
      ), ("campaign", listed(names.campaigns.order([])) { campaigns[Int($0 + 1)] }),
    ]
  }

  /// How many intervals are told of.
  var intervals: Int { 1 + dimensions.reduce(0) { $0 + $1.groups.count } }
}

extension ReviewLift.Group {
  var lift: Lift? { Lift(chosen: chosen, heldOut: heldOut) }

  var verdict: String {
    guard let lift else { return Verdict.notKnown.rawValue }
    return lift.interval.low > 0 ? "adds" : lift.interval.high < 0 ? "takes_away" : Verdict.notKnown.rawValue
  }

  /// How many on each side, in the same proportion, would show a difference as large as the one seen in four of five
  /// cases; nil where it shows already, or where there is none to be shown.
  var needed: (chosen: Int, heldOut: Int)? {
    guard verdict == Verdict.notKnown.rawValue, let a = chosen.share, let b = heldOut.share, a > b else { return nil }
    let ratio = Double(chosen.of) / Double(heldOut.of)
    let mean = (ratio * a + b) / (ratio + 1)
    let one = Interval.z * ((1 + 1 / ratio) * mean * (1 - mean)).squareRoot()
    let other = Self.power * (a * (1 - a) / ratio + b * (1 - b)).squareRoot()
    let size = (one + other) * (one + other) / ((a - b) * (a - b))
    guard size.isFinite, size * max(1, ratio) < 1e15 else { return nil }
    return (Int((size * ratio).rounded(.up)), Int(size.rounded(.up)))
  }
  /// The standard normal's quantile of 80 %.
  private static let power = 0.8416212335729143

  /// - Parameter loanValue: micros, the mean of a loan.
  /// - Returns: micros: of loans that would not have come, less what the contacts cost.
  func value(ofLoans loans: Double, each loanValue: Double?) -> Int64? {
    loanValue.map { Micros.from((loans * $0 - Double(spend)) / 1e6) }
  }
}

extension AnswerWriter {
  mutating func set(_ name: String, _ lift: ReviewLift, loanValue: Double?) {
    object(name) { answer in
      answer.set("unfinished", lift.unfinished)
      answer.set("loan_value", micros: loanValue.map { Micros.from($0 / 1e6) })
      answer.object("all") { $0.write(lift.all, loanValue) }
      answer.list("by", lift.dimensions) { answer, dimension in
        answer.object { answer in
          answer.set("dimension", dimension.name)
          answer.list("groups", dimension.groups) { answer, group in answer.object { $0.write(group, loanValue) } }
        }
      }
      answer.set("intervals", lift.intervals)
      answer.set(
        "say",
        "Each interval holds by itself in 95 cases of 100; of \(lift.intervals) about "
          + "\(Words.fixed(0.05 * Double(lift.intervals), decimals: 1)) miss the truth by chance.")
    }
  }

  private mutating func write(_ group: ReviewLift.Group, _ loanValue: Double?) {
    let lift = group.lift
    let reach = lift.map {
      (low: $0.interval.low * Double(group.chosen.of), high: $0.interval.high * Double(group.chosen.of))
    }
    set("name", group.name)
    set("chosen", group.chosen)
    set("held_out", group.heldOut)
    object("users") { answer in
      answer.set("chosen", group.chosenUsers)
      answer.set("held_out", group.heldOutUsers)
    }
    set("lift", lift?.lift)
    set("low", lift?.interval.low)
    set("high", lift?.interval.high)
    set("incremental", lift?.incremental)
    set("extra", lift?.extra)
    set("extra_low", reach?.low)
    set("extra_high", reach?.high)
    set("extra_value", micros: lift.flatMap { group.value(ofLoans: $0.extra, each: loanValue) })
    set("extra_value_low", micros: reach.flatMap { group.value(ofLoans: $0.low, each: loanValue) })
    set("extra_value_high", micros: reach.flatMap { group.value(ofLoans: $0.high, each: loanValue) })
    if let needed = group.needed {
      object("needed") { answer in
        answer.set("chosen", needed.chosen)
        answer.set("held_out", needed.heldOut)
      }
    } else {
      null("needed")
    }
    set("verdict", group.verdict)
  }
}
