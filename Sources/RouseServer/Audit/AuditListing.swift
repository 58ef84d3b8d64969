import Glibc
import RouseWire

/// Entries of an audit log for eyes.
package enum AuditListing {
  /// The last entries: number, time, event, then `key=value`, without the hashes.
  package static func last(_ most: Int, of file: String) throws(AuditError) -> [String] {
    let opened = try AuditFile(file, flags: O_RDONLY)
    var lines = AuditLines(opened.descriptor, file: file, end: opened.size())
    // A ring: the file may be long.
    var kept: [[UInt8]] = []
    var oldest = 0
    while let line = try lines.next() {
      if kept.count < most {
        kept.append(Array(line.bytes))
      } else {
        kept[oldest] = Array(line.bytes)
        oldest = (oldest + 1) % most
      }
    }
    return (kept[oldest...] + kept[..<oldest]).map(listed)
  }

  private static func listed(_ line: [UInt8]) -> String {
    var out = ByteWriter(capacity: 512)
    guard let entry = JSONValue(line), let seq = entry["seq"]?.whole, let at = entry["at"]?.text,
      let event = entry["event"]?.text
    else {
      out.write("not an entry: ")
      out.writeLogged(String(decoding: line, as: UTF8.self), room: line.count + 2)
      return String(decoding: out.bytes, as: UTF8.self)
    }
    out.write(seq)
    out.put(0x20)
    out.writeWord(at, room: 64)
    out.put(0x20)
    out.writeWord(event, room: 64)
    for member in entry.members where !["seq", "at", "event", "prev"].contains(member.name) {
      out.put(0x20)
      out.writeWord(member.name, room: 128)
      out.put(0x3D)
      if let text = member.value.text {
        out.writeWord(text, room: 6 * text.utf8.count + 8)
      } else {
        out.write(member.value.json)
      }
    }
    return String(decoding: out.bytes, as: UTF8.self)
  }
}
