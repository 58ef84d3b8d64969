import RouseReview
import RouseWire

/// A comparison of two policies in this process: the same for any number of threads.
struct Comparer {
  private let comparison: Comparison
  private let threads: Int

  init(_ comparison: Comparison, threads: Int) {
    self.comparison = comparison
    self.threads = threads
  }

  func compare(_ source: any CandidateSource, _ progress: Progress) throws -> ComparisonResult {
    let longest = LineSource.longestLine
    let comparison = comparison
    nonisolated(unsafe) let places = source
    try OrderedWork<(part: ComparisonPart, lines: Int)>(source).run(
      threads: threads,
      makeWork: {
        let worker = ComparisonWorker(
          old: comparison.old.worker(longestLine: longest), new: comparison.new.worker(longestLine: longest),
          longestLine: longest)
        return { candidates in
          let part = comparison.part()
          guard worker.compare(candidates.block, into: part) else {
            let place = places.place(ofLine: candidates.firstLine + part.count)
            throw Failure(.usage, "\(place): this line is longer than \(longest) bytes, and no candidate is")
          }
          return (part, candidates.lines)
        }
      },
      take: { part, lines in
        comparison.add(part)
        progress.add(lines, share: source.share)
      })
    defer { progress.finish() }
    guard let result = comparison.finish(note: { progress.note($0) }) else {
      throw Failure(.usage, "the comparison was given up")
    }
    return result
  }
}
