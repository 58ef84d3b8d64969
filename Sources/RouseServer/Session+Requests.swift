import RouseCore
import RouseWire

/// A request line: read, checked against the roles, and answered or begun.
extension Session {
  func handle(_ line: Block) {
    let reading = requests.read(line)
    let request = reading.request
    do throws(WireError) {
      if let fault = reading.fault { throw fault }
      if let fault = reading.operationFault { throw fault }
      guard let operation = request.operation else { throw WireError(.badRequest, "op is missing", at: "/op") }
      try authorize(operation)
      if let fault = reading.memberFault { throw fault }
      try run(operation, request, line)
    } catch {
      fail(error, id: request.id)
      if reading.asksForStream { state = .discarding }
    }
  }

  private func authorize(_ operation: Operation) throws(WireError) {
    if operation == .ping { return }
    guard let identity else {
      throw WireError(.unauthenticated, "this needs a client certificate that the server knows")
    }
    switch operation {
    case .score, .rank:
      if !identity.roles.contains(.score) { throw WireError(.forbidden, "this needs a role that the identity lacks") }
    case .ping, .info, .fields, .end, .cancel: break
    }
  }

  private func run(_ operation: Operation, _ request: Request, _ line: Block) throws(WireError) {
    let live = shared.live()
    switch operation {
    case .ping: reply(request) { _ in }
    case .info:
      try checkPin(request, live)
      reply(request) { self.writeInfo(live, into: &$0) }
    case .fields:
      try checkPin(request, live)
      reply(request) { out in
        out.write(",\"policy\":")
        out.writeQuoted(live.policy.version)
        Reply.fields(live.policy, into: &out)
      }
    case .end, .cancel: throw WireError(.badRequest, "no stream is open", at: "/op")
    case .score: try start(request, .score(request.extras), line, live)
    case .rank: try start(request, .rank(request.rows, try request.limits(live.policy)), line, live)
    }
  }

  private func checkPin(_ request: Request, _ live: LivePolicy) throws(WireError) {
    guard let pinned = request.policy, !pinned.utf8.elementsEqual(live.policy.version.utf8) else { return }
    throw WireError(
      .notFound, "no such policy version is loaded; the live one is \(live.policy.version)", at: "/policy")
  }

  private func reply(_ request: Request, _ body: (inout ByteWriter) -> Void) {
    Reply.begin(request.id, into: &output)
    body(&output)
    Reply.end(into: &output)
  }

  private func start(_ request: Request, _ kind: StreamWork.Kind, _ line: Block, _ live: LivePolicy) throws(WireError) {
    if case .users(_, let count) = request.candidates, count > shared.limits.inlineCandidates {
      throw WireError(
        .tooMany, "at most \(shared.limits.inlineCandidates) candidates stand in a request; send more as a stream",
        at: "/users")
    }
    try checkPin(request, live)
    let now = request.asOf?.seconds ?? min(max(shared.wallClock(), Moment.first), Moment.last)
    let deadline = request.timeoutMS.map { shared.monotonicClock() &+ UInt64($0) &* 1_000_000 }
    let pending = Pending(
      id: request.id, policy: live.policy.version, asOf: request.asOf?.text ?? Moment.format(now), deadline: deadline)
    serial += 1
    switch request.candidates {
    case .none: throw WireError(.badRequest, "candidates are missing", at: "/users")
    case .stream:
      let work = StreamWork(kind, live: live, now: now, longestLine: shared.limits.lineBytes)
      var isRank = false
      if case .rank = kind { isRank = true }
      state = .streaming(Stream(pending: pending, work: work, isRank: isRank))
    case .users(let at, _):
      if case .score(let extras) = kind, line.count <= Self.mostOnLoop, extras.isEmpty {
        return try scoreHere(pending, line, at, live, now)
      }
      let work = StreamWork(kind, live: live, now: now, longestLine: shared.limits.lineBytes)
      state = .busy(pending)
      schedule {
        do throws(WireError) {
          return .inline(try work.runInline(line, usersAt: at))
        } catch {
          return .failed(error)
        }
      }
    }
  }

  /// A small request is answered where it is read.
  private func scoreHere(_ pending: Pending, _ line: Block, _ at: Int, _ live: LivePolicy, _ now: Int64)
    throws(WireError)
  {
    let worker = worker(live, now)
    let start = output.count
    Reply.begin(pending.id, into: &output)
    Reply.context(policy: pending.policy, asOf: pending.asOf, into: &output)
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

  private func writeInfo(_ live: LivePolicy, into out: inout ByteWriter) {
    out.write(",\"name\":\"rouse-server\",\"server\":")
    out.writeQuoted(shared.serverVersion)
    out.write(",\"protocol\":\"rouse/1\",\"policy\":")
    out.writeQuoted(live.policy.version)
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
      out.write(limit.value)
    }
    out.write("},\"identity\":")
    out.writeQuoted(identity?.name ?? "")
    out.write(",\"roles\":[")
    let roles = Configuration.Role.allCases.filter { identity?.roles.contains($0) ?? false }
    for (index, role) in roles.enumerated() {
      if index > 0 { out.put(0x2C) }
      out.writeQuoted(role.rawValue)
    }
    out.put(0x5D)
  }
}
