/// 256 users whose numbers follow each other: their ids in one piece of memory, and what is known of them.
struct UserBlock {
  static let size = 256
  /// Bytes of an id; 256 of them end within 16 bits.
  static let longestID = 128

  /// Where each id ends, 256 of them, then the ids' bytes.
  private var ids: UnsafeMutableRawPointer
  /// Bytes there is room for.
  private var room: Int
  private(set) var count = 0
  private var erased = BitSet256()
  var told = BitSet256()
  var contacts = SortedRun<ContactFact>()
  var facts = SortedRun<Fact>()

  private static let endsSize = size * MemoryLayout<UInt16>.stride

  init() {
    room = 1024
    ids = .allocate(byteCount: Self.endsSize + room, alignment: 8)
  }

  mutating func free() {
    ids.deallocate()
    contacts.free()
    facts.free()
  }

  var isFull: Bool { count == Self.size }

  private func end(_ index: Int) -> Int {
    index < 0 ? 0 : Int(ids.load(fromByteOffset: index &* 2, as: UInt16.self))
  }

  /// - Parameter index: below `count`.
  func id(_ index: Int) -> UnsafeRawBufferPointer {
    if erased[index] { return UnsafeRawBufferPointer(start: nil, count: 0) }
    let start = end(index - 1)
    return UnsafeRawBufferPointer(start: ids + Self.endsSize + start, count: end(index) - start)
  }

  /// Adds a user to a block that is not full.
  /// - Parameter id: at most 128 bytes, nil when the user has been erased.
  mutating func append(_ id: UnsafeRawBufferPointer?) {
    let start = end(count - 1)
    let length = id?.count ?? 0
    if start + length > room { resize(max(room + room / 2, start + length)) }
    if let id {
      (ids + Self.endsSize + start).copyMemory(from: id.baseAddress ?? UnsafeRawPointer(ids), byteCount: length)
    }
    ids.storeBytes(of: UInt16(truncatingIfNeeded: start + length), toByteOffset: count &* 2, as: UInt16.self)
    if id == nil { erased.insert(count) }
    count += 1
    if isFull { resize(start + length) }
  }

  private mutating func resize(_ wanted: Int) {
    let other = UnsafeMutableRawPointer.allocate(byteCount: Self.endsSize + wanted, alignment: 8)
    other.copyMemory(from: ids, byteCount: Self.endsSize + min(room, wanted))
    // What is given back may hold ids.
    ids.initializeMemory(as: UInt8.self, repeating: 0, count: Self.endsSize + room)
    ids.deallocate()
    ids = other
    room = wanted
  }

  /// Forgets a user's id and all that is known of the user.
  mutating func erase(_ index: Int) {
    let start = end(index - 1)
    (ids + Self.endsSize + start).initializeMemory(as: UInt8.self, repeating: 0, count: end(index) - start)
    erased.insert(index)
    told.remove(index)
    contacts.remove(contactRange(index))
    facts.remove(factRange(index))
  }

  func contactRange(_ index: Int) -> Range<Int> {
    if contacts.count == 0 { return 0..<0 }
    let first = contacts.firstIndex { $0.user < index }
    return first..<contacts.firstIndex { $0.user <= index }
  }

  func factRange(_ index: Int) -> Range<Int> {
    if facts.count == 0 { return 0..<0 }
    let first = facts.firstIndex { $0.user < index }
    return first..<facts.firstIndex { $0.user <= index }
  }
}

/// Which of 256.
struct BitSet256 {
  private var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

  subscript(index: Int) -> Bool { word(index &>> 6) &>> UInt64(truncatingIfNeeded: index & 63) & 1 == 1 }

  /// One of the four times 64.
  func word(_ index: Int) -> UInt64 {
    switch index {
    case 0: words.0
    case 1: words.1
    case 2: words.2
    default: words.3
    }
  }

  mutating func insert(_ index: Int) { change(index) { $0 |= $1 } }
  mutating func remove(_ index: Int) { change(index) { $0 &= ~$1 } }

  private mutating func change(_ index: Int, _ body: (inout UInt64, UInt64) -> Void) {
    let bit = 1 &<< UInt64(truncatingIfNeeded: index & 63) as UInt64
    switch index &>> 6 {
    case 0: body(&words.0, bit)
    case 1: body(&words.1, bit)
    case 2: body(&words.2, bit)
    default: body(&words.3, bit)
    }
  }
}
