import NIOCore
import RouseTLS
import Synchronization

/// The connections that are open.
final class Connections: Sendable {
  private struct Entry: Sendable {
    let channel: any Channel
    let handler: NIOLoopBound<(SessionHandler, ChannelHandlerContext)>
  }
  private let entries = Mutex<[ObjectIdentifier: Entry]>([:])
  private let reserved = Atomic<Int>(0)

  /// With those that are still shaking hands, and those that are being refused.
  var count: Int { reserved.load(ordering: .relaxed) }

  /// Counts one more, and tells how many there are with it.
  func reserve() -> Int { reserved.wrappingAdd(1, ordering: .relaxed).newValue }

  func release() { reserved.wrappingSubtract(1, ordering: .relaxed) }

  /// Holds a connection that was reserved, until it is closed.
  func add(_ channel: any Channel, _ handler: NIOLoopBound<(SessionHandler, ChannelHandlerContext)>) {
    let id = ObjectIdentifier(channel)
    entries.withLock { $0[id] = Entry(channel: channel, handler: handler) }
    channel.closeFuture.whenComplete { _ in _ = self.entries.withLock { $0.removeValue(forKey: id) } }
  }

  func drain() { each { $0.drain($1) } }

  /// Tells those that are not done, and closes.
  func expire() { each { $0.expire($1) } }

  private func each(_ body: @escaping @Sendable (SessionHandler, ChannelHandlerContext) -> Void) {
    for entry in entries.withLock({ Array($0.values) }) {
      entry.channel.eventLoop.execute {
        let (handler, context) = entry.handler.value
        body(handler, context)
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
    while count > 0, Session.Time.now().monotonic < moment { try? await Task.sleep(for: .milliseconds(10)) }
  }
}
