import RouseCore
import RouseLedger
import RouseWire

/// What the server knows of one user: the answer of the op `user`.
final class KnownUser: Sendable {
  private let ledger: Ledger
  private let live: LivePolicy
  private let now: Int64
  private let hands: Hands

  /// Events that are shown, the latest.
  private static let mostEvents = 100

  init(_ ledger: Ledger, live: LivePolicy, now: Int64, longestLine: Int) {
    self.ledger = ledger
    self.live = live
    self.now = now
    hands = Hands(live, now: now, extras: .validUntil, longestLine: longestLine, ledger: ledger)
  }

  func write(_ id: [UInt8], into out: inout ByteWriter) throws(WireError) {
    guard let known = try asking({ () throws(LedgerError) in try ledger.user(id, most: Self.mostEvents) }) else {
      throw WireError(.notFound, "nothing is known of this user", at: "/user_id")
    }
    out.write(",\"user_id\":")
    id.withUnsafeBytes { out.writeQuoted($0) }
    try writeFacts(id, into: &out)
    out.write(",\"event_count\":")
    out.write(known.eventCount)
    out.write(",\"events\":[")
    for (index, event) in known.events.enumerated() {
      if index > 0 { out.put(0x2C) }
      write(event, into: &out)
    }
    out.write("],\"plans\":[")
    for (index, plan) in known.plans.enumerated() {
      out.write(index > 0 ? ",{\"plan_id\":" : "{\"plan_id\":")
      out.writeQuoted(plan.id)
      out.write(",\"rank\":")
      out.write(plan.rank)
      out.write(",\"channel\":")
      out.writeQuoted(plan.channel)
      out.write(",\"leased_until\":")
      // A ghost has no lease, and a contact has ended its own.
      if plan.leasedUntil > 0 { out.writeQuoted(Moment.format(plan.leasedUntil)) } else { out.write("null") }
      out.put(0x7D)
    }
    out.put(0x5D)
    try writeCandidate(known.candidate, id, into: &out)
  }

  private func writeFacts(_ id: [UInt8], into out: inout ByteWriter) throws(WireError) {
    let row = CandidateRow(policy: live.policy)
    id.withUnsafeBytes { row.identify($0) }
    let facts = LedgerFacts(ledger, policy: live.policy, now: now)
    try facts.hold { (_) throws(WireError) in facts.tell(row) }
    out.write(row.known.hasOptedOut ? ",\"opted_out\":true" : ",\"opted_out\":false")
    out.write(row.known.hasComplained ? ",\"complained\":true" : ",\"complained\":false")
    out.write(",\"leased_until\":")
    if row.known.leasedUntil > now { out.writeQuoted(Moment.format(row.known.leasedUntil)) } else { out.write("null") }
  }

  /// The candidate's line as it was loaded, and what would be decided now.
  private func writeCandidate(_ line: [UInt8]?, _ id: [UInt8], into out: inout ByteWriter) throws(WireError) {
    // A damaged file must not make a reply that is no JSON.
    guard let line, JSONValue(line) != nil else { return out.write(",\"candidate\":null,\"decision\":null") }
    out.write(",\"candidate\":")
    out.write(line)
    out.write(",\"decision\":")
    let block = line.withUnsafeBytes { Block($0) }
    let hand = hands.borrow()
    defer { hands.giveBack(hand) }
    let start = out.count
    let isScored = try hand.work { (worker) throws(WireError) in
      worker.scoreKept(UnsafeRawBufferPointer(rebasing: block.bytes.dropLast()), userID: id, into: &out)
    }
    guard !isScored else { return }
    out.truncate(to: start)
    out.write("null")
  }

  private func write(_ event: Event, into out: inout ByteWriter) {
    out.write("{\"kind\":")
    out.writeQuoted(event.kind.name)
    out.write(",\"at\":")
    out.writeQuoted(Moment.format(event.at))
    func text(_ name: StaticString, _ value: String?) {
      guard let value else { return }
      out.write(",\"")
      out.write(name)
      out.write("\":")
      out.writeQuoted(value)
    }
    func money(_ name: StaticString, _ value: Int64?) {
      guard let value else { return }
      out.write(",\"")
      out.write(name)
      out.write("\":")
      out.write(micros: value)
    }
    text("channel", event.channel)
    text("plan", event.plan)
    text("campaign", event.campaign)
    money("amount", event.amount)
    money("cost", event.cost)
    out.put(0x7D)
  }
}
