import RouseCore
import RouseTLS
import RouseWire

/// The protocol's state on one connection: bytes, finished jobs and timers in; bytes, jobs and a close out. It knows no
/// socket and no clock, and belongs to one event loop.
///
/// Requests are worked off one after another, so replies come in order; a client that sends ahead is held back by what is
/// read, never by an error.
final class Session {
  /// What all sessions of a server share.
  struct Shared: Sendable {
    let limits: Configuration.Limits
    let identities: [Configuration.Identity]
    /// The policy that new requests get.
    let live: @Sendable () -> LivePolicy
    /// Seconds since 1970.
    let wallClock: @Sendable () -> Int64
    /// Nanoseconds since some moment.
    let monotonicClock: @Sendable () -> UInt64
    let serverVersion: String
  }

  /// Work for another thread. Its result comes back through `finish`.
  struct Job: Sendable {
    let serial: Int
    let run: @Sendable () -> Result
  }

  enum Result: Sendable {
    case block(StreamWork.BlockResult)
    case inline([UInt8])
    case failed(WireError)
    /// Rows of a rank, and the plan's totals when they are the last.
    case rows([UInt8], plan: [UInt8]?)
  }

  private enum State {
    /// For a request.
    case waiting
    /// For a job of the request at hand; input stays where it is.
    case busy(Pending)
    case streaming(Stream)
    /// Lines of a stream that was refused or failed, until its `end` or `cancel`.
    case discarding
    case closed
  }

  /// A request whose answer is being made.
  private struct Pending {
    let id: [UInt8]?
    let policy: String
    let asOf: String
    let deadline: UInt64?
    /// A rank whose rows are being written.
    var work: StreamWork?
    /// A job is under way.
    var isWorking = true
  }

  /// A streamed request whose candidates are coming.
  private struct Stream {
    var pending: Pending
    let work: StreamWork
    let isRank: Bool
    var totals = Totals()
    var nextIndex = 0
    var nextResult = 0
    var inFlight: [(index: Int, block: Block)] = []
    var results: [Int: StreamWork.BlockResult] = [:]
  }

  private let shared: Shared
  private var state = State.waiting
  private var input = InputBuffer()
  private var requests = RequestReader()
  private var serial = 0
  private var identity: (name: String, roles: Set<Configuration.Role>)?
  private var inputEnded = false
  private var isDraining = false
  private var isWritable = true
  /// The worker of the last small request: requests of one second and policy share it.
  private var worker: (worker: BatchWorker, live: LivePolicy, now: Int64, explain: Bool)?

  /// Bytes for the peer; the handler takes them after each event.
  var output = ByteWriter(capacity: 1024)
  /// Jobs to start; the handler takes them after each event.
  private(set) var jobs: [Job] = []
  /// The connection is to be closed once the output is sent.
  private(set) var wantsClose = false

  private static let mostInFlight = 4
  private static let enoughForABlock = 1 << 16
  private static let mostWaitingInput = 1 << 19
  private static let rowChunk = 1 << 18
  private static let mostOutput = 1 << 18
  /// Requests of more bytes than this leave the event loop.
  private static let mostOnLoop = 1 << 14

  init(_ shared: Shared) { self.shared = shared }

  // MARK: - What comes in

  /// The peer has shown a certificate, or none.
  func identify(_ peer: PeerIdentity?) {
    guard let peer else { return }
    guard let known = shared.identities.first(where: { $0.matches(peer) }) else { return }
    identity = (known.name, known.roles)
  }

  func receive(_ bytes: UnsafeRawBufferPointer) {
    if case .closed = state { return }
    input.append(bytes)
    advance()
  }

  func finish(_ serial: Int, _ result: Result) {
    guard serial == self.serial else { return }
    switch (state, result) {
    case (.streaming(var stream), .block(let block)):
      stream.results[block.index] = block
      state = .streaming(stream)
      collect()
    case (.busy(let pending), .inline(let body)): complete(pending, body)
    case (.busy(let pending), .failed(let error)):
      state = .waiting
      fail(error, id: pending.id)
    case (.busy(var pending), .rows(let rows, let plan)):
      output.write(rows)
      pending.isWorking = false
      state = .busy(pending)
      if let plan {
        complete(pending, Array(",\"plan\":".utf8) + plan)
      } else {
        writeMoreRows()
      }
    default: break
    }
    advance()
  }

  func setWritable(_ value: Bool) {
    isWritable = value
    guard value else { return }
    writeMoreRows()
    advance()
  }

