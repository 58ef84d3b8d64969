import Foundation
import RouseCore
import RouseWire

/// The model in this process: candidates in, rows and totals out, the same bytes for any number of threads.
struct Filter {
  let scorer: Scorer
  let threads: Int
  private let tables: WireTables
  private let writer: DecisionWriter

  init(policy: Policy, now: Int64, threads: Int) {
    scorer = Scorer(policy: policy, now: now)
    tables = WireTables(policy: policy)
    writer = DecisionWriter(scorer: scorer, tables: tables)
    self.threads = threads
  }

  /// One block's rows, used again for the thread's next block.
  private final class Scored {
    var rows = ByteWriter(capacity: 1 << 20)
    var totals = Totals()
    var fault: Failure?
  }

  /// Rows in input order, and then the summary. Memory stays flat.
  func score(
    _ source: any CandidateSource, extras: Extras, to sink: any RowSink, _ progress: Progress
  ) throws -> Totals {
    var totals = Totals()
    let tooLong = tooLong(source)
    try OrderedWork<Scored>(source).run(
      threads: threads,
      makeWork: {
        let worker = worker(extras)
        let scored = Scored()
        return { candidates in
          scored.rows.removeAll()
          scored.totals = Totals()
          let stop = worker.score(candidates.block, into: &scored.rows, totals: &scored.totals)
          scored.fault = stop == .none ? nil : tooLong(candidates)
          return scored
        }
      },
      take: { scored in
        try sink.rows(scored.rows.bytes)
        totals.add(scored.totals)
        progress.add(scored.totals.lines)
        if let fault = scored.fault { throw fault }
      })
    var summary = ByteWriter()
    summary.write("{\"summary\":")
    totals.writeSummary(into: &summary)
    summary.put(0x7D)
    progress.finish()
    try sink.finish(summary.array)
    return totals
  }

  /// The contacts in rank order, or every candidate in input order, and then the plan. Keeps tens of bytes a candidate.
  func rank(
    _ source: any CandidateSource, rows: RankRows, limits: PlanLimits, to sink: any RowSink, _ progress: Progress
  ) throws -> Totals {
    let ranking = Ranking(scorer: scorer, writer: writer, rows: rows, limits: limits)
    let tooLong = tooLong(source)
    try OrderedWork<(part: RankPart, lines: Int)>(source).run(
      threads: threads,
      makeWork: {
        let worker = worker()
        return { candidates in
          let part = ranking.part()
          if worker.rank(candidates.block, into: part) != .none { throw tooLong(candidates) }
          return (part, candidates.lines)
        }
      },
      take: { part, lines in
        ranking.add(part)
        progress.add(lines)
      })
    progress.note("ranking")
    ranking.finish(limits, threads: threads)
    progress.finish()
    var cursor = Ranking.Cursor()
    var out = ByteWriter(capacity: 1 << 17)
    while !cursor.isAtEnd {
      out.removeAll()
      ranking.writeRows(&cursor, into: &out, enough: 1 << 16, asLines: true)
      try sink.rows(out.bytes)
    }
    out.removeAll()
    out.write("{\"plan\":")
    ranking.writePlan(into: &out)
    out.put(0x7D)
    try sink.finish(out.array)
    return ranking.totals
  }

  func worker(_ extras: Extras = []) -> BatchWorker {
    BatchWorker(
      scorer: scorer, writer: writer, tables: tables, extras: extras, longestLine: LineSource.longestLine,
      isStream: false)
  }

  /// The failure that names the first line that is too long.
  func tooLong(_ source: any CandidateSource) -> @Sendable (Candidates) -> Failure {
    let longest = LineSource.longestLine
    nonisolated(unsafe) let source = source
    return { candidates in
      var line = candidates.firstLine
      for text in candidates.block.bytes.split(separator: 0x0A, omittingEmptySubsequences: false) {
        if text.count > longest { break }
        line += 1
      }
      return Failure(
        .usage, "\(source.place(ofLine: line)): this line is longer than \(longest) bytes, and no candidate is")
    }
  }
}
