#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Whole lines in memory of their own, each ended by an LF, with the room behind them that `JSONScanner` needs: what is
/// handed from the socket or a file to the threads that decode.
package final class Block: @unchecked Sendable {
  // Sendable because it is written before it is handed over, and only read after.
  private let base: UnsafeMutableRawPointer
  package let count: Int

  /// Copies bytes that are whole lines; a last line without an LF gets one.
  package convenience init(_ bytes: UnsafeRawBufferPointer) {
    self.init(head: UnsafeRawBufferPointer(start: nil, count: 0), bytes)
  }

  /// Copies two parts that belong together.
  package init(head: UnsafeRawBufferPointer, _ bytes: UnsafeRawBufferPointer) {
    let total = head.count + bytes.count
    let last = bytes.last ?? head.last ?? 0x0A
    count = total + (last == 0x0A ? 0 : 1)
    base = .allocate(byteCount: count + JSONScanner.padding + 1, alignment: 16)
    if let start = head.baseAddress { base.copyMemory(from: start, byteCount: head.count) }
    if let start = bytes.baseAddress { (base + head.count).copyMemory(from: start, byteCount: bytes.count) }
    if count > total { base.storeBytes(of: 0x0A, toByteOffset: total, as: UInt8.self) }
    for index in count..<(count + JSONScanner.padding + 1) {
      base.storeBytes(of: 0x0A, toByteOffset: index, as: UInt8.self)
    }
  }

  /// Takes over memory that was read into.
  /// - Parameters:
  ///   - memory: made by `allocate`, with `room` readable bytes behind `count`.
  ///   - count: bytes of whole lines, the last of them an LF.
  package init(adopting memory: UnsafeMutableRawPointer, count: Int) {
    base = memory
    self.count = count
  }

  /// Bytes that must be readable behind a block's own.
  package static let room = JSONScanner.padding + 1

  deinit { base.deallocate() }

  package var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }
}

extension Block {
  /// The next line that is not blank, without its LF; one that is too long counts as such, whatever it is made of.
  /// - Parameter at: where to go on; moved behind the line.
  package func nextLine(_ at: inout Int, longest: Int) -> UnsafeRawBufferPointer? {
    let bytes = bytes
    guard let base = bytes.baseAddress else { return nil }
    while at < bytes.count {
      guard let found = memchr(base + at, 0x0A, bytes.count - at) else { return nil }
      let end = base.distance(to: found)
      let line = UnsafeRawBufferPointer(rebasing: bytes[at..<end])
      at = end + 1
      if line.count > longest || !isBlank(line) { return line }
    }
    return nil
  }

  /// Goes through the items of a list in a request's line.
  /// - Parameter at: offset of the list.
  func eachItem(
    ofListAt at: Int, _ body: (inout JSONScanner) throws(JSONFault) -> Void
  ) throws(WireError) {
    guard let base = bytes.baseAddress else { return }
    var scanner = JSONScanner(base: base.assumingMemoryBound(to: UInt8.self), count: max(0, count - 1), at: at)
    do {
      try scanner.enter(2)
      var isFirst = true
      while try scanner.nextItem(&isFirst) { try body(&scanner) }
    } catch {
      throw WireError(error)
    }
  }
}

extension Block {
  /// The bytes of a list in a request's line that has been read before.
  /// - Parameter at: offset of the list.
  package func list(at: Int) -> UnsafeRawBufferPointer.SubSequence {
    guard let base = bytes.baseAddress else { return bytes[...] }
    var scanner = JSONScanner(base: base.assumingMemoryBound(to: UInt8.self), count: max(0, count - 1), at: at)
    var names = KeyNames()
    var scratch: [UInt8] = []
    guard (try? scanner.skip(1, &names, &scratch)) != nil else { return bytes[at...] }
    return bytes[at..<scanner.at]
  }
}

extension Block {
  /// The items of a list in a request's line, each as a line of its own: a line holds no LF.
  /// - Parameter at: offset of the list.
  package func itemLines(at: Int) throws(WireError) -> Block {
    var lines = ByteWriter(capacity: count)
    try eachItem(ofListAt: at) { (scanner) throws(JSONFault) in
      var names = KeyNames()
      var scratch: [UInt8] = []
      let start = scanner.at
      try scanner.skip(2, &names, &scratch)
      lines.write(UnsafeRawBufferPointer(start: scanner.base + start, count: scanner.at - start))
      lines.put(0x0A)
    }
    return Block(lines.bytes)
  }
}

/// Only space, tab and CR.
@inline(__always)
package func isBlank(_ line: UnsafeRawBufferPointer) -> Bool {
  if let first = line.first, first > 0x20 { return false }
  return line.allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }
}
