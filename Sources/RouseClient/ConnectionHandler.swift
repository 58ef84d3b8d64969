import NIOCore
import RouseTLS

/// Between TLS and the reader of replies: tells when the connection is secure, and turns TLS's two ways of ending into an
/// end and an error.
final class ConnectionHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias InboundOut = ByteBuffer

  private let secured: EventLoopPromise<Void>
  private let timeout: TimeAmount
  private var timer: Scheduled<Void>?
  private var isDone = false

  init(secured: EventLoopPromise<Void>, timeout: TimeAmount) {
    self.secured = secured
    self.timeout = timeout
  }

  func handlerAdded(context: ChannelHandlerContext) {
    let channel = context.channel
    timer = context.eventLoop.scheduleTask(in: timeout) { [secured] in
      secured.fail(HandshakeTimeout())
      channel.close(promise: nil)
    }
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    switch event as? TLSEvent {
    case .handshakeCompleted: finish(.success(()))
    case .closedByPeer:
      // The stream of replies ends here, whatever TCP does later.
      context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
      return
    case .truncated: context.fireErrorCaught(Truncated())
    case nil: break
    }
    context.fireUserInboundEventTriggered(event)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    finish(.failure(error))
    context.fireErrorCaught(error)
  }

  func channelInactive(context: ChannelHandlerContext) {
    finish(.failure(Truncated()))
    context.fireChannelInactive()
  }

  func handlerRemoved(context: ChannelHandlerContext) { finish(.failure(Truncated())) }

  private func finish(_ result: Result<Void, any Error>) {
    guard !isDone else { return }
    isDone = true
    timer?.cancel()
    secured.completeWith(result)
  }
}

/// The bytes ended without a close_notify.
struct Truncated: Error {}

struct HandshakeTimeout: Error {}
