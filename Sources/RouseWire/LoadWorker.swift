import RouseCore

/// Reads blocks of candidates that go into the standing audience, or leave it.
package final class LoadWorker: @unchecked Sendable {
  // Sendable because one thread at a time holds it: it is handed on, never shared.

  /// What a line asks for.
  package enum Line: Sendable {
    /// The row holds the candidate.
    case candidate
    /// The row holds no more than the user_id of one who leaves.
    case gone
    /// I01.
    case invalid
  }

  private var reader: CandidateReader
  private let row: CandidateRow
  private let longestLine: Int

  /// - Parameter longestLine: bytes, without the LF.
  package init(tables: WireTables, longestLine: Int) {
    reader = CandidateReader(tables: tables, forLoad: true)
    row = CandidateRow(policy: tables.policy, keepingTexts: true)
    self.longestLine = longestLine
  }

  /// Reads the lines of a block; where and why it stopped.
  package func read(_ block: Block, _ take: (Line, CandidateRow) -> Void) -> BatchWorker.Stop {
    var at = 0
    while let line = block.nextLine(&at, longest: longestLine) {
      if line.count > longestLine { return .lineTooLong }
      switch reader.read(line, into: row) {
      case .end: return .end(next: at)
      case .cancel: return .cancel(next: at)
      case .candidate: take(reader.isGone ? .gone : .candidate, row)
      case .invalid: take(.invalid, row)
      }
    }
    return .none
  }

  /// Reads the candidates that stand in a request's line.
  /// - Parameter at: offset of the list in the line.
  package func read(_ block: Block, usersAt at: Int, _ take: (Line, CandidateRow) -> Void) throws(WireError) {
    try block.eachItem(ofListAt: at) { (scanner) throws(JSONFault) in
      guard scanner.byte == 0x7B else {
        try reader.skip(&scanner, 2)
        return take(.invalid, row)
      }
      let isCandidate = try reader.read(&scanner, into: row, depth: 3) == .candidate
      take(isCandidate ? reader.isGone ? .gone : .candidate : .invalid, row)
    }
  }

  /// Reads a line that was kept with an empty user_id.
  /// - Parameter line: within a `Block`.
  /// - Returns: false when it is no candidate's.
  package func readKept(_ line: UnsafeRawBufferPointer, _ take: (CandidateRow) -> Void) -> Bool {
    guard reader.read(line, into: row) == .invalid, row.source.count > 0 else { return false }
    take(row)
    return true
  }
}
