import RouseCore
import RouseLedger

/// A ledger as it is meant, in dictionaries: what the real one must look like after the same work.
struct Model {
  struct Plan {
    var head: PlanHead
    var digest: [UInt8]
    var rows: [Row]
  }

  struct Row {
    var user: String
    var rank: Int
    var leasedUntil: Int64?
    /// When a contact ended the lease.
    var ended: Int64?
    /// Whether the lease is in memory.
    var isTaken: Bool
  }

  var users: Set<String> = []
  var gone: Set<String> = []
  var audience: [String: String] = [:]
  /// In the order in which they were recorded.
  var events: [Event] = []
  var totals: [String: DailySums] = [:]
  var plans: [Plan] = []
  var planCount = 0
  var swept: [String: Int64] = [:]
  var moment: Int64?
  /// When what is known of a user last changed, by the count of work done.
  var changed: [String: Int] = [:]
  var work = 0

  let lease: Int64
  let retention: Ledger.Retention

  mutating func record(_ entries: [EventEntry], _ now: Int64) -> [EventResult] {
    work += 1
    return entries.map { entry in
      let event = entry.event
      let user = String(decoding: event.userID, as: UTF8.self)
      if gone.contains(user) { return .gone }
      if let known = events.first(where: { $0.key == event.key }) { return known == event ? .replayed : .conflict }
      if let fault = entry.fault { return fault }
      let oldest = retention.days(event.kind).map { now - Int64($0) * 86_400 } ?? .min
      if event.at < max(oldest, swept[event.kind.name] ?? .min) { return .tooOld }
      users.insert(user)
      events.append(event)
      if swept[event.kind.name] == nil { swept[event.kind.name] = .min }
      let day = Int64((Double(event.at) / 86_400).rounded(.down))
      let key = "\(day) \(event.kind.name) \(event.channel ?? "-")"
      totals[key, default: DailySums()].add(DailySums(1, amount: event.amount ?? 0, cost: event.cost ?? 0))
      if event.kind == .contact, let plan = plans.firstIndex(where: { $0.head.id == event.plan }) {
        for row in plans[plan].rows.indices where plans[plan].rows[row].user == user {
          guard plans[plan].rows[row].isTaken else { continue }
          plans[plan].rows[row].isTaken = false
          (plans[plan].rows[row].leasedUntil, plans[plan].rows[row].ended) = (nil, now)
        }
      }
      if [.contact, .optIn, .optOut, .complaint].contains(event.kind) { changed[user] = work }
      return .recorded
    }
  }

  mutating func load(_ candidates: [Ledger.Candidate]) -> Ledger.LoadCounts {
    work += 1
    var counts = Ledger.LoadCounts()
    for candidate in candidates {
      let user = String(decoding: candidate.userID, as: UTF8.self)
      guard let line = candidate.line else {
        counts.removed += 1
        audience[user] = nil
        continue
      }
      if gone.contains(user) {
        counts.gone += 1
      } else {
        counts.loaded += 1
        users.insert(user)
        audience[user] = String(decoding: line, as: UTF8.self)
      }
    }
    return counts
  }

  func leasedUntil(_ user: String) -> Int64 {
    plans.flatMap(\.rows).filter { $0.user == user && $0.isTaken }.compactMap(\.leasedUntil).max() ?? .min
  }

  /// - Parameter seen: the count of work done when the plan's candidates were scored.
  mutating func commit(_ draft: PlanDraft, seen: Int) -> String {
    work += 1
    if let known = plans.first(where: { $0.head.key == draft.key && draft.key != nil }) {
      return known.digest == draft.digest ? "replayed" : "conflict"
    }
    let stale = draft.rows.indices.filter { index in
      let user = String(decoding: draft.rows[index].userID, as: UTF8.self)
      return gone.contains(user) || changed[user] ?? 0 > seen || leasedUntil(user) > max(draft.made, draft.asOf)
    }
    if !stale.isEmpty { return "stale \(stale)" }
    planCount += 1
    let until = draft.made + lease
    let contacts = draft.rows.count { $0.rank > 0 }
    let head = PlanHead(
      id: "P\(planCount)", key: draft.key, campaign: draft.campaign, policy: draft.policy, asOf: draft.asOf,
      asOfText: draft.asOfText, made: draft.made, leasedUntil: until, contacts: contacts,
      ghosts: draft.rows.count - contacts, erased: 0, value: draft.value, spend: draft.spend, capital: draft.capital,
      request: draft.request, totals: draft.totals)
    var plan = Plan(head: head, digest: draft.digest, rows: [])
    for row in draft.rows {
      let user = String(decoding: row.userID, as: UTF8.self)
      users.insert(user)
      plan.rows.append(
        Row(user: user, rank: row.rank, leasedUntil: row.rank > 0 ? until : nil, ended: nil, isTaken: row.rank > 0))
      if row.rank > 0 { changed[user] = work }
    }
    plans.append(plan)
    return "committed"
  }

  mutating func erase(_ ids: [String]) -> Int {
    work += 1
    var count = 0
    for user in ids {
      if users.remove(user) != nil {
        count += 1
        changed[user] = work
      }
      gone.insert(user)
      audience[user] = nil
      events.removeAll { $0.userID == Array(user.utf8) }
      for index in plans.indices {
        let before = plans[index].rows.count
        plans[index].rows.removeAll { $0.user == user }
        plans[index].head.erased += before - plans[index].rows.count
      }
    }
    return count
  }

  mutating func sweep(_ now: Int64) {
    work += 1
    let to = min(now, moment.map { $0 + 86_400 } ?? now)
    moment = to
    for kind in swept.keys {
      guard let days = retention.days(EventKind(named: kind)) else { continue }
      let before = max(swept[kind] ?? .min, to - Int64(days) * 86_400)
      swept[kind] = before
      events.removeAll { $0.kind.name == kind && $0.at < to - Int64(days) * 86_400 }
    }
    let before = to - Int64(retention.plans) * 86_400
    plans.removeAll { $0.head.made < before && $0.head.leasedUntil <= before }
    keepLeases { $0.isTaken && ($0.leasedUntil ?? .min) > to }
  }

  /// A ledger that is opened knows of leases what the file says, and of changes nothing.
  mutating func restart() {
    changed = [:]
    let to = moment ?? .min
    keepLeases { ($0.leasedUntil ?? .min) > to }
  }

  private mutating func keepLeases(_ isTaken: (Row) -> Bool) {
    for plan in plans.indices {
      for row in plans[plan].rows.indices { plans[plan].rows[row].isTaken = isTaken(plans[plan].rows[row]) }
    }
  }
}
