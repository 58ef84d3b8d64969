import NIOCore
import NIOPosix
import RouseTLS
import Synchronization

/// What an application handler has seen, readable from any thread.
final class Log: Sendable {
  struct Seen: Sendable {
    var events: [TLSEvent] = []
    var errors: [TLSError] = []
    var bytes: [UInt8] = []
    var count = 0
    var checksum: UInt64 = 14_695_981_039_346_656_037
    var reads = 0
    var unwritable = 0
    var inactive = false
    var inputClosed = false

    var handshakes: [(peer: PeerIdentity?, alpn: String?, resumed: Bool)] {
      events.compactMap { if case .handshakeCompleted(let p, let a, let r) = $0 { (p, a, r) } else { nil } }
    }
  }

  private let seen = Mutex(Seen())
  var now: Seen { seen.withLock { $0 } }
  func note(_ change: (inout Seen) -> Void) { seen.withLock { change(&$0) } }
}

/// FNV-1a: order and content of a long stream in one number.
func checksum(_ buffer: ByteBuffer, from start: UInt64 = 14_695_981_039_346_656_037) -> UInt64 {
  buffer.withUnsafeReadableBytes { bytes in
    var state = start
    var index = 0
    while index < bytes.count {
      state = (state ^ UInt64(bytes[index])) &* 1_099_511_628_211
      index += 1
    }
    return state
  }
}

/// The application at the end of a pipeline: writes everything down, and does one of a few things.
final class Application: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  enum Kind: Sendable {
    case listen
    case echo
    /// Closes when the peer said goodbye.
    case echoUntilGoodbye
    case closeOnFirstByte
    /// Answers the peer's goodbye with this text, and then closes.
    case answerGoodbye(String)
    /// Counts and sums, keeps no bytes.
    case sum
    case count
  }

  let log: Log
  let kind: Kind
  init(_ kind: Kind, _ log: Log) {
    self.kind = kind
    self.log = log
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    let buffer = unwrapInboundIn(data)
    log.note {
      $0.reads += 1
      $0.count += buffer.readableBytes
      switch kind {
      case .sum: $0.checksum = checksum(buffer, from: $0.checksum)
      case .count: break
      default: $0.bytes.append(contentsOf: buffer.readableBytesView)
      }
    }
    switch kind {
    case .echo, .echoUntilGoodbye: context.write(wrapOutboundOut(buffer), promise: nil)
    case .closeOnFirstByte:
      context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: "go away\n")), promise: nil)
      context.close(promise: nil)
    case .listen, .answerGoodbye, .sum, .count: break
    }
  }

  func channelReadComplete(context: ChannelHandlerContext) { context.flush() }

  func channelWritabilityChanged(context: ChannelHandlerContext) {
    if !context.channel.isWritable { log.note { $0.unwritable += 1 } }
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if let event = event as? ChannelEvent, event == .inputClosed {
      log.note { $0.inputClosed = true }
    }
    guard let event = event as? TLSEvent else { return }
    log.note { $0.events.append(event) }
    switch (event, kind) {
    case (.closedByPeer, .echoUntilGoodbye): context.close(promise: nil)
    case (.closedByPeer, .answerGoodbye(let text)):
      // Later, as a server that still computes would.
      context.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(50)) {
        context.write(self.wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
        context.close(promise: nil)
      }
    case (.truncated, _): context.close(promise: nil)
    default: break
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    if let error = error as? TLSError { log.note { $0.errors.append(error) } }
  }

  func channelInactive(context: ChannelHandlerContext) { log.note { $0.inactive = true } }
}

/// Stands between the socket and TLS. Hands bytes on one by one, and can cut the line under TLS's feet.
final class Wire: ChannelDuplexHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer
  typealias OutboundIn = ByteBuffer

  struct Cut: Sendable {}
  struct Halve: Sendable {}
  let drips: Bool
  let gathers: Bool
  private var gathered = ByteBuffer()
  struct Damage: Sendable {}
  private var halves = false
  private var damages = false
  init(drips: Bool, gathers: Bool = false) {
    self.drips = drips
    self.gathers = gathers
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard drips else { return context.fireChannelRead(data) }
    var buffer = unwrapInboundIn(data)
    while let byte = buffer.readSlice(length: 1) { context.fireChannelRead(wrapInboundOut(byte)) }
  }

  func triggerUserOutboundEvent(context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?) {
    if event is Halve {
      halves = true
      promise?.succeed()
      return
    }
    if event is Damage {
      damages = true
      promise?.succeed()
      return
    }
    guard event is Cut else { return context.triggerUserOutboundEvent(event, promise: promise) }
    context.close(promise: promise)
  }
}

