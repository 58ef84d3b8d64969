import Testing

@testable import RouseWire

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Memory that ends where no byte can be read any more: who reads beyond what a line promises ends the process.
final class MemoryEdge {
  private static let size = 1 << 16
  private let start: UnsafeMutableRawPointer

  init() throws {
    let made = mmap(nil, Self.size * 2, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    start = try #require(made == MAP_FAILED ? nil : made)
    try #require(mprotect(start + Self.size, Self.size, PROT_NONE) == 0)
  }

  deinit { munmap(start, Self.size * 2) }

  /// - Parameters:
  ///   - line: without its LF.
  ///   - filler: what stands in the padding behind the LF, over and over.
  /// - Returns: the line, followed by an LF, the padding and nothing.
  func place(_ line: [UInt8], before filler: StaticString) -> UnsafeRawBufferPointer {
    let begin = start + Self.size - JSONScanner.padding - 1 - line.count
    begin.copyMemory(from: line, byteCount: line.count)
    begin.storeBytes(of: 0x0A, toByteOffset: line.count, as: UInt8.self)
    for index in 0..<JSONScanner.padding {
      let byte = filler.utf8Start[index % filler.utf8CodeUnitCount]
      begin.storeBytes(of: byte, toByteOffset: line.count + 1 + index, as: UInt8.self)
    }
    return UnsafeRawBufferPointer(start: begin, count: line.count)
  }
}
