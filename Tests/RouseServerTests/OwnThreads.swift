import Dispatch

/// Threads beside the pool that all tests share: tests that compute for seconds hold that pool, and whoever speaks to a
/// server that counts seconds would be taken for a client that does not end its line.
final class OwnThreads: TaskExecutor {
  static let shared = OwnThreads()

  private let queue = DispatchQueue(label: "rouse.tests.own", attributes: .concurrent)

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
  }
}
