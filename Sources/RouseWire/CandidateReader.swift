import CScan
import RouseCore

/// Reads a candidate's line straight into a row (model 2), directed by the policy's fields: every byte is checked, in the
/// parts that are skipped too, and nothing is allocated for a plain line.
package struct CandidateReader {
  /// What a line turned out to be.
  package enum Outcome: Equatable {
    case candidate
    /// I01: no I-JSON object, no usable user_id, or a top-level `op` that controls nothing.
    case invalid
    /// `{"op":"end"}` and `{"op":"cancel"}`.
    case end, cancel
  }

  private let texts: TextTable
  private let tree: KeyTree
  /// Channel by text number, or -1.
  private let channels: [Int]
  private let memory: KeyMemory
  private var serial: UInt32 = 0
  private var names = KeyNames()
  private var decoded: [UInt8] = []
  private var operation: Outcome?
  /// The candidate has `"gone":true`: it leaves the audience. Only in a load.
  private(set) var isGone = false

  package init(tables: WireTables, forLoad: Bool = false) {
    texts = tables.policy.texts
    tree = forLoad ? tables.loadTree : tables.tree
    channels = tables.channels
    memory = KeyMemory(tree)
  }

  /// Reads one line.
  /// - Parameter line: followed by an LF and `JSONScanner.padding` readable bytes.
  package mutating func read(_ line: UnsafeRawBufferPointer, into row: CandidateRow) -> Outcome {
    guard let start = line.baseAddress else { return .invalid }
    var scanner = JSONScanner(base: start.assumingMemoryBound(to: UInt8.self), count: line.count)
    do {
      scanner.skipSpace()
      try readObject(&scanner, into: row, depth: 1)
      scanner.skipSpace()
      guard scanner.at == scanner.end else { return .invalid }
    } catch {
      return .invalid
    }
    if let operation { return operation }
    return row.userIDCount > 0 ? .candidate : .invalid
  }

  /// Reads a candidate that stands within a request, from the scanner's place on; what is wrong with it as I-JSON is wrong
  /// with the request.
  /// - Parameter depth: how deep the object is nested, itself included.
  mutating func read(_ scanner: inout JSONScanner, into row: CandidateRow, depth: Int) throws(JSONFault) -> Outcome {
    try readObject(&scanner, into: row, depth: depth)
    return operation == nil && row.userIDCount > 0 ? .candidate : .invalid
  }

  private mutating func readObject(
    _ scanner: inout JSONScanner, into row: CandidateRow, depth: Int
  ) throws(JSONFault) {
    row.reset()
    operation = nil
    isGone = false
    names.removeAll()
    guard scanner.byte == 0x7B else { throw scanner.fault(.notAnObject) }
    if serial > UInt32.max / 2 {
      serial = 0
      memory.forgetSeen()
    }
    let start = scanner.at
    try members(of: 0, &scanner, row, Slots(bits: row.bits, states: row.states, keepsTexts: row.keepsTexts), depth)
    row.setSource(UnsafeRawBufferPointer(start: scanner.base + start, count: scanner.at - start))
  }

  /// The row's fields, in hand while a line is read.
  private struct Slots {
    let bits: UnsafeMutablePointer<UInt64>
    let states: UnsafeMutablePointer<UInt8>
    let keepsTexts: Bool

    @inline(__always)
    func set(_ slot: Int, _ value: UInt64) {
      bits[slot] = value
      states[slot] = FactState.present
    }
  }

  /// `false` and `true` in the highest bytes of a word.
  private static let falseWord: UInt64 = 0x65_736C_6166 << 24
  private static let trueWord: UInt64 = 0x6575_7274 << 32

  /// The members of an object that may hold declared fields; `at` stands on its `{`.
  ///
  /// Nearly every line spells its members as the last one did, so that form is read here, many bytes at once: the key that
  /// is guessed with its quotes and colon, no white space or one space before it, and a plain value of its kind. Whatever
  /// else comes is read from the same place on by the functions below, which know every form.
  private mutating func members(
    of node: Int, _ scanner: inout JSONScanner, _ row: CandidateRow, _ slots: Slots, _ depth: Int
  ) throws(JSONFault) {
    let base = scanner.base
    // On the brace or comma before a member.
    var at = scanner.at
    var separator: UInt8 = 0x7B
    try scanner.enter(depth)
    serial += 1
    let own = serial
    let mark = names.mark
    var previous = memory.start(of: node)
    while true {
      var key = previous.pointee.next
      if base[at] == separator, KeyMemory.Key.matches(key, at: base + (at &+ 1)) {
        at = at &+ 1 &+ Int(key.pointee.target.length)
      } else if base[at] == separator, base[at &+ 1] == 0x20, KeyMemory.Key.matches(key, at: base + (at &+ 2)) {
        at = at &+ 2 &+ Int(key.pointee.target.length)
      } else {
        scanner.at = separator == 0x7B ? at + 1 : at
        guard let other = try otherKey(of: node, isFirst: separator == 0x7B, &scanner, mark, own, row, depth) else {
          break
        }
        key = memory.keys + other
        previous.pointee.next = key
        at = scanner.at
      }
      let target = key.pointee.target
      // `otherKey` has looked at the key that it found.
      if key.pointee.seen == own { throw JSONFault(.duplicateKey, at - Int(target.length)) }
      key.pointee.seen = own
      if base[at] <= 0x20 {
        scanner.at = at
        scanner.skipSpace()
        at = scanner.at
      }
      previous = key
      separator = 0x2C

      let slot = Int(target.index)
      switch target.kind {
      case .time:
        if base[at] == 0x22, base[at &+ 21] == 0x22, let time = Moment.parseUTC(base + (at &+ 1)) {
          slots.set(slot, UInt64(bitPattern: time))
          at &+= 22
          continue
        }
      case .number:
        let (whole, count) = scanner.plainWhole(at)
        if count > 0 {
          slots.set(slot, Double(whole).bitPattern)
          at &+= count
          continue
        }
      case .flag:
        // Without a branch on the value, which nobody can guess: the fifth bit tells a `t` from an `f`.
        let word = scanner.word(at)
        let isTrue = word &>> 4 & 1
        let wanted = Self.falseWord ^ (0 &- isTrue) & (Self.falseWord ^ Self.trueWord)
        if word &<< (24 &+ 8 &* isTrue) == wanted {
          slots.set(slot, isTrue)
          at &+= 5 &- Int(truncatingIfNeeded: isTrue)
          continue
        }
      case .text:
        let count = Int(scan_plain_bytes(base + (at &+ 1)))
        if base[at] == 0x22, base[at &+ 1 &+ count] == 0x22, !slots.keepsTexts {
          slots.set(slot, texts.id(of: TextKey(base + (at &+ 1), count: count)))
          at &+= count &+ 2
          continue
        }
      case .node:
        if base[at] == 0x7B {
          scanner.at = at
          try members(of: slot, &scanner, row, slots, depth + 1)
          at = scanner.at
          continue
        }
      case .userID, .contacts, .operation, .gone: break
      }
      scanner.at = at
      try value(of: target, &scanner, row, depth)
      at = scanner.at
    }
    names.forget(from: mark)
  }

  /// The next declared key, however it is spelled, and whatever stands before it that nobody declared; nil at the object's
  /// end.
  @inline(never)
  private mutating func otherKey(
    of node: Int, isFirst: Bool, _ scanner: inout JSONScanner, _ mark: KeyNames.Mark, _ own: UInt32,
    _ row: CandidateRow,
    _ depth: Int
  ) throws(JSONFault) -> Int? {
    var isFirst = isFirst
    while let text = try scanner.nextKey(&isFirst) {
      let key: Int
      if text.hasEscapes {
        decoded.removeAll(keepingCapacity: true)
        scanner.decode(text, into: &decoded)
        key = decoded.withUnsafeBytes { tree.find($0, in: node) }
      } else {
        key = tree.find(scanner.raw(text), in: node)
      }
      if key >= 0 {
        if memory.keys[key].seen == own { throw JSONFault(.duplicateKey, text.start - 1) }
        return key
      }
      try scanner.note(text, in: &names, since: mark, &decoded)
      try skipMember(&scanner, row, depth)
    }
    return nil
  }

  /// Any value of a key, in any form.
  private mutating func value(
    of target: KeyTree.Target, _ scanner: inout JSONScanner, _ row: CandidateRow, _ depth: Int
  ) throws(JSONFault) {
    let slot = Int(target.index)
    switch target.kind {
    case .flag: try flag(slot, &scanner, row, depth)
    case .number: try number(slot, &scanner, row, depth)
    case .text: try text(slot, &scanner, row, depth)
    case .time:
      if scanner.acceptNull() {
        row.states[slot] = FactState.missing
      } else if let time = try time(&scanner, depth) {
        row.set(slot, time: time)
      } else {
        row.states[slot] = FactState.wrongType
      }
    // An object is read where its key is.
    case .node: try skipMember(&scanner, row, depth)
    case .userID: try userID(&scanner, row, depth)
    case .contacts: try contacts(&scanner, row, depth)
    case .operation: try control(&scanner, depth)
    case .gone:
      isGone = scanner.acceptTrue()
      if !isGone { try skipMember(&scanner, row, depth) }
    }
  }

  // MARK: - Values

  @inline(__always)
  private mutating func flag(
    _ slot: Int, _ scanner: inout JSONScanner, _ row: CandidateRow, _ depth: Int
  ) throws(JSONFault) {
    if scanner.acceptTrue() {
      row.set(slot, flag: true)
    } else if scanner.acceptFalse() {
      row.set(slot, flag: false)
    } else {
      try wrong(slot, &scanner, row, depth)
    }
  }

  private mutating func number(
    _ slot: Int, _ scanner: inout JSONScanner, _ row: CandidateRow, _ depth: Int
  ) throws(JSONFault) {
    guard scanner.byte == 0x2D || scanner.byte &- 0x30 <= 9 else { return try wrong(slot, &scanner, row, depth) }
    let value = scanner.double(try scanner.number())
    if value.isFinite { row.set(slot, number: value) } else { row.states[slot] = FactState.wrongType }
  }

  private mutating func text(
    _ slot: Int, _ scanner: inout JSONScanner, _ row: CandidateRow, _ depth: Int
  ) throws(JSONFault) {
    guard scanner.byte == 0x22 else { return try wrong(slot, &scanner, row, depth) }
    let text = try scanner.string()
    if text.hasEscapes {
      decoded.removeAll(keepingCapacity: true)
      scanner.decode(text, into: &decoded)
      decoded.withUnsafeBytes { bytes in
        row.set(slot, text: texts.id(of: bytes))
        if row.keepsTexts { row.keep(slot, bytes) }
      }
    } else {
      row.set(slot, text: texts.id(of: scanner.raw(text)))
      if row.keepsTexts { row.keep(slot, scanner.raw(text)) }
    }
  }

  /// null is missing; a value of another type is missing and an issue.
  private mutating func wrong(
    _ slot: Int, _ scanner: inout JSONScanner, _ row: CandidateRow, _ depth: Int
  ) throws(JSONFault) {
    if scanner.acceptNull() {
      row.states[slot] = FactState.missing
      return
    }
    try skip(&scanner, depth)
    row.states[slot] = FactState.wrongType
  }

  /// A time as seconds since 1970; nil for any other value, which is read all the same.
  private mutating func time(_ scanner: inout JSONScanner, _ depth: Int) throws(JSONFault) -> Int64? {
    if scanner.byte == 0x22 {
      let text = try scanner.string()
      guard text.hasEscapes else { return Moment.parse(scanner.raw(text)) }
      decoded.removeAll(keepingCapacity: true)
      scanner.decode(text, into: &decoded)
      return decoded.withUnsafeBytes { Moment.parse($0) }
    }
    guard scanner.byte == 0x2D || scanner.byte &- 0x30 <= 9 else {
      try skip(&scanner, depth)
      return nil
    }
    let value = scanner.double(try scanner.number())
    guard value == value.rounded(), value >= Double(Moment.first), value <= Double(Moment.last) else { return nil }
    return Int64(value)
  }

  private mutating func userID(_ scanner: inout JSONScanner, _ row: CandidateRow, _ depth: Int) throws(JSONFault) {
    guard scanner.byte == 0x22 else { return try skip(&scanner, depth) }
    let text = try scanner.string()
    row.userIDStart = UnsafeRawPointer(scanner.base + (text.start - 1))
    row.userIDLength = scanner.at - (text.start - 1)
    if text.hasEscapes {
      decoded.removeAll(keepingCapacity: true)
      scanner.decode(text, into: &decoded)
      decoded.withUnsafeBytes { setUserID($0, row) }
    } else {
      setUserID(scanner.raw(text), row)
    }
  }

  private func setUserID(_ bytes: UnsafeRawBufferPointer, _ row: CandidateRow) {
    guard bytes.count > 0, bytes.count <= CandidateRow.longestUserID else { return }
    UnsafeMutableRawPointer(row.userIDBytes).copyMemory(
      from: bytes.baseAddress ?? UnsafeRawPointer(row.userIDBytes), byteCount: bytes.count)
    row.userIDCount = bytes.count
  }

  private mutating func control(_ scanner: inout JSONScanner, _ depth: Int) throws(JSONFault) {
    operation = .invalid
    guard scanner.byte == 0x22 else { return try skip(&scanner, depth) }
    let text = try scanner.string()
    decoded.removeAll(keepingCapacity: true)
    scanner.decode(text, into: &decoded)
    if decoded.elementsEqual("end".utf8) { operation = .end }
    if decoded.elementsEqual("cancel".utf8) { operation = .cancel }
  }

  // MARK: - Contacts (model 2.3)

  private mutating func contacts(_ scanner: inout JSONScanner, _ row: CandidateRow, _ depth: Int) throws(JSONFault) {
    if scanner.acceptNull() { return }
    guard scanner.byte == 0x5B else {
      try skip(&scanner, depth)
      row.contactsState = FactState.wrongType
      return
    }
    row.contactsState = FactState.present
    try scanner.enter(depth + 1)
    var isFirst = true
    while try scanner.nextItem(&isFirst) {
      row.contactEntries += 1
      if scanner.byte == 0x7B {
        try contact(&scanner, row, depth + 2)
      } else {
        try skip(&scanner, depth + 1)
      }
    }
  }

  private mutating func contact(_ scanner: inout JSONScanner, _ row: CandidateRow, _ depth: Int) throws(JSONFault) {
    var at: Int64?
    var channel: Int?
    var channelText: [UInt8] = []
    try scanner.enter(depth)
    let mark = names.mark
    var isFirst = true
    while let key = try scanner.nextKey(&isFirst) {
      try scanner.note(key, in: &names, since: mark, &decoded)
      // The names are short and the values few: a plain comparison does.
      decoded.removeAll(keepingCapacity: true)
      scanner.decode(key, into: &decoded)
      if decoded.elementsEqual("at".utf8) {
        at = try time(&scanner, depth)
      } else if scanner.byte == 0x22, decoded.elementsEqual("channel".utf8) {
        let text = try scanner.string()
        decoded.removeAll(keepingCapacity: true)
        scanner.decode(text, into: &decoded)
        channel = channels[Int(decoded.withUnsafeBytes { texts.id(of: $0) })]
        if row.keepsTexts { channelText = decoded }
      } else {
        try skip(&scanner, depth)
      }
    }
    names.forget(from: mark)
    guard let at, let channel else { return }
    row.contacts.append(CandidateRow.Contact(at: at, channel: channel))
    if row.keepsTexts { channelText.withUnsafeBytes { row.keepChannel($0) } }
  }

  // MARK: - What nobody declared

  /// A member that is ignored: an object is entered and its members are counted, anything else counts as one.
  private mutating func skipMember(_ scanner: inout JSONScanner, _ row: CandidateRow, _ depth: Int) throws(JSONFault) {
    guard scanner.byte == 0x7B else {
      row.ignored += 1
      return try skip(&scanner, depth)
    }
    try scanner.enter(depth + 1)
    let mark = names.mark
    var isFirst = true
    while let key = try scanner.nextKey(&isFirst) {
      try scanner.note(key, in: &names, since: mark, &decoded)
      try skipMember(&scanner, row, depth + 1)
    }
    names.forget(from: mark)
  }

  /// Any value, checked and left.
  /// - Parameter depth: of the object or list that holds it.
  mutating func skip(_ scanner: inout JSONScanner, _ depth: Int) throws(JSONFault) {
    try scanner.skip(depth, &names, &decoded)
  }
}
