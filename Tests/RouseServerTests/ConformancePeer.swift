import NIOCore
import NIOPosix
import RouseTLS
import Synchronization
import TestData

/// A client that tells how a connection ended, and can end its own side and read on.
final class ConformancePeer: Sendable {
  enum End: Sendable { case closeNotify, truncated }

  private enum Event: Sendable {
    case bytes([UInt8])
    case ended(End)
  }

  private let channel: any Channel
  private let inbox: AsyncStream<Event>
  /// So that a server that does not answer fails a test, and does not stop it.
  private let patience: Scheduled<Void>

  /// All that has come, for those who must know of it before the end.
  private final class Seen: Sendable {
    let bytes = Mutex<[UInt8]>([])
  }
  private let seen = Seen()

  private final class Collector: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    private let sink: AsyncStream<Event>.Continuation
    private let seen: Seen

    init(_ sink: AsyncStream<Event>.Continuation, _ seen: Seen) {
      self.sink = sink
      self.seen = seen
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      let bytes = Array(buffer: unwrapInboundIn(data))
      seen.bytes.withLock { $0 += bytes }
      sink.yield(.bytes(bytes))
    }
    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
      switch event as? TLSEvent {
      case .closedByPeer?: sink.yield(.ended(.closeNotify))
      case .truncated?: sink.yield(.ended(.truncated))
      default: break
      }
    }
    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    func channelInactive(context: ChannelHandlerContext) { sink.finish() }
  }

  /// A server, and who to be there.
  struct Place: Sendable {
    let port: Int
    let settings: TLSClientSettings

    init(_ server: ServerProcess, withCertificate: Bool) {
      port = server.port
      settings = TLSClientSettings(
        caFile: server.tls("ca.pem"), certificateFile: withCertificate ? server.tls("client.pem") : nil,
        keyFile: withCertificate ? server.tls("client.key") : nil)
    }
  }

  init(_ place: Place) async throws {
    let context = try TLSClientContext(place.settings)
    let (stream, continuation) = AsyncStream<Event>.makeStream()
    inbox = stream
    let seen = seen
    channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .channelOption(.allowRemoteHalfClosure, value: true)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandlers([
            TLSHandler(client: context, host: "127.0.0.1"), Collector(continuation, seen),
          ])
        }
      }
      .connect(host: "127.0.0.1", port: place.port).get()
    let channel = channel
    patience = channel.eventLoop.scheduleTask(in: .seconds(60)) { channel.close(promise: nil) }
  }

  /// A server that has closed takes nothing more, and that is no fault.
  func send(_ bytes: some Sequence<UInt8>) async { try? await channel.writeAndFlush(ByteBuffer(bytes: bytes)) }

  /// close_notify: the server may go on.
  func endInput() async { try? await channel.close(mode: .output) }

  /// A text that the server has sent, waited for some seconds.
  func text(of name: String, nth: Int) async -> String? {
    for _ in 0..<6000 {
      if let text = seen.bytes.withLock({ WireCase.text(of: name, nth: nth, in: $0) }) { return text }
      try? await Task.sleep(for: .milliseconds(10))
    }
    return nil
  }

  /// Everything until some bytes come last, or until the server ends; nil where it does not.
  func read(until last: [UInt8]?) async -> (bytes: [UInt8], end: End?) {
    var all: [UInt8] = []
    for await event in inbox {
      switch event {
      case .bytes(let bytes):
        all += bytes
        if let last, all.suffix(last.count) == last[...] { return (all, nil) }
      case .ended(let end): return (all, end)
      }
    }
    return (all, .truncated)
  }

  func close() async {
    patience.cancel()
    try? await channel.close()
  }
}
