import Glibc

/// What the C library is told about memory that has been given back.
package enum Allocator {
  /// Blocks of this many bytes come from the system, and go back to it at once. Without this glibc learns, from the first
  /// large one that is freed, to keep such blocks: after a crowd of long lines it would hold their memory for good, in
  /// pieces.
  private static let returned: CInt = 1 << 17

  /// To be called before there are threads. Does nothing where the C library is another one.
  package static func giveBackWhatIsLarge(processors: Int) {
    typealias Option = @convention(c) (CInt, CInt) -> CInt
    guard let symbol = dlsym(nil, "mallopt") else { return }
    let set = unsafeBitCast(symbol, to: Option.self)
    // As malloc.h has them, which Swift's Glibc leaves out.
    let trimThreshold: CInt = -1
    let mmapThreshold: CInt = -3
    let arenaMax: CInt = -8
    _ = set(mmapThreshold, returned)
    // Its default would go with the one above, and memory come and go with each request.
    _ = set(trimThreshold, 1 << 22)
    // Each thread of its own arena keeps what another thread's requests have left there.
    _ = set(arenaMax, CInt(clamping: max(2, processors)))
  }
}
