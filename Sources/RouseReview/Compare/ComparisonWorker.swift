import RouseCore
import RouseWire

/// Decides on candidates under both policies of a comparison: one a thread. Fields may differ, so a line is decoded once
/// for each.
package final class ComparisonWorker: @unchecked Sendable {
  // Sendable because one thread at a time holds it.
  private let old: BatchWorker
  private let new: BatchWorker
  private let longestLine: Int

  /// - Parameter longestLine: bytes, without the LF.
  package init(old: BatchWorker, new: BatchWorker, longestLine: Int) {
    self.old = old
    self.new = new
    self.longestLine = longestLine
  }

  /// Decides on all lines of a block.
  /// - Returns: false where a line is too long; what stands before it is in the part.
  package func compare(_ block: Block, into part: ComparisonPart) -> Bool {
    var at = 0
    while let line = block.nextLine(&at, longest: longestLine) {
      if line.count > longestLine { return false }
      _ = decide(line) { part.add(old: $0, $1, new: $2, $3) }
    }
    return true
  }

  /// Decides on one line.
  /// - Parameter take: the row and the decision of the old policy, and of the new; valid until it returns.
  /// - Returns: false for a control, in a stream.
  package func decide(
    _ line: UnsafeRawBufferPointer, _ take: (CandidateRow, Decision, CandidateRow, Decision) -> Void
  ) -> Bool {
    old.decide(line) { oldRow, oldDecision in
      _ = new.decide(line) { newRow, newDecision in take(oldRow, oldDecision, newRow, newDecision) }
    }
  }

  /// Decides on a candidate whose line was kept with an empty user_id.
  /// - Parameter take: as in `decide`.
  /// - Returns: false when the line is no candidate's.
  package func decideKept(
    _ line: UnsafeRawBufferPointer, userID: [UInt8],
    _ take: (CandidateRow, Decision, CandidateRow, Decision) -> Void
  ) -> Bool {
    old.scoreKept(line, userID: userID) { oldRow, oldDecision in
      _ = new.scoreKept(line, userID: userID) { newRow, newDecision in take(oldRow, oldDecision, newRow, newDecision) }
    }
  }
}
