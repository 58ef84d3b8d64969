import ArgumentParser
import RouseCore
import RouseWire

/// For files that were not made for a policy: what every row needs and theirs lack.
struct InputAdaptation: ParsableArguments {
  @Option(help: ArgumentHelp("Take the user_id from this field or column.", valueName: "field"))
  var id: String?

  @Flag(help: "Rows have no key: the user_id is the row's number.")
  var numberRows = false

  @Option(
    help: ArgumentHelp(
      "Give a time field this time in every row that lacks it; repeatable. A stage needs a time to count from, and some "
        + "data have none.", valueName: "field=time"))
  var setTime: [String] = []

  @Option(
    help: ArgumentHelp(
      "A CSV's dates, and its times without an offset, are of this offset, such as +08:00; by default +00:00.",
      valueName: "offset"))
  var utcOffset = "+00:00"

  func validate() throws {
    guard utcOffset == "Z" || Moment.parse("2000-01-01T00:00:00" + utcOffset) != nil, utcOffset != "z" else {
      throw ValidationError("'\(utcOffset)' for --utc-offset is no offset such as +08:00 or -05:30")
    }
    if id != nil, numberRows { throw ValidationError("--id and --number-rows exclude each other") }
    for text in setTime {
      guard let (_, time) = Self.pair(text), Moment.parse(time) != nil else {
        throw ValidationError("'\(text)' for --set-time is not FIELD=TIME, such as seen_at=2026-01-01T00:00:00Z")
      }
    }
  }

  static func pair(_ text: String) -> (field: String, time: String)? {
    guard let equals = text.firstIndex(of: "="), equals != text.startIndex else { return nil }
    return (String(text[..<equals]), String(text[text.index(after: equals)...]))
  }

  /// What is put after a CSV's times that have no offset.
  var timeSuffix: String { utcOffset == "+00:00" ? "Z" : utcOffset }
  var givesUserID: Bool { id != nil || numberRows }
  var times: [(field: String, time: String)] { setTime.compactMap(Self.pair) }

  func adapt(_ source: any CandidateSource) -> any CandidateSource {
    guard givesUserID || !setTime.isEmpty else { return source }
    return AdaptedSource(source, id: id, numbersRows: numberRows, times: times)
  }
}

/// Rows with what they lacked put first.
final class AdaptedSource: CandidateSource {
  private let source: any CandidateSource
  private let id: String?
  private let numbersRows: Bool
  private let times: [(field: String, time: String)]

  init(_ source: any CandidateSource, id: String?, numbersRows: Bool, times: [(field: String, time: String)]) {
    self.source = source
    self.id = id
    self.numbersRows = numbersRows
    self.times = times
  }

  func next() throws -> Candidates? {
    guard let candidates = try source.next() else { return nil }
    var out = ByteWriter(capacity: candidates.block.count + candidates.lines * 64)
    var number = candidates.firstLine
    for line in candidates.block.bytes.split(separator: 0x0A, omittingEmptySubsequences: false).dropLast() {
      write(UnsafeRawBufferPointer(rebasing: line), number, into: &out)
      out.put(0x0A)
      number += 1
    }
    return Candidates(block: Block(out.bytes), firstLine: candidates.firstLine, lines: candidates.lines)
  }

  /// A line that is no object stays, for the model to report.
  private func write(_ line: UnsafeRawBufferPointer, _ number: Int, into out: inout ByteWriter) {
    guard let row = JSONValue(line), case .object(let members) = row, let start = line.firstIndex(of: 0x7B) else {
      return out.write(line)
    }
    out.put(0x7B)
    var isFirst = true
    func put(_ name: String, _ text: String) {
      if !isFirst { out.put(0x2C) }
      isFirst = false
      out.writeQuoted(name)
      out.put(0x3A)
      out.writeQuoted(text)
    }
    if row["user_id"] == nil {
      if numbersRows { put("user_id", "\(number)") }
      if let id, let value = row.at(path: id), let key = Self.key(value) { put("user_id", key) }
    }
    for (field, time) in times where row.at(path: field) == nil { put(field, time) }
    if !isFirst, !members.isEmpty { out.put(0x2C) }
    out.write(UnsafeRawBufferPointer(rebasing: line[(start + 1)...]))
  }

  static func key(_ value: JSONValue) -> String? {
    switch value {
    case .text(let text): text
    case .number(let text): text
    default: nil
    }
  }

  func place(ofLine line: Int) -> String { source.place(ofLine: line) }
  var share: Double? { source.share }
}

extension JSONValue {
  /// The value at a dotted path, spelled either way; nil where there is none, or null.
  func at(path: String) -> JSONValue? {
    if let value = self[path] { return value.isNull ? nil : value }
    var at = path.startIndex
    while let dot = path[at...].firstIndex(of: ".") {
      if let inner = self[String(path[..<dot])], let value = inner.at(path: String(path[path.index(after: dot)...])) {
        return value
      }
      at = path.index(after: dot)
    }
    return nil
  }
}
