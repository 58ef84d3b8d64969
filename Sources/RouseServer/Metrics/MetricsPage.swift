import NIOCore
import RouseWire
import Synchronization

/// What `/metrics` answers. It is made by a thread of its own, and kept for a second: a scrape costs the event loops
/// nothing, however many figures there are, and however many ask.
final class MetricsPage: Sendable {
  /// Nanoseconds from when a page was begun.
  static let kept: UInt64 = 1_000_000_000

  private struct State {
    var page: (text: ByteBuffer, began: UInt64)?
    var isMaking = false
    /// Those who wait for the page that is being made: at most one a connection.
    var waiting: [EventLoopPromise<ByteBuffer>] = []
  }

  private let state = Mutex(State())
  private let pool: WorkPool
  private let clock: @Sendable () -> UInt64
  private let write: @Sendable (inout ByteWriter) -> Void

  /// - Parameters:
  ///   - clock: monotonic nanoseconds.
  ///   - write: brings the figures up to date and writes them; on a thread that may take its time.
  init(
    _ pool: WorkPool, clock: @escaping @Sendable () -> UInt64 = { Session.Time.now().monotonic },
    write: @escaping @Sendable (inout ByteWriter) -> Void
  ) {
    self.pool = pool
    self.clock = clock
    self.write = write
  }

  /// A page that was begun less than a second ago. It fails when the server has stopped.
  func text(_ loop: any EventLoop) -> EventLoopFuture<ByteBuffer> {
    let now = clock()
    let promise = loop.makePromise(of: ByteBuffer.self)
    let (known, begins) = state.withLock { state -> (ByteBuffer?, Bool) in
      if let page = state.page, now &- page.began < Self.kept { return (page.text, false) }
      state.waiting.append(promise)
      defer { state.isMaking = true }
      return (nil, !state.isMaking)
    }
    if let known { promise.succeed(known) }
    if begins { pool.submit(.figures, { self.make() }, refused: { self.finish(nil, began: now) }) }
    return promise.futureResult
  }

  private func make() {
    let began = clock()
    var out = ByteWriter()
    write(&out)
    finish(ByteBuffer(bytes: out.bytes), began: began)
  }

  private func finish(_ text: ByteBuffer?, began: UInt64) {
    let waiting = state.withLock { state in
      state.page = text.map { ($0, began) }
      state.isMaking = false
      defer { state.waiting = [] }
      return state.waiting
    }
    for promise in waiting {
      if let text { promise.succeed(text) } else { promise.fail(Stopped()) }
    }
  }

  private struct Stopped: Error {}
}
