import RouseCore

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// What a `score` line looked like around its id and its candidates.
///
/// A client writes all its requests alike: the next line mostly differs in the id and the candidates alone, and says the
/// same otherwise. Such a line is not read as a request again, and its candidates are read once, not first to be counted:
/// on one candidate a line this saves half of the work.
package final class RequestShape: Sendable {
  /// What each line of this shape asks for, but for the id and for where the candidates are.
  package let request: Request
  /// Up to the id; where there is none, up to the candidates.
  private let head: [UInt8]
  /// Between the id and the candidates; nil where there is no id.
  private let middle: [UInt8]?
  /// What follows the candidates, without the LF.
  private let tail: [UInt8]

  /// A line of the shape.
  package struct Likeness {
    /// Of the id's JSON text within the line.
    package let id: Range<Int>?
    /// Offset of the list of candidates.
    package let at: Int
    /// Offset of what must follow the list.
    let end: Int
  }

  /// - Parameters:
  ///   - request: as it was read from the line, without a fault.
  ///   - line: with its LF.
  /// - Returns: nil for a line whose like cannot be told by comparing bytes: the id stands behind the candidates, or other
  ///   members are objects or lists, in which a name could be taken for the id's.
  package init?(of request: Request, in line: Block) {
    guard case .users(let at, _) = request.candidates else { return nil }
    let bytes = line.bytes
    let list = line.list(at: at)
    let before = UnsafeRawBufferPointer(rebasing: bytes[..<at])
    guard before.count(where: { $0 == 0x7B || $0 == 0x5B }) == 1, !before.contains(0x5C), list.endIndex < bytes.endIndex
    else {
      return nil
    }
    tail = Array(bytes[list.endIndex..<(bytes.endIndex - 1)])
    guard tail.count <= Self.longestPart, before.count <= Self.longestPart else { return nil }
    if let id = request.id {
      guard let start = Self.value(ofID: id, in: before) else { return nil }
      head = Array(before[..<start])
      middle = Array(before[(start + id.count)...])
    } else {
      head = Array(before)
      middle = nil
    }
    self.request = request
  }

  /// More of a line than this is not compared.
  private static let longestPart = 1024

  /// Where the id's value begins. There are no escapes, so nothing but a name reads `"id"` and is followed by a colon.
  private static func value(ofID id: [UInt8], in bytes: UnsafeRawBufferPointer) -> Int? {
    var at = 0
    while at + 4 < bytes.count {
      guard bytes[at] == 0x22, bytes[at + 1] == 0x69, bytes[at + 2] == 0x64, bytes[at + 3] == 0x22 else {
        at += 1
        continue
      }
      at += 4
      func skipSpace() { while at < bytes.count, isBlank(UnsafeRawBufferPointer(rebasing: bytes[at...at])) { at += 1 } }
      skipSpace()
      guard at < bytes.count, bytes[at] == 0x3A else { continue }
      at += 1
      skipSpace()
      return bytes[at...].starts(with: id) ? at : nil
    }
    return nil
  }

  /// - Parameter line: without its LF.
  /// - Returns: nil when the line is not of this shape, or its id is one that is to be looked at more closely.
  package func likeness(_ line: UnsafeRawBufferPointer) -> Likeness? {
    guard Self.has(line, head, at: 0) else { return nil }
    var at = head.count
    var id: Range<Int>?
    if let middle {
      guard let end = Self.endOfID(line, at) else { return nil }
      id = at..<end
      guard Self.has(line, middle, at: end) else { return nil }
      at = end + middle.count
    }
    let end = line.count - tail.count
    guard at < end, line[at] == 0x5B, Self.has(line, tail, at: end) else { return nil }
    return Likeness(id: id, at: at, end: end)
  }

  private static func has(_ line: UnsafeRawBufferPointer, _ part: [UInt8], at: Int) -> Bool {
    guard part.count <= line.count - at, let base = line.baseAddress else { return false }
    return part.withUnsafeBytes { part in
      guard let start = part.baseAddress else { return true }
      return memcmp(base + at, start, part.count) == 0
    }
  }

  /// The end of an id that needs no closer look: a plain integer, or a short text of plain characters.
  private static func endOfID(_ line: UnsafeRawBufferPointer, _ start: Int) -> Int? {
    let most = min(line.count, start + 64)
    guard start < most else { return nil }
    var at = start
    if line[at] == 0x22 {
      at += 1
      while at < most {
        switch line[at] {
        case 0x22: return at + 1
        case 0x20, 0x21, 0x23...0x5B, 0x5D...0x7E: at += 1
        default: return nil
        }
      }
      return nil
    }
    while at < most, at - start < 16, line[at] >= 0x30, line[at] <= 0x39 { at += 1 }
    guard at > start, at - start < 16, line[start] != 0x30 || at == start + 1 else { return nil }
    return at
  }
}

extension BatchWorker {
  /// Scores the candidates of a line that looks like one before it: rows with commas between them.
  /// - Parameters:
  ///   - line: without its LF, which follows it, and after that `Block.room` readable bytes.
  ///   - most: candidates that a request may have.
  /// - Returns: whether the line is whole and well-formed. If not, what was written counts for nothing: the line is to be
  ///   read as a request, for its fault.
  package func score(
    _ line: UnsafeRawBufferPointer, like likeness: RequestShape.Likeness, most: Int, into out: inout ByteWriter,
    totals: inout Totals
  ) -> Bool {
    guard let base = line.baseAddress else { return false }
    var scanner = JSONScanner(
      base: base.assumingMemoryBound(to: UInt8.self), count: line.count, at: likeness.at)
    do throws(JSONFault) {
      try scanner.enter(2)
      var isFirst = true
      while try scanner.nextItem(&isFirst) {
        if totals.lines > 0 { out.put(0x2C) }
        if totals.lines == most { return false }
        try score(&scanner, depth: 3, into: &out, totals: &totals)
      }
    } catch {
      return false
    }
    return scanner.at == likeness.end
  }
}
