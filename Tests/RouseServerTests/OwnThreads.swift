import NIOPosix
import Testing

/// Threads beside the pool that all tests share: tests that compute for seconds hold that pool, and whoever speaks to a
/// server that counts seconds would be taken for a client that does not end its line. So many, that some may block.
final class OwnThreads: TaskExecutor {
  static let shared = OwnThreads()

  private let pool = NIOThreadPool(numberOfThreads: 24)

  private init() { pool.start() }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    pool.submit { _ in job.runSynchronously(on: self.asUnownedTaskExecutor()) }
  }
}

/// Runs a suite's tests on threads of their own.
struct OwnThreadsTrait: SuiteTrait, TestTrait, TestScoping {
  let isRecursive = true

  func provideScope(
    for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
  ) async throws {
    try await withTaskExecutorPreference(OwnThreads.shared) { try await function() }
  }
}

extension Trait where Self == OwnThreadsTrait {
  /// For tests that speak to a peer in real time.
  static var ownThreads: Self { Self() }
}
