import COpenSSL
import RouseWire

/// An entry's place in the audit log: whoever keeps it elsewhere can tell later whether the file still has that entry.
package struct AuditPosition: Sendable, Equatable, CustomStringConvertible {
  /// From 1.
  package let seq: Int
  /// SHA-256 of the line without its LF, 64 hexadecimal digits; the next line's `prev`.
  package let hash: String

  /// Before the first entry.
  package static let none = AuditPosition(seq: 0, hash: String(repeating: "0", count: 64))
  /// Beyond it readers of JSON disagree about numbers (RFC 7493).
  static let mostSeq = 1 << 53 - 1

  package var description: String { "\(seq):\(hash)" }

  static func hash(_ line: UnsafeRawBufferPointer) -> String {
    var state = rouse_sha256_prefix()
    rouse_sha256_start(&state, line.baseAddress, line.count)
    var digest = [UInt8](repeating: 0, count: 32)
    rouse_sha256_finish(&state, nil, 0, &digest)
    return hexadecimal(digest)
  }

  /// Writes an event's line, LF included, and goes on to it.
  func writeNext(_ event: AuditEvent, at time: LogTime, into out: inout ByteWriter) -> AuditPosition {
    let start = out.count
    let next = min(seq, Self.mostSeq - 1) + 1
    out.write("{\"seq\":")
    out.write(next)
    out.write(",\"at\":\"")
    out.write(time.text)
    out.write("\",\"event\":\"")
    out.write(event.name)
    out.put(0x22)
    event.writeMembers(into: &out)
    out.write(",\"prev\":\"")
    out.write(hash)
    out.write("\"}")
    let position = AuditPosition(seq: next, hash: Self.hash(UnsafeRawBufferPointer(rebasing: out.bytes[start...])))
    out.put(0x0A)
    return position
  }
}