  /// The peer will send no more, with close_notify or without.
  func endInput() {
    inputEnded = true
    advance()
  }

  /// The server is stopping: what is under way is finished, then the peer is told goodbye.
  func drain() {
    isDraining = true
    advance()
  }

  /// Ends the connection with a coded line, as a time limit does.
  func giveUp(_ error: WireError) {
    guard !wantsClose else { return }
    fail(error, id: pendingID)
    close()
  }

  // MARK: - What the handler asks

  func takeJobs() -> [Job] {
    defer { jobs.removeAll() }
    return jobs
  }

  /// Whether more bytes are welcome: false stops the socket, and so the peer.
  var wantsBytes: Bool {
    switch state {
    case .closed: false
    case .waiting: !isHeldBack
    case .discarding: true
    case .busy: input.count < Self.enoughForABlock
    // A line may be longer than what else may wait, so while there is no whole one more is needed.
    case .streaming(let stream): input.count < Self.mostWaitingInput || stream.inFlight.isEmpty && canCut(stream)
    }
  }

  /// A line has begun and not ended.
  var hasPartialLine: Bool {
    switch state {
    case .waiting, .discarding: input.count > 0
    case .streaming(let stream): input.count > 0 && stream.inFlight.isEmpty && canCut(stream)
    case .busy, .closed: false
    }
  }

  /// The peer does not read its replies: until it does, no more are made.
  private var isHeldBack: Bool { !isWritable || output.count > Self.mostOutput }

  /// Blocks may be handed out. A rank makes no rows while its candidates come, so nothing holds it back.
  private func canCut(_ stream: Stream) -> Bool { stream.isRank || !isHeldBack }

  /// The output has been taken.
  func resume() { advance() }

  /// Nothing is being worked on.
  var isIdle: Bool {
    switch state {
    case .waiting, .discarding: true
    case .streaming(let stream): stream.inFlight.isEmpty
    case .busy, .closed: false
    }
  }

  private var pendingID: [UInt8]? {
    switch state {
    case .busy(let pending): pending.id
    case .streaming(let stream): stream.pending.id
    case .waiting, .discarding, .closed: nil
    }
  }

  // MARK: - Going on

  private func advance() {
    while true {
      switch state {
      case .waiting where isHeldBack: return
      case .waiting, .discarding:
        guard let line = input.takeLine() else { return endOfInput() }
        if line.count - 1 > shared.limits.lineBytes { return refuseLongLine(id: nil) }
        if isBlank(line.bytes.dropLastByte) { continue }
        if case .discarding = state { discard(line) } else { handle(line) }
      case .streaming: return cutBlocks()
      case .busy, .closed: return
      }
    }
  }

  /// No whole line is left.
  private func endOfInput() {
    if input.count > shared.limits.lineBytes { return refuseLongLine(id: nil) }
    if inputEnded {
      if input.count > 0 {
        fail(WireError(.incompleteLine, "the last line has no LF, so it was not executed"), id: nil)
      } else if case .discarding = state {
        // The stream has been answered.
      }
      return close()
    }
    if isDraining, case .waiting = state {
      output.write("{\"event\":\"goodbye\",\"reason\":\"draining\"}\n")
      close()
    }
  }

  private func refuseLongLine(id: [UInt8]?) {
    fail(WireError(.lineTooLong, "a line may have \(shared.limits.lineBytes) bytes"), id: id)
    close()
  }

  private func close() {
    wantsClose = true
    state = .closed
    serial += 1
    input.removeAll()
  }

  private func fail(_ error: WireError, id: [UInt8]?) { Reply.error(error, id: id, into: &output) }

  private func discard(_ line: Block) {
    let reading = requests.read(line)
    guard reading.fault == nil else { return }
    if reading.request.operation == .end || reading.request.operation == .cancel { state = .waiting }
  }

  // MARK: - Requests

