/// How long a decision stays true: the first later moment at which status, stage, tier, points or best channel change by
/// the passing of time alone.
///
/// Between two *moments of change* nothing that the model reads of the time differs. They are of two kinds. Each of the
/// first comes once: a time or a contact stops lying ahead, a contact leaves the last 30 days, a count of days reaches a
/// value that some rule asks for. Those of the second come every day: two counts of days that are compared with each other
/// do not step at the same time of day. Between two of the first kind the answer repeats day by day, so one day of the
/// second kind shows all of it. The candidate is scored again at one after another until the answer differs; as there are
/// finitely many, this ends.
package final class ValidUntil {
  private let scorer: Scorer
  private let policy: Policy
  /// The candidate as it was read, and as it is looked at.
  private let kept: CandidateRow
  private let trial: CandidateRow
  private var decision = Decision()
  private var window: ContactWindow
  /// Moments, rising, at which times that lie ahead lie ahead no more.
  private var arrivals: [Int64] = []
  private var nextArrival = 0

  package init(scorer: Scorer) {
    self.scorer = scorer
    policy = scorer.policy
    kept = CandidateRow(policy: scorer.policy)
    trial = CandidateRow(policy: scorer.policy)
    window = ContactWindow(policy: scorer.policy)
  }

  /// Keeps a candidate that will be scored: scoring forgets what lies ahead.
  package func keep(_ row: CandidateRow) { kept.assign(row) }

  /// Seconds since 1970; nil when the decision never changes, when that lies beyond year 9999, and for an invalid one.
  /// - Parameters:
  ///   - row: the one that was kept, scored.
  ///   - first: what was decided on it.
  package func moment(_ row: CandidateRow, _ first: Decision) -> Int64? {
    if first.status == .invalid { return nil }
    var now = scorer.now
    // Since when only the time of day has mattered.
    var since = now
    trial.assign(kept)
    if first.share >= 0 { trial.share = first.share }
    window.start(kept.contacts, at: now)
    listArrivals(after: now)
    var next = turns(after: now, row, first)
    while true {
      if next.daily < next.once, next.daily - since < Moment.day {
        now = next.daily
      } else {
        now = next.once
        since = now
      }
      if now > Moment.last { return nil }
      trial.restoreTimes(of: kept, policy.timesCount)
      window.advance(to: now)
      scorer.scoring.at(now).score(trial, contacts: window, into: &decision)
      if differs(from: first) { return now }
      next = turns(after: now, trial, decision)
    }
  }

  private func differs(from first: Decision) -> Bool {
    if decision.status != first.status || decision.stage != first.stage { return true }
    if decision.tier != first.tier || decision.riskScore != first.riskScore { return true }
    guard decision.depth >= .value else { return false }
    return decision.points != first.points
      || decision.bestOption?.channel != first.bestOption?.channel
  }

  // MARK: - Moments of change

  /// A time that lies ahead by more than the skew is none; by less it is now; then it stays behind.
  private func listArrivals(after now: Int64) {
    arrivals.removeAll(keepingCapacity: true)
    nextArrival = 0
    for slot in policy.fields.declared.indices where policy.fields.type(ofSlot: slot) == .time {
      guard let time = kept.time(slot), time >= now else { continue }
      arrivals.append(slot < policy.timesCount ? time - policy.definition.clockSkew : time)
      arrivals.append(time + 1)
    }
    arrivals.sort()
  }

  /// The next moments of change, of either kind.
  /// - Parameters:
  ///   - row: as it was scored at `now`.
  ///   - decision: what was decided then.
  private func turns(after now: Int64, _ row: CandidateRow, _ decision: Decision) -> (
    once: Int64, daily: Int64
  ) {
    var once = Int64.max
    var daily = Int64.max
    while nextArrival < arrivals.count, arrivals[nextArrival] <= now { nextArrival += 1 }
    if nextArrival < arrivals.count { once = arrivals[nextArrival] }
    window.eachTurn { if $0 > now { once = min(once, $0) } }
    if row.known.leasedUntil > now { once = min(once, row.known.leasedUntil) }

    /// The count from a start comes to a number of days.
    func reach(_ days: Int64?, _ start: Int64?) {
      guard let days, let start, start != now else { return }
      let moment = start + days * Moment.day
      if moment > now { once = min(once, moment) }
    }
    /// The count is compared with a number.
    func cross(_ number: Double?, _ start: Int64) {
      guard let number, let turns = DayCounters.turns(at: number) else { return }
      reach(turns.equal, start)
      reach(turns.more, start)
    }
    /// The next time that the count grows.
    func step(_ start: Int64) -> Int64 {
      start + (floorDivide(now - start, Moment.day) + 1) * Moment.day
    }

    if let recall = policy.stages[decision.stage].recall {
      reach(recall.dormantDays, decision.clock)
      if decision.depth >= .value {
        reach(
          recall.recency.nextFall(after: decision.silentDays ?? 0),
          decision.latestTime ?? decision.clock)
      }
    }
    reach(policy.definition.contact.gapDays, decision.lastContact)
    let counters = policy.dayCounters.counters
    for counter in counters {
      guard let start = start(counter, row, decision), start != now else { continue }
      let index = firstIndex(above: floorDivide(now - start, Moment.day), in: counter.turns)
      if index < counter.turns.count { reach(counter.turns[index], start) }
      for slot in counter.numbers { cross(row.number(slot), start) }
    }
    for pair in policy.dayCounters.pairs {
      guard let one = start(counters[pair.one], row, decision),
        let other = start(counters[pair.other], row, decision)
      else { continue }
      if one == now {
        cross(0, other)
      } else if other == now {
        cross(0, one)
      } else if one != other, (one - other).magnitude < Moment.day.magnitude {
        daily = min(daily, step(one), step(other))
      }
    }
    return (once, daily)
  }

  /// What is counted from. It is now itself as long as that lies ahead: then the count stays at 0.
  private func start(_ counter: DayCounters.Counter, _ row: CandidateRow, _ decision: Decision)
    -> Int64?
  {
    switch counter.start {
    case .clock: return decision.clock
    case .latestTime: return decision.latestTime ?? decision.clock
    case .lastContact: return decision.lastContact
    case .latest(let slots):
      var latest: Int64?
      for slot in slots { if let time = row.time(slot), time > latest ?? .min { latest = time } }
      return latest
    }
  }
}
