import Glibc

/// Work that waits for the writer's thread.
final class Inbox: @unchecked Sendable {
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let arrived: UnsafeMutablePointer<pthread_cond_t>
  private var waiting: [Work] = []
  private var isClosed = false

  init() {
    mutex = .allocate(capacity: 1)
    pthread_mutex_init(mutex, nil)
    arrived = .allocate(capacity: 1)
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    // A jump of the wall clock must not keep the hourly pass waiting.
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    pthread_cond_init(arrived, &attributes)
    pthread_condattr_destroy(&attributes)
  }

  deinit {
    pthread_cond_destroy(arrived)
    arrived.deallocate()
    pthread_mutex_destroy(mutex)
    mutex.deallocate()
  }

  /// False: no more is taken.
  func put(_ work: Work) -> Bool {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    guard !isClosed else { return false }
    waiting.append(work)
    if waiting.count == 1 { pthread_cond_signal(arrived) }
    return true
  }

  /// All that waits, at once; empty when nothing has come within that many seconds; nil when it is closed.
  func take(waiting seconds: Int) -> [Work]? {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    if waiting.isEmpty, !isClosed, seconds > 0 {
      var end = timespec()
      clock_gettime(CLOCK_MONOTONIC, &end)
      end.tv_sec += seconds
      while waiting.isEmpty, !isClosed {
        if pthread_cond_timedwait(arrived, mutex, &end) == ETIMEDOUT { break }
      }
    }
    if isClosed { return nil }
    defer { waiting = [] }
    return waiting
  }

  /// Closes it; what still waits.
  func close() -> [Work] {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    isClosed = true
    pthread_cond_signal(arrived)
    defer { waiting = [] }
    return waiting
  }
}
