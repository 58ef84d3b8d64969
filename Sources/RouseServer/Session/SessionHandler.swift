import Logging
import NIOCore
import RouseTLS
import RouseWire

/// Carries out on a channel what a `Session` decides: it holds the socket, threads and timers that the session does not.
final class SessionHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private let session: Session
  private let pool: WorkPool
  private let notes: Notes
  private let logger: Logger
  /// The TLS of by now, and the one whose lists the peer was last held against.
  private let tls: @Sendable () -> TLSServerContext
  private var checkedBy: TLSServerContext
  /// Called once, when the peer has become somebody.
  private let recognized: @Sendable () -> Void
  private var isRecognized = false

  private var isReading = true
  private var isClosing = false
  /// Replies that the socket has no room for yet.
  private var unsent = Unsent()
  private var timer: (due: UInt64, task: Scheduled<Void>)?
  private var isCarryingOut = false
  private var peerAddress = ""

  /// - Parameter handshake: the context that the peer shakes hands with.
  init(
    _ session: Session, pool: WorkPool, logger: Logger, notes: Notes, handshake: TLSServerContext,
    tls: @escaping @Sendable () -> TLSServerContext, recognized: @escaping @Sendable () -> Void
  ) {
    self.session = session
    checkedBy = handshake
    self.tls = tls
    self.recognized = recognized
    self.pool = pool
    self.logger = logger
    self.notes = notes
  }

  // MARK: - Channel events

  func handlerAdded(context: ChannelHandlerContext) { if context.channel.isActive { open(context) } }

  func channelActive(context: ChannelHandlerContext) {
    open(context)
    context.fireChannelActive()
  }

  private func open(_ context: ChannelHandlerContext) {
    guard timer == nil, !isClosing else { return }
    peerAddress = context.remoteAddress?.peerText ?? ""
    carryOut(context)
  }

  func channelInactive(context: ChannelHandlerContext) {
    isClosing = true
    timer?.task.cancel()
    timer = nil
    session.abandon()
    unsent.removeAll()
    context.fireChannelInactive()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    unwrapInboundIn(data).withUnsafeReadableBytes { bytes in
      session.shared.meters.received.increment(by: bytes.count)
      session.receive(bytes, at: .now())
    }
    if session.output.count > Self.enoughToSend { carryOut(context) } else { startJobs(context) }
  }

  private static let enoughToSend = Unsent.piece

  func channelReadComplete(context: ChannelHandlerContext) { carryOut(context) }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    let isWritable = context.channel.isWritable
    if isWritable, !unsent.isEmpty {
      carryOut(context)
    }
    session.setWritable(context.channel.isWritable, unsent: unsent.count, at: .now())
    carryOut(context)
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    switch event as? TLSEvent {
    case .handshakeCompleted(let peer, _, _)?:
      session.begin(peer, at: .now())
      recheck(context)
      carryOut(context)
    case .closedByPeer?:
      session.endInput(at: .now())
      carryOut(context)
    case .truncated?:
      logger.debug("a peer went away without close_notify", metadata: ["peer": "\(peerAddress)"])
      session.endInput(at: .now())
      carryOut(context)
    case nil: context.fireUserInboundEventTriggered(event)
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    // A peer's bad handshake is the peer's affair; the TLS handler sends the alert and closes.
    logger.debug("connection failed", metadata: ["peer": "\(peerAddress)", "reason": "\(error)"])
    guard let error = error as? TLSError else { return context.close(promise: nil) }
    if case .handshake = error { session.shared.meters.failedHandshakes.increment() }
    if case .handshake(let reason) = error, reason.contains("certificate verify failed") {
      notes.note(.refusedCertificate(reason), peerAddress)
    }
  }

  /// Configuration, tokens or certificates have changed: who may not be here any more goes.
  func recheck(_ context: ChannelHandlerContext) {
    // One that still shakes hands is looked at when it has.
    guard !isClosing, !session.isConnecting else { return }
    let newest = tls()
    var isRevoked = false
    if newest !== checkedBy {
      checkedBy = newest
      let peer = try? context.pipeline.syncOperations.handler(type: TLSHandler.self)
      isRevoked = peer?.isPeerRevoked(by: newest) ?? false
    }
    let name = session.identity?.name ?? ""
    guard session.recheck(isRevoked: isRevoked, at: .now()) else { return }
    logger.info(
      "connection ended: \(isRevoked ? "the certificate is revoked" : "the identity is gone")",
      metadata: ["peer": "\(peerAddress)", "identity": "\(name)"])
    carryOut(context)
  }

  /// The server is stopping.
  func drain(_ context: ChannelHandlerContext) {
    session.drain(at: .now())
    carryOut(context)
  }

  /// The time to stop has run out: whoever is still being answered is told so.
  func expire(_ context: ChannelHandlerContext) {
    session.expire(at: .now())
    carryOut(context)
  }

  // MARK: - Carrying out

  private func carryOut(_ context: ChannelHandlerContext) {
    // A write may change the channel's writability, and a read may bring bytes, and that comes back here: the outer call
    // goes on.
    guard !isCarryingOut else { return }
    isCarryingOut = true
    defer { isCarryingOut = false }
    startJobs(context)
    repeat {
      if session.output.count > 0 {
        unsent.append(session.output.bytes)
        session.output.removeAll(keeping: Self.keptOutput)
      }
      send(context)
      session.outputTaken(unsent: unsent.count)
      adjustReading(context)
      startJobs(context)
    } while session.output.count > 0
    if isClosing { return }
    if session.wantsClose {
      if unsent.isEmpty {
        isClosing = true
        timer?.task.cancel()
        timer = nil
        return context.close(promise: nil)
      }
    }
    setTimer(context)
  }

  /// With reading off, bytes wait in the socket and the peer is held back.
  private func adjustReading(_ context: ChannelHandlerContext) {
    guard !session.wantsClose, session.wantsBytes != isReading else { return }
    isReading.toggle()
    context.channel.setOption(.autoRead, value: isReading).assumeIsolated().whenFailure { _ in }
    // The option wakes the socket alone: what the TLS handler has kept it hands out only when it is asked.
    if isReading { context.read() }
  }

  private static let keptOutput = 1 << 15

  /// Hands on what the socket has room for, a piece at a time, so that a peer that does not read costs a piece.
  private func send(_ context: ChannelHandlerContext) {
    while !unsent.isEmpty, context.channel.isWritable, let piece = unsent.takeFirst() {
      session.shared.meters.sent.increment(by: piece.readableBytes)
      context.writeAndFlush(wrapOutboundOut(piece), promise: nil)
    }
  }

  private func startJobs(_ context: ChannelHandlerContext) {
    if !isRecognized, session.identity != nil {
      isRecognized = true
      recognized()
    }
    for notice in session.takeNotices() { notes.note(notice, peerAddress) }
    for job in session.takeJobs() {
      let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
      let loop = context.eventLoop
      @Sendable func finish(_ result: Session.Result) {
        loop.execute {
          let (handler, context) = bound.value
          handler.session.finish(job.serial, result, at: .now())
          handler.carryOut(context)
        }
      }
      pool.submit(job.lane) {
        job.run(finish)
      } refused: {
        finish(.failed(WireError(.shuttingDown, "the server is stopping")))
      }
    }
  }

  // MARK: - Time

  /// One timer, for the earliest that may run out. It is not moved when that comes later, as it does with each request:
  /// it fires, and finds what is due by then.
  private func setTimer(_ context: ChannelHandlerContext) {
    let due = session.nextWake()
    if let timer {
      if timer.due <= due { return }
      timer.task.cancel()
    }
    let now = Session.Time.now().monotonic
    let delay = TimeAmount.nanoseconds(Int64(clamping: due > now ? due - now : 0))
    timer = (
      due,
      context.eventLoop.assumeIsolated().scheduleTask(in: delay) { [self] in
        timer = nil
        wake(context)
      }
    )
  }

  private func wake(_ context: ChannelHandlerContext) {
    guard !isClosing else { return }
    guard session.wake(at: .now()) else {
      logger.debug("a peer took too long to shake hands or to read", metadata: ["peer": "\(peerAddress)"])
      isClosing = true
      session.abandon()
      unsent.removeAll()
      context.channel.triggerUserOutboundEvent(TLSAbort(), promise: nil)
      return
    }
    carryOut(context)
  }
}

extension SocketAddress {
  /// Without the port.
  fileprivate var peerText: String { ipAddress ?? "" }
}

// The handler lives and dies on one event loop; these let the server reach it there.
@available(*, unavailable)
extension SessionHandler: Sendable {}
