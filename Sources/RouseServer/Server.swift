import Foundation
import Logging
import NIOCore
import NIOPosix
import RouseCore
import RouseTLS
import ServiceLifecycle
import Synchronization

/// The server: listens, serves until it is told to stop, and drains.
package struct Server: Service, CustomStringConvertible {
  package static let version = "0.1.0"

  private let configuration: Configuration
  private let live: LivePolicy
  private let tls: TLSServerContext
  private let portFile: String?
  private let logger: Logger

  /// Checks all that can be checked before anything listens.
  /// - Parameters:
  ///   - listen: in place of the configuration's address.
  ///   - portFile: gets HOST:PORT once the server listens.
  package init(
    configuration: Configuration, listen: Address?, portFile: String?, logger: Logger
  ) throws(ConfigurationError) {
    var configuration = configuration
    if let listen {
      configuration.listen = listen
      if !listen.isLoopback, !configuration.knowsSomebody {
        throw ConfigurationError(
          "--listen \(listen): off loopback the server needs identities in its configuration, or tokens")
      }
    }
    self.configuration = configuration
    live = try LivePolicy.read(file: configuration.policyFile)
    do throws(TLSError) {
      tls = try TLSServerContext(configuration.tls)
    } catch {
      throw ConfigurationError("\(error)")
    }
    self.portFile = portFile
    self.logger = logger
  }

  package var description: String { "rouse-server" }

  package var policyVersion: String { live.policy.version }

  /// Words for certificates and revocation lists that have ended or soon will.
  /// - Parameter now: seconds since 1970.
  package func certificateWarnings(now: Int64) -> [String] { tls.warnings(now: now) }

  /// Each connection is a file descriptor: takes as many as the system gives.
  private func raiseFileLimit() {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
    limit.rlim_cur = limit.rlim_max
    setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    if limit.rlim_cur < UInt64(configuration.limits.connections + 64) {
      logger.warning(
        "the system allows \(limit.rlim_cur) open files, too few for \(configuration.limits.connections) connections: raise it (ulimit -n) or lower limits.connections"
      )
    }
  }

  package func run() async throws {
    raiseFileLimit()
    let group = MultiThreadedEventLoopGroup(numberOfThreads: System.coreCount)
    let threads = NIOThreadPool(numberOfThreads: System.coreCount)
    threads.start()
    let connections = Connections()
    do {
      try await serve(group, threads, connections)
    } catch {
      try? await threads.shutdownGracefully()
      try? await group.shutdownGracefully()
      throw error
    }
    try await threads.shutdownGracefully()
    try await group.shutdownGracefully()
  }

  private func serve(
    _ group: MultiThreadedEventLoopGroup, _ threads: NIOThreadPool, _ connections: Connections
  ) async throws {
    let listener: any Channel
    do {
      listener = try await bootstrap(group, threads, connections)
        .bind(host: configuration.listen.host, port: configuration.listen.port).get()
    } catch {
      throw ConfigurationError("cannot listen on \(configuration.listen): \(reason(error))")
    }
    let address = Address(
      host: configuration.listen.host, port: listener.localAddress?.port ?? configuration.listen.port)
    do throws(ConfigurationError) {
      if let portFile { try write(address, to: portFile) }
    } catch {
      try? await listener.close()
      throw error
    }
    logger.info("listening on \(address), policy \(live.policy.version)")
    // Again every day: a server outlives the two weeks.
    let watch = Task {
      while !Task.isCancelled {
        for warning in certificateWarnings(now: wallClock()) { logger.warning("\(warning)") }
        try await Task.sleep(for: .seconds(86_400))
      }
    }
    defer { watch.cancel() }

    try await gracefulShutdown()

    logger.info("stopping: finishing what is under way, at most \(configuration.drainSeconds) s")
    try? await listener.close()
    connections.drain()
    let deadline = monotonicClock() &+ UInt64(configuration.drainSeconds) &* 1_000_000_000
    // The last of the time is for telling those who are not done, and for closing in good order.
    await connections.wait(until: deadline &- UInt64(configuration.drainSeconds) &* 100_000_000)
    connections.expire()
    await connections.wait(until: deadline)
    connections.abort()
    await connections.wait(until: monotonicClock() &+ 1_000_000_000)
    logger.info("stopped")
  }

  private func bootstrap(
    _ group: MultiThreadedEventLoopGroup, _ threads: NIOThreadPool, _ connections: Connections
  ) -> ServerBootstrap {
    let live = live
    let shared = Session.Shared(
      limits: configuration.limits, identities: configuration.identities, live: { live }, wallClock: wallClock,
      monotonicClock: monotonicClock, serverVersion: Self.version)
    let tls = tls
    let logger = logger
    let most = configuration.limits.connections
    return ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: 512)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
      .childChannelOption(.allowRemoteHalfClosure, value: true)
      .childChannelOption(
        .recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 1024, initial: 4096, maximum: 1 << 18)
      )
      .childChannelOption(.writeBufferWaterMark, value: .init(low: 1 << 17, high: 1 << 19))
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          let handler = SessionHandler(
            shared: shared, threads: threads, logger: logger, isRefused: connections.count >= most)
          try channel.pipeline.syncOperations.addHandlers([TLSHandler(server: tls), handler])
          let context = try channel.pipeline.syncOperations.context(handler: handler)
          connections.add(channel, NIOLoopBound((handler, context), eventLoop: channel.eventLoop))
        }
      }
  }

  private func reason(_ error: any Error) -> String {
    if let error = error as? IOError {
      switch error.errnoCode {
      case EADDRINUSE: return "the port is in use; stop the other server or choose another port"
      case EACCES: return "not permitted; choose a port above 1023"
      case EADDRNOTAVAIL: return "this machine has no such address"
      default: return String(cString: strerror(error.errnoCode))
      }
    }
    return "\(error)"
  }

  /// Written beside it and renamed, so that whoever waits for it never reads half.
  private func write(_ address: Address, to file: String) throws(ConfigurationError) {
    do {
      try Data("\(address)\n".utf8).write(to: URL(filePath: file), options: .atomic)
    } catch {
      throw ConfigurationError("--port-file \(file): cannot be written; check that its folder is there and writable")
    }
  }
}

