import Foundation

/// Blocks worked on by several threads, and their results taken one by one in the order of the input. A thread reads a
/// block, works, and waits for its turn to hand over, so there are never more blocks in memory than threads.
final class OrderedWork<Result>: @unchecked Sendable {
  // Sendable because the source is used under `reading`, and everything else that changes under `turn`.
  private let source: any CandidateSource
  private let reading = NSLock()
  private var read = 0
  private let turn = NSCondition()
  private var taken = 0
  private var finished = 0
  private var failure: (any Error)?

  init(_ source: any CandidateSource) { self.source = source }

  /// - Parameters:
  ///   - makeWork: called once a thread; what it returns is used by that thread alone.
  ///   - take: called by one thread at a time, in the order of the input. The result may be used again after it.
  func run(
    threads: Int, makeWork: @escaping @Sendable () -> (Candidates) throws -> Result,
    take: @escaping (Result) throws -> Void
  ) throws {
    nonisolated(unsafe) let take = take
    if threads == 1 {
      workOff(makeWork(), take)
    } else {
      for _ in 0..<threads {
        let thread = Thread {
          self.workOff(makeWork(), take)
          self.turn.lock()
          self.finished += 1
          self.turn.broadcast()
          self.turn.unlock()
        }
        thread.stackSize = 4 << 20
        thread.start()
      }
      // Not for all of them after a failure: one may hang in a read of a pipe that nobody fills.
      turn.lock()
      while finished < threads, failure == nil { turn.wait() }
      turn.unlock()
    }
    if let failure { throw failure }
  }

  private func workOff(_ work: (Candidates) throws -> Result, _ take: (Result) throws -> Void) {
    while true {
      reading.lock()
      let index = read
      let candidates = Swift.Result { try source.next() }
      // Whatever comes after a failed read is not worked on, and those before it still are.
      if case .success(nil) = candidates {
        reading.unlock()
        return
      }
      read += 1
      reading.unlock()

      let result = Swift.Result { try candidates.get().map(work) }
      turn.lock()
      defer { turn.unlock() }
      while taken < index, failure == nil { turn.wait() }
      if failure == nil {
        do {
          if let result = try result.get() { try take(result) }
        } catch {
          failure = error
        }
      }
      taken += 1
      turn.broadcast()
      if failure != nil { return }
    }
  }
}
