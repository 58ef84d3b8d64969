import Dispatch
import Synchronization

/// Jobs of a session that runs without threads of its own: begun one by one, and taken when they are done, which may be
/// later, and elsewhere.
final class FinishedJobs: Sendable {
  private let results = Mutex<[(serial: Int, result: Session.Result)]>([])
  private let underWay = Mutex(0)
  private let signal = DispatchSemaphore(value: 0)

  func begin(_ job: Session.Job) {
    underWay.withLock { $0 += 1 }
    job.run { [self] result in
      results.withLock { $0.append((job.serial, result)) }
      signal.signal()
    }
  }

  /// The next that is done; waits for it if some are under way. nil: none is.
  func next() -> (serial: Int, result: Session.Result)? {
    let isAny = underWay.withLock { count in
      guard count > 0 else { return false }
      count -= 1
      return true
    }
    guard isAny else { return nil }
    signal.wait()
    return results.withLock { $0.removeFirst() }
  }

  /// The same without waiting.
  func nextDone() -> (serial: Int, result: Session.Result)? {
    guard signal.wait(timeout: .now()) == .success else { return nil }
    underWay.withLock { $0 -= 1 }
    return results.withLock { $0.removeFirst() }
  }
}
