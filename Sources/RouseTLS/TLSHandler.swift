import COpenSSL
import Glibc
import NIOCore

/// TLS on a channel: ciphertext on the side of the network, plaintext on the side of the application.
///
/// Reading keeps to `read()`: nothing is decrypted that was not asked for, and one read of the network becomes one buffer.
/// Writing keeps to the channel's watermarks: what is flushed, or has grown to 64 KiB, is encrypted at once, so that the
/// channel counts it; wait while `isWritable` is false. Only what is written before the handshake completes is held here.
///
/// `close()` sends what was written and a close_notify, and then closes. After `TLSEvent.closedByPeer` nothing more is
/// read, but writes go on until the application closes. Set `allowRemoteHalfClosure` on the channel, or NIO closes it, and
/// drops unsent replies, as soon as a peer that asks and then shuts its sending side does so. The time a handshake may
/// take is the application's affair.
///
/// It cannot be removed from a pipeline: the rest of the connection would go out in the clear.
package final class TLSHandler: ChannelDuplexHandler {
  package typealias InboundIn = ByteBuffer
  package typealias InboundOut = ByteBuffer
  package typealias OutboundIn = ByteBuffer
  package typealias OutboundOut = ByteBuffer

  enum Phase { case idle, handshaking, open, closing, closed }

  /// Whether the connection is secure, or has been. On the channel's event loop only.
  package var isHandshakeComplete: Bool { handshakeComplete }

  /// Whether the revocation lists of a newer context revoke the peer's certificate. On the channel's event loop only.
  package func isPeerRevoked(by context: TLSServerContext) -> Bool { connection?.isPeerRevoked(by: context) ?? false }

  let lingers: Bool
  let closeTimeout: TimeAmount
  let lingerTimeout: TimeAmount
  private let makeConnection: () throws(TLSError) -> TLSConnection
  var connection: TLSConnection?
  var phase = Phase.idle
  private var handshakeComplete = false
  var output = PendingPlaintext()
  /// The application has asked for bytes and has not had any since.
  private var readRequested = false
  private var delivered = false
  /// Came in before the application asked for it.
  private var inboxIsHeld: Bool { (connection?.records.inbox.readableBytes ?? 0) > 0 }
  /// The peer's close_notify has come; its TCP end may come later.
  var peerSaidGoodbye = false
  var inputEnded = false
  var isLingering = false
  var timer: Scheduled<Void>?

  /// A server's side. Before it closes first it waits for the peer to stop sending, at most `lingerTimeout`: closing a
  /// socket with unread bytes resets it, and the peer would lose the last reply or alert.
  /// `closeTimeout` bounds the sending of what was written before `close()`. `isBrief` is for peers that are told one
  /// thing, whoever they are, and closed: they are not asked for a certificate.
  package init(
    server: TLSServerContext, isBrief: Bool = false, closeTimeout: TimeAmount = .seconds(10),
    lingerTimeout: TimeAmount = .seconds(2)
  ) {
    makeConnection = { () throws(TLSError) in try TLSConnection(server: server, isBrief: isBrief) }
    lingers = true
    self.closeTimeout = closeTimeout
    self.lingerTimeout = lingerTimeout
  }

  /// A client's side; `host` is the name or the address the server's certificate must carry, unless the settings say
  /// another.
  package init(client: TLSClientContext, host: String, closeTimeout: TimeAmount = .seconds(10)) {
    makeConnection = { () throws(TLSError) in try TLSConnection(client: client, host: host) }
    lingers = false
    self.closeTimeout = closeTimeout
    lingerTimeout = .zero
  }

  // MARK: Life

  package func handlerAdded(context: ChannelHandlerContext) {
    if context.channel.isActive { start(context) }
  }

  package func channelActive(context: ChannelHandlerContext) {
    start(context)
    context.fireChannelActive()
  }

  package func handlerRemoved(context: ChannelHandlerContext) {
    phase = .closed
    timer?.cancel()
    connection = nil
    output.fail(.closed)
  }

  package func channelInactive(context: ChannelHandlerContext) {
    endOfInput(context)
    phase = .closed
    timer?.cancel()
    output.fail(.closed)
    context.fireChannelInactive()
  }

  private func start(_ context: ChannelHandlerContext) {
    guard phase == .idle else { return }
    phase = .handshaking
    do throws(TLSError) {
      connection = try makeConnection()
    } catch {
      fail(context, error)
      return
    }
    process(context)
    // The handshake reads for itself: the application may not want bytes yet.
    if phase == .handshaking { context.read() }
  }

  // MARK: Inbound

  package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    guard phase == .handshaking || phase == .open, !peerSaidGoodbye, let connection else { return }
    var bytes = unwrapInboundIn(data)
    if connection.records.inbox.readableBytes == 0 {
      connection.records.inbox = bytes
    } else {
      connection.records.inbox.writeBuffer(&bytes)
    }
    process(context)
  }

  package func channelReadComplete(context: ChannelHandlerContext) {
    if delivered {
      delivered = false
      readRequested = false
    } else if isLingering || phase == .handshaking || (phase == .open && readRequested && !peerSaidGoodbye) {
      context.read()
    }
    context.fireChannelReadComplete()
  }

  package func read(context: ChannelHandlerContext) {
    guard !peerSaidGoodbye else { return }
    readRequested = true
    guard phase == .open, inboxIsHeld else { return context.read() }
    process(context)
    guard delivered else { return context.read() }
    delivered = false
    readRequested = false
    context.fireChannelReadComplete()
    // This read was the channel's own, which asks again only after bytes have come.
    if (try? context.channel.syncOptions?.getOption(.autoRead)) == true { context.read() }
  }

  package func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if let event = event as? ChannelEvent, event == .inputClosed { endOfInput(context) }
    context.fireUserInboundEventTriggered(event)
  }

  /// Handshake first, then bytes; everything OpenSSL has to say is sent on the way. `all` ignores that nobody asked.
  private func process(_ context: ChannelHandlerContext, all: Bool = false) {
    if phase == .handshaking { continueHandshake(context) }
    guard phase == .open, readRequested || all, !peerSaidGoodbye, let connection else { return }
    var plaintext = context.channel.allocator.buffer(capacity: connection.records.inbox.readableBytes + 1024)
    let step = connection.decrypt(into: &plaintext)
    let answered = sendRecords(context)
    if plaintext.readableBytes > 0 {
      delivered = true
      context.fireChannelRead(wrapInboundOut(plaintext))
    }
    switch step {
    case .failed(let error): fail(context, error)
    case .closedByPeer:
      peerSaidGoodbye = true
      if phase == .open { context.fireUserInboundEventTriggered(TLSEvent.closedByPeer) }
    case .done, .wantsMore:
      // Each request to renegotiate is answered by an alert: without this, a peer that asks and never reads fills memory.
      if answered, !context.channel.isWritable { fail(context, .connection("the peer does not read our answers")) }
    }
  }

  private func continueHandshake(_ context: ChannelHandlerContext) {
    guard let connection else { return }
    let step = connection.handshake()
    guard step == .done else {
      if case .failed(let error) = step { fail(context, error) } else { sendRecords(context) }
      return
    }
    sendRecords(context)
    guard case .some(let peer) = connection.peer(now: Int64(time(nil))) else {
      return fail(context, .handshake("the peer's certificate has ended or its names are unreadable"))
    }
    phase = .open
    handshakeComplete = true
    context.fireUserInboundEventTriggered(
      TLSEvent.handshakeCompleted(peer: peer, alpn: connection.alpn, resumed: connection.resumed))
    catchUp(context)
  }

  /// The peer's TCP stream has ended, or the channel is gone. What lies here comes first, asked for or not.
  private func endOfInput(_ context: ChannelHandlerContext) {
    guard !inputEnded else { return }
    inputEnded = true
    process(context, all: true)
    switch phase {
    case .handshaking: fail(context, .handshake("the peer hung up"))
    case .open:
      if delivered { context.fireChannelReadComplete() }
      if !peerSaidGoodbye { context.fireUserInboundEventTriggered(TLSEvent.truncated) }
    case .closing: if isLingering { context.close(promise: nil) }
    case .idle, .closed: break
    }
  }

  /// Whether there was anything to send.
  @discardableResult
  func sendRecords(_ context: ChannelHandlerContext) -> Bool {
    guard let records = connection?.records.takeOutbox() else { return false }
    context.writeAndFlush(wrapOutboundOut(records), promise: nil)
    return true
  }
}
