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
  /// Which part of the input has been read, from 0 to 1; nil where that cannot be known.
  var share: Double? { get }
}

/// NDJSON, cut into blocks at the last LF of what has come; a last line without an LF is a line.
final class LineSource: CandidateSource {
  /// Bytes of a candidate's line, without its LF. The model sets no limit, and a server's guards its memory against
  /// strangers; this one only tells a file that has no lines from one that has.
  static let longestLine = 64 << 20
  /// Small enough to stay in a core's own cache between being read and being decoded.
  private static let blockSize = 1 << 18

  private let input: FileInput
  private let longestLine: Int
  /// An unfinished line.
  private var held: [UInt8] = []
  private var linesBefore = 0
  private var isAtEnd = false

  /// - Parameter longestLine: where a line is given up; the server has its own limit, and says so itself.
  init(_ input: FileInput, longestLine: Int = LineSource.longestLine) {
    self.input = input
    self.longestLine = longestLine
  }

  func next() throws -> Candidates? {
    if isAtEnd { return nil }
    var capacity = max(Self.blockSize, held.count * 2)
    var memory = allocate(capacity)
    memory.copyMemory(from: held, byteCount: held.count)
    var filled = held.count
    held.removeAll(keepingCapacity: true)
    do {
      while true {
        if filled == capacity {
          // One line is longer than all this.
          let larger = allocate(capacity * 2)
          larger.copyMemory(from: memory, byteCount: filled)
          memory.deallocate()
          memory = larger
          capacity *= 2
        }
        let count = try input.read(
          into: UnsafeMutableRawBufferPointer(start: memory + filled, count: capacity - filled))
        filled += count
        isAtEnd = count == 0
        if !isAtEnd, filled < Self.blockSize, input.isReady { continue }
        let bytes = UnsafeRawBufferPointer(start: memory, count: filled)
        let end = isAtEnd ? filled : (bytes.lastIndex(of: 0x0A) ?? -1) + 1
        if filled - end > longestLine { throw tooLong(line: linesBefore + lineCount(bytes) + 1) }
        if end > 0 { return candidates(memory, count: end, filled: filled) }
        if isAtEnd {
          memory.deallocate()
          return nil
        }
      }
    } catch {
      memory.deallocate()
      throw error
    }
  }

  private func allocate(_ capacity: Int) -> UnsafeMutableRawPointer {
    .allocate(byteCount: capacity + 1 + Block.room, alignment: 16)
  }

  /// Hands the whole lines over, and holds what follows them.
  private func candidates(_ memory: UnsafeMutableRawPointer, count: Int, filled: Int) -> Candidates {
    held.append(contentsOf: UnsafeRawBufferPointer(start: memory + count, count: filled - count))
    var count = count
    if memory.load(fromByteOffset: count - 1, as: UInt8.self) != 0x0A {
      memory.storeBytes(of: 0x0A, toByteOffset: count, as: UInt8.self)
      count += 1
    }
    let block = Block(adopting: memory, count: count)
    let lines = lineCount(block.bytes)
    defer { linesBefore += lines }
    return Candidates(block: block, firstLine: linesBefore + 1, lines: lines)
  }

  func place(ofLine line: Int) -> String { "\(input.name):\(line)" }
  var share: Double? { input.share }

  func tooLong(line: Int) -> Failure {
    Failure(
      .usage, "\(place(ofLine: line)): this line is longer than \(longestLine) bytes, and no \(input.subject.one) is")
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
