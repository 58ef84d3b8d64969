/// The names of the object being read that nobody declared, so that one that comes twice is noticed. Names of enclosing
/// objects stand below on the same stack.
struct KeyNames {
  private struct Name {
    let hash: Int
    let start: Int
    let count: Int
  }

  /// Above so many names in one object a set takes over from comparing each with each.
  private static let few = 24

  private var names: [Name] = []
  private var bytes: [UInt8] = []
  private var sets: [(base: Int, names: Set<[UInt8]>)] = []

  /// Where an object's names begin.
  typealias Mark = (names: Int, bytes: Int)

  var mark: Mark { (names.count, bytes.count) }

  mutating func forget(from mark: Mark) {
    names.removeLast(names.count - mark.names)
    bytes.removeLast(bytes.count - mark.bytes)
    while let last = sets.last, last.base >= mark.names { sets.removeLast() }
  }

  mutating func removeAll() {
    names.removeAll(keepingCapacity: true)
    bytes.removeAll(keepingCapacity: true)
    sets.removeAll(keepingCapacity: true)
  }

  /// Adds a name to the object that began at a mark; false when it is there already.
  mutating func insert(_ name: UnsafeRawBufferPointer, since mark: Mark) -> Bool {
    if names.count - mark.names >= Self.few { return insertIntoSet(name, since: mark) }
    var hash = name.count
    for byte in name.prefix(16) { hash = hash &* 31 &+ Int(byte) }
    for known in names[mark.names...] where known.hash == hash && known.count == name.count {
      if bytes[known.start..<(known.start + known.count)].elementsEqual(name) { return false }
    }
    names.append(Name(hash: hash, start: bytes.count, count: name.count))
    bytes.append(contentsOf: name)
    return true
  }

  /// The set hashes with a key of this process, so nobody can choose names that collide.
  private mutating func insertIntoSet(_ name: UnsafeRawBufferPointer, since mark: Mark) -> Bool {
    if sets.last?.base != mark.names {
      let known = names[mark.names...].map { Array(bytes[$0.start..<($0.start + $0.count)]) }
      sets.append((mark.names, Set(known)))
    }
    return sets[sets.count - 1].names.insert(Array(name)).inserted
  }
}