  private func handle(_ line: Block) {
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
      if request.isStream { state = .discarding }
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
    case .score: try start(request, .score(explain: request.explain), line, live)
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
      if case .score(let explain) = kind, line.count <= Self.mostOnLoop, !explain {
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
    worker = (fresh, live, now, false)
    return fresh
  }

  private func schedule(_ run: @escaping @Sendable () -> Result) { jobs.append(Job(serial: serial, run: run)) }

  private func complete(_ pending: Pending, _ body: [UInt8]) {
    state = .waiting
    serial += 1
    if isLate(pending) { return failLate(pending) }
    Reply.begin(pending.id, into: &output)
    Reply.context(policy: pending.policy, asOf: pending.asOf, into: &output)
    output.write(body)
    Reply.end(into: &output)
  }

  private func isLate(_ pending: Pending) -> Bool { pending.deadline.map { shared.monotonicClock() > $0 } ?? false }

  private func failLate(_ pending: Pending) {
    fail(WireError(.deadlineExceeded, "timeout_ms has passed"), id: pending.id)
  }

  // MARK: - Streams

  /// Hands whole lines to other threads, a few blocks at a time; small ones wait while others are under way.
  private func cutBlocks() {
    guard case .streaming(var stream) = state else { return }
    if isLate(stream.pending) { return breakOff(stream, WireError(.deadlineExceeded, "timeout_ms has passed")) }
    while stream.inFlight.count < Self.mostInFlight, canCut(stream),
      stream.inFlight.isEmpty || input.count >= Self.enoughForABlock, let block = input.takeLines()
    {
      let index = stream.nextIndex
      stream.nextIndex += 1
      stream.inFlight.append((index, block))
      let work = stream.work
      schedule { .block(work.run(block, index: index)) }
    }
    state = .streaming(stream)
    // Nothing is handed out though it might be: no whole line is there.
    guard stream.inFlight.isEmpty, canCut(stream) else { return }
    if input.count > shared.limits.lineBytes { return refuseLongLine(id: stream.pending.id) }
    if inputEnded {
      fail(
        WireError(.incompleteLine, "the stream was not ended by {\"op\":\"end\"}, so it was not executed"),
        id: pendingID)
      close()
    }
  }

  /// Takes results in the order of their blocks.
  private func collect() {
    while case .streaming(var stream) = state, let result = stream.results.removeValue(forKey: stream.nextResult) {
      let block = stream.inFlight.removeFirst().block
      stream.nextResult += 1
      stream.totals.add(result.totals)
      state = .streaming(stream)
      if stream.totals.lines > shared.limits.streamCandidates {
        let most = shared.limits.streamCandidates
        return breakOff(stream, WireError(.tooMany, "a stream may have \(most) candidates"), after: block)
      }
      output.write(result.rows)
      switch result.stop {
      case .none: continue
      case .lineTooLong: return refuseLongLine(id: stream.pending.id)
      case .end(let next):
        giveBack(stream, block, next)
        end(stream)
      case .cancel(let next):
        giveBack(stream, block, next)
        state = .waiting
        serial += 1
        fail(WireError(.cancelled, "the stream was cancelled"), id: stream.pending.id)
      }
    }
  }

  /// Bytes after a control belong to the next request, those in blocks that were handed out ahead of time too.
  private func giveBack(_ stream: Stream, _ block: Block, _ next: Int) {
    let rest = UnsafeRawBufferPointer(rebasing: block.bytes[next...])
    if rest.isEmpty, stream.inFlight.isEmpty { return }
    input.prepend([rest] + stream.inFlight.map(\.block.bytes))
  }

  private func end(_ stream: Stream) {
    serial += 1
    guard stream.isRank else {
      var summary = ByteWriter()
      summary.write(",\"summary\":")
      stream.totals.writeSummary(into: &summary)
      return complete(stream.pending, summary.array)
    }
    var pending = stream.pending
    let work = stream.work
    pending.work = work
    state = .busy(pending)
    schedule {
      work.plan()
      let rows = work.rows(enough: Self.rowChunk)
      return .rows(rows.bytes, plan: rows.isAtEnd ? work.planTotals() : nil)
    }
  }

  private func writeMoreRows() {
    guard case .busy(var pending) = state, let work = pending.work, !pending.isWorking, isWritable else { return }
    pending.isWorking = true
    state = .busy(pending)
    schedule {
      let rows = work.rows(enough: Self.rowChunk)
      return .rows(rows.bytes, plan: rows.isAtEnd ? work.planTotals() : nil)
    }
  }

  /// One line answers all of a stream that failed midway; its further lines are discarded.
  private func breakOff(_ stream: Stream, _ error: WireError, after block: Block? = nil) {
    let blocks = (block.map { [$0] } ?? []) + stream.inFlight.map(\.block)
    if !blocks.isEmpty { input.prepend(blocks.map(\.bytes)) }
    serial += 1
    state = .discarding
    fail(error, id: stream.pending.id)
  }

  // MARK: - info

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

extension UnsafeRawBufferPointer {
  fileprivate var dropLastByte: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: dropLast()) }
}
