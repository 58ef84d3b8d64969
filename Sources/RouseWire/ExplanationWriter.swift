import RouseCore

/// Placeholder
final class ExplanationWriter {
  init(scorer: Scorer) {}
  func write(_ row: CandidateRow, _ decision: Decision, into out: inout ByteWriter) { out.write("{}") }
}
