import Synchronization

/// Memory that many share: what is taken and not given back never exceeds its size.
final class MemoryPool: Sendable {
  /// Bytes.
  let size: Int
  private let taken = Atomic<Int>(0)

  init(size: Int) { self.size = max(0, size) }

  /// Bytes in use.
  var used: Int { taken.load(ordering: .relaxed) }

  /// False, and nothing is taken, when there is not so much left.
  func take(_ bytes: Int) -> Bool {
    let bytes = max(0, bytes)
    let now = taken.wrappingAdd(bytes, ordering: .relaxed).newValue
    if now <= size { return true }
    taken.wrappingSubtract(bytes, ordering: .relaxed)
    return false
  }

  /// For what is there already and has to be counted, though the pool be overdrawn by it.
  func takeAnyway(_ bytes: Int) { taken.wrappingAdd(max(0, bytes), ordering: .relaxed) }

  func giveBack(_ bytes: Int) { taken.wrappingSubtract(max(0, bytes), ordering: .relaxed) }
}

/// What one user of a pool has taken; given back when it goes.
struct MemoryLease: ~Copyable {
  private let pool: MemoryPool
  private(set) var bytes = 0

  init(of pool: MemoryPool) { self.pool = pool }

  /// Grows or shrinks to a number of bytes; false, and nothing changes, when the pool has not so much left.
  mutating func resize(to wanted: Int) -> Bool {
    let wanted = max(0, wanted)
    if wanted > bytes {
      guard pool.take(wanted - bytes) else { return false }
    } else {
      pool.giveBack(bytes - wanted)
    }
    bytes = wanted
    return true
  }

  /// Counts what is there already.
  mutating func count(_ actual: Int) {
    if !resize(to: actual) {
      pool.takeAnyway(actual - bytes)
      bytes = actual
    }
  }

  mutating func giveBack() { _ = resize(to: 0) }

  deinit { pool.giveBack(bytes) }
}
