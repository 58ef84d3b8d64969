import Logging
import NIOCore
import NIOPosix
import RouseTLS
import RouseWire

/// Carries out on a channel what a `Session` decides: it holds the sockets, threads and timers that the session does not.
final class SessionHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private let session: Session
  private let limits: Configuration.Limits
  private let threads: NIOThreadPool
  private let logger: Logger
  /// Over the limit of connections: told so, and closed.
  private let isRefused: Bool
  private let now: @Sendable () -> UInt64

  private var hasHandshake = false
  private var isReading = true
  private var isClosing = false
  private var timer: RepeatedTask?
  private var opened: UInt64 = 0
  private var lastInput: UInt64 = 0
  private var lastOutput: UInt64 = 0
  private var lineBegan: UInt64?
  private var linesTaken = 0
  private var isCarryingOut = false

  init(
    shared: Session.Shared, threads: NIOThreadPool, logger: Logger, isRefused: Bool
  ) {
    session = Session(shared)
    limits = shared.limits
    now = shared.monotonicClock
    self.threads = threads
    self.logger = logger
    self.isRefused = isRefused
  }

  // MARK: - Channel events

  func handlerAdded(context: ChannelHandlerContext) { if context.channel.isActive { open(context) } }

  func channelActive(context: ChannelHandlerContext) {
    open(context)
    context.fireChannelActive()
  }

  private func open(_ context: ChannelHandlerContext) {
    guard timer == nil else { return }
    opened = now()
    lastInput = opened
    lastOutput = opened
    let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
    timer = context.eventLoop.scheduleRepeatedTask(initialDelay: .seconds(1), delay: .seconds(1)) { _ in
      let (handler, context) = bound.value
      handler.checkTime(context)
    }
  }

  func channelInactive(context: ChannelHandlerContext) {
    timer?.cancel()
    timer = nil
    context.fireChannelInactive()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    lastInput = now()
    unwrapInboundIn(data).withUnsafeReadableBytes { session.receive($0) }
    if session.output.count > Self.enoughToSend { carryOut(context) } else { startJobs(context) }
  }

  private static let enoughToSend = 1 << 18

  func channelReadComplete(context: ChannelHandlerContext) { carryOut(context) }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    if context.channel.isWritable { lastOutput = now() }
    session.setWritable(context.channel.isWritable)
    carryOut(context)
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    switch event as? TLSEvent {
    case .handshakeCompleted(let peer, _, _)?:
      hasHandshake = true
      lastInput = now()
      session.identify(peer)
      if isRefused {
        session.giveUp(
          WireError(.overloaded, "the server has all the connections it may; try again", retryAfterMS: 1000))
      }
      carryOut(context)
    case .closedByPeer?:
      session.endInput()
      carryOut(context)
    case .truncated?:
      logger.debug("a peer went away without close_notify")
      session.endInput()
      carryOut(context)
    case nil: context.fireUserInboundEventTriggered(event)
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    // A peer's bad handshake is the peer's affair; the TLS handler sends the alert and closes.
    logger.debug("connection failed: \(error)")
    if !(error is TLSError) { context.close(promise: nil) }
  }

  /// The server is stopping.
  func drain(_ context: ChannelHandlerContext) {
    if hasHandshake {
      session.drain()
      carryOut(context)
    } else {
      context.close(promise: nil)
    }
  }

  /// The time to stop has run out: whoever is still being answered is told so.
  func expire(_ context: ChannelHandlerContext) {
    session.giveUp(WireError(.shuttingDown, "the server has stopped before this was done"))
    carryOut(context)
  }

  // MARK: - Carrying out

  private func carryOut(_ context: ChannelHandlerContext) {
    // A write may change the channel's writability, and that comes back here: the outer call goes on.
    guard !isCarryingOut else { return }
    isCarryingOut = true
    defer { isCarryingOut = false }
    startJobs(context)
    while session.output.count > 0 {
      var buffer = context.channel.allocator.buffer(capacity: session.output.count)
      buffer.writeBytes(session.output.bytes)
      session.output.removeAll(keeping: Self.enoughToSend)
      if context.channel.isWritable { lastOutput = now() }
      context.writeAndFlush(wrapOutboundOut(buffer), promise: nil)
      session.resume()
      startJobs(context)
    }
    if session.linesTaken != linesTaken {
      linesTaken = session.linesTaken
      lineBegan = nil
    }
    lineBegan = session.hasPartialLine ? lineBegan ?? now() : nil
    if session.wantsClose {
      guard !isClosing else { return }
      isClosing = true
      context.close(promise: nil)
    } else if session.wantsBytes != isReading {
      isReading = session.wantsBytes
      // With reading off, bytes wait in the socket and the peer is held back.
      context.channel.setOption(.autoRead, value: isReading).assumeIsolated().whenFailure { _ in }
    }
  }

  private func startJobs(_ context: ChannelHandlerContext) {
    for job in session.takeJobs() {
      let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
      let loop = context.eventLoop
      threads.submit { state in
        guard case .active = state else { return }
        let result = job.run()
        loop.execute {
          let (handler, context) = bound.value
          handler.session.finish(job.serial, result)
          handler.carryOut(context)
        }
      }
    }
  }

  // MARK: - Time limits

  private func checkTime(_ context: ChannelHandlerContext) {
    guard !isClosing else { return }
    func passed(_ since: UInt64, _ seconds: Int) -> Bool { now() &- since > UInt64(seconds) &* 1_000_000_000 }
    if !hasHandshake {
      if passed(opened, limits.handshakeSeconds) {
        logger.debug("a handshake took too long")
        isClosing = true
        context.close(promise: nil)
      }
      return
    }
    session.checkDeadline()
    carryOut(context)
    if !context.channel.isWritable {
      if passed(lastOutput, limits.writeStalledSeconds) {
        logger.debug("a peer stopped reading")
        isClosing = true
        context.close(promise: nil)
      }
      return
    }
    if let lineBegan, passed(lineBegan, limits.partialLineSeconds) {
      session.giveUp(
        WireError(.incompleteLine, "a line was begun and not ended within \(limits.partialLineSeconds) s"))
      carryOut(context)
    } else if session.isIdle, passed(lastInput, limits.idleSeconds) {
      session.giveUp(WireError(.idleTimeout, "nothing was asked for \(limits.idleSeconds) s"))
      carryOut(context)
    }
  }
}

// The handler lives and dies on one event loop; these let the server reach it there.
@available(*, unavailable)
extension SessionHandler: Sendable {}
