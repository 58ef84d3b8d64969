import RouseCore
import RouseLedger
import RouseWire

/// The ops of the ledger: what was done and what came of it, the standing audience, and what is known of a user.
extension Session {
  func runLedger(_ request: Request, _ line: Block, _ deadline: UInt64?, _ arrival: UInt64) throws(WireError) {
    let keeping = try keeping(at: "/op")
    let ledger = keeping.ledger
    switch request.operation {
    case .record: try record(request, line, ledger, deadline, arrival)
    case .load: try load(request, line, keeping, deadline, arrival)
    case .erase: try erase(request, keeping, deadline, arrival)
    case .user: try tellUser(request, ledger, deadline, arrival)
    case .plans: try listPlans(request, ledger, deadline, arrival)
    case .plan: try showPlan(request, ledger, deadline, arrival)
    default: break
    }
  }

  func keeping(at place: String) throws(WireError) -> Keeping {
    guard let keeping = shared.keeping else {
      throw WireError(.notFound, "this server keeps no ledger: its configuration names none", at: place)
    }
    return keeping
  }

  private func pending(_ request: Request, _ deadline: UInt64?, _ arrival: UInt64) -> Pending {
    serial += 1
    return Pending(
      id: request.id, operation: request.operation ?? .record, context: nil, deadline: deadline, began: arrival)
  }

  // MARK: - What changes it

  private func record(
    _ request: Request, _ line: Block, _ ledger: Ledger, _ deadline: UInt64?, _ arrival: UInt64
  ) throws(WireError) {
    try beginWork(deadline)
    let work = RecordWork(
      ledger, live: shared.policies.live, now: time.wall, longestLine: shared.limits.lineBytes)
    guard let (at, count) = request.events else {
      state = .streaming(Stream(pending: pending(request, deadline, arrival), work: work))
      return
    }
    try reserve(line.count, reply: count * Self.eventReply)
    // What is recorded cannot be taken back, so the answer is never "too late".
    state = .busy(pending(request, nil, arrival))
    scheduleLong(.quick) { done in work.runInline(line, eventsAt: at, done: done) }
  }
  private static let eventReply = 256

  private func load(
    _ request: Request, _ line: Block, _ keeping: Keeping, _ deadline: UInt64?, _ arrival: UInt64
  ) throws(WireError) {
    try beginWork(deadline)
    let work = LoadWork(
      keeping.ledger, keeping.audience, live: shared.policies.live, longestLine: shared.limits.lineBytes)
    guard case .users(let at, _) = request.candidates else {
      state = .streaming(Stream(pending: pending(request, deadline, arrival), work: work))
      return
    }
    try reserve(line.count, reply: line.count * 2)
    state = .busy(pending(request, nil, arrival))
    scheduleLong(.quick) { done in work.runInline(line, usersAt: at, done: done) }
  }

  private func erase(
    _ request: Request, _ keeping: Keeping, _ deadline: UInt64?, _ arrival: UInt64
  ) throws(WireError) {
    try beginWork(deadline)
    let audience = keeping.audience
    let ids = request.userIDs.map { Array($0.utf8) }
    let (erased, name) = (shared.erased, identity?.name ?? "")
    state = .busy(pending(request, nil, arrival))
    scheduleLong(.quick) { done in
      keeping.ledger.erase(ids, apply: { audience.remove($0) }) { answer in
        switch answer {
        case .failure(let error): done(.failed(WireError(error)))
        case .success(let known):
          var out = ByteWriter()
          out.write(",\"erased\":")
          out.write(known)
          out.write(",\"unknown\":")
          out.write(max(0, ids.count - known))
          let reply = out.array
          erased(name, ids, known) { done(.reply(reply)) }
        }
      }
    }
  }

  // MARK: - What is asked of it

  /// Asks the ledger on another thread.
  private func ask(
    _ request: Request, _ deadline: UInt64?, _ arrival: UInt64,
    _ body: @escaping @Sendable (inout ByteWriter) throws(WireError) -> Void
  ) throws(WireError) {
    try beginWork(deadline)
    state = .busy(pending(request, deadline, arrival))
    schedule(.quick) {
      var out = ByteWriter()
      do throws(WireError) {
        try body(&out)
        return .reply(out.array)
      } catch {
        return .failed(error)
      }
    }
  }

  private func tellUser(
    _ request: Request, _ ledger: Ledger, _ deadline: UInt64?, _ arrival: UInt64
  ) throws(WireError) {
    let id = Array((request.userID ?? "").utf8)
    let now = request.asOf?.seconds ?? min(max(time.wall, Moment.first), Moment.last)
    let known = KnownUser(ledger, live: try version(request), now: now, longestLine: shared.limits.lineBytes)
    try ask(request, deadline, arrival) { (out) throws(WireError) in try known.write(id, into: &out) }
  }

  private func listPlans(
    _ request: Request, _ ledger: Ledger, _ deadline: UInt64?, _ arrival: UInt64
  ) throws(WireError) {
    let (before, most) = (request.before, request.most)
    try ask(request, deadline, arrival) { (out) throws(WireError) in
      let heads = try asking { () throws(LedgerError) in try ledger.plans(before: before, most: most) }
      out.write(",\"plans\":[")
      for (index, head) in heads.enumerated() {
        out.write(index > 0 ? ",{" : "{")
        head.writeMembers(into: &out)
        out.put(0x7D)
      }
      out.put(0x5D)
    }
  }

  private func showPlan(
    _ request: Request, _ ledger: Ledger, _ deadline: UInt64?, _ arrival: UInt64
  ) throws(WireError) {
    try beginWork(deadline)
    let id = request.planID ?? ""
    let enough = window.output
    var pending = pending(request, deadline, arrival)
    let rows = LatePlanRows(id, of: ledger)
    pending.work = rows
    state = .busy(pending)
    schedule(.bulk) { Self.moreRows(rows, enough) }
  }
}

/// Asks a ledger, in the words of the wire.
func asking<Answer>(_ body: () throws(LedgerError) -> Answer) throws(WireError) -> Answer {
  do throws(LedgerError) { return try body() } catch { throw WireError(error) }
}

extension Session {
  /// `,"ledger":{..}`: whether anything is kept, and whether that lasts.
  func writeLedgerState(into out: inout ByteWriter) {
    out.write(",\"ledger\":{\"state\":")
    guard let keeping = shared.keeping else {
      return out.write("\"none\",\"informs\":false,\"audience\":0,\"users\":0}")
    }
    switch keeping.ledger.health {
    case .sound: out.write("\"sound\"")
    case .degraded: out.write("\"degraded\"")
    }
    out.write(",\"informs\":true,\"audience\":")
    out.write(keeping.audience.count)
    out.write(",\"users\":")
    out.write(keeping.ledger.read { $0.userCount })
    out.put(0x7D)
  }
}
