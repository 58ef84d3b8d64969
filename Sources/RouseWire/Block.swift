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
