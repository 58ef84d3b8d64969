import Glibc

/// What the C library is told about memory that has been given back.
package enum Allocator {
  /// Blocks of this many bytes come from the system, and go back to it at once. Without this glibc learns, from the first
  /// large one that is freed, to keep such blocks: after a crowd of long lines it would hold their memory for good, in
  /// pieces.
  private static let returned: CInt = 1 << 19

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
  /// Gives back every page that nothing stands on, also between blocks that are in use. It takes milliseconds, during which
  /// other threads may have to wait for memory.
  static func giveBackAll() {
    typealias Trim = @convention(c) (Int) -> CInt
    guard let symbol = dlsym(nil, "malloc_trim") else { return }
    _ = unsafeBitCast(symbol, to: Trim.self)(0)
  }
}

/// Notices that a crowd has gone, or what it asked for: then is the time to give back what lies between what stays.
struct Tide {
  private var highest = 0
  /// Below so many bytes it is not worth it.
  private static let least = 8 << 20

  /// - Parameter level: bytes that are in use, about.
  /// - Returns: whether it has fallen by half since it was highest.
  mutating func hasFallen(to level: Int) -> Bool {
    highest = max(highest, level)
    guard highest >= Self.least, level <= highest / 2 else { return false }
    highest = level
    return true
  }
}
