@testable import RouseLedger

/// All that can be seen of a ledger, as lines that can be compared.
enum Portrait {
  static func of(_ model: Model, users: [String]) -> [String] {
    var lines: [String] = []
    for user in users {
      let events = model.events.filter { $0.userID == Array(user.utf8) }
      let latest = events.enumerated().sorted { ($0.element.at, $0.offset) > ($1.element.at, $1.offset) }.map(\.element)
      let plans = model.plans.reversed().flatMap { plan in
        plan.rows.reversed().filter { $0.user == user }.map {
          "\(plan.head.id) \($0.rank) \($0.ended ?? $0.leasedUntil ?? 0)"
        }
      }
      let contacts = events.filter { $0.kind == .contact }.map { "\($0.at) \($0.channel ?? "-")" }.sorted()
      func last(_ kind: EventKind) -> Int64? { events.filter { $0.kind == kind }.map(\.at).max() }
      let isOut = last(.optOut).map { $0 >= last(.optIn) ?? .min } ?? false
      lines.append(
        line(
          user, isKnown: model.users.contains(user), contacts, isOut, last(.complaint) != nil, model.leasedUntil(user),
          latest, plans, model.audience[user]))
    }
    for plan in model.plans.reversed() {
      lines.append("\(plan.head)")
      lines += plan.rows.filter { $0.rank > 0 }.map { "row \($0.rank) \($0.user)" }
    }
    lines += model.totals.map { "\($0) \($1.count) \($1.amount) \($1.cost)" }.sorted()
    lines += model.swept.map { "swept \($0) \($1)" }.sorted()
    return lines + ["erased \(users.filter { model.gone.contains($0) })", "moment \(model.moment ?? -1)"]
  }

  /// What the memory alone shows.
  static func memory(of model: Model, users: [String]) -> [String] {
    users.map { user in
      let events = model.events.filter { $0.userID == Array(user.utf8) }
      let contacts = events.filter { $0.kind == .contact }.map { "\($0.at) \($0.channel ?? "-")" }.sorted()
      return "\(user) \(model.users.contains(user)) \(contacts) \(model.leasedUntil(user))"
    }
  }

  static func memory(of ledger: Ledger, users: [String]) -> [String] {
    users.map { user in
      let isKnown = ledger.read { $0.number(of: Array(user.utf8)) != nil }
      return "\(user) \(isKnown) \(ledger.contacts(user).sorted()) \(ledger.facts(user).leasedUntil)"
    }
  }

  static func of(_ ledger: Ledger, users: [String]) throws -> [String] {
    var lines: [String] = []
    for user in users {
      let record = try ledger.user(Array(user.utf8), most: 1000)
      let facts = ledger.facts(user)
      let events = record?.events ?? []
      let plans = record?.plans.map { "\($0.id) \($0.rank) \($0.leasedUntil)" } ?? []
      let isKnown = ledger.read { $0.number(of: Array(user.utf8)) != nil }
      let candidate = record?.candidate.map { String(decoding: $0, as: UTF8.self) }
      guard record?.eventCount ?? 0 == events.count else { return ["\(user): the events are not all there"] }
      lines.append(
        line(
          user, isKnown: isKnown, ledger.contacts(user).sorted(), facts.hasOptedOut, facts.hasComplained,
          facts.leasedUntil, events, plans, candidate))
    }
    for plan in try ledger.plans(before: nil, most: 1000) {
      lines.append("\(plan)")
      lines += try ledger.rows(of: plan.id, from: 1, most: 1000).map {
        "row \($0.rank) \(String(decoding: $0.userID, as: UTF8.self))"
      }
    }
    lines += try ledger.totals().map {
      "\($0.day) \($0.kind) \($0.channel ?? "-") \($0.count) \($0.amount) \($0.cost)"
    }.sorted()
    try ledger.ask { reading in
      lines += try reading.kinds().map { "swept \($0.name) \($0.swept ?? .min)" }.sorted()
      guard let secret = LedgerSecret(try reading.meta("secret") ?? []) else { return }
      let erased = try users.filter { try reading.isErased(secret.hash(.user, Array($0.utf8))) }
      lines += ["erased \(erased)", "moment \(try reading.meta("swept").flatMap { Int64($0) } ?? -1)"]
    }
    return lines
  }

  private static func line(
    _ user: String, isKnown: Bool, _ contacts: [String], _ isOut: Bool, _ hasComplained: Bool, _ leasedUntil: Int64,
    _ events: [Event], _ plans: [String], _ candidate: String?
  ) -> String {
    let told = events.map { event in
      "\(event.at) \(event.kind.name) \(event.channel ?? "-") \(event.plan ?? "-") \(event.campaign ?? "-") "
        + "\(event.amount ?? -1) \(event.cost ?? -1)"
    }
    return
      "\(user) \(isKnown) \(contacts) \(isOut) \(hasComplained) \(leasedUntil) \(told) \(plans) \(candidate ?? "-")"
  }
}
