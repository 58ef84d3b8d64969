import Foundation

/// Where the lines that were sent stand in their files: the server knows them by their number alone. Lines that follow
/// each other cost one entry.
final class LinePlaces: @unchecked Sendable {
  // Sendable because all that changes is under the lock.
  private struct Run {
    /// Of its first line among those sent, from 1.
    let number: Int
    let part: Int
    /// Of its first line within that part.
    let line: Int
  }

  private let lock = NSLock()
  private let parts: [any CandidateSource]
  private var runs: [Run] = []
  private var count = 0

  init(_ parts: [any CandidateSource]) { self.parts = parts }

  func append(part: Int, line: Int) {
    lock.lock()
    defer { lock.unlock() }
    count += 1
    if let last = runs.last, last.part == part, last.line + count - last.number == line { return }
    runs.append(Run(number: count, part: part, line: line))
  }

  /// `events.ndjson:17`.
  ///
  /// - Parameter number: of a line among those sent, from 1.
  func place(of number: Int) -> String {
    lock.lock()
    defer { lock.unlock() }
    var (low, high) = (0, runs.count)
    while low < high {
      let middle = (low + high) / 2
      if runs[middle].number <= number { low = middle + 1 } else { high = middle }
    }
    guard low > 0 else { return "line \(number)" }
    let run = runs[low - 1]
    return parts[run.part].place(ofLine: run.line + number - run.number)
  }
}
