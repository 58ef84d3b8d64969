import Glibc

/// A list of plain values that grows where it stands: `realloc` hands the pages of a large one over as they are, while an
/// `Array` that doubles copies itself into fresh ones, each of which the system has to clear first. Of the page faults of a
/// rank over ten million candidates under budget and capital that was more than a quarter.
package struct Column<Element: BitwiseCopyable>: RandomAccessCollection {
  /// Frees what it holds when the last column with it is gone.
  private final class Memory {
    var base: UnsafeMutablePointer<Element>

    init(_ base: UnsafeMutablePointer<Element>) { self.base = base }

    deinit { free(base) }
  }

  private var memory: Memory
  /// The memory's: fields of a class are checked at each access.
  private var base: UnsafeMutablePointer<Element>
  private var capacity = 0
  package private(set) var count = 0

  package init() {
    base = Self.grown(nil, to: 0)
    memory = Memory(base)
  }

  package var startIndex: Int { 0 }
  package var endIndex: Int { count }

  @inline(__always)
  package subscript(index: Int) -> Element {
    precondition(UInt(bitPattern: index) < UInt(bitPattern: count))
    return withExtendedLifetime(memory) { base[index] }
  }

  @inline(__always)
  package mutating func append(_ element: Element) {
    if count == capacity || !isKnownUniquelyReferenced(&memory) { makeRoom(1) }
    (base + count).initialize(to: element)
    count += 1
  }

  package mutating func append(contentsOf elements: UnsafeBufferPointer<Element>) {
    guard let start = elements.baseAddress else { return }
    if count + elements.count > capacity || !isKnownUniquelyReferenced(&memory) { makeRoom(elements.count) }
    (base + count).initialize(from: start, count: elements.count)
    count += elements.count
  }

  package func withUnsafeBufferPointer<Result>(_ body: (UnsafeBufferPointer<Element>) -> Result) -> Result {
    withExtendedLifetime(memory) { body(UnsafeBufferPointer(start: base, count: count)) }
  }

  /// Nothing where there is none.
  mutating func replaceLast(_ replacement: (Element) -> Element) {
    guard count > 0 else { return }
    if !isKnownUniquelyReferenced(&memory) { makeRoom(0) }
    base[count - 1] = replacement(base[count - 1])
  }

  /// Keeps those that are wanted, in their order.
  mutating func keep(_ isWanted: (Element) -> Bool) {
    if !isKnownUniquelyReferenced(&memory) { makeRoom(0) }
    var kept = 0
    for index in 0..<count {
      let element = base[index]
      guard isWanted(element) else { continue }
      base[kept] = element
      kept += 1
    }
    count = kept
  }

  private mutating func makeRoom(_ more: Int) {
    let capacity = Swift.max(count + more, capacity, Swift.min(2 * count, count + more + Self.mostAhead), 16)
    if isKnownUniquelyReferenced(&memory) {
      base = Self.grown(base, to: capacity)
      memory.base = base
    } else {
      let own = Self.grown(nil, to: capacity)
      own.initialize(from: base, count: count)
      base = own
      memory = Memory(own)
    }
    self.capacity = capacity
  }

  private static func grown(_ base: UnsafeMutablePointer<Element>?, to capacity: Int) -> UnsafeMutablePointer<Element> {
    guard let grown = realloc(base, Swift.max(1, capacity) * MemoryLayout<Element>.stride) else {
      // As `allocate` does where there is no memory left.
      fatalError("out of memory")
    }
    return grown.assumingMemoryBound(to: Element.self)
  }

  /// What is reserved ahead is not touched; this is for systems that promise no more memory than they have.
  private static var mostAhead: Int { (256 << 20) / MemoryLayout<Element>.stride }
}

// It is a value: whoever changes it holds its memory alone, or gets his own.
extension Column: @unchecked Sendable where Element: Sendable {}
