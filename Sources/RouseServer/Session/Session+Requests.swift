import RouseCore
import RouseWire

/// A request line: read, checked against the roles, and answered or begun.
extension Session {
  func handle(_ line: Block) { handle(line, arrival: input.arrivalOfTaken ?? time.monotonic, mayRecall: true) }

  /// - Parameter mayRecall: the ledger has not been asked yet for the policies that it names.
  func handle(_ line: Block, arrival: UInt64, mayRecall: Bool) {
    let reading = requests.read(line)
    let request = reading.request
    if mayRecall { hasPaid = false }
    do throws(WireError) {
      if let fault = reading.fault { throw fault }
      if let fault = reading.operationFault { throw fault }
      guard let operation = request.operation else { throw WireError(.badRequest, "op is missing", at: "/op") }
      try authorize(operation, commits: request.commits)
      if let fault = reading.memberFault { throw fault }
      if mayRecall, try recall(operation, request, line, arrival) { return }
      try run(operation, request, line, arrival)
    } catch {
      refuse(error, id: request.id)
      note(request, error.code, arrival)
      if reading.asksForStream { state = .discarding }
    }
  }

  private func run(_ operation: Operation, _ request: Request, _ line: Block, _ arrival: UInt64) throws(WireError) {
    switch operation {
    case .ping: return reply(request, arrival) { _ in }
    case .auth: return authenticate(request)
    case .end, .cancel: throw WireError(.badRequest, "no stream is open", at: "/op")
    case .info, .fields, .score, .rank, .record, .load, .erase, .user, .plans, .plan, .policy, .review, .stats: break
    }
    if case .users(_, let count) = request.candidates, count > shared.limits.inlineCandidates {
      throw WireError(
        .tooMany, "at most \(shared.limits.inlineCandidates) candidates stand in a request; send more as a stream",
        at: "/users")
    }
    if let (_, count) = request.events, count > shared.limits.inlineCandidates {
      throw WireError(
        .tooMany, "at most \(shared.limits.inlineCandidates) events stand in a request; send more as a stream",
        at: "/events")
    }
    let version = request.namesItsPolicy ? shared.policies.live : try self.version(request)
    let deadline = request.timeoutMS.map { arrival &+ UInt64(max(0, $0)) &* 1_000_000 }
    switch operation {
    case .info:
      try begin(deadline)
      reply(request, arrival) { self.writeInfo(into: &$0) }
    case .fields:
      try begin(deadline)
      reply(request, arrival) { out in
        out.write(",\"policy\":")
        out.writeQuoted(version.policy.version)
        Reply.fields(version.policy, into: &out)
      }
    case .policy: try runPolicy(request, line, version, deadline, arrival)
    case .stats:
      try begin(deadline)
      reply(request, arrival) { self.shared.stats(self.identity, &$0) }
    case .review: try runReview(request, version, deadline, arrival)
    case .score, .rank: try start(request, line, version, deadline, arrival)
    case .record, .load, .erase, .user, .plans, .plan: try runLedger(request, line, deadline, arrival)
    case .ping, .auth, .end, .cancel: break
    }
  }

  /// Has another thread look into the ledger for versions that a request names and that are not in memory; the request is
  /// then taken up again, with those that were found.
  /// - Returns: false: nothing is to be looked for.
  private func recall(
    _ operation: Operation, _ request: Request, _ line: Block, _ arrival: UInt64
  ) throws(WireError) -> Bool {
    guard operation != .ping, operation != .auth, let keeping = shared.keeping else { return false }
    let pinned = request.namesItsPolicy ? nil : request.policy
    let against = operation == .policy && request.policyAction == .compare ? request.against : nil
    let policies = shared.policies
    let names = [pinned, against].compactMap { $0 }.filter { policies.version($0) == nil }
    if names.isEmpty { return false }
    // Before anything is done for it: a policy may take a hundred times as long to compile as a request to answer.
    try takeFromRate()
    if let wait = shared.overload() {
      throw WireError(.overloaded, "the server has more to do than it can; try again", retryAfterMS: wait)
    }
    hasPaid = true
    serial += 1
    state = .busy(Pending(id: request.id, operation: operation, context: nil, deadline: nil, began: arrival))
    schedule(.quick) {
      for name in names {
        if let version = keeping.recall(name) { policies.recall(version) }
      }
      return .recalled(line)
    }
    return true
  }

  /// The policy that a request is answered by: the one it pins, else the live one.
  func version(_ request: Request) throws(WireError) -> LivePolicy {
    guard let pinned = request.policy else { return shared.policies.live }
    guard let version = shared.policies.version(pinned) else {
      throw WireError(
        .notFound,
        "no such policy version is kept; the live one is \(shared.policies.live.policy.version)", at: "/policy")
    }
    return version.live
  }

  /// The last that may refuse a request: its rate, and its time, which ran while it waited for those before it.
  func begin(_ deadline: UInt64?) throws(WireError) {
    try takeFromRate()
    if let deadline, time.monotonic > deadline { throw Self.late }
  }

  /// For work on other threads: also when there is too much of it already.
  func beginWork(_ deadline: UInt64?) throws(WireError) {
    try takeFromRate()
    if let wait = shared.overload() {
      throw WireError(.overloaded, "the server has more to do than it can; try again", retryAfterMS: wait)
    }
    if let deadline, time.monotonic > deadline { throw Self.late }
  }

  private func reply(_ request: Request, _ arrival: UInt64, _ body: (inout ByteWriter) -> Void) {
    Reply.begin(request.id, into: &output)
    body(&output)
    Reply.end(into: &output)
    note(request, nil, arrival)
  }

  private func writeInfo(into out: inout ByteWriter) {
    out.write(",\"name\":\"rouse-server\",\"server\":")
    out.writeQuoted(shared.serverVersion)
    out.write(",\"protocol\":\"rouse/1\",\"policy\":")
    out.writeQuoted(shared.policies.live.policy.version)
    out.write(",\"policy_state\":")
    writePolicyState(into: &out)
    out.write(",\"ops\":[")
    for (index, operation) in Operation.allCases.enumerated() {
      if index > 0 { out.put(0x2C) }
      out.writeQuoted(operation.rawValue)
    }
    out.write("],\"limits\":{")
    for (index, limit) in shared.limits.all.enumerated() {
      if index > 0 { out.put(0x2C) }
      out.writeQuoted(limit.name)
      out.put(0x3A)
      if let value = limit.value { out.write(value) } else { out.write("null") }
    }
    out.put(0x7D)
    writeLedgerState(into: &out)
    writeIdentity(into: &out)
  }
}

extension Request {
  /// The member `policy` says what is asked about, and not by which policy to answer: it need not be one of those pinned.
  fileprivate var namesItsPolicy: Bool {
    switch policyAction {
    case .show, .approve, .withdraw, .rollback: operation == .policy
    case .check, .activate, .history, .shadow, .compare, .backtest, .fit, nil: false
    }
  }
}
