import Glibc
import RouseCore
import RouseWire

/// Reads a whole audit log and says whether it is as it was written.
package enum AuditVerification {
  package enum Outcome: Sendable, Equatable {
    /// - headLine: the line that has the hash that was looked for.
    case sound(entries: Int, last: AuditPosition, headLine: Int?)
    /// The first line that cannot stand where it stands, and what that means.
    case broken(line: Int, reason: String)
  }

  /// - Parameter head: the hash of a line that must be there.
  package static func run(file: String, head: String? = nil) throws(AuditError) -> Outcome {
    let opened = try AuditFile(file, flags: O_RDONLY)
    // A server may be writing: with the lock held no line is half there, and what comes later is not read.
    try opened.lock(LOCK_SH)
    let size = opened.size()
    opened.unlock()
    var lines = AuditLines(opened.descriptor, file: file, end: size)
    var last = AuditPosition.none
    var headLine: Int?
    while let line = try lines.next() {
      if let reason = fault(line, behind: last) { return .broken(line: line.number, reason: reason) }
      last = AuditPosition(seq: line.number, hash: AuditPosition.hash(line.bytes))
      if last.hash == head { headLine = line.number }
    }
    if let head, headLine == nil {
      return .broken(
        line: last.seq,
        reason: "no line up to this last one has the hash \(head): since it was taken, lines were cut off or changed")
    }
    return .sound(entries: last.seq, last: last, headLine: headLine)
  }

  private static func fault(_ line: AuditLines.Line, behind last: AuditPosition) -> String? {
    guard line.isWhole else {
      return "the line has no end: its write was cut off (a server takes it out when it next writes), or someone cut it"
    }
    guard let entry = JSONValue(line.bytes), case .object = entry else {
      return "this is no JSON object: the line was changed"
    }
    guard let seq = entry["seq"]?.whole, let event = entry["event"]?.text, !event.isEmpty,
      let at = entry["at"]?.text, Moment.parse(at) != nil, let prev = entry["prev"]?.text
    else {
      return "this is no entry (seq, at, event, prev): the line was changed"
    }
    guard seq == line.number else {
      return seq > line.number
        ? "seq is \(seq) and should be \(line.number): lines were taken out before it, or the line was changed"
        : "seq is \(seq) and should be \(line.number): lines were put in before it, or the line was changed"
    }
    guard prev == last.hash else {
      return line.number == 1
        ? "prev is not 64 zeros: lines were taken out before it, or the line was changed"
        : "prev is not the hash of line \(line.number - 1): that line was changed after this one was written, or this one"
    }
    return nil
  }
}
