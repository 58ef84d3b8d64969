import RouseCore
import RouseWire

/// A CSV file as JSON lines: the header names the fields by their paths, and the policy says of what type the cells are.
final class CSVSource: CandidateSource {
  private static let blockSize = 1 << 20
  /// Bytes: a record is a row of a table, and beyond this a quote is missing somewhere.
  private static let longestRecord = 1 << 19

  private var parser: CSVParser
  private let columns: CSVColumns
  private var record = CSVParser.Record()
  private var linesBefore = 0
  private var isAtEnd = false

  /// - Parameters:
  ///   - kinds: of the policy's fields, by name.
  ///   - known: all columns that there may be; nil: any.
  ///   - needsUserID: a column `user_id` must be there.
  ///   - renamesAll: as `CSVColumns` has it.
  ///   - utcOffset: of times that have none.
  init(
    _ input: FileInput, kinds: [String: FieldKind], known: [String]? = nil, needsUserID: Bool = true,
    renamesAll: Bool = false, utcOffset: String = "Z"
  ) throws {
    var parser = CSVParser(input, longestRecord: Self.longestRecord)
    var header = CSVParser.Record()
    guard try parser.next(&header) else {
      throw Failure(.usage, "\(input.name) is empty; its first line should name the columns")
    }
    do {
      columns = try CSVColumns(
        header.texts, kinds: kinds, known: known, needsUserID: needsUserID, renamesAll: renamesAll, utcOffset: utcOffset
      )
    } catch let fault as CSVColumns.Fault {
      throw parser.fault(header.line, fault.message)
    }
    self.parser = parser
  }

  func next() throws -> Candidates? {
    if isAtEnd { return nil }
    var out = ByteWriter(capacity: Self.blockSize + (1 << 16))
    while out.count < Self.blockSize {
      if out.count > 0, parser.mustWait { break }
      guard try parser.next(&record) else {
        isAtEnd = true
        break
      }
      guard record.count == columns.count else {
        throw parser.fault(
          record.line, "this line has \(record.count) cells, but the header names \(columns.count) columns")
      }
      let start = out.count
      do {
        try columns.write(record, into: &out)
      } catch let fault as CSVColumns.Fault {
        throw parser.fault(record.line, fault.message)
      }
      if out.count - start > 2 * Self.longestRecord {
        throw parser.fault(record.line, "this line is longer than any \(parser.input.subject.one) may be")
      }
      out.put(0x0A)
    }
    guard out.count > 0 else { return nil }
    let lines = lineCount(out.bytes)
    defer { linesBefore += lines }
    return Candidates(block: Block(out.bytes), firstLine: linesBefore + 1, lines: lines)
  }

  func place(ofLine line: Int) -> String { "\(parser.input.name), \(parser.input.subject.one) \(line)" }
  var share: Double? { parser.input.share }
}
