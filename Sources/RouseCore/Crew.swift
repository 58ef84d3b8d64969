import Glibc
import Synchronization

/// Threads that share the loops of one plan: each loop is cut into ranges, and whoever is free takes the next. What they
/// give is put together in the order of the ranges, so the answer is the same however many there are.
///
/// They are of the thread that made the crew: as nice as it is, and gone with it.
final class Crew: @unchecked Sendable {
  // Sendable because all that changes is under the lock.

  /// Loops of fewer are over before another thread has been woken.
  static let worthwhile = 1 << 15
  private let worthwhile: Int
  /// Ranges a thread: the last to come home does not keep the others waiting for long.
  private static let ranges = 4

  private let state: UnsafeMutablePointer<State>
  private var threads: [pthread_t] = []

  private struct State {
    var lock = pthread_mutex_t()
    var called = pthread_cond_t()
    var done = pthread_cond_t()
    /// Counts the loops.
    var loop = 0
    /// Helpers still in the loop.
    var busy = 0
    var isOver = false
    var body: ((Int) -> Void)?
    var count = 0
    var next = 0
  }

  /// One of the caller alone.
  static let alone = Crew(threads: 1)

  /// - Parameters:
  ///   - threads: that share a loop, the caller's own among them.
  ///   - worthwhile: how long a loop is at least that is shared.
  init(threads count: Int, worthwhile: Int = Crew.worthwhile) {
    self.worthwhile = max(1, worthwhile)
    state = .allocate(capacity: 1)
    state.initialize(to: State())
    pthread_mutex_init(&state.pointee.lock, nil)
    pthread_cond_init(&state.pointee.called, nil)
    pthread_cond_init(&state.pointee.done, nil)
    for _ in 0..<max(0, min(count, 64) - 1) {
      var thread = pthread_t()
      // Where the system has no thread left the crew is smaller.
      guard pthread_create(&thread, nil, { Crew.help($0) }, state) == 0 else { break }
      threads.append(thread)
    }
  }

  deinit {
    pthread_mutex_lock(&state.pointee.lock)
    state.pointee.isOver = true
    pthread_cond_broadcast(&state.pointee.called)
    pthread_mutex_unlock(&state.pointee.lock)
    for thread in threads { pthread_join(thread, nil) }
    pthread_cond_destroy(&state.pointee.called)
    pthread_cond_destroy(&state.pointee.done)
    pthread_mutex_destroy(&state.pointee.lock)
    state.deinitialize(count: 1)
    state.deallocate()
  }

  /// What is made of each range of a loop, in the order of the ranges.
  /// - Parameter part: called by several threads at once, each with a range of its own.
  func parts<Part>(of count: Int, _ part: (Range<Int>) -> Part) -> [Part] {
    guard !threads.isEmpty, count >= worthwhile else { return [part(0..<count)] }
    let ranges = (threads.count + 1) * Self.ranges
    return made(ranges) { part((count * $0 / ranges)..<(count * ($0 + 1) / ranges)) }
  }

  /// What is made of each of a few things, in their order.
  /// - Parameters:
  ///   - size: how long the loops are that are gone through for them, together.
  ///   - part: called by several threads at once, each with a thing of its own.
  func each<Thing, Part>(_ things: [Thing], size: Int, _ part: (Thing) -> Part) -> [Part] {
    guard !threads.isEmpty, size >= worthwhile else { return things.map(part) }
    return made(things.count) { part(things[$0]) }
  }

  private func made<Part>(_ count: Int, _ part: (Int) -> Part) -> [Part] {
    [Part](unsafeUninitializedCapacity: count) { parts, filled in
      guard let base = parts.baseAddress else { return }
      nonisolated(unsafe) let first = base
      each(count) { (first + $0).initialize(to: part($0)) }
      filled = count
    }
  }

  /// Does the body once for each number below the count, on all threads.
  private func each(_ count: Int, _ body: (Int) -> Void) {
    withoutActuallyEscaping(body) { body in
      pthread_mutex_lock(&state.pointee.lock)
      state.pointee.body = body
      state.pointee.count = count
      state.pointee.next = 0
      state.pointee.busy = threads.count
      state.pointee.loop += 1
      pthread_cond_broadcast(&state.pointee.called)
      Self.take(state, body)
      while state.pointee.busy > 0 { pthread_cond_wait(&state.pointee.done, &state.pointee.lock) }
      state.pointee.body = nil
      pthread_mutex_unlock(&state.pointee.lock)
    }
  }

  /// Takes ranges until there are none; the lock is held before and after.
  private static func take(_ state: UnsafeMutablePointer<State>, _ body: (Int) -> Void) {
    while state.pointee.next < state.pointee.count {
      let index = state.pointee.next
      state.pointee.next += 1
      pthread_mutex_unlock(&state.pointee.lock)
      body(index)
      pthread_mutex_lock(&state.pointee.lock)
    }
  }

  private static func help(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let state = argument?.assumingMemoryBound(to: State.self) else { return nil }
    var seen = 0
    pthread_mutex_lock(&state.pointee.lock)
    while true {
      while state.pointee.loop == seen, !state.pointee.isOver {
        pthread_cond_wait(&state.pointee.called, &state.pointee.lock)
      }
      if state.pointee.isOver { break }
      seen = state.pointee.loop
      if let body = state.pointee.body { take(state, body) }
      state.pointee.busy -= 1
      if state.pointee.busy == 0 { pthread_cond_signal(&state.pointee.done) }
    }
    pthread_mutex_unlock(&state.pointee.lock)
    return nil
  }
}
