import Glibc
import RouseCore
import RouseLedger
import RouseTLS
import RouseWire

/// The protocol's state on one connection: bytes, finished jobs and moments in; bytes, jobs, notices and a close out. It
/// knows no socket and no clock, and belongs to one event loop.
///
/// Requests are worked off one after another, so replies come in order; a client that sends ahead is held back by what is
/// read, never by an error.
final class Session {
  /// What all sessions of a server share.
  struct Shared: Sendable {
    let limits: Configuration.Limits
    /// Who may do what, by now.
    let access: @Sendable () -> Access
    let policies: PolicyStore
    /// Makes a policy live, or puts it forward, when a peer asks for it.
    let activate: @Sendable (PolicyChange) throws(WireError) -> PolicyOutcome
    /// Approves or withdraws what was put forward, or goes back to what was live.
    let decide: @Sendable (PolicyVerdict) throws(WireError) -> PolicyOutcome
    /// Bytes beyond what each connection may use on its own.
    let memory: MemoryPool
    /// What the candidates of open ranks may take.
    let rankMemory: MemoryPool
    /// When there is so much to do that a new request cannot be begun: after how many milliseconds it may be tried again.
    let overload: @Sendable () -> Int?
    /// Whether a large request may be read only to be refused: so many a second and no more, for that takes the time of
    /// those that are answered.
    let mayRefuse: @Sendable (UInt64) -> Bool
    /// As many long questions wait as may.
    var isDeskFull: @Sendable () -> Bool = { false }
    let serverVersion: String
    /// nil: nothing is kept.
    var keeping: Keeping?
    /// What is counted of the server's work.
    var meters = Meters()
    /// Writes what the op `stats` answers to an identity.
    var stats: @Sendable (Access.Identity?, inout ByteWriter) -> Void = { _, _ in }
    /// Writes down who has erased whom and how many of them were known, and then goes on; not on an event loop.
    var erased:
      @Sendable (_ by: String, _ ids: [[UInt8]], _ known: Int, _ next: @escaping @Sendable () -> Void) -> Void =
        { $3() }
    /// nil: no policy can decide beside the live one.
    var shadow: Shadow?
    /// Whether `Notice.answered` is wanted.
    var notesAnswers: @Sendable () -> Bool = { false }
  }

  /// A moment by the machine's clocks.
  struct Time: Sendable {
    /// Nanoseconds since some moment; never runs backwards.
    var monotonic: UInt64
    /// Seconds since 1970.
    var wall: Int64
  }

  /// Work for another thread. Its result comes back through `finish`.
  struct Job: Sendable {
    let serial: Int
    let lane: WorkPool.Lane
    /// Gives its result once, on whichever thread has it.
    let run: @Sendable (_ done: @escaping @Sendable (Result) -> Void) -> Void
  }

  enum Result: Sendable {
    case block(BlockResult)
    /// All that stands between `"ok":true` and the end of the reply.
    case reply([UInt8])
    case failed(WireError)
    /// Rows, and what stands behind them in the last line when they are the last.
    case rows([UInt8], tail: [UInt8]?)
    /// A plan has been committed, and is to be answered.
    case planned(RankAnswer)
    /// A plan is to be made again: its users have changed.
    case stale(RankAnswer)
    /// Audience work goes on, on this thread or on another.
    case step
    /// The ledger was asked for the policies that a request names: it is taken up again.
    case recalled(Block)
    case nothing
  }

  /// What happened, for logs: never a secret, never a candidate's data.
  enum Notice: Sendable {
    /// A certificate that was verified, and is nobody's.
    case unknownCertificate(PeerIdentity)
    case unknownToken(count: Int)
    /// The handshake failed for the certificate that was shown, in OpenSSL's words.
    case refusedCertificate(String)
    case gaveUp(ErrorCode)
    case answered(Answered)
  }

  enum State {
    /// For the end of the handshake.
    case connecting
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
  struct Pending {
    let id: [UInt8]?
    let operation: Operation
    /// Under which policy, and as of when; nil where the reply does not say.
    let context: (policy: String, asOf: String)?
    var deadline: UInt64?
    let began: UInt64
    /// Whose rows are being written.
    var work: (any RowSource)?
    /// A rank that is answered in one line.
    var inline: RankAnswer?
    /// A rank over the standing audience, whose candidates are being scored.
    var audience: AudienceRank?
    /// Tells long work that nobody waits for it any more.
    var cancel: (@Sendable () -> Void)?
    /// A job is under way.
    var isWorking = true
  }

