import Foundation
import RouseWire

/// Reads the source on a thread of its own: a read may wait for a person, and the tasks' threads are few.
final class BackgroundReader: @unchecked Sendable {
  // Sendable because the source is used on the queue alone.
  private let source: any CandidateSource
  private let progress: Progress
  private let queue = DispatchQueue(label: "input")

  init(_ source: any CandidateSource, _ progress: Progress) {
    self.source = source
    self.progress = progress
  }

  func next() async throws -> Block? {
    try await withCheckedThrowingContinuation { continuation in
      queue.async { [self] in
        continuation.resume(
          with: Result {
            guard let candidates = try source.next() else { return nil }
            try ControlLines.refuse(in: candidates, of: source)
            progress.add(candidates.lines, share: source.share)
            return candidates.block
          })
      }
    }
  }
}
