import RouseCore

/// The user_ids seen so far, each kept once: finding whether one came before touches one line of memory, and that is
/// fetched for many at a time, or each would wait for it.
package struct SeenUsers: ~Copyable {
  /// Of the ids that stand in `chunks`: `hash << 32 | place + 1`; 0: empty. Open addressing, at most two thirds full. The
  /// bucket is the upper bits of the hash, so that to grow, entries move in the order in which they stand.
  private var table: UnsafeMutablePointer<UInt64>
  private var bits: UInt32 = 8
  private var count = 0
  /// Each id after a byte that counts its own, at a multiple of `grain`: a place counts in these, 32 bits of them being
  /// more ids than there is memory for.
  private var chunks: [UnsafeMutablePointer<UInt8>] = []
  private var used = SeenUsers.chunkPlaces
  private static let grain = 4
  private static let chunkPlaces = 1 << 14
  /// What was fetched ahead is read into it: else nothing would be.
  private var fetched: UInt64 = 0

  /// About the bytes that one takes beside its id: an entry of a table at least one third full, and what rounds up its id.
  package static let memory = 28

  package init() {
    table = .allocate(capacity: 1 << 8)
    table.initialize(repeating: 0, count: 1 << 8)
  }

  deinit {
    table.deallocate()
    for chunk in chunks { chunk.deallocate() }
  }

  /// Takes the ids of a part's lines.
  /// - Returns: the indices of the lines whose id is there already, rising.
  mutating func insert(_ part: RankPart) -> [Int] {
    var repeated: [Int] = []
    let lines = part.lines
    var start = 0
    while start < lines.count {
      let end = min(start + 32, lines.count)
      if (count + end - start) * 3 > 2 << bits { grow() }
      for index in start..<end { fetched ^= table[bucket(lines[index].hash)] }
      for index in start..<end where lines[index].mayRepeat {
        if !insert(lines[index].hash, part.userID(at: lines[index].id)) { repeated.append(index) }
      }
      start = end
    }
    return repeated
  }

  /// Takes one id.
  /// - Parameter id: at most `CandidateRow.longestUserID` bytes.
  /// - Returns: false when it is there already.
  package mutating func insert(_ id: UnsafeRawBufferPointer) -> Bool {
    if (count + 1) * 3 > 2 << bits { grow() }
    return insert(UInt32(truncatingIfNeeded: KeyedHash.hash(id) >> 32), id)
  }

  @inline(__always)
  private func bucket(_ hash: UInt32) -> Int { Int(hash &>> (32 &- bits)) }

  /// False when the same id is there.
  @inline(__always)
  private mutating func insert(_ hash: UInt32, _ id: UnsafeRawBufferPointer) -> Bool {
    let mask = 1 &<< Int(bits) &- 1
    var at = bucket(hash)
    while case let entry = table[at], entry != 0 {
      if UInt32(truncatingIfNeeded: entry >> 32) == hash, isSame(UInt32(truncatingIfNeeded: entry) &- 1, id) {
        return false
      }
      at = (at + 1) & mask
    }
    table[at] = UInt64(hash) << 32 | UInt64(keep(id) &+ 1)
    count += 1
    return true
  }

  private func isSame(_ place: UInt32, _ id: UnsafeRawBufferPointer) -> Bool {
    let (chunk, at) = Int(place).quotientAndRemainder(dividingBy: Self.chunkPlaces)
    let kept = chunks[chunk] + at * Self.grain
    return Int(kept[0]) == id.count && UnsafeRawBufferPointer(start: kept + 1, count: id.count).elementsEqual(id)
  }

  /// Where it stands from now on.
  @inline(__always)
  private mutating func keep(_ id: UnsafeRawBufferPointer) -> UInt32 {
    let places = id.count / Self.grain + 1
    if used + places > Self.chunkPlaces {
      chunks.append(.allocate(capacity: Self.chunkPlaces * Self.grain))
      used = 0
    }
    let start = chunks[chunks.count - 1] + used * Self.grain
    start[0] = UInt8(truncatingIfNeeded: id.count)
    if let bytes = id.baseAddress { UnsafeMutableRawPointer(start + 1).copyMemory(from: bytes, byteCount: id.count) }
    let place = (chunks.count - 1) * Self.chunkPlaces + used
    used += places
    return UInt32(truncatingIfNeeded: place)
  }

  private mutating func grow() {
    let old = UnsafeMutableBufferPointer(start: table, count: 1 << Int(bits))
    bits += 1
    let mask = 1 << Int(bits) - 1
    table = .allocate(capacity: mask + 1)
    table.initialize(repeating: 0, count: mask + 1)
    for entry in old where entry != 0 {
      var at = bucket(UInt32(truncatingIfNeeded: entry >> 32))
      while table[at] != 0 { at = (at + 1) & mask }
      table[at] = entry
    }
    old.deallocate()
  }
}
