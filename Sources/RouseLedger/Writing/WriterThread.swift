import Glibc
import Synchronization

/// A thread that can be waited for.
final class WriterThread: Sendable {
  private final class Body {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }

  private let thread: Mutex<pthread_t?>

  /// nil: the system has no room for another thread.
  init?(_ run: @escaping @Sendable () -> Void) {
    var made = pthread_t()
    let body = Unmanaged.passRetained(Body(run))
    let code = pthread_create(
      &made, nil,
      { body in
        if let body { Unmanaged<Body>.fromOpaque(body).takeRetainedValue().run() }
        return nil
      }, body.toOpaque())
    thread = Mutex(code == 0 ? made : nil)
    if code != 0 {
      body.release()
      return nil
    }
  }

  /// Returns when it has ended; at once when it has been waited for before.
  func join() {
    let waited = thread.withLock { thread in
      defer { thread = nil }
      return thread
    }
    if let waited { pthread_join(waited, nil) }
  }
}
