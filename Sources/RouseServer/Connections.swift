import NIOCore
import RouseTLS
import Synchronization

/// The connections that are open.
final class Connections: Sendable {
  private struct Entry: Sendable {
    let channel: any Channel
    let handler: NIOLoopBound<(SessionHandler, ChannelHandlerContext)>
    /// Counts the connections, and so tells which of two came first.
    let number: UInt64
    /// It has not shown an identity yet.
    var isStranger: Bool
  }

  private struct State {
    var entries: [ObjectIdentifier: Entry] = [:]
    var number: UInt64 = 0
    var strangers = 0
    /// Those who came as strangers, the oldest first; some are none any more, or gone.
    var arrivals = CircularBuffer<(id: ObjectIdentifier, number: UInt64)>()

    mutating func remove(_ id: ObjectIdentifier, _ number: UInt64) {
      guard let entry = entries[id], entry.number == number else { return }
      if entry.isStranger { strangers -= 1 }
      entries[id] = nil
    }

    func isStranger(_ arrival: (id: ObjectIdentifier, number: UInt64)) -> Bool {
      entries[arrival.id].map { $0.number == arrival.number && $0.isStranger } ?? false
    }
  }
  private let state = Mutex(State())
  private let reserved = Atomic<Int>(0)

  /// With those that are still shaking hands, and those that are being refused.
  var count: Int { reserved.load(ordering: .relaxed) }

  /// Counts one more, and tells how many there are with it.
  func reserve() -> Int { reserved.wrappingAdd(1, ordering: .relaxed).newValue }

  func release() { reserved.wrappingSubtract(1, ordering: .relaxed) }

  /// Holds a connection that was reserved, until it is closed.
  /// - Parameter isStranger: it takes the place of one, until it shows an identity.
  func add(
    _ channel: any Channel, _ handler: NIOLoopBound<(SessionHandler, ChannelHandlerContext)>, isStranger: Bool
  ) {
    let id = ObjectIdentifier(channel)
    let number = state.withLock { state in
      state.number += 1
      state.entries[id] = Entry(channel: channel, handler: handler, number: state.number, isStranger: isStranger)
      if isStranger {
        state.strangers += 1
        state.arrivals.append((id, state.number))
        // Most become somebody soon, and are forgotten now and then.
        if state.arrivals.count > 2 * state.strangers + 64 {
          let left = state.arrivals.filter { state.isStranger($0) }
          state.arrivals = CircularBuffer(left)
        }
      }
      return state.number
    }
    channel.closeFuture.whenComplete { _ in self.state.withLock { $0.remove(id, number) } }
  }

  /// It has shown an identity.
  func recognize(_ channel: any Channel) {
    state.withLock { state in
      let id = ObjectIdentifier(channel)
      guard let entry = state.entries[id], entry.isStranger else { return }
      state.entries[id]?.isStranger = false
      state.strangers -= 1
    }
  }

  /// Ends the stranger that has been here longest, without a word, if there are more of them than may keep their places.
  /// - Returns: whether there was one.
  func makeRoom(strangers most: Int) -> Bool {
    let oldest: Entry? = state.withLock { state in
      guard state.strangers > most else { return nil }
      while let arrival = state.arrivals.popFirst() {
        guard state.isStranger(arrival), let entry = state.entries[arrival.id] else { continue }
        state.remove(arrival.id, arrival.number)
        return entry
      }
      return nil
    }
    oldest?.channel.triggerUserOutboundEvent(TLSAbort(), promise: nil)
    return oldest != nil
  }

  func drain() { each { $0.drain($1) } }

  /// Tells those that are not done, and closes.
  func expire() { each { $0.expire($1) } }

  /// Who may be here has changed.
  func recheck() { each { $0.recheck($1) } }

  private func each(_ body: @escaping @Sendable (SessionHandler, ChannelHandlerContext) -> Void) {
    for entry in state.withLock({ Array($0.entries.values) }) {
      entry.channel.eventLoop.execute {
        let (handler, context) = entry.handler.value
        body(handler, context)
      }
    }
  }

  /// Closes all that is left at once, whatever was to be sent.
  func abort() {
    for entry in state.withLock({ Array($0.entries.values) }) {
      entry.channel.triggerUserOutboundEvent(TLSAbort(), promise: nil)
    }
  }

  /// Waits until none is open, or until a moment of the monotonic clock.
  func wait(until moment: UInt64) async {
    while count > 0, Session.Time.now().monotonic < moment { try? await Task.sleep(for: .milliseconds(10)) }
  }
}
