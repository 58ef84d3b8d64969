import RouseCore

/// Decodes and scores blocks of candidate lines, one at a time, with scratch of its own: one a thread.
package final class BatchWorker: @unchecked Sendable {
  // Sendable because one thread at a time holds it: it is handed on, never shared.

  /// Why a block was left before its end.
  package enum Stop: Equatable, Sendable {
    case none
    /// A control; the next request begins at this offset.
    case end(next: Int)
    case cancel(next: Int)
    case lineTooLong
  }

  private let scorer: Scorer
  private let output: CandidateOutput
  private let longestLine: Int
  private let facts: (any FactSource)?
  private let tables: WireTables
  private let row: CandidateRow
  private let isStream: Bool
  /// Taken out while a block or a request is worked off: a local value is read and written without the checks and the
  /// reference counting that a class's would cost for every line.
  private var scratch: Scratch?

  private struct Scratch {
    var reader: CandidateReader
    var decision = Decision()
  }

  /// - Parameters:
  ///   - facts: what is known of users beside what candidates carry; nil: nothing.
  ///   - longestLine: bytes, without the LF.
  ///   - isStream: `end` and `cancel` end it; elsewhere they are no candidates.
  package init(
    scorer: Scorer, writer: DecisionWriter, tables: WireTables, extras: Extras = [], facts: (any FactSource)? = nil,
    longestLine: Int, isStream: Bool
  ) {
    self.scorer = scorer
    self.longestLine = longestLine
    self.facts = facts
    self.isStream = isStream
    output = CandidateOutput(scorer: scorer, writer: writer, extras: extras)
    self.tables = tables
    row = CandidateRow(policy: scorer.policy, keepingTexts: extras.contains(.explain))
  }

  /// The user_id of the candidate read last; empty when it had none that is usable.
  package var lastUserID: [UInt8] { Array(row.userID) }

  private func takeScratch() -> Scratch {
    var taken: Scratch?
    swap(&taken, &scratch)
    return taken ?? Scratch(reader: CandidateReader(tables: tables))
  }

  // MARK: - Score

  /// Scores the lines of a block from an offset on; one row a line, each ended by an LF, into `out`.
  package func score(_ block: Block, from start: Int = 0, into out: inout ByteWriter, totals: inout Totals) -> Stop {
    eachLine(of: block, from: start, wantsAll: true) { decision in
      output.write(decision, row, into: &out, totals: &totals)
      out.put(0x0A)
    }
  }

  /// Scores a candidate that stands within a request.
  func score(_ scanner: inout JSONScanner, depth: Int, into out: inout ByteWriter, totals: inout Totals)
    throws(JSONFault)
  {
    var scratch = takeScratch()
    defer { self.scratch = scratch }
    try read(&scanner, depth: depth, &scratch)
    output.write(scratch.decision, row, into: &out, totals: &totals)
  }

  // MARK: - One line

  /// Decides on one line, and says all that can be said of it.
  /// - Parameters:
  ///   - line: of a `Block`, as `nextLine` gives it.
  ///   - take: gets the row, scored, and the decision; both valid until it returns.
  /// - Returns: false for a control, in a stream; nothing is decided then.
  package func decide(_ line: UnsafeRawBufferPointer, _ take: (CandidateRow, Decision) -> Void) -> Bool {
    var scratch = takeScratch()
    defer { self.scratch = scratch }
    guard read(line, true, &scratch) == nil else { return false }
    take(row, scratch.decision)
    return true
  }

  // MARK: - Kept lines

  /// Scores a candidate whose line was kept with an empty user_id.
  /// - Parameters:
  ///   - line: within a `Block`.
  ///   - take: gets the row, scored, and the decision.
  /// - Returns: false when the line is no candidate's.
  package func scoreKept(
    _ line: UnsafeRawBufferPointer, userID: [UInt8], _ take: (CandidateRow, Decision) -> Void
  ) -> Bool {
    var scratch = takeScratch()
    defer { self.scratch = scratch }
    guard scratch.reader.read(line, into: row) == .invalid, row.source.count > 0 else { return false }
    userID.withUnsafeBytes { row.identify($0) }
    decide(true, &scratch)
    take(row, scratch.decision)
    return true
  }

  /// The same, as a row of a reply.
  package func scoreKept(
    _ line: UnsafeRawBufferPointer, userID: [UInt8], into out: inout ByteWriter
  ) -> Bool {
    var totals = Totals()
    return scoreKept(line, userID: userID) { row, decision in
      output.write(decision, row, into: &out, totals: &totals)
    }
  }

  // MARK: - Rank

  /// Scores the lines of a block from an offset on, and keeps what a plan needs of them.
  package func rank(_ block: Block, from start: Int = 0, into part: RankPart) -> Stop {
    eachLine(of: block, from: start, wantsAll: part.rows == .all) { part.add($0, row, scorer) }
  }

  func rank(_ scanner: inout JSONScanner, depth: Int, into part: RankPart) throws(JSONFault) {
    var scratch = takeScratch()
    defer { self.scratch = scratch }
    try read(&scanner, depth: depth, &scratch)
    part.add(scratch.decision, row, scorer)
  }

  /// Scores a candidate again whose line was kept with an empty user_id.
  /// - Parameter isWanted: whether the request is still for the candidate, by the row as it was scored.
  package func rankKept(
    _ line: UnsafeRawBufferPointer, userID: [UInt8], into part: RankPart, where isWanted: (CandidateRow) -> Bool
  ) {
    _ = scoreKept(line, userID: userID) { row, decision in
      guard isWanted(row) else { return }
      part.add(decision, row, scorer) { row.userID }
    }
  }

  // MARK: - Lines

  /// Decides on one line after another; where and why it stopped.
  @inline(__always)
  private func eachLine(of block: Block, from start: Int, wantsAll: Bool, _ take: (Decision) -> Void) -> Stop {
    var scratch = takeScratch()
    defer { self.scratch = scratch }
    var at = start
    while let line = block.nextLine(&at, longest: longestLine) {
      if line.count > longestLine { return .lineTooLong }
      if let stop = read(line, wantsAll, &scratch) {
        switch stop {
        case .end: return .end(next: at)
        case .cancel: return .cancel(next: at)
        case .candidate, .invalid: break
        }
      }
      take(scratch.decision)
    }
    return .none
  }

  /// Reads a line and decides; the control, if it is one.
  private func read(
    _ line: UnsafeRawBufferPointer, _ wantsAll: Bool, _ scratch: inout Scratch
  ) -> CandidateReader.Outcome? {
    switch scratch.reader.read(line, into: row) {
    case .candidate:
      decide(wantsAll, &scratch)
      return nil
    case .end where isStream: return .end
    case .cancel where isStream: return .cancel
    case .invalid, .end, .cancel:
      refuse(&scratch)
      return nil
    }
  }

  private func read(_ scanner: inout JSONScanner, depth: Int, _ scratch: inout Scratch) throws(JSONFault) {
    guard scanner.byte == 0x7B else {
      try scratch.reader.skip(&scanner, depth - 1)
      return refuse(&scratch)
    }
    if try scratch.reader.read(&scanner, into: row, depth: depth) == .candidate {
      decide(true, &scratch)
    } else {
      refuse(&scratch)
    }
  }

  @inline(__always)
  private func decide(_ wantsAll: Bool, _ scratch: inout Scratch) {
    facts?.tell(row)
    output.keep(row)
    scorer.score(row, wantsAll: wantsAll, into: &scratch.decision)
  }

  private func refuse(_ scratch: inout Scratch) {
    row.reset()
    scratch.decision.invalidate(.i01)
  }
}