  /// A streamed request whose candidates are coming.
  struct Stream {
    var pending: Pending
    let work: any StreamedWork
    var tally = Tally()
    var nextIndex = 0
    var nextResult = 0
    var inFlight: [(index: Int, block: Block)] = []
    var results: [Int: BlockResult] = [:]
  }

  let shared: Shared
  var state = State.connecting
  var input = InputBuffer()
  var requests = RequestReader()
  var serial = 0
  var time: Time
  var inputEnded = false
  private var isDraining = false
  /// Over the limit of connections: told so, and closed.
  let isRefused: Bool
  var isWritable = true
  /// Under overload: until when a large request is left where it is.
  var heldOffUntil: UInt64?
  /// Bytes of replies that the handler has taken and not been able to send.
  var unsent = 0
  /// Of the last small request: those after it mostly share it.
  var small: Small?
  /// The same for requests that want more than decisions.
  var explaining: Small?
  /// What `answerAlike` counts, in the memory of the last time.
  var idleScored: Scored?
  /// What the last small request looked like, and how many looks in a row no other request has had.
  var shape: RequestShape?
  var shapesUnused = 0
  /// What is used of the memory that all share.
  var lease: MemoryLease
  var clocks: Clocks

  // Who the peer is: `Session+Access.swift`.
  var proof: Access.Proof?
  var identity: Access.Identity?
  var access: Access
  var badTokens = 0
  /// The request at hand has taken its one of the rate.
  var hasPaid = false
  /// Counts what the identity asks for; nil while nobody is known.
  var identityMeters: (name: String, counts: Meters.OfIdentity)?

  /// Bytes for the peer; the handler takes them after each event.
  var output = ByteWriter(capacity: 256)
  /// Jobs to start, and what to log; the handler takes them after each event.
  private var jobs: [Job] = []
  var notices: [Notice] = []
  /// Counts lines and blocks that were taken from the input: a line that has begun is another when it has changed.
  var linesTaken = 0
  /// The connection is to be closed once the output is sent.
  private(set) var wantsClose = false

  /// Requests of more bytes than this leave the event loop. It takes about 0.1 ms for one; handed to another thread each
  /// candidate would cost twice as much, for it is read twice.
  static let mostOnLoop = 1 << 16
  /// Bytes of input that a connection may hold on its own, and that wait while it works.
  static let ownInput = 1 << 15
  /// Memory that they may take: a buffer grows by more than it needs.
  static let ownCapacity = ownInput + ownInput / 2

  init(_ shared: Shared, isRefused: Bool = false, at time: Time) {
    self.shared = shared
    self.isRefused = isRefused
    self.time = time
    access = shared.access()
    lease = MemoryLease(of: shared.memory)
    clocks = Clocks(opened: time.monotonic)
  }

  // MARK: - What comes in

  /// The connection is secure. The peer has shown a certificate, or none.
  func begin(_ peer: PeerIdentity?, at time: Time) {
    self.time = time
    guard case .connecting = state else { return }
    state = .waiting
    clocks.touch(time.monotonic)
    if isRefused {
      giveUp(WireError(.overloaded, "the server has all the connections it may; try again", retryAfterMS: 1000))
      return
    }
    if let peer { identify(peer) }
    advance()
  }

  func receive(_ bytes: UnsafeRawBufferPointer, at time: Time) {
    self.time = time
    if case .closed = state { return }
    clocks.touch(time.monotonic)
    input.append(bytes, at: time.monotonic)
    advance()
    holdInput()
  }

  func finish(_ serial: Int, _ result: Result, at time: Time) {
    self.time = time
    guard serial == self.serial else { return }
    clocks.touch(time.monotonic)
    switch (state, result) {
    case (.streaming(var stream), .block(let block)):
      stream.results[block.index] = block
      state = .streaming(stream)
      collect()
    case (.busy(let pending), .reply(let body)):
      lease.count(body.count)
      complete(pending, body)
    case (.busy(let pending), .failed(let error)):
      state = .waiting
      answer(pending, error)
    case (.busy(var pending), .rows(let rows, let tail)):
      output.write(rows)
      pending.isWorking = false
      state = .busy(pending)
      if let tail {
        complete(pending, tail)
      } else {
        writeMoreRows()
      }
    case (.busy(let pending), .recalled(let line)):
      state = .waiting
      self.serial += 1
      handle(line, arrival: pending.began, mayRecall: false)
      hasPaid = false
    case (.busy(let pending), .planned(let answer)): answerPlanned(pending, answer)
    case (.busy(let pending), .stale(let answer)): planAgain(pending, answer)
    case (.busy(let pending), .step): if let rank = pending.audience { stepAudience(pending, rank) }
    default: break
    }
    advance()
  }