/// The connections that are open.
private final class Connections: Sendable {
  private struct Entry: Sendable {
    let channel: any Channel
    let handler: NIOLoopBound<(SessionHandler, ChannelHandlerContext)>
  }
  private let entries = Mutex<[ObjectIdentifier: Entry]>([:])

  var count: Int { entries.withLock { $0.count } }

  func add(_ channel: any Channel, _ handler: NIOLoopBound<(SessionHandler, ChannelHandlerContext)>) {
    let id = ObjectIdentifier(channel)
    entries.withLock { $0[id] = Entry(channel: channel, handler: handler) }
    channel.closeFuture.whenComplete { _ in _ = self.entries.withLock { $0.removeValue(forKey: id) } }
  }

  func drain() {
    for entry in entries.withLock({ Array($0.values) }) {
      entry.channel.eventLoop.execute {
        let (handler, context) = entry.handler.value
        handler.drain(context)
      }
    }
  }

  /// Tells those that are not done, and closes.
  func expire() {
    for entry in entries.withLock({ Array($0.values) }) {
      entry.channel.eventLoop.execute {
        let (handler, context) = entry.handler.value
        handler.expire(context)
      }
    }
  }

  /// Closes all that is left at once, whatever was to be sent.
  func abort() {
    for entry in entries.withLock({ Array($0.values) }) {
      entry.channel.triggerUserOutboundEvent(TLSAbort(), promise: nil)
    }
  }

  /// Waits until none is open, or until a moment of the monotonic clock.
  func wait(until moment: UInt64) async {
    while count > 0, monotonicClock() < moment { try? await Task.sleep(for: .milliseconds(20)) }
  }
}

/// Seconds since 1970.
@Sendable package func wallClock() -> Int64 {
  var time = timespec()
  clock_gettime(CLOCK_REALTIME, &time)
  return Int64(time.tv_sec)
}

/// Nanoseconds since some moment.
@Sendable func monotonicClock() -> UInt64 {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return UInt64(time.tv_sec) &* 1_000_000_000 &+ UInt64(time.tv_nsec)
}
