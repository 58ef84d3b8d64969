import RouseCore

/// The names of the object being read that nobody declared, so that one that comes twice is noticed. Names of enclosing
/// objects stand below on the same stack.
struct KeyNames {
  private struct Name {
    let key: TextKey
    let start: Int
  }

  /// Above so many names in one object a set takes over from comparing each with each.
  private static let few = 24

  private var names: [Name] = []
  private var bytes: [UInt8] = []
  private var sets: [(base: Int, names: Set<[UInt8]>)] = []

  /// How many names stand below an object's own.
  typealias Mark = Int

  var mark: Mark { names.count }

  @inline(__always)
  mutating func forget(from mark: Mark) {
    if names.count > mark { remove(from: mark) }
  }

  private mutating func remove(from mark: Mark) {
    bytes.removeLast(bytes.count - names[mark].start)
    names.removeLast(names.count - mark)
    while let last = sets.last, last.base >= mark { sets.removeLast() }
  }

  mutating func removeAll() { forget(from: 0) }

  /// Adds a name to the object that began at a mark; false when it is there already.
  mutating func insert(_ name: UnsafeRawBufferPointer, since mark: Mark) -> Bool {
    if names.count - mark >= Self.few { return insertIntoSet(name, since: mark) }
    let key = TextKey(name)
    for known in names[mark...] where known.key == key {
      if key.isWhole { return false }
      if bytes[known.start..<(known.start + key.count)].elementsEqual(name) { return false }
    }
    names.append(Name(key: key, start: bytes.count))
    bytes.append(contentsOf: name)
    return true
  }

  /// The set hashes with a key of this process, so nobody can choose names that collide.
  private mutating func insertIntoSet(_ name: UnsafeRawBufferPointer, since mark: Mark) -> Bool {
    if sets.last?.base != mark {
      let known = names[mark...].map { Array(bytes[$0.start..<($0.start + $0.key.count)]) }
      sets.append((mark, Set(known)))
    }
    return sets[sets.count - 1].names.insert(Array(name)).inserted
  }
}
