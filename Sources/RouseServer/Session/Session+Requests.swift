import RouseCore
import RouseWire

/// A request line: read, checked against the roles, and answered or begun.
extension Session {
  func handle(_ line: Block) {
    let arrival = input.arrivalOfTaken ?? time.monotonic
    let reading = requests.read(line)
    let request = reading.request
    do throws(WireError) {
      if let fault = reading.fault { throw fault }
      if let fault = reading.operationFault { throw fault }
      guard let operation = request.operation else { throw WireError(.badRequest, "op is missing", at: "/op") }
      try authorize(operation)
      if let fault = reading.memberFault { throw fault }
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
    case .info, .fields, .score, .rank, .policy: break
    }
    if case .users(_, let count) = request.candidates, count > shared.limits.inlineCandidates {
      throw WireError(
        .tooMany, "at most \(shared.limits.inlineCandidates) candidates stand in a request; send more as a stream",
        at: "/users")
    }
    let version = try self.version(request)
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
    case .policy: try runPolicy(request, line, deadline, arrival)
    case .score: try start(request, .score(request.extras), line, version, deadline, arrival)
    case .rank:
      try start(request, .rank(request.rows, try request.limits(version.policy)), line, version, deadline, arrival)
    case .ping, .auth, .end, .cancel: break
    }
  }

  /// The policy that a request is answered by: the one it pins, else the live one.
  private func version(_ request: Request) throws(WireError) -> LivePolicy {
    guard let pinned = request.policy else { return shared.policies.live }
    guard let version = shared.policies.version(pinned) else {
      throw WireError(
        .notFound,
        "no such policy version is kept; the live one is \(shared.policies.live.policy.version)", at: "/policy")
    }
    return version.live
  }

  /// The last that may refuse a request: its rate, and its time, which ran while it waited for those before it.
  private func begin(_ deadline: UInt64?) throws(WireError) {
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

  private func start(
    _ request: Request, _ kind: StreamWork.Kind, _ line: Block, _ live: LivePolicy, _ deadline: UInt64?,
    _ arrival: UInt64
  ) throws(WireError) {
    let now = request.asOf?.seconds ?? min(max(time.wall, Moment.first), Moment.last)
    let pending = Pending(
      id: request.id, operation: request.operation ?? .score,
      context: (live.policy.version, request.asOf?.text ?? Moment.format(now)), deadline: deadline, began: arrival)
    serial += 1
    switch request.candidates {
    case .none: throw WireError(.badRequest, "candidates are missing", at: "/users")
    case .stream:
      try beginWork(deadline)
      let work = StreamWork(
        kind, live: live, now: now, longestLine: shared.limits.lineBytes, memory: shared.rankMemory)
      state = .streaming(Stream(pending: pending, work: work))
    case .users(let at, let count):
      if case .score(let extras) = kind, line.count <= Self.mostOnLoop, extras.isEmpty {
        try begin(deadline)
        return try scoreHere(pending, line, at, live, now, isAlone: count == 1)
      }
      try beginWork(deadline)
      let reply = count.multipliedReportingOverflow(
        by: request.extras.contains(.explain) ? Self.explainedReply : Self.plainReply)
      try reserve(line.count, reply: reply.overflow ? .max : reply.partialValue)
      let work = StreamWork(
        kind, live: live, now: now, longestLine: shared.limits.lineBytes, memory: shared.rankMemory)
      state = .busy(pending)
      // To explain a candidate costs as much as to score a hundred.
      schedule(request.extras.contains(.explain) && count > Self.mostExplainedQuickly ? .bulk : .quick) {
        do throws(WireError) {
          return .reply(try work.runInline(line, usersAt: at))
        } catch {
          return .failed(error)
        }
      }
    }
  }

  /// Room for a large request and its reply, which stays until the peer has taken it.
  func reserve(_ request: Int, reply: Int) throws(WireError) {
    let wanted = request.addingReportingOverflow(reply)
    guard !wanted.overflow, lease.resize(to: max(0, wanted.partialValue - Self.ownInput)) else {
      throw WireError(
        .overloaded, "too many large requests are being answered; try again", retryAfterMS: 200)
    }
  }
  private static let mostExplainedQuickly = 8
  private static let plainReply = 512
  private static let explainedReply = 12_288

  /// A small request is answered where it is read.
  private func scoreHere(
    _ pending: Pending, _ line: Block, _ at: Int, _ live: LivePolicy, _ now: Int64, isAlone: Bool
  ) throws(WireError) {
    let worker = worker(live, now)
    let start = output.count
    Reply.begin(pending.id, into: &output)
    if let context = pending.context { Reply.context(policy: context.policy, asOf: context.asOf, into: &output) }
    output.write(",\"results\":[")
    var totals = Totals()
    do throws(WireError) {
      try worker.score(line, usersAt: at, into: &output, totals: &totals)
    } catch {
      output.truncate(to: start)
      throw error
    }
    output.write("],\"summary\":")
    totals.writeSummary(into: &output)
    Reply.end(into: &output)
    note(pending, nil, userID: isAlone ? worker.lastUserID : nil)
  }

  private func worker(_ live: LivePolicy, _ now: Int64) -> BatchWorker {
    if let worker, worker.live === live, worker.now == now { return worker.worker }
    let made = live.scorer(at: now)
    let fresh = BatchWorker(
      scorer: made.scorer, writer: made.writer, tables: live.tables, longestLine: shared.limits.lineBytes,
      isStream: false)
    worker = (fresh, live, now)
    return fresh
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
    writeIdentity(into: &out)
  }
}