  /// - Parameter unsent: bytes taken as output that have not been handed to the socket.
  func setWritable(_ value: Bool, unsent: Int, at time: Time) {
    self.time = time
    if value || isWritable || unsent < self.unsent { clocks.outputMoved(time.monotonic) }
    isWritable = value
    self.unsent = unsent
    guard !isHeldBack else { return }
    writeMoreRows()
    advance()
  }

  /// The peer will send no more, with close_notify or without.
  func endInput(at time: Time) {
    self.time = time
    inputEnded = true
    advance()
  }

  /// The server is stopping: what is under way is finished, then the peer is told goodbye.
  func drain(at time: Time) {
    self.time = time
    isDraining = true
    if case .connecting = state { return close() }
    advance()
  }

  /// The time to stop has run out: who is still being answered is told so.
  func expire(at time: Time) {
    self.time = time
    if case .connecting = state { return close() }
    giveUp(WireError(.shuttingDown, "the server has stopped before this was done"))
  }

  /// The connection is gone.
  func abandon() { close() }

  // MARK: - What the handler asks

  func takeJobs() -> [Job] {
    if jobs.isEmpty { return [] }
    defer { jobs.removeAll() }
    return jobs
  }

  func takeNotices() -> [Notice] {
    if notices.isEmpty { return [] }
    defer { notices.removeAll() }
    return notices
  }

  /// Whether more bytes are welcome: false stops the socket, and so the peer.
  var wantsBytes: Bool {
    switch state {
    case .connecting: true
    case .closed: false
    case .waiting: !isHeldBack && heldOffUntil == nil
    case .discarding: true
    case .busy:
      input.count < Self.ownInput && input.lines(upTo: shared.limits.inFlight) < shared.limits.inFlight - 1
    // A line may be longer than what else may wait, so while there is no whole one more is needed.
    case .streaming(let stream): input.count < window.input || stream.inFlight.isEmpty && canCut(stream)
    }
  }

  /// A line has begun and not ended.
  var hasPartialLine: Bool {
    switch state {
    case .waiting, .discarding: input.count > 0 && !isHeldBack && heldOffUntil == nil
    case .streaming(let stream): input.count > 0 && stream.inFlight.isEmpty && canCut(stream)
    case .connecting, .busy, .closed: false
    }
  }

  /// The peer does not read its replies: until it does, no more are made.
  var isHeldBack: Bool { !isWritable || output.count + unsent > window.output }

  /// Blocks may be handed out. A rank makes no rows while its candidates come, so nothing holds it back.
  func canCut(_ stream: Stream) -> Bool { stream.work.isRank || !isHeldBack }

  /// The output has been taken, and so much of what was taken is not sent.
  func outputTaken(unsent: Int) {
    if self.unsent == 0, unsent > 0 { clocks.outputMoved(time.monotonic) }
    self.unsent = unsent
    // Room may be there again without the channel's having said that it had none.
    writeMoreRows()
    advance()
    if case .waiting = state, lease.bytes > 0 { holdInput() }
  }

  /// Nothing is being worked on.
  var isIdle: Bool {
    switch state {
    case .waiting, .discarding: !isHeldBack && heldOffUntil == nil
    case .streaming(let stream): stream.inFlight.isEmpty
    case .connecting, .busy, .closed: false
    }
  }

  /// For the end of the handshake.
  var isConnecting: Bool { if case .connecting = state { true } else { false } }

  var pending: Pending? {
    switch state {
    case .busy(let pending): pending
    case .streaming(let stream): stream.pending
    case .connecting, .waiting, .discarding, .closed: nil
    }
  }

  // MARK: - Going on

  func advance() {
    defer {
      input.shrink()
      noteLine()
    }
    while true {
      switch state {
      case .waiting where isHeldBack || holdsOff(): return
      case .waiting where answerAlike(): continue
      case .waiting, .discarding:
        guard let line = input.takeLine() else { return endOfInput() }
        linesTaken += 1
        if line.count - 1 > shared.limits.lineBytes { return refuseLongLine() }
        if isBlank(line.bytes.dropLastByte) { continue }
        if case .discarding = state { discard(line) } else { handle(line) }
      case .streaming:
        cutBlocks()
        if case .streaming = state { return }
      case .connecting, .busy, .closed: return
      }
    }
  }

