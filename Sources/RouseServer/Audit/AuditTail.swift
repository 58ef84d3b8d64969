import Glibc
import RouseWire

/// Where an audit log's file ends: the entry to go on from, and what a write that was cut off has left behind it.
struct AuditTail {
  /// Up to the last LF.
  var wholeBytes = 0
  /// After the last LF.
  var torn: [UInt8] = []
  var position = AuditPosition.none

  /// Reads no more of the file than its end, unless that is no entry.
  init(_ descriptor: Int32, file: String, size: Int) throws(AuditError) {
    guard size > 0 else { return }
    for window in [1 << 16, AuditLines.longest] {
      let from = max(0, size - window)
      let bytes = try Self.read(descriptor, file, from: from, count: size - from)
      guard let end = bytes.lastIndex(of: 0x0A) else {
        if from > 0 { continue }
        torn = bytes
        guard Self.mayBegin(torn) else { throw Self.isNone(file) }
        return
      }
      torn = Array(bytes[(end + 1)...])
      wholeBytes = from + end + 1
      let start = bytes[..<end].lastIndex(of: 0x0A).map { $0 + 1 }
      if start == nil, from > 0 { continue }
      let line = bytes[(start ?? 0)..<end]
      let hash = line.withUnsafeBytes { AuditPosition.hash($0) }
      let seq: Int
      if let own = Self.seq(line) { seq = own } else { seq = try Self.seqByCount(descriptor, file, wholeBytes) }
      position = AuditPosition(seq: seq, hash: hash)
      return
    }
    throw Self.isNone(file)
  }

  private static func read(_ descriptor: Int32, _ file: String, from: Int, count: Int) throws(AuditError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var done = 0
    while done < count {
      let got = bytes.withUnsafeMutableBytes { bytes in
        pread(descriptor, bytes.baseAddress.map { $0 + done }, count - done, from + done)
      }
      if got < 0, errno == EINTR { continue }
      guard got > 0 else { throw .system(file, "cannot be read", got < 0 ? errno : EIO) }
      done += got
    }
    return bytes
  }

  /// An entry's number; nil when the line is none.
  private static func seq(_ line: ArraySlice<UInt8>) -> Int? {
    guard let entry = JSONValue(line), let seq = entry["seq"]?.whole, (1..<AuditPosition.mostSeq).contains(seq),
      entry["prev"]?.text != nil
    else { return nil }
    return seq
  }

  /// Someone has damaged the last line. If the first is an entry the file is an audit log all the same: the log goes on
  /// behind the damage, and the verification shows it for good.
  private static func seqByCount(_ descriptor: Int32, _ file: String, _ end: Int) throws(AuditError) -> Int {
    var lines = AuditLines(descriptor, file: file, end: end)
    var count = 0
    while let line = try lines.next() {
      if line.number == 1, seq(ArraySlice(line.bytes)) == nil { throw isNone(file) }
      count = line.number
    }
    return count
  }

  /// What is without any LF is only cut off when it looks like the beginning of a first line.
  private static func mayBegin(_ torn: [UInt8]) -> Bool {
    let beginning = Array("{\"seq\":1,".utf8)
    return torn.starts(with: beginning) || beginning.starts(with: torn)
  }

  private static func isNone(_ file: String) -> AuditError {
    AuditError(file, "this is no audit log, so nothing is written to it; name another file under audit")
  }
}