extension Wire {
  /// The second half of each write leaves a little later, once `Halve` was triggered.
  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    var buffer = unwrapOutboundIn(data)
    if gathers {
      gathered.writeBuffer(&buffer)
      promise?.succeed()
      context.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(50)) {
        guard self.gathered.readableBytes > 0 else { return }
        context.writeAndFlush(NIOAny(self.gathered), promise: nil)
        self.gathered.clear()
      }
      return
    }
    if damages, let last = buffer.getInteger(at: buffer.writerIndex - 1, as: UInt8.self) {
      buffer.setInteger(last ^ 1, at: buffer.writerIndex - 1)
      return context.write(NIOAny(buffer), promise: promise)
    }
    guard halves, let first = buffer.readSlice(length: buffer.readableBytes / 2) else {
      return context.write(data, promise: promise)
    }
    context.writeAndFlush(NIOAny(first), promise: nil)
    let second = buffer
    context.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(50)) {
      context.writeAndFlush(NIOAny(second), promise: promise)
    }
  }
}

/// The channels that a server has accepted.
final class Accepted: Sendable {
  private let channels = Mutex<[any Channel]>([])
  var now: [any Channel] { channels.withLock { $0 } }
  func add(_ channel: any Channel) { channels.withLock { $0.append(channel) } }
}

/// The context that new connections get.
final class Current: Sendable {
  private let context: Mutex<TLSServerContext>
  init(_ context: TLSServerContext) { self.context = Mutex(context) }
  var now: TLSServerContext { context.withLock { $0 } }
  func rotate(to next: TLSServerContext) { context.withLock { $0 = next } }
}

/// A server on a free port of 127.0.0.1, all of whose connections write into one log.
struct Server {
  let channel: any Channel
  let log = Log()
  let accepted = Accepted()
  let context: Current
  var port: Int { channel.localAddress?.port ?? 0 }
  static let group = MultiThreadedEventLoopGroup.singleton

  init(
    _ context: TLSServerContext, _ kind: Application.Kind = .echoUntilGoodbye, drips: Bool = false,
    halfClosure: Bool = true, autoRead: Bool = true, isBrief: Bool = false
  ) async throws {
    let log = self.log
    let accepted = self.accepted
    let current = Current(context)
    self.context = current
    channel = try await ServerBootstrap(group: Self.group)
      .childChannelOption(.allowRemoteHalfClosure, value: halfClosure)
      .childChannelOption(.autoRead, value: autoRead)
      .childChannelInitializer { channel in
        accepted.add(channel)
        return channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandlers(
            Wire(drips: drips), TLSHandler(server: current.now, isBrief: isBrief), Application(kind, log))
        }
      }
      .bind(host: "127.0.0.1", port: 0).get()
  }

  func close() async { try? await channel.close() }
}

/// A client connection, with TLS or (`context` nil) without.
struct Client {
  let channel: any Channel
  let log = Log()

  init(
    _ context: TLSClientContext?, port: Int, _ kind: Application.Kind = .listen, host: String = "127.0.0.1",
    drips: Bool = false, gathers: Bool = false, autoRead: Bool = true
  ) async throws {
    let log = self.log
    channel = try await ClientBootstrap(group: Server.group)
      .channelOption(.allowRemoteHalfClosure, value: false)
      .channelOption(.autoRead, value: autoRead)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandler(Wire(drips: drips, gathers: gathers))
          if let context { try channel.pipeline.syncOperations.addHandler(TLSHandler(client: context, host: host)) }
          try channel.pipeline.syncOperations.addHandler(Application(kind, log))
        }
      }
      .connect(host: "127.0.0.1", port: port).get()
  }

  func send(_ text: String) { channel.writeAndFlush(ByteBuffer(string: text), promise: nil) }
  func cut() async throws { try await channel.triggerUserOutboundEvent(Wire.Cut()) }
}

/// Waits, for at most ten seconds, until something holds; false when it never did.
func until(_ holds: () -> Bool) async -> Bool {
  for _ in 0..<12000 {
    if holds() { return true }
    try? await Task.sleep(for: .milliseconds(5))
  }
  return holds()
}
