import RouseCore
import RouseWire

/// The stages, each over one block of lines. Each returns how many candidates it went through, and uses what it makes, so
/// that nothing can be left out.
struct Bench {
  private let scorer: Scorer
  private let block: Block
  private let tables: WireTables
  private let writer: DecisionWriter

  init(scorer: Scorer, block: Block) {
    self.scorer = scorer
    self.block = block
    tables = WireTables(policy: scorer.policy)
    writer = DecisionWriter(scorer: scorer, tables: tables)
  }

  func decode(_ rounds: Int) -> Int {
    var reader = CandidateReader(tables: tables)
    let row = CandidateRow(policy: scorer.policy)
    var done = 0
    for _ in 0..<rounds {
      var at = 0
      while let line = block.nextLine(&at, longest: Int.max) {
        if reader.read(line, into: row) == .candidate { done += 1 }
      }
    }
    return done
  }

  /// Rows are decoded once; scoring them again and again changes nothing any more.
  func score(_ rounds: Int) -> Int {
    var reader = CandidateReader(tables: tables)
    var rows: [CandidateRow] = []
    var at = 0
    while let line = block.nextLine(&at, longest: Int.max) {
      let row = CandidateRow(policy: scorer.policy)
      if reader.read(line, into: row) == .candidate { rows.append(row) }
    }
    var decision = Decision()
    var done = 0
    for _ in 0..<rounds {
      for row in rows {
        scorer.score(row, into: &decision)
        if decision.status != .invalid { done += 1 }
      }
    }
    return done
  }

  func answer(_ rounds: Int, _ extras: Extras) -> Int {
    let worker = worker(extras)
    var out = ByteWriter(capacity: 1 << 20)
    var totals = Totals()
    for _ in 0..<rounds {
      out.removeAll()
      _ = worker.score(block, into: &out, totals: &totals)
    }
    return totals.lines
  }

  func rank(_ rounds: Int, _ limits: PlanLimits, plans: Bool) -> Int {
    let worker = worker([])
    let parts = parts()
    var out = ByteWriter(capacity: 1 << 20)
    var done = 0
    for _ in 0..<rounds {
      let ranking = Ranking(scorer: scorer, writer: writer, rows: .contacts, limits: limits)
      for block in parts {
        let part = ranking.part()
        _ = worker.rank(block, into: part)
        ranking.add(part)
      }
      if plans {
        ranking.finish(limits)
        var cursor = Ranking.Cursor()
        while !cursor.isAtEnd {
          out.removeAll()
          ranking.writeRows(&cursor, into: &out, enough: 1 << 16, asLines: true)
        }
        ranking.writePlan(into: &out)
      }
      done += ranking.totals.lines
    }
    return done
  }

  /// The lines in blocks as a stream brings them: what one has shown makes the next keep less.
  private func parts() -> [Block] {
    var parts: [Block] = []
    var rest = block.bytes[...]
    while !rest.isEmpty {
      let last = rest.prefix(1 << 18).lastIndex(of: 0x0A) ?? rest.firstIndex(of: 0x0A) ?? rest.endIndex - 1
      parts.append(Block(UnsafeRawBufferPointer(rebasing: rest[...last])))
      rest = rest[(last + 1)...]
    }
    return parts
  }

  private func worker(_ extras: Extras) -> BatchWorker {
    BatchWorker(scorer: scorer, writer: writer, tables: tables, extras: extras, longestLine: Int.max, isStream: false)
  }
}
