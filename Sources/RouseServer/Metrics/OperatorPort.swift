import NIOCore
import NIOHTTP1
import NIOPosix
import RouseCore
import RouseWire
import Synchronization

/// The operator's port: plain HTTP, for Prometheus and for those who ask whether the server lives. It tells figures and
/// words about the server, and no candidate's data.
struct OperatorPort: Sendable {
  private let status: ServerStatus
  private let group: MultiThreadedEventLoopGroup
  private let metrics: MetricsPage

  /// Connections that may be open at once; more are closed.
  static let mostConnections = 32
  private let open = OpenCount()

  init(status: ServerStatus, group: MultiThreadedEventLoopGroup) {
    self.status = status
    self.group = group
    metrics = MetricsPage(status.pool) { out in
      status.refresh(now: Session.Time.now().wall)
      status.meters.registry.write(into: &out)
    }
  }

  func bind(_ address: Address) async throws -> any Channel {
    try await ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: 32)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          guard open.enter(channel, most: Self.mostConnections) else { throw TooMany() }
          try channel.pipeline.syncOperations.configureHTTPServerPipeline(
            withPipeliningAssistance: true, withErrorHandling: true)
          try channel.pipeline.syncOperations.addHandler(IdleEnd())
          try channel.pipeline.syncOperations.addHandler(OperatorAnswers(status, metrics))
        }
      }
      .bind(host: address.host, port: address.port).get()
  }

  private struct TooMany: Error {}
}

/// How many connections are open.
private final class OpenCount: Sendable {
  private let count = Atomic<Int>(0)

  /// False when there are too many with it.
  func enter(_ channel: any Channel, most: Int) -> Bool {
    channel.closeFuture.whenComplete { _ in self.count.wrappingSubtract(1, ordering: .relaxed) }
    return count.wrappingAdd(1, ordering: .relaxed).newValue <= most
  }
}

/// Ends connections that say nothing for a minute.
private final class IdleEnd: ChannelInboundHandler {
  typealias InboundIn = Any
  private var task: Scheduled<Void>?

  func handlerAdded(context: ChannelHandlerContext) { restart(context) }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    restart(context)
    context.fireChannelRead(data)
  }

  func channelInactive(context: ChannelHandlerContext) {
    task?.cancel()
    context.fireChannelInactive()
  }

  private func restart(_ context: ChannelHandlerContext) {
    task?.cancel()
    let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
    task = context.eventLoop.assumeIsolated().scheduleTask(in: .seconds(60)) { bound.value.close(promise: nil) }
  }
}

/// `GET /metrics`, `/healthz`, `/readyz`.
private final class OperatorAnswers: ChannelInboundHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  private let status: ServerStatus
  private let metrics: MetricsPage
  private var head: HTTPRequestHead?
  private var isOpen = true

  init(_ status: ServerStatus, _ metrics: MetricsPage) {
    self.status = status
    self.metrics = metrics
  }

  func handlerRemoved(context: ChannelHandlerContext) { isOpen = false }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head): self.head = head
    // Nothing that is asked for here has one; who sends it a byte a minute would hold a connection for good.
    case .body: context.close(promise: nil)
    case .end:
      guard let head else { return }
      self.head = nil
      answer(head, context)
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

  private func answer(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
    let path = head.uri.prefix { $0 != "?" }
    var out = ByteWriter()
    var code = HTTPResponseStatus.ok
    var type = Self.plain
    switch path {
    case _ where head.method != .GET && head.method != .HEAD:
      code = .methodNotAllowed
      out.write("GET or HEAD\n")
    case "/metrics": return answerMetrics(head, context)
    case "/healthz":
      // Whoever reads this has it from an event loop that turns.
      out.write("ok\n")
    case "/readyz":
      type = "application/json"
      let findings = status.findings(now: Session.Time.now().wall)
      if findings.contains(where: \.isGrave) { code = .serviceUnavailable }
      Self.write(findings, into: &out)
    default:
      code = .notFound
      out.write("/metrics, /healthz, /readyz\n")
    }
    send(code, type, ByteBuffer(bytes: out.bytes), to: head, context)
  }

  private static let plain = "text/plain; charset=utf-8"

  /// The next request of this connection is not read before this is answered.
  private func answerMetrics(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
    let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
    metrics.text(context.eventLoop).whenComplete { result in
      let (handler, context) = bound.value
      guard handler.isOpen else { return }
      switch result {
      case .success(let text): handler.send(.ok, "text/plain; version=0.0.4; charset=utf-8", text, to: head, context)
      case .failure:
        handler.send(.serviceUnavailable, Self.plain, ByteBuffer(string: "the server stops\n"), to: head, context)
      }
    }
  }

  private func send(
    _ code: HTTPResponseStatus, _ type: String, _ body: ByteBuffer, to head: HTTPRequestHead,
    _ context: ChannelHandlerContext
  ) {
    var headers = HTTPHeaders()
    headers.add(name: "content-type", value: type)
    headers.add(name: "content-length", value: "\(body.readableBytes)")
    headers.add(name: "cache-control", value: "no-store")
    if code == .methodNotAllowed { headers.add(name: "allow", value: "GET, HEAD") }
    if !head.isKeepAlive { headers.add(name: "connection", value: "close") }
    context.write(wrapOutboundOut(.head(.init(version: head.version, status: code, headers: headers))), promise: nil)
    if head.method != .HEAD { context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil) }
    let isLast = !head.isKeepAlive
    let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
    context.writeAndFlush(wrapOutboundOut(.end(nil))).whenComplete { _ in
      if isLast { bound.value.close(promise: nil) }
    }
  }

  private static func write(_ findings: [ServerStatus.Finding], into out: inout ByteWriter) {
    out.write(
      findings.contains(where: \.isGrave) ? "{\"ready\":false,\"findings\":[" : "{\"ready\":true,\"findings\":[")
    for (index, finding) in findings.enumerated() {
      out.write(index > 0 ? ",{\"code\":" : "{\"code\":")
      out.writeQuoted(finding.code)
      out.write(finding.isGrave ? ",\"grave\":true,\"message\":" : ",\"grave\":false,\"message\":")
      out.writeQuoted(finding.message)
      out.put(0x7D)
    }
    out.write("]}\n")
  }
}
