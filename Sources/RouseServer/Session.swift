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

  enum State {
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
    let policy: String
    let asOf: String
    let deadline: UInt64?
    /// A rank whose rows are being written.
    var work: StreamWork?
    /// A job is under way.
    var isWorking = true
  }

  /// A streamed request whose candidates are coming.
  struct Stream {
    var pending: Pending
    let work: StreamWork
    let isRank: Bool
    var totals = Totals()
    var nextIndex = 0
    var nextResult = 0
    var inFlight: [(index: Int, block: Block)] = []
    var results: [Int: StreamWork.BlockResult] = [:]
  }

  let shared: Shared
  var state = State.waiting
  var input = InputBuffer()
  var requests = RequestReader()
  var serial = 0
  var identity: (name: String, roles: Set<Configuration.Role>)?
  var inputEnded = false
  private var isDraining = false
  var isWritable = true
  /// The worker of the last small request: requests of one second and policy share it.
  var worker: (worker: BatchWorker, live: LivePolicy, now: Int64)?

  /// Bytes for the peer; the handler takes them after each event.
  var output = ByteWriter(capacity: 1024)
  /// Jobs to start; the handler takes them after each event.
  private(set) var jobs: [Job] = []
  /// Counts lines and blocks that were taken from the input: a line that has begun is another when it has changed.
  var linesTaken = 0
  /// The connection is to be closed once the output is sent.
  private(set) var wantsClose = false

  static let mostInFlight = 4
  static let enoughForABlock = 1 << 16
  private static let mostWaitingInput = 1 << 19
  static let rowChunk = 1 << 18
  private static let mostOutput = 1 << 18
  /// Requests of more bytes than this leave the event loop.
  static let mostOnLoop = 1 << 14

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

  /// Answers a request whose time has passed, however silent everything else is.
  func checkDeadline() {
    switch state {
    case .streaming(let stream) where isLate(stream.pending):
      breakOff(stream, WireError(.deadlineExceeded, "timeout_ms has passed"))
    case .busy(let pending) where isLate(pending):
      serial += 1
      state = .waiting
      failLate(pending)
    default: return
    }
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
  func canCut(_ stream: Stream) -> Bool { stream.isRank || !isHeldBack }

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

  var pendingID: [UInt8]? {
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
        linesTaken += 1
        if line.count - 1 > shared.limits.lineBytes { return refuseLongLine(id: nil) }
        if isBlank(line.bytes.dropLastByte) { continue }
        if case .discarding = state { discard(line) } else { handle(line) }
      case .streaming:
        cutBlocks()
        if case .streaming = state { return }
      case .busy, .closed: return
      }
    }
  }

  /// No whole line is left.
  private func endOfInput() {
    if input.count > shared.limits.lineBytes { return refuseLongLine(id: nil) }
    if inputEnded {
      // Not where the stream that it belongs to has been answered.
      if input.count > 0, case .waiting = state {
        fail(WireError(.incompleteLine, "the last line has no LF, so it was not executed"), id: nil)
      }
      return close()
    }
    if isDraining, case .waiting = state {
      output.write("{\"event\":\"goodbye\",\"reason\":\"draining\"}\n")
      close()
    }
  }

  func refuseLongLine(id: [UInt8]?) {
    fail(WireError(.lineTooLong, "a line may have \(shared.limits.lineBytes) bytes"), id: id)
    close()
  }

  func close() {
    wantsClose = true
    state = .closed
    serial += 1
    input.removeAll()
  }

  func fail(_ error: WireError, id: [UInt8]?) { Reply.error(error, id: id, into: &output) }

  func schedule(_ run: @escaping @Sendable () -> Result) { jobs.append(Job(serial: serial, run: run)) }

  func complete(_ pending: Pending, _ body: [UInt8]) {
    state = .waiting
    serial += 1
    if isLate(pending) { return failLate(pending) }
    Reply.begin(pending.id, into: &output)
    Reply.context(policy: pending.policy, asOf: pending.asOf, into: &output)
    output.write(body)
    Reply.end(into: &output)
  }

  func isLate(_ pending: Pending) -> Bool { pending.deadline.map { shared.monotonicClock() > $0 } ?? false }

  private func failLate(_ pending: Pending) {
    fail(WireError(.deadlineExceeded, "timeout_ms has passed"), id: pending.id)
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
