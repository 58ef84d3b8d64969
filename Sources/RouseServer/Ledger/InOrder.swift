import RouseWire
import Synchronization

/// Puts the blocks of a stream that changes something into their order again: they are read on any thread, but take effect
/// one after another, and none after the one that ends the stream, for what was cut ahead of time behind it is the next
/// request's.
final class InOrder<Part: Sendable>: Sendable {
  private struct State {
    var next = 0
    var waiting: [Int: (part: Part, isLast: Bool)] = [:]
    var isSealed = false
  }
  private let state = Mutex(State())

  /// - Parameters:
  ///   - isLast: the stream ends with this block.
  ///   - effect: called in order, one call at a time; false where the block came after the last.
  func submit(_ index: Int, _ part: Part, isLast: Bool, effect: (Part, Bool) -> Void) {
    // Under the lock, or two threads could pass each other between taking a part and giving it effect.
    state.withLock { state in
      state.waiting[index] = (part, isLast)
      while let waiting = state.waiting.removeValue(forKey: state.next) {
        state.next += 1
        effect(waiting.part, !state.isSealed)
        if waiting.isLast { state.isSealed = true }
      }
    }
  }

  /// Nothing more takes effect.
  func seal() { state.withLock { $0.isSealed = true } }
}
