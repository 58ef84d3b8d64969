import Foundation

/// What the C library is told about memory that comes and goes.
enum Memory {
  /// Blocks of a stream are given back and taken again thousands of times: to get each from the system, page by page, would
  /// cost more than to encrypt it. To be called before there are threads; does nothing where the C library is another one.
  static func keepBlocks() {
    typealias Option = @convention(c) (CInt, CInt) -> CInt
    guard let symbol = dlsym(nil, "mallopt") else { return }
    let set = unsafeBitCast(symbol, to: Option.self)
    // As malloc.h has them, which Swift's Glibc leaves out.
    let trimThreshold: CInt = -1
    let mmapThreshold: CInt = -3
    _ = set(mmapThreshold, 1 << 22)
    _ = set(trimThreshold, 1 << 25)
  }
}
