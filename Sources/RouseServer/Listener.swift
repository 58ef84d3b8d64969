import Glibc
import Logging
import NIOCore
import NIOPosix
import RouseTLS

/// Takes connections in, and refuses those that are too many.
struct Listener: Sendable {
  let group: MultiThreadedEventLoopGroup
  let pool: WorkPool
  let connections: Connections
  let setup: @Sendable () -> Setup
  let shared: @Sendable (Setup) -> Session.Shared
  let notes: Notes
  let logger: Logger

  /// Connections over the limit that are told so at once, and how many in a second: what it takes to shake hands with them
  /// is taken from those that are served. Those beyond are closed without a word.
  static let mostRefused = 64
  private let refusals = RateBucket(rate: mostRefused)

  func bind(_ address: Address) async throws -> any Channel {
    try await bootstrap.bind(host: address.host, port: address.port).get()
  }

  /// Sockets that listen already.
  func take(_ sockets: [InheritedSocket]) async throws -> [any Channel] {
    var channels: [any Channel] = []
    for socket in sockets { channels.append(try await bootstrap.withBoundSocket(socket.descriptor).get()) }
    return channels
  }

  private var bootstrap: ServerBootstrap {
    ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: 512)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .serverChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(AcceptPause(logger, isFull: isFull))
        }
      }
      .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
      .childChannelOption(.allowRemoteHalfClosure, value: true)
      // The session says after each read whether it wants more.
      .childChannelOption(.maxMessagesPerRead, value: 1)
      .childChannelOption(
        .recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 1024, initial: 1024, maximum: 1 << 16)
      )
      .childChannelOption(.writeBufferWaterMark, value: .init(low: 1 << 14, high: 1 << 15))
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture { try accept(channel) }
      }
  }

  private func isFull() -> Bool { connections.count > setup().configuration.limits.connections }

  private func accept(_ channel: any Channel) throws {
    let setup = setup()
    let number = connections.reserve()
    channel.closeFuture.whenComplete { _ in connections.release() }
    let limits = setup.configuration.limits
    let most = limits.connections
    // Where all have to show who they are, those who have not may not keep the others out.
    let isReplaced =
      number > most && number <= most + Self.mostRefused && setup.configuration.knowsSomebody
      && connections.makeRoom(strangers: limits.strangerConnections)
    if number > most, !isReplaced {
      guard number <= most + Self.mostRefused, refusals.take(now: Session.Time.now().monotonic) == nil else {
        throw TooMany()
      }
    }
    let isRefused = number > most && !isReplaced
    let shared = shared(setup)
    shared.meters.connections.increment()
    if number > most { shared.meters.refusedConnections.increment() }
    let session = Session(shared, isRefused: isRefused, at: .now())
    let handler = SessionHandler(
      session, pool: pool, logger: logger, notes: notes, handshake: setup.tls, tls: { self.setup().tls },
      recognized: { connections.recognize(channel) })
    try channel.pipeline.syncOperations.addHandlers([
      TLSHandler(server: setup.tls, isBrief: isRefused), handler,
    ])
    let context = try channel.pipeline.syncOperations.context(handler: handler)
    connections.add(channel, NIOLoopBound((handler, context), eventLoop: channel.eventLoop), isStranger: !isRefused)
  }

  private struct TooMany: Error {}
}

/// Rests from accepting. Where the system has no file descriptor left it would fail again and again at full speed; and where
/// all the connections are taken that there may be, peers that come again and again would take the time of those served.
private final class AcceptPause: ChannelInboundHandler {
  typealias InboundIn = any Channel
  typealias InboundOut = any Channel
  private let logger: Logger
  private let isFull: @Sendable () -> Bool
  private var isPaused = false
  /// Connections that were too many, one after another.
  private var turnedAway = 0
  /// So many of them at a time, and then a rest.
  private static let mostTurnedAway = 16

  init(_ logger: Logger, isFull: @escaping @Sendable () -> Bool) {
    self.logger = logger
    self.isFull = isFull
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    context.fireChannelRead(data)
    turnedAway = isFull() ? turnedAway + 1 : 0
    guard turnedAway >= Self.mostTurnedAway, !isPaused else { return }
    turnedAway = 0
    pause(context, .milliseconds(10))
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    guard let error = error as? IOError, [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(error.errnoCode) else {
      return context.fireErrorCaught(error)
    }
    guard !isPaused else { return }
    logger.error(
      "cannot accept connections for now: raise the system's limits",
      metadata: ["reason": "\(String(cString: strerror(error.errnoCode)))"])
    pause(context, .milliseconds(100))
  }

  private func pause(_ context: ChannelHandlerContext, _ time: TimeAmount) {
    isPaused = true
    let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
    context.channel.setOption(.autoRead, value: false).whenFailure { _ in }
    context.eventLoop.assumeIsolated().scheduleTask(in: time) {
      let (pause, context) = bound.value
      pause.isPaused = false
      context.channel.setOption(.autoRead, value: true).whenFailure { _ in }
    }
  }
}
