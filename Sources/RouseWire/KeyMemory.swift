import CScan

/// The keys of a tree with what a reader remembers of them: it is read and written for every key of every line, so it is
/// plain memory, all of a key in one place.
final class KeyMemory {
  struct Key {
    let token: KeyTree.Token
    let target: KeyTree.Target
    /// Serial of the object in which the key was last seen: the same serial again is the name twice in one object.
    var seen: UInt32 = 0
    /// The key that followed it in the last object: clients keep their order, so it is tried first. Always one of the same
    /// node.
    var next: UnsafeMutablePointer<Key>

    /// Whether the bytes from a place on are the key's token.
    /// - Parameter place: with `JSONScanner.padding` readable bytes from it on.
    @inline(__always)
    static func matches(_ key: UnsafeMutablePointer<Key>, at place: UnsafePointer<UInt8>) -> Bool {
      let token = UnsafeRawPointer(key)
      return scan_matches(place, token, token + MemoryLayout<KeyTree.Token>.size / 2)
    }
  }

  /// The tree's keys, and behind them one a node that stands for an object's beginning: none is ever found there, but one
  /// follows.
  let keys: UnsafeMutablePointer<Key>
  private let count: Int

  init(_ tree: KeyTree) {
    count = tree.tokens.count
    keys = .allocate(capacity: count + tree.keys.count)
    func make(_ key: Int, next: Int) -> Key {
      Key(token: tree.tokens[key], target: tree.targets[key], next: keys + next)
    }
    for (node, own) in tree.keys.enumerated() {
      for key in own {
        (keys + key).initialize(to: make(key, next: key + 1 < own.upperBound ? key + 1 : own.lowerBound))
      }
      (keys + count + node).initialize(to: make(own.lowerBound, next: own.lowerBound))
    }
  }

  deinit { keys.deallocate() }

  func start(of node: Int) -> UnsafeMutablePointer<Key> { keys + count + node }

  func forgetSeen() {
    for key in 0..<count { keys[key].seen = 0 }
  }
}
