import RouseCore

/// Writes what was decided on a candidate, and what a score was asked for on top. One a thread.
struct CandidateOutput {
  private let writer: DecisionWriter
  private let explanation: ExplanationWriter?
  private let validUntil: ValidUntil?

  init(scorer: Scorer, writer: DecisionWriter, extras: Extras) {
    self.writer = writer
    explanation = extras.contains(.explain) ? ExplanationWriter(scorer: scorer, writer: writer) : nil
    validUntil = extras.contains(.validUntil) ? ValidUntil(scorer: scorer) : nil
  }

  /// Keeps what scoring will change, where that is needed.
  @inline(__always)
  func keep(_ row: CandidateRow) { validUntil?.keep(row) }

  func write(_ decision: Decision, _ row: CandidateRow, into out: inout ByteWriter, totals: inout Totals) {
    totals.count(decision)
    writer.write(decision, userID: row.userID, into: &out)
    if let validUntil {
      out.truncate(to: out.count - 1)
      DecisionWriter.write(validUntil: validUntil.moment(row, decision), into: &out)
      out.put(0x7D)
    }
    if let explanation, decision.depth >= .stage {
      out.truncate(to: out.count - 1)
      out.write(",\"explain\":")
      explanation.write(row, decision, into: &out)
      out.put(0x7D)
    }
  }
}
