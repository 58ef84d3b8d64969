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

  /// Connections over the limit that are told so at once; those beyond are closed without a word.
  static let mostRefused = 64

  func bind(_ address: Address) async throws -> any Channel {
    try await ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: 512)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .serverChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(AcceptPause(logger)) }
      }
      .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
      .childChannelOption(.allowRemoteHalfClosure, value: true)
      .childChannelOption(
        .recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 1024, initial: 4096, maximum: 1 << 16)
      )
      .childChannelOption(.writeBufferWaterMark, value: .init(low: 1 << 15, high: 1 << 17))
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture { try accept(channel) }
      }
      .bind(host: address.host, port: address.port).get()
  }

  private func accept(_ channel: any Channel) throws {
    let setup = setup()
    let number = connections.reserve()
    channel.closeFuture.whenComplete { _ in connections.release() }
    let most = setup.configuration.limits.connections
    guard number <= most + Self.mostRefused else { throw TooMany() }
    let session = Session(shared(setup), isRefused: number > most, at: .now())
    let handler = SessionHandler(session, pool: pool, logger: logger, notes: notes)
    try channel.pipeline.syncOperations.addHandlers([TLSHandler(server: setup.tls), handler])
    let context = try channel.pipeline.syncOperations.context(handler: handler)
    connections.add(channel, NIOLoopBound((handler, context), eventLoop: channel.eventLoop))
  }

  private struct TooMany: Error {}
}

/// Where the system has no file descriptor left, accepting would fail again and again at full speed: it rests instead.
private final class AcceptPause: ChannelInboundHandler {
  typealias InboundIn = any Channel
  private let logger: Logger
  private var isPaused = false

  init(_ logger: Logger) { self.logger = logger }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    guard let error = error as? IOError, [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(error.errnoCode) else {
      return context.fireErrorCaught(error)
    }
    guard !isPaused else { return }
    isPaused = true
    logger.error(
      "cannot accept connections for now: raise the system's limits",
      metadata: ["reason": "\(String(cString: strerror(error.errnoCode)))"])
    let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
    func read(_ wanted: Bool) { context.channel.setOption(.autoRead, value: wanted).whenFailure { _ in } }
    read(false)
    context.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(100)) {
      let (pause, context) = bound.value
      pause.isPaused = false
      context.channel.setOption(.autoRead, value: true).whenFailure { _ in }
    }
  }
}
