/// CSV as RFC 4180 has it, or with semicolons or tabs between cells: quoted cells may hold commas, quotes (doubled) and line ends; lines end with LF or CRLF; a BOM
/// at the start is dropped. One record at a time, from a file of any size.
struct CSVParser {
  /// The cells of one record, one after the other.
  struct Record {
    var bytes: [UInt8] = []
    /// Where each cell ends.
    var ends: [Int] = []
    /// Of its first byte, from 1.
    var line = 1

    var count: Int { ends.count }
    subscript(_ cell: Int) -> ArraySlice<UInt8> { bytes[(cell == 0 ? 0 : ends[cell - 1])..<ends[cell]] }
    var texts: [String] { (0..<count).map { String(decoding: self[$0], as: UTF8.self) } }
    /// A blank line.
    var isBlank: Bool { count == 1 && bytes.isEmpty }
  }

  let input: FileInput
  private var buffer = [UInt8](repeating: 0, count: 1 << 18)
  private var at = 0
  private var end = 0
  private var line = 1
  private var isAtStart = true
  private let longestRecord: Int
  /// What stands between cells: a comma, or where the first line has none outside quotes, its semicolons or tabs.
  private(set) var separator: UInt8 = 0x2C

  init(_ input: FileInput, longestRecord: Int) {
    self.input = input
    self.longestRecord = longestRecord
  }

  /// Nothing is read that has not been used, and more would have to be waited for.
  var mustWait: Bool { at == end && !input.isReady }

  /// The next record that is not blank; false at the end.
  mutating func next(_ record: inout Record) throws -> Bool {
    repeat {
      record.bytes.removeAll(keepingCapacity: true)
      record.ends.removeAll(keepingCapacity: true)
      record.line = line
      guard try read(&record) else { return false }
    } while record.isBlank
    return true
  }

  private mutating func byte() throws -> UInt8? {
    if at == end {
      let input = input
      end = try buffer.withUnsafeMutableBytes { try input.read(into: $0) }
      at = 0
      if end == 0 { return nil }
      if isAtStart {
        isAtStart = false
        if buffer[..<min(end, 3)].elementsEqual([0xEF, 0xBB, 0xBF]) { at = 3 }
        separator = Self.separator(of: buffer[at..<end])
        if at == end { return try byte() }
      }
    }
    at += 1
    return buffer[at - 1]
  }

  /// By the first line, as far as it is here.
  private static func separator(of bytes: ArraySlice<UInt8>) -> UInt8 {
    var counts: [UInt8: Int] = [:]
    var isQuoted = false
    for byte in bytes {
      if byte == 0x22 { isQuoted.toggle() }
      if isQuoted { continue }
      if byte == 0x0A { break }
      if byte == 0x2C || byte == 0x3B || byte == 0x09 { counts[byte, default: 0] += 1 }
    }
    if counts[0x2C] != nil { return 0x2C }
    return counts[0x3B, default: 0] >= counts[0x09, default: 0] ? (counts[0x3B] == nil ? 0x2C : 0x3B) : 0x09
  }

  private mutating func read(_ record: inout Record) throws -> Bool {
    var isEmpty = true
    while true {
      guard let separator = try cell(&record, first: isEmpty) else {
        // The end of the file ends a record, unless it stands right after a line end.
        if isEmpty, record.bytes.isEmpty { return false }
        record.ends.append(record.bytes.count)
        return true
      }
      isEmpty = false
      record.ends.append(record.bytes.count)
      if separator == 0x0A { return true }
    }
  }

  /// Reads a cell; its separator (or LF), or nil at the end of the file.
  private mutating func cell(_ record: inout Record, first: Bool) throws -> UInt8? {
    let start = record.bytes.count
    while let byte = try byte() {
      switch byte {
      case separator: return byte
      case 0x0A:
        line += 1
        if record.bytes.count > start, record.bytes.last == 0x0D { record.bytes.removeLast() }
        return byte
      case 0x22 where record.bytes.count == start: return try quoted(&record)
      default: try append(byte, &record)
      }
    }
    return nil
  }

  /// The rest of a cell that began with a quote.
  private mutating func quoted(_ record: inout Record) throws -> UInt8? {
    let start = line
    while let byte = try byte() {
      if byte == 0x0A { line += 1 }
      guard byte == 0x22 else {
        try append(byte, &record)
        continue
      }
      switch try self.byte() {
      case 0x22: try append(0x22, &record)
      case separator: return separator
      case 0x0A:
        line += 1
        return 0x0A
      case 0x0D:
        let next = try self.byte()
        guard next == 0x0A || next == nil else {
          throw fault(line, "a comma or a line end must follow a closing quote")
        }
        line += 1
        return next
      case nil: return nil
      default: throw fault(line, "a comma or a line end must follow a closing quote; write a quote in a cell twice")
      }
    }
    throw fault(start, "the cell in quotes that begins here has no closing quote")
  }

  private func append(_ byte: UInt8, _ record: inout Record) throws {
    if record.bytes.count >= longestRecord {
      throw fault(record.line, "this line is longer than \(longestRecord) bytes, and no \(input.subject.one) is")
    }
    record.bytes.append(byte)
  }

  func fault(_ line: Int, _ message: String) -> Failure { Failure(.usage, "\(input.name):\(line): \(message)") }
}
