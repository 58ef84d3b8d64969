import Foundation
import NIOCore
import NIOPosix
import RouseTLS
import Synchronization

/// A server that answers what a test tells it to, or nothing where that is empty: for clients, and what they send.
final class StandIn {
  let port: Int
  let home: URL
  private let channel: any Channel
  private let seen: Lines

  private final class Lines: Sendable {
    let all = Mutex<[String]>([])
  }

  /// Lines that have come.
  var lines: [String] { seen.all.withLock { $0 } }

  private final class Answerer: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    private let answer: @Sendable (String) -> String
    private let seen: Lines
    private var held = ""

    init(_ seen: Lines, _ answer: @escaping @Sendable (String) -> String) {
      self.seen = seen
      self.answer = answer
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
      held += String(buffer: unwrapInboundIn(data))
      while let end = held.utf8.firstIndex(of: 0x0A) {
        let line = String(held[..<end])
        held = String(held[held.index(after: end)...])
        seen.all.withLock { $0.append(line) }
        let reply = answer(line)
        if !reply.isEmpty { context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: reply + "\n")), promise: nil) }
      }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
      if case .closedByPeer? = event as? TLSEvent { context.close(promise: nil) }
    }
  }

  init(_ answer: @escaping @Sendable (String) -> String) throws {
    home = try ServerProcess.temporaryFolder()
    let made = try ServerProcess.run("rouse-server", ["init", home.appending(path: "home").path])
    guard made.code == 0 else { throw ServerProcess.Failed(description: made.error) }
    let tls = home.appending(path: "home/tls")
    let context = try TLSServerContext(
      TLSServerSettings(
        certificateChainFile: tls.appending(path: "server.pem").path,
        privateKeyFile: tls.appending(path: "server.key").path))
    let seen = Lines()
    self.seen = seen
    channel = try ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          try channel.pipeline.syncOperations.addHandlers([TLSHandler(server: context), Answerer(seen, answer)])
        }
      }
      .bind(host: "127.0.0.1", port: 0).wait()
    port = channel.localAddress?.port ?? 0
  }

  deinit {
    try? channel.close().wait()
    try? FileManager.default.removeItem(at: home)
  }

  /// Flags for a client.
  var flags: [String] {
    ["--server", "127.0.0.1:\(port)", "--ca", home.appending(path: "home/tls/ca.pem").path]
  }

  func write(_ text: String, _ name: String, mode: Int = 0o600) throws -> String {
    let file = home.appending(path: name)
    try Data(text.utf8).write(to: file)
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file.path)
    return file.path
  }
}
