/// Every text that a policy names, each with a number; a text nobody names is `other`. Candidates' texts become such
/// numbers as they are read, so that nothing later compares texts.
package final class TextTable: @unchecked Sendable {
  // Sendable because nothing in it changes after init.

  /// The number of a text that the policy does not name.
  package static let other: UInt64 = 0

  /// Texts by number; the first stands for `other`.
  package let texts: [[UInt8]]
  /// A text as its table knows it: two texts of at most 16 bytes are the same if these are.
  private struct Entry {
    let key: TextKey
    /// -1: no text.
    let id: Int
  }

  /// Open addressing, at most a quarter full.
  private let entries: UnsafeMutablePointer<Entry>
  private let factor: UInt64
  private let shift: UInt64
  /// The texts once more, one after another: where each starts, and where the last ends.
  private let starts: UnsafeMutablePointer<Int>
  private let bytes: UnsafeMutablePointer<UInt8>

  init(_ builder: Builder) {
    texts = builder.texts
    var bits: UInt64 = 4
    while 1 << bits < texts.count * 4 { bits += 1 }
    shift = 64 - bits
    let keys = texts.map { text in text.withUnsafeBytes { TextKey($0) } }
    // A factor under which every text stands where it is looked for first, or nearly.
    var best = (moved: Int.max, factor: UInt64(0), places: [Int]())
    var random: UInt64 = 0x9E37_79B9_7F4A_7C15
    for _ in 0..<64 where best.moved > 0 {
      let (places, moved) = Self.places(keys, random, shift)
      if moved < best.moved { best = (moved, random, places) }
      random = random &* 0xD134_2543_DE82_EF95 &+ 2
    }
    factor = best.factor
    var entries = [Entry](repeating: Entry(key: TextKey(), id: -1), count: 1 << Int(bits))
    for (id, place) in best.places.enumerated() where id > 0 { entries[place] = Entry(key: keys[id], id: id) }
    self.entries = plainMemory(entries)
    var starts = [0]
    for text in texts { starts.append((starts.last ?? 0) + text.count) }
    self.starts = plainMemory(starts)
    bytes = plainMemory(texts.joined().map { $0 })
  }

  /// Where the texts, but for the first, would stand, and how many of them not where they are looked for first.
  private static func places(_ keys: [TextKey], _ factor: UInt64, _ shift: UInt64) -> (places: [Int], moved: Int) {
    let mask = 1 << (64 - Int(shift)) - 1
    var isTaken = [Bool](repeating: false, count: mask + 1)
    var places = [-1]
    var moved = 0
    for key in keys.dropFirst() {
      var at = key.hash(factor, shift)
      if isTaken[at] { moved += 1 }
      while isTaken[at] { at = (at + 1) & mask }
      isTaken[at] = true
      places.append(at)
    }
    return (places, moved)
  }

  deinit {
    entries.deallocate()
    starts.deallocate()
    bytes.deallocate()
  }

  struct Builder {
    fileprivate(set) var texts: [[UInt8]] = [[]]
    private var ids: [ExactText: Int] = [:]

    init() {}

    /// Goes on where a table ended: its texts keep their numbers.
    init(_ table: TextTable) {
      texts = table.texts
      for (id, text) in texts.enumerated().dropFirst() { ids[ExactText(bytes: text)] = id }
    }

    mutating func intern(_ text: String) -> Int {
      let exact = ExactText(text)
      if let id = ids[exact] { return id }
      texts.append(exact.bytes)
      ids[exact] = texts.count - 1
      return texts.count - 1
    }
  }

  package var count: Int { texts.count }

  /// The number of a text, or `other`.
  package func id(of text: UnsafeRawBufferPointer) -> UInt64 {
    let key = TextKey(text)
    return id(of: key, text, from: key.hash(factor, shift))
  }

  /// The number of a text of at most 16 bytes, or `other`.
  @inline(__always)
  package func id(of key: TextKey) -> UInt64 {
    let at = key.hash(factor, shift)
    let entry = entries[at]
    if entry.key == key { return UInt64(truncatingIfNeeded: max(0, entry.id)) }
    return entry.id < 0 ? Self.other : id(of: key, UnsafeRawBufferPointer(start: nil, count: 0), from: at)
  }

  /// The table is made from the policy, never from candidates, so nobody can fill one place: any mixing will do.
  @inline(never)
  private func id(of key: TextKey, _ text: UnsafeRawBufferPointer, from start: Int) -> UInt64 {
    var at = start
    while true {
      let entry = entries[at]
      if entry.id < 0 { return Self.other }
      if entry.key == key, key.isWhole || isText(entry.id, text) { return UInt64(truncatingIfNeeded: entry.id) }
      at = (at &+ 1) & Int(truncatingIfNeeded: UInt64.max &>> shift)
    }
  }

  private func isText(_ id: Int, _ text: UnsafeRawBufferPointer) -> Bool {
    equal(UnsafeRawBufferPointer(start: bytes + starts[id], count: text.count), text)
  }

  package func id(of text: String) -> UInt64 {
    var copy = text
    return copy.withUTF8 { id(of: UnsafeRawBufferPointer($0)) }
  }
}

/// Equal bytes; both of one length.
@inline(__always)
package func equal(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
  var at = 0
  while at + 8 <= left.count {
    if left.loadUnaligned(fromByteOffset: at, as: UInt64.self)
      != right.loadUnaligned(fromByteOffset: at, as: UInt64.self)
    {
      return false
    }
    at += 8
  }
  while at < left.count {
    if left[at] != right[at] { return false }
    at += 1
  }
  return true
}
