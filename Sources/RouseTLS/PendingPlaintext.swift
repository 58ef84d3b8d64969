import NIOCore

/// Plaintext that was written and is not yet encrypted, with the promises of its writers.
struct PendingPlaintext {
  private(set) var bytes: ByteBuffer?
  private var promises: [EventLoopPromise<Void>] = []
  /// Someone flushed while nothing could be encrypted yet.
  var flushRequested = false
  /// Our close_notify has been written: nothing may follow it.
  var isFinished = false
  var isEncrypting = false
  /// Someone closed the connection while its bytes were being encrypted: it closes once they are.
  var closesAfterwards = false
  /// Someone closed the sending side before the handshake was done.
  var finishPromise: EventLoopPromise<Void>??

  /// From here on bytes are encrypted without waiting for a flush, so that they count toward the channel's watermark.
  static let enough = 65536

  var isEmpty: Bool { bytes == nil && promises.isEmpty }
  var hasEnough: Bool { (bytes?.readableBytes ?? 0) >= Self.enough }

  /// A lone buffer is kept as it is; several are joined, since a record of its own for each small one costs more.
  mutating func append(_ buffer: ByteBuffer, promise: EventLoopPromise<Void>?) {
    if let promise { promises.append(promise) }
    guard buffer.readableBytes > 0 else { return }
    if bytes == nil {
      bytes = buffer
    } else {
      bytes?.writeImmutableBuffer(buffer)
    }
  }

  /// Everything, and one promise that fulfils those of all writers.
  mutating func take() -> (bytes: ByteBuffer, promise: EventLoopPromise<Void>?) {
    let taken = bytes ?? ByteBuffer()
    bytes = nil
    guard let first = promises.first else { return (taken, nil) }
    for other in promises.dropFirst() { first.futureResult.cascade(to: other) }
    promises.removeAll(keepingCapacity: promises.count < 64)
    return (taken, first)
  }

  mutating func fail(_ error: TLSError) {
    bytes = nil
    let failed = promises
    promises = []
    for promise in failed { promise.fail(error) }
    if let promise = finishPromise { promise?.fail(error) }
    finishPromise = nil
  }
}
