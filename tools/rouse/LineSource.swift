import Foundation
import RouseWire

/// Some whole lines of the input.
struct Candidates {
  let block: Block
  /// The number of the first one, from 1.
  let firstLine: Int
  let lines: Int
}

/// Candidates as blocks of whole JSON lines, whatever the input is.
protocol CandidateSource: AnyObject {
  /// nil at the end.
  func next() throws -> Candidates?
  /// A line of the input, as messages name it.
  func place(ofLine line: Int) -> String
}

/// NDJSON, cut into blocks at the last LF of what has come; a last line without an LF is a line.
final class LineSource: CandidateSource {
  /// Bytes of a candidate's line, without its LF: the server's limit, and so ours.
  static let longestLine = 1 << 20
  private static let blockSize = 1 << 20

  private let input: FileInput
  private let longestLine: Int
  private let buffer: UnsafeMutableRawBufferPointer
  /// Bytes of an unfinished line, at the start of the buffer.
  private var held = 0
  private var linesBefore = 0
  private var isAtEnd = false

  /// - Parameter longestLine: where a line is given up; the server has its own limit, and says so itself.
  init(_ input: FileInput, longestLine: Int = LineSource.longestLine) {
    self.input = input
    self.longestLine = longestLine
    buffer = .allocate(byteCount: max(Self.blockSize, longestLine) + Self.blockSize, alignment: 16)
  }

  deinit { buffer.deallocate() }

  func next() throws -> Candidates? {
    while !isAtEnd {
      let count = try input.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[held...]))
      isAtEnd = count == 0
      let filled = held + count
      if !isAtEnd, filled < Self.blockSize, input.isReady {
        held = filled
        continue
      }
      let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<filled])
      let end = isAtEnd ? filled : (bytes.lastIndex(of: 0x0A) ?? -1) + 1
      if filled - end > longestLine { throw tooLong(line: linesBefore + lineCount(bytes) + 1) }
      guard end > 0 else {
        held = filled
        continue
      }
      let block = Block(UnsafeRawBufferPointer(rebasing: bytes[..<end]))
      held = filled - end
      if held > 0, let base = buffer.baseAddress { base.copyMemory(from: base + end, byteCount: held) }
      let lines = lineCount(block.bytes)
      defer { linesBefore += lines }
      return Candidates(block: block, firstLine: linesBefore + 1, lines: lines)
    }
    return nil
  }

  func place(ofLine line: Int) -> String { "\(input.name):\(line)" }

  func tooLong(line: Int) -> Failure {
    Failure(.usage, "\(place(ofLine: line)): this line is longer than \(longestLine) bytes, and no candidate is")
  }
}

func lineCount(_ bytes: UnsafeRawBufferPointer) -> Int {
  guard let base = bytes.baseAddress else { return 0 }
  var count = 0
  var at = 0
  while let found = memchr(base + at, 0x0A, bytes.count - at) {
    count += 1
    at = base.distance(to: found) + 1
  }
  return count
}
