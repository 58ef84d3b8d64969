import Glibc

/// Many read at a time, or one writes. A writer that waits comes before readers that come later: readers that never
/// cease cannot keep it out. So a reader must not lock again.
final class ReadersWriterLock: @unchecked Sendable {
  private let lock: UnsafeMutablePointer<pthread_rwlock_t>

  init() {
    lock = .allocate(capacity: 1)
    var attributes = pthread_rwlockattr_t()
    pthread_rwlockattr_init(&attributes)
    // PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP, an enum without a name, which Swift leaves out.
    pthread_rwlockattr_setkind_np(&attributes, 2)
    pthread_rwlock_init(lock, &attributes)
    pthread_rwlockattr_destroy(&attributes)
  }

  deinit {
    pthread_rwlock_destroy(lock)
    lock.deallocate()
  }

  func read<Answer>(_ body: () throws -> Answer) rethrows -> Answer {
    pthread_rwlock_rdlock(lock)
    defer { pthread_rwlock_unlock(lock) }
    return try body()
  }

  func write<Answer>(_ body: () throws -> Answer) rethrows -> Answer {
    pthread_rwlock_wrlock(lock)
    defer { pthread_rwlock_unlock(lock) }
    return try body()
  }
}
