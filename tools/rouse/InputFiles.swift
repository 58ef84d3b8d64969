import RouseCore
import RouseWire

/// Several files as one input of lines that count: blank ones go, and every other has a place.
final class InputFiles: CandidateSource {
  /// Writes a line, without its LF, as it is to be sent.
  typealias Edit = (_ line: UnsafeRawBufferPointer, _ place: () -> String, _ number: Int, _ out: inout ByteWriter)
    throws -> Void

  let places: LinePlaces
  private let parts: [any CandidateSource]
  private let inputs: [FileInput]
  private let edit: Edit?
  private var current = 0
  private var linesBefore = 0

  /// - Parameters:
  ///   - paths: none: standard input.
  ///   - open: reads one of them.
  init(
    _ paths: [String], of subject: Subject, open: (FileInput, _ path: String?) throws -> any CandidateSource,
    edit: Edit? = nil
  ) throws {
    let paths: [String?] = paths.isEmpty ? [nil] : paths
    if paths.count(where: { $0 == nil || $0 == "-" }) > 1 {
      throw Failure(.usage, "standard input can be read once; give - once")
    }
    inputs = try paths.map { try FileInput($0, of: subject) }
    parts = try zip(inputs, paths).map(open)
    places = LinePlaces(parts)
    self.edit = edit
  }

  func next() throws -> Candidates? {
    while current < parts.count {
      guard let candidates = try parts[current].next() else {
        current += 1
        continue
      }
      let sent = try prepare(candidates)
      linesBefore += sent.lines
      if sent.lines > 0 { return sent }
    }
    return nil
  }

  private func prepare(_ candidates: Candidates) throws -> Candidates {
    var out = ByteWriter(capacity: candidates.block.count + 64)
    var line = candidates.firstLine
    var lines = 0
    for text in candidates.block.bytes.split(separator: 0x0A, omittingEmptySubsequences: false).dropLast() {
      defer { line += 1 }
      if text.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) { continue }
      lines += 1
      places.append(part: current, line: line)
      let bytes = UnsafeRawBufferPointer(rebasing: text)
      if let edit {
        let (part, number) = (parts[current], line)
        try edit(bytes, { part.place(ofLine: number) }, number, &out)
      } else {
        out.write(bytes)
      }
      out.put(0x0A)
    }
    return Candidates(block: Block(out.bytes), firstLine: linesBefore + 1, lines: lines)
  }

  func place(ofLine line: Int) -> String { places.place(of: line) }

  var share: Double? {
    var (read, all) = (0, 0)
    for input in inputs {
      guard let size = input.size else { return nil }
      read += input.position
      all += size
    }
    return all == 0 ? nil : min(1, Double(read) / Double(all))
  }
}
