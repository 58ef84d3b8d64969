/// How the candidates of a chunk stand in memory: one after another, each in the same number of bytes, each value in as
/// many bits as the chunk's values of that column need. A column that is the same all over takes none.
struct AudienceLayout {
  struct Entry: BitwiseCopyable {
    enum Kind: UInt8, BitwiseCopyable {
      /// A time, a flag, a count.
      case plain
      case number
      case text
      /// Eight bytes as they are, and one for the state.
      case raw
      /// Nobody has it.
      case absent
    }
    var kind: Kind
    /// A declared field's slot; after them `ignored` and `contacts`.
    var column: Int32
    var width: UInt8 = 0
    /// Where in a row its bits begin: they are read by one load of eight bytes.
    var shift: UInt8 = 0
    var byte: Int32 = 0
    var mask: UInt64 = 0
    /// Codes below it are states: 0 missing, 1 a value of another type.
    var states: UInt64
    /// How many values have a code, the least of them first.
    var capacity: UInt64
    var base: Int64
    var scale: Double
  }

  /// Sorted by kind, then `ignored` and `contacts`; their bits stand in this order.
  let entries: UnsafeMutablePointer<Entry>
  /// Where the plain ones, the numbers, texts and raw ones end.
  private(set) var plainEnd = 0
  private(set) var numberEnd = 0
  private(set) var textEnd = 0
  private(set) var rawEnd = 0
  let count: Int
  /// Bytes of a row.
  let stride: Int

  /// The share in the experiment: two bytes at the start.
  static let head = 2
  /// Bytes that may be read behind the last row.
  static let room = 8
  /// The most bits that one load gives at any shift.
  private static let widest = 57

  /// - Parameters:
  ///   - ranges: of the declared fields, then of `ignored` and `contacts`.
  init(_ ranges: [AudienceRange], fields: [Field]) {
    var entries: [Entry] = []
    for (column, range) in ranges.enumerated() {
      let kind = column < fields.count ? fields[column].kind : nil
      entries.append(Self.entry(range, column, kind))
    }
    let tail = Array(entries.suffix(ranges.count - fields.count))
    entries.removeLast(tail.count)
    entries.sort { $0.kind != $1.kind ? $0.kind.rawValue < $1.kind.rawValue : $0.column < $1.column }
    plainEnd = entries.firstIndex { $0.kind.rawValue > Entry.Kind.plain.rawValue } ?? entries.count
    numberEnd = entries.firstIndex { $0.kind.rawValue > Entry.Kind.number.rawValue } ?? entries.count
    textEnd = entries.firstIndex { $0.kind.rawValue > Entry.Kind.text.rawValue } ?? entries.count
    rawEnd = entries.firstIndex { $0.kind.rawValue > Entry.Kind.raw.rawValue } ?? entries.count
    entries += tail

    var byte = Self.head
    for index in entries.indices where entries[index].kind == .raw {
      entries[index].byte = Int32(truncatingIfNeeded: byte)
      byte += 9
    }
    var bit = byte * 8
    for index in entries.indices where entries[index].kind != .raw {
      entries[index].byte = Int32(truncatingIfNeeded: bit / 8)
      entries[index].shift = UInt8(truncatingIfNeeded: bit % 8)
      bit += Int(entries[index].width)
    }
    stride = (bit + 7) / 8
    count = entries.count
    self.entries = plainMemory(entries)
  }

  private static func entry(_ range: AudienceRange, _ column: Int, _ field: FieldKind?) -> Entry {
    let kind: Entry.Kind =
      switch field {
      case .numbers: .number
      case .texts: .text
      default: .plain
      }
    var entry = Entry(
      kind: kind, column: Int32(truncatingIfNeeded: column), states: range.states, capacity: range.count,
      base: range.count > 0 ? range.least : 0, scale: 1)
    if range.isRaw {
      entry.kind = .raw
      entry.states = 2
      return entry
    }
    entry.scale = AudienceRange.scales[range.scale]
    if range.count == 0, range.states < 2, field != nil {
      entry.kind = .absent
      entry.states = 1
      return entry
    }
    // The greatest code.
    let last = range.count &+ range.states &- 1
    let width = last == .max ? 0 : 64 - last.leadingZeroBitCount
    if width > widest {
      entry.kind = .raw
      return entry
    }
    entry.width = UInt8(truncatingIfNeeded: width)
    entry.mask = (1 << UInt64(width)) - 1
    // Codes that the bits allow anyhow.
    if range.count > 0 { entry.capacity = entry.mask &+ 1 &- range.states }
    return entry
  }