  /// To read a large request and refuse it costs a good part of what it costs to answer it. So when there is too much to do,
  /// only some are refused, and the others stay in their sockets a little, and are looked at again.
  private func holdsOff() -> Bool {
    if let heldOffUntil, time.monotonic < heldOffUntil { return true }
    heldOffUntil = nil
    guard shared.overload() != nil, input.nextLineIsLonger(than: Self.mostOnLoop), !shared.mayRefuse(time.monotonic)
    else { return false }
    heldOffUntil = time.monotonic + Self.holdOff
    return true
  }
  private static let holdOff: UInt64 = 25_000_000

  /// No whole line is left.
  private func endOfInput() {
    if input.count > shared.limits.lineBytes { return refuseLongLine() }
    if inputEnded {
      // Not where the stream that it belongs to has been answered.
      if input.count > 0, case .waiting = state {
        refuse(WireError(.incompleteLine, "the last line has no LF, so it was not executed"), id: nil)
      }
      return close()
    }
    if isDraining, case .waiting = state {
      output.write("{\"event\":\"goodbye\",\"reason\":\"draining\"}\n")
      close()
    }
  }

  /// What waits may not be more than this connection's own share and what it can have of the common one: a line that has
  /// begun must fit, or it will never be whole.
  private func holdInput() {
    let common = max(0, input.capacity - Self.ownCapacity) + max(0, output.count + unsent - Window.narrow.output)
    switch state {
    case .waiting, .discarding:
      if lease.resize(to: common) { return }
    case .streaming where hasPartialLine:
      if lease.resize(to: max(common, window.lease)) { return }
    case .streaming, .busy, .connecting, .closed: return
    }
    giveUp(WireError(.overloaded, "too many long lines are coming at once; try again", retryAfterMS: 1000))
  }

  func refuseLongLine() {
    giveUp(WireError(.lineTooLong, "a line may have \(shared.limits.lineBytes) bytes"))
  }

  /// Ends the connection with a coded line, as a time limit does. Where a stream has been answered already, its line was
  /// that answer.
  func giveUp(_ error: WireError) {
    guard !wantsClose else { return }
    notices.append(.gaveUp(error.code))
    if case .discarding = state {
    } else if let pending {
      answer(pending, error)
    } else {
      refuse(error, id: nil)
    }
    close()
  }

  func close() {
    if case .streaming(let stream) = state { stream.work.cancel() }
    if case .busy(let pending) = state {
      pending.work?.cancel()
      pending.inline?.cancel()
      pending.cancel?()
    }
    wantsClose = true
    state = .closed
    serial += 1
    small = nil
    explaining = nil
    shape = nil
    input.removeAll()
    lease.giveBack()
  }

  /// The one line that answers a request that failed.
  func refuse(_ error: WireError, id: [UInt8]?) { Reply.error(error, id: id, into: &output) }

  func answer(_ pending: Pending, _ error: WireError) {
    refuse(error, id: pending.id)
    note(pending, error.code)
  }

  func schedule(_ lane: WorkPool.Lane, _ run: @escaping @Sendable () -> Result) {
    scheduleLong(lane) { done in done(run()) }
  }

  /// For work that goes on elsewhere: its thread is free again before the result is there.
  func scheduleLong(
    _ lane: WorkPool.Lane, _ run: @escaping @Sendable (_ done: @escaping @Sendable (Result) -> Void) -> Void
  ) {
    jobs.append(Job(serial: serial, lane: lane, run: run))
  }

  func complete(_ pending: Pending, _ body: [UInt8]) {
    state = .waiting
    serial += 1
    if isLate(pending) { return answerLate(pending) }
    Reply.begin(pending.id, into: &output)
    if let context = pending.work?.context ?? pending.inline?.context ?? pending.context {
      Reply.context(policy: context.policy, asOf: context.asOf, into: &output)
    }
    output.write(body)
    Reply.end(into: &output)
    note(pending, nil)
  }

  private func discard(_ line: Block) {
    let reading = requests.read(line)
    guard reading.fault == nil else { return }
    if reading.request.operation == .end || reading.request.operation == .cancel { state = .waiting }
  }
}

extension UnsafeRawBufferPointer {
  fileprivate var dropLastByte: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: dropLast()) }
}
