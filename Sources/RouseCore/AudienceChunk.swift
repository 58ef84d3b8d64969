/// Candidates of consecutive slots, in rows of one layout. Plain memory: whoever holds the chunk frees it.
struct AudienceChunk: BitwiseCopyable {
  /// Slots of a chunk.
  static let size = 8192

  var layout: AudienceLayout
  var rows: UnsafeMutableRawPointer
  /// Bits: whether a slot has a candidate.
  let presence: UnsafeMutablePointer<UInt64>
  /// Candidates.
  var count = 0
  /// Whether the layout is the one that any candidate fits in, which all chunks share.
  var isOpen = true
  /// Which salt the shares are of; `Audience.generation` counts them.
  var generation: Int

  init(layout: AudienceLayout, generation: Int) {
    self.layout = layout
    self.generation = generation
    rows = Self.allocateRows(layout)
    presence = .allocate(capacity: Self.size / 64)
    presence.initialize(repeating: 0, count: Self.size / 64)
  }

  static func allocateRows(_ layout: AudienceLayout) -> UnsafeMutableRawPointer {
    .allocate(byteCount: bytes(layout), alignment: 16)
  }

  static func bytes(_ layout: AudienceLayout) -> Int { size * layout.stride + AudienceLayout.room }

  /// Frees all but a layout that others share.
  func deallocate() {
    rows.deallocate()
    presence.deallocate()
    if !isOpen { layout.deallocate() }
  }

  var memory: Int { Self.bytes(layout) + Self.size / 8 + (isOpen ? 0 : layout.memory) + MemoryLayout<Self>.stride }

  @inline(__always)
  func has(_ index: Int) -> Bool { presence[index >> 6] >> UInt64(index & 63) & 1 == 1 }

  func setPresent(_ index: Int, _ isPresent: Bool) {
    let bit: UInt64 = 1 << UInt64(index & 63)
    if isPresent { presence[index >> 6] |= bit } else { presence[index >> 6] &= ~bit }
  }

  @inline(__always)
  func row(_ index: Int) -> UnsafeMutableRawPointer { rows + index * layout.stride }

  func share(_ index: Int) -> UInt16 { row(index).loadUnaligned(as: UInt16.self) }
  func setShare(_ index: Int, _ share: UInt16) { row(index).storeBytes(of: share, as: UInt16.self) }

  /// A share that has not been hashed yet.
  static let noShare = UInt16.max
}

/// The chunks by number, in plain memory: every candidate is looked up here.
final class AudienceChunks {
  private struct Head {
    var count = 0
    var capacity = 0
    var all: UnsafeMutablePointer<AudienceChunk?>
  }
  /// Outside the object: fields of a class are checked at each access.
  private let head: UnsafeMutablePointer<Head>

  var count: Int {
    @inline(__always) get { head.pointee.count }
  }

  init() {
    head = .allocate(capacity: 1)
    head.initialize(to: Head(all: .allocate(capacity: 1)))
  }

  deinit {
    head.pointee.all.deallocate()
    head.deallocate()
  }

  /// - Parameter number: below `count`.
  subscript(_ number: Int) -> AudienceChunk? {
    @inline(__always) get { head.pointee.all[number] }
    set { head.pointee.all[number] = newValue }
  }

  @inline(__always)
  func has(_ number: Int, _ index: Int) -> Bool { head.pointee.all[number]?.has(index) ?? false }

  /// Makes room for a number.
  func reach(_ number: Int) {
    if number >= head.pointee.capacity {
      let capacity = max(number + 1, head.pointee.capacity + head.pointee.capacity / 2)
      let larger = UnsafeMutablePointer<AudienceChunk?>.allocate(capacity: capacity)
      larger.initialize(repeating: nil, count: capacity)
      larger.update(from: head.pointee.all, count: count)
      head.pointee.all.deallocate()
      head.pointee.all = larger
      head.pointee.capacity = capacity
    }
    head.pointee.count = max(count, number + 1)
  }

  /// Forgets numbers at the end that have no chunk.
  func trim() { while count > 0, self[count - 1] == nil { head.pointee.count -= 1 } }

  var memory: Int { head.pointee.capacity * MemoryLayout<AudienceChunk?>.stride }
}
