import NIOCore

extension TLSHandler {
  /// Plaintext a ciphertext buffer: large writes go out, and free their memory, piece by piece, each while it is still in
  /// the core's own cache.
  private static var chunk: Int { 65_536 }

  /// Fails with `TLSError.closed` once the channel is closing.
  package func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    guard phase != .closing, phase != .closed, !output.isFinished else {
      promise?.fail(TLSError.closed)
      return
    }
    output.append(unwrapOutboundIn(data), promise: promise)
    if phase == .open, output.hasEnough { encrypt(context) }
  }

  package func flush(context: ChannelHandlerContext) {
    switch phase {
    case .open:
      output.flushRequested = false
      encrypt(context)
      context.flush()
    case .idle, .handshaking: output.flushRequested = true
    case .closing, .closed: context.flush()
    }
  }

  /// A write can make the channel unwritable, and the application may answer that with another write, a flush or a close
  /// before this returns: then the outer call goes on with what was added, in order.
  private func encrypt(_ context: ChannelHandlerContext) {
    guard !output.isEncrypting, let connection else { return }
    output.isEncrypting = true
    encryptAll(context, connection)
    output.isEncrypting = false
    // What was asked for meanwhile comes after all that was written.
    if let promise = output.finishPromise, phase == .open {
      output.finishPromise = nil
      finishOutput(context, promise)
    }
    if output.closesAfterwards {
      output.closesAfterwards = false
      closeAll(context, nil)
    }
  }

  private func encryptAll(_ context: ChannelHandlerContext, _ connection: TLSConnection) {
    while !output.isEmpty {
      var (plaintext, promise) = output.take()
      if plaintext.readableBytes == 0 { context.write(wrapOutboundOut(plaintext), promise: promise) }
      while plaintext.readableBytes > 0 {
        // The size is what is there, so the slice always exists.
        guard phase == .open, let part = plaintext.readSlice(length: min(plaintext.readableBytes, Self.chunk)) else {
          promise?.fail(TLSError.closed)
          return
        }
        if let error = connection.encrypt(part.readableBytesView) {
          promise?.fail(error)
          fail(context, error)
          return
        }
        let last = plaintext.readableBytes == 0
        let records = connection.records.takeOutbox() ?? ByteBuffer()
        context.write(wrapOutboundOut(records), promise: last ? promise : nil)
      }
    }
  }

  // MARK: Closing

  package func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
    switch mode {
    case .input: context.close(mode: .input, promise: promise)
    case .output: closeOutput(context, promise)
    case .all: closeAll(context, promise)
    }
  }

  /// Ends our side of the conversation, once the handshake is done; the peer's goes on.
  private func closeOutput(_ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>?) {
    switch phase {
    case .closing: context.channel.closeFuture.cascade(to: promise)
    case .closed: context.close(mode: .output, promise: promise)
    case .idle, .handshaking, .open:
      guard !output.isFinished else {
        promise?.fail(ChannelError.outputClosed)
        return
      }
      output.isFinished = true
      if phase == .open { finishOutput(context, promise) } else { output.finishPromise = .some(promise) }
    }
  }

  /// What was written and flushed, or to be closed, before the handshake.
  func catchUp(_ context: ChannelHandlerContext) {
    if output.flushRequested { flush(context: context) }
    guard let promise = output.finishPromise, phase == .open else { return }
    output.finishPromise = nil
    finishOutput(context, promise)
  }

  private func finishOutput(_ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>?) {
    if output.isEncrypting {
      output.finishPromise = .some(promise)
      return
    }
    encrypt(context)
    guard phase == .open, let connection else {
      promise?.fail(TLSError.closed)
      return
    }
    connection.sayGoodbye()
    finishWriting(context) { context.close(mode: .output, promise: promise) }
  }

  /// `TLSAbort` closes at once; all else goes on to the network's side.
  package func triggerUserOutboundEvent(
    context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?
  ) {
    guard event is TLSAbort else { return context.triggerUserOutboundEvent(event, promise: promise) }
    phase = .closed
    output.fail(.closed)
    context.close(promise: promise)
  }

  /// A second close waits for the first. A handshake is not waited for.
  private func closeAll(_ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>?) {
    switch phase {
    case .idle, .handshaking, .closed:
      phase = .closed
      output.fail(.closed)
      context.close(promise: promise)
    case .closing: context.channel.closeFuture.cascade(to: promise)
    case .open:
      context.channel.closeFuture.cascade(to: promise)
      if output.isEncrypting {
        output.closesAfterwards = true
        return
      }
      encrypt(context)
      // The encryption may have failed, which closes as well.
      guard phase == .open, let connection else { return }
      phase = .closing
      output.fail(.closed)
      connection.sayGoodbye()
      leave(context)
    }
  }

  /// Tells the application and, by the alert that OpenSSL has written, the peer; then closes.
  func fail(_ context: ChannelHandlerContext, _ error: TLSError) {
    guard phase != .closing, phase != .closed else { return }
    phase = .closing
    output.fail(error)
    sendRecords(context)
    context.fireErrorCaught(error)
    if phase == .closing { leave(context) }
  }

  /// Closes once the last records have gone out, or after `closeTimeout`.
  private func leave(_ context: ChannelHandlerContext) {
    schedule(context, closeTimeout)
    finishWriting(context) { [self] in
      guard phase == .closing else { return }
      guard lingers, !peerSaidGoodbye, !inputEnded else { return context.close(promise: nil) }
      isLingering = true
      schedule(context, lingerTimeout)
      context.close(mode: .output, promise: nil)
      context.read()
    }
  }

  private func finishWriting(_ context: ChannelHandlerContext, then next: @escaping () -> Void) {
    let written = context.eventLoop.makePromise(of: Void.self)
    written.futureResult.assumeIsolated().whenComplete { _ in next() }
    context.writeAndFlush(wrapOutboundOut(connection?.records.takeOutbox() ?? ByteBuffer()), promise: written)
  }

  private func schedule(_ context: ChannelHandlerContext, _ delay: TimeAmount) {
    timer?.cancel()
    timer = context.eventLoop.assumeIsolated().scheduleTask(in: delay) { context.close(promise: nil) }
  }
}
