/// What a reader remembers of the keys it has met, in plain memory: it is written for every key of every line.
final class KeyMemory {
  /// Serial of the object in which a key was last seen: the same serial again is the name twice in one object.
  let seen: UnsafeMutablePointer<UInt32>
  /// The key that followed a key in the last object: clients keep their order, so it is tried first.
  let following: UnsafeMutablePointer<Int32>
  /// The first key of each node's last object.
  let starting: UnsafeMutablePointer<Int32>
  private let count: Int

  init(_ tree: KeyTree) {
    count = tree.count
    seen = .allocate(capacity: count)
    seen.initialize(repeating: 0, count: count)
    following = .allocate(capacity: count)
    for key in 0..<count {
      (following + key).initialize(to: Int32(truncatingIfNeeded: key + 1 < count ? key + 1 : key))
    }
    starting = .allocate(capacity: tree.nodeCount)
    for (node, key) in tree.firstKeys.enumerated() { (starting + node).initialize(to: key) }
  }

  deinit {
    seen.deallocate()
    following.deallocate()
    starting.deallocate()
  }

  func forgetSeen() { seen.update(repeating: 0, count: count) }
}