  func deallocate() { entries.deallocate() }

  var memory: Int { count * MemoryLayout<Entry>.stride }

  // MARK: - One row

  /// Writes a row; false when a value has no code here.
  /// - Parameters:
  ///   - row: `stride` bytes and `room`; what stands in the head stays.
  ///   - bits: by column, and so the states.
  func encode(
    _ bits: UnsafeMutablePointer<UInt64>, _ states: UnsafeMutablePointer<UInt8>, to row: UnsafeMutableRawPointer
  )
    -> Bool
  {
    var pending: UInt64 = 0
    var filled: UInt64 = 0
    var byte = Self.head + 9 * (rawEnd - textEnd)
    for index in 0..<count {
      let entry = entries[index]
      let column = Int(entry.column)
      let state = states[column]
      if entry.kind == .raw {
        row.storeBytes(of: bits[column], toByteOffset: Int(entry.byte), as: UInt64.self)
        row.storeBytes(of: state, toByteOffset: Int(entry.byte) + 8, as: UInt8.self)
        continue
      }
      var code: UInt64
      if state == FactState.present {
        var value = Int64(bitPattern: bits[column])
        if entry.kind == .number {
          guard let whole = AudienceRange.whole(Double(bitPattern: bits[column]), entry.scale) else { return false }
          value = whole
        }
        code = UInt64(bitPattern: value &- entry.base)
        guard value >= entry.base, code < entry.capacity else { return false }
        code &+= entry.states
      } else {
        code = state == FactState.wrongType ? 1 : 0
        guard code < entry.states else { return false }
      }
      pending |= code &<< filled
      filled += UInt64(entry.width)
      if filled >= 64 {
        row.storeBytes(of: pending.littleEndian, toByteOffset: byte, as: UInt64.self)
        byte += 8
        filled -= 64
        pending = code &>> (UInt64(entry.width) &- filled)
      }
    }
    while filled > 0 {
      row.storeBytes(of: UInt8(truncatingIfNeeded: pending), toByteOffset: byte, as: UInt8.self)
      byte += 1
      pending >>= 8
      filled = filled > 8 ? filled - 8 : 0
    }
    return true
  }

  @inline(__always)
  static func code(_ entry: Entry, _ row: UnsafeRawPointer) -> UInt64 {
    UInt64(littleEndian: row.loadUnaligned(fromByteOffset: Int(entry.byte), as: UInt64.self)) &>> UInt64(entry.shift)
      & entry.mask
  }

  /// Reads a row back, texts as the audience's numbers.
  func decode(_ row: UnsafeRawPointer, _ bits: UnsafeMutablePointer<UInt64>, _ states: UnsafeMutablePointer<UInt8>) {
    for index in 0..<count {
      let entry = entries[index]
      let column = Int(entry.column)
      if entry.kind == .raw {
        bits[column] = row.loadUnaligned(fromByteOffset: Int(entry.byte), as: UInt64.self)
        states[column] = row.load(fromByteOffset: Int(entry.byte) + 8, as: UInt8.self)
        continue
      }
      let code = Self.code(entry, row)
      guard code >= entry.states else {
        states[column] = code == 1 ? FactState.wrongType : FactState.missing
        continue
      }
      states[column] = FactState.present
      let value = entry.base &+ Int64(bitPattern: code &- entry.states)
      bits[column] = entry.kind == .number ? (Double(value) / entry.scale).bitPattern : UInt64(bitPattern: value)
    }
  }
}
