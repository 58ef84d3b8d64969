/// The standing audience: candidates in columns directed by a policy's declared fields, tens of bytes each, found by the
/// number of their user. Not safe for threads by itself: many may read, or one may write.
package final class Audience: @unchecked Sendable {
  // Sendable because whoever holds it locks it.

  package let fields: FieldTable
  /// Candidates.
  package private(set) var count = 0
  private let chunks = AudienceChunks()
  /// Where any candidate fits in: what chunks begin with, and fall back to.
  private let open: AudienceLayout
  /// The chunks that stand so, the oldest first.
  private var openChunks: [Open] = []
  private var spareRows: UnsafeMutableRawPointer?
  private(set) var words = AudienceWords()
  private(set) var channels = AudienceWords()
  private var contacts: [Int: AudienceContacts] = [:]
  /// The salt of the shares that stand beside the candidates, and how often it has changed.
  package private(set) var salt: [UInt8] = []
  private(set) var generation = 0

  private let columns: Int
  /// One candidate by columns, while it is written or moved.
  private let scratchBits: UnsafeMutablePointer<UInt64>
  private let scratchStates: UnsafeMutablePointer<UInt8>
  private let scratchRow: UnsafeMutableRawPointer

  private struct Open {
    let chunk: Int
    /// What its layout could hold before: it never gets narrower, so that a chunk is not laid out again and again.
    let ranges: [AudienceRange]?
  }
  private static let mostOpen = 4

  package init(fields: FieldTable) {
    self.fields = fields
    columns = fields.declared.count + 2
    let ranges: [AudienceRange] = fields.declared.map {
      switch $0.kind {
      case .times, .timesAhead: AudienceRange(states: 2, Moment.first...Moment.last)
      case .numbers: .raw
      case .flags: AudienceRange(states: 2, 0...1)
      case .texts: AudienceRange(states: 2, 0...Int64(UInt32.max))
      }
    }
    open = AudienceLayout(
      ranges + [AudienceRange(states: 0, 0...Int64(UInt32.max)), AudienceRange(states: 0, 0...3)],
      fields: fields.declared)
    scratchBits = .allocate(capacity: columns)
    scratchBits.initialize(repeating: 0, count: columns)
    scratchStates = .allocate(capacity: columns)
    scratchStates.initialize(repeating: 0, count: columns)
    scratchRow = .allocate(byteCount: open.stride + AudienceLayout.room, alignment: 16)
  }

  deinit {
    for number in 0..<chunks.count { chunks[number]?.deallocate() }
    open.deallocate()
    spareRows?.deallocate()
    scratchBits.deallocate()
    scratchStates.deallocate()
    scratchRow.deallocate()
  }

  /// Whether candidates read under a policy's fields can stand here.
  package func matches(_ fields: FieldTable) -> Bool { self.fields.declared == fields.declared }

  /// Slots go from 0 to below this; some may be empty.
  package var slotCount: Int { chunks.count * AudienceChunk.size }

  @inline(__always)
  package func has(_ slot: Int) -> Bool {
    slot >= 0 && slot < slotCount && chunks.has(slot / AudienceChunk.size, slot % AudienceChunk.size)
  }

  @inline(__always)
  private func chunk(_ slot: Int) -> AudienceChunk? {
    slot >= 0 && slot < slotCount ? chunks[slot / AudienceChunk.size] : nil
  }

  /// About the bytes that the candidates take, all in all.
  package var memory: Int {
    var bytes = chunks.memory + words.memory + channels.memory
    for number in 0..<chunks.count { bytes += chunks[number]?.memory ?? 0 }
    if spareRows != nil { bytes += AudienceChunk.bytes(open) }
    return bytes + contacts.capacity * AudienceContacts.memory
  }

  // MARK: - Writing

  /// Puts a candidate where the slot's was.
  /// - Parameter index: of the image.
  package func put(_ slot: Int, _ images: AudienceImages, _ index: Int) {
    guard slot >= 0, index >= 0, index < images.count, matches(images.fields) else { return }
    images.resolve(self, word: { words.number(of: $0) }, channel: { channels.number(of: $0) })
    let number = slot / AudienceChunk.size
    let place = slot % AudienceChunk.size
    chunks.reach(number)
    var chunk = chunks[number] ?? makeChunk(number)
    load(images, index)
    if !chunk.layout.encode(scratchBits, scratchStates, to: scratchRow) {
      chunk = reopen(chunk, number)
      load(images, index)
      if !chunk.layout.encode(scratchBits, scratchStates, to: scratchRow) {
        assertionFailure("any candidate fits into an open chunk")
        return
      }
    }
    let isShareKnown = chunk.generation == generation && images.salt == salt
    scratchRow.storeBytes(of: isShareKnown ? images.shares[index] : AudienceChunk.noShare, as: UInt16.self)
    chunk.row(place).copyMemory(from: scratchRow, byteCount: chunk.layout.stride)
    if scratchBits[columns - 1] == AudienceContacts.Code.beside, let carried = images.carried[index] {
      contacts[slot] = carried.numbered(images.channelNumbers)
    } else if !contacts.isEmpty {
      contacts[slot] = nil
    }
    if !chunk.has(place) {
      chunk.setPresent(place, true)
      chunk.count += 1
      count += 1
    }
    chunks[number] = chunk
    if chunk.count == AudienceChunk.size, chunk.isOpen, openChunks.first(where: { $0.chunk == number })?.ranges == nil {
      seal(number)
    }
  }

  private func load(_ images: AudienceImages, _ index: Int) {
    let range = (index * columns)..<((index + 1) * columns)
    images.bits.withUnsafeBufferPointer {
      _ = UnsafeMutableBufferPointer(start: scratchBits, count: columns).update(fromContentsOf: $0[range])
    }
    images.states.withUnsafeBufferPointer {
      _ = UnsafeMutableBufferPointer(start: scratchStates, count: columns).update(fromContentsOf: $0[range])
    }
    for column in fields.textSlots where scratchStates[column] == FactState.present {
      let number = images.wordNumbers[Int(scratchBits[column])]
      if number < 0 { scratchStates[column] = FactState.missing }
      scratchBits[column] = UInt64(max(0, number))
    }
  }

  /// Takes a candidate out.
  package func remove(_ slot: Int) {
    guard has(slot), var chunk = chunk(slot) else { return }
    let number = slot / AudienceChunk.size
    chunk.setPresent(slot % AudienceChunk.size, false)
    // Nothing of who has gone stays behind.
    chunk.row(slot % AudienceChunk.size).initializeMemory(as: UInt8.self, repeating: 0, count: chunk.layout.stride)
    chunk.count -= 1
    count -= 1
    if !contacts.isEmpty { contacts[slot] = nil }
    chunks[number] = chunk
    if chunk.count == 0 {
      openChunks.removeAll { $0.chunk == number }
      chunk.deallocate()
      chunks[number] = nil
      chunks.trim()
    }
  }

  /// Lays out what has been put since, as narrow as it can be: to be called after a load.
  package func settle() {
    while let first = openChunks.first { seal(first.chunk) }
    spareRows?.deallocate()
    spareRows = nil
  }

  // MARK: - Chunks

  private func makeChunk(_ number: Int) -> AudienceChunk {
    makeRoom()
    let chunk = AudienceChunk(layout: open, generation: generation)
    openChunks.append(Open(chunk: number, ranges: nil))
    chunks[number] = chunk
    return chunk
  }

  private func makeRoom() {
    while openChunks.count >= Self.mostOpen, let first = openChunks.first { seal(first.chunk) }
  }

  /// Gives a chunk that a value does not fit into the layout that takes any.
  private func reopen(_ old: AudienceChunk, _ number: Int) -> AudienceChunk {
    makeRoom()
    var ranges = [AudienceRange](repeating: AudienceRange(), count: columns)
    for index in 0..<old.layout.count {
      ranges[Int(old.layout.entries[index].column)] = AudienceRange(old.layout.entries[index])
    }
    var chunk = old
    chunk.layout = open
    chunk.isOpen = true
    chunk.rows = spareRows ?? AudienceChunk.allocateRows(open)
    spareRows = nil
    _ = move(old, to: chunk)
    old.rows.deallocate()
    old.layout.deallocate()
    openChunks.append(Open(chunk: number, ranges: ranges))
    chunks[number] = chunk
    return chunk
  }

  /// Gives an open chunk the narrowest layout that holds it.
  private func seal(_ number: Int) {
    guard let at = openChunks.firstIndex(where: { $0.chunk == number }) else { return }
    var ranges = openChunks.remove(at: at).ranges ?? [AudienceRange](repeating: AudienceRange(), count: columns)
    guard let old = chunks[number] else { return }
    for index in 0..<AudienceChunk.size where old.has(index) {
      open.decode(old.row(index), scratchBits, scratchStates)
      for column in 0..<columns {
        let isNumber = column < fields.declared.count && fields.declared[column].kind == .numbers
        ranges[column].add(scratchStates[column], scratchBits[column], isNumber: isNumber)
      }
    }
    var chunk = old
    chunk.layout = AudienceLayout(ranges, fields: fields.declared)
    chunk.isOpen = false
    chunk.rows = AudienceChunk.allocateRows(chunk.layout)
    guard move(old, to: chunk) else {
      assertionFailure("a layout holds what it was made for")
      chunk.rows.deallocate()
      chunk.layout.deallocate()
      return
    }
    chunks[number] = chunk
    if spareRows == nil { spareRows = old.rows } else { old.rows.deallocate() }
  }

  /// Writes every row of a chunk in another layout; false when something does not fit.
  private func move(_ old: AudienceChunk, to chunk: AudienceChunk) -> Bool {
    for index in 0..<AudienceChunk.size where old.has(index) {
      old.layout.decode(old.row(index), scratchBits, scratchStates)
      guard chunk.layout.encode(scratchBits, scratchStates, to: chunk.row(index)) else { return false }
      chunk.setShare(index, old.share(index))
    }
    return true
  }

  // MARK: - Reading

  /// Makes the row the candidate, as a reader would have; only the user_id is not known here.
  /// - Parameter texts: for the row's policy, refreshed since the last change.
  package func gather(_ slot: Int, _ texts: AudienceTexts, into row: CandidateRow) {
    row.reset()
    guard let chunk = chunk(slot), chunk.has(slot % AudienceChunk.size) else { return }
    let layout = chunk.layout
    let from = UnsafeRawPointer(chunk.row(slot % AudienceChunk.size))
    let bits = row.bits
    let states = row.states
    for index in 0..<layout.plainEnd {
      let entry = layout.entries[index]
      let code = AudienceLayout.code(entry, from)
      bits[Int(entry.column)] = UInt64(bitPattern: entry.base) &+ code &- entry.states
      states[Int(entry.column)] = Self.state(code, entry)
    }
    for index in layout.plainEnd..<layout.numberEnd {
      let entry = layout.entries[index]
      let code = AudienceLayout.code(entry, from)
      bits[Int(entry.column)] = (Double(entry.base &+ Int64(bitPattern: code &- entry.states)) / entry.scale).bitPattern
      states[Int(entry.column)] = Self.state(code, entry)
    }
    for index in layout.numberEnd..<layout.textEnd {
      let entry = layout.entries[index]
      let code = AudienceLayout.code(entry, from)
      bits[Int(entry.column)] = texts.number(of: UInt64(bitPattern: entry.base) &+ code &- entry.states)
      states[Int(entry.column)] = Self.state(code, entry)
    }
    for index in layout.textEnd..<layout.rawEnd {
      let entry = layout.entries[index]
      bits[Int(entry.column)] = from.loadUnaligned(fromByteOffset: Int(entry.byte), as: UInt64.self)
      states[Int(entry.column)] = from.load(fromByteOffset: Int(entry.byte) + 8, as: UInt8.self)
    }
    row.ignored = Int(Self.tail(layout, 2, from))
    switch Self.tail(layout, 1, from) {
    case AudienceContacts.Code.none: break
    case AudienceContacts.Code.wrongType: row.contactsState = FactState.wrongType
    case AudienceContacts.Code.empty: row.contactsState = FactState.present
    default: gatherContacts(slot, texts, row)
    }
    if chunk.generation == texts.generation {
      let share = from.loadUnaligned(as: UInt16.self)
      if share != AudienceChunk.noShare { row.share = Int32(share) }
    }
    if row.keepsTexts { gatherTexts(layout, from, row) }
  }

  @inline(__always)
  private static func state(_ code: UInt64, _ entry: AudienceLayout.Entry) -> UInt8 {
    code >= entry.states ? FactState.present : UInt8(truncatingIfNeeded: code &<< 1)
  }

  /// `ignored` and `contacts` stand last.
  @inline(__always)
  private static func tail(_ layout: AudienceLayout, _ fromEnd: Int, _ row: UnsafeRawPointer) -> UInt64 {
    let entry = layout.entries[layout.count - fromEnd]
    return UInt64(bitPattern: entry.base) &+ AudienceLayout.code(entry, row) &- entry.states
  }

  private func gatherContacts(_ slot: Int, _ texts: AudienceTexts, _ row: CandidateRow) {
    guard let carried = contacts[slot] else { return }
    row.contactsState = FactState.present
    row.contactEntries = carried.entries
    for (at, channel) in carried.all {
      row.contacts.append(CandidateRow.Contact(at: at, channel: texts.channel(of: channel)))
      if row.keepsTexts, channel >= 0 { channels.withText(channel) { row.keepChannel($0) } }
    }
  }

  private func gatherTexts(_ layout: AudienceLayout, _ from: UnsafeRawPointer, _ row: CandidateRow) {
    for index in layout.numberEnd..<layout.textEnd {
      let entry = layout.entries[index]
      guard row.isPresent(Int(entry.column)) else { continue }
      let number = UInt64(bitPattern: entry.base) &+ AudienceLayout.code(entry, from) &- entry.states
      words.withText(Int(number)) { row.keep(Int(entry.column), $0) }
    }
  }

  /// The audience's own number of a candidate's text; nil when it has none.
  func word(_ slot: Int, _ column: Int) -> Int? {
    guard let chunk = chunk(slot), chunk.has(slot % AudienceChunk.size) else { return nil }
    let layout = chunk.layout
    for index in layout.numberEnd..<layout.textEnd where Int(layout.entries[index].column) == column {
      let entry = layout.entries[index]
      let code = AudienceLayout.code(entry, chunk.row(slot % AudienceChunk.size))
      return code >= entry.states ? Int(entry.base) + Int(code - entry.states) : nil
    }
    return nil
  }

  // MARK: - Shares

  /// Forgets the shares by another salt.
  package func useShares(of experiment: Experiment) {
    guard salt != experiment.salt else { return }
    salt = experiment.salt
    generation += 1
  }
}
