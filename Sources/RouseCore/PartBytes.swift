/// Why bytes are no part of a plan, or no question or answer about one.
package struct PartFault: Error, Equatable, Sendable {
  package let message: String

  package init(_ message: String) { self.message = message }

  static let damaged = PartFault("it is damaged, or was cut short; make it again")
}

/// What sealed bytes are.
package enum PartKind: UInt8, Sendable {
  case options = 1
  case decisions, lines, question, answer, state

  var name: String {
    switch self {
    case .options: "the options of a part"
    case .decisions: "the decisions of a part"
    case .lines: "the lines of a part"
    case .question: "a question about parts"
    case .answer: "an answer of a part"
    case .state: "the state of a plan"
    }
  }
}

/// Writes what one process tells another about a plan in parts: numbers of variable length, and a seal around all.
package struct PartWriter {
  /// Kind, form, length, and behind the body a check of it.
  private static let head = 16
  static let form: UInt8 = 1
  static let mark: [UInt8] = [0x89, 0x52, 0x50, 0x0A]

  private var bytes: [UInt8]

  package init(_ kind: PartKind) {
    bytes = Self.mark + [kind.rawValue, Self.form, 0, 0] + [UInt8](repeating: 0, count: 8)
  }

  package mutating func put(_ byte: UInt8) { bytes.append(byte) }

  package mutating func put(_ value: Bool) { bytes.append(value ? 1 : 0) }

  @inline(__always)
  package mutating func put(_ value: Int64) {
    var rest = UInt64(bitPattern: value &<< 1 ^ value &>> 63)
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest &>>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: rest))
  }

  package mutating func put(_ value: Int) { put(Int64(value)) }

  package mutating func put(_ value: Int128) {
    var rest = UInt128(bitPattern: value &<< 1 ^ value &>> 127)
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest &>>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: rest))
  }

  @inline(__always)
  package mutating func put(fixed value: UInt64) {
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }

  package mutating func put(_ text: some Collection<UInt8>) {
    put(text.count)
    bytes.append(contentsOf: text)
  }

  package mutating func put(_ list: [Int128]) {
    put(list.count)
    for value in list { put(value) }
  }

  package mutating func put(_ list: [Int]) {
    put(list.count)
    for value in list { put(value) }
  }

  /// Everything, sealed.
  package consuming func sealed() -> [UInt8] {
    let length = UInt64(bytes.count - Self.head)
    for index in 0..<8 { bytes[8 + index] = UInt8(truncatingIfNeeded: length &>> UInt64(8 * index)) }
    put(fixed: bytes.withUnsafeBytes { PartReader.check($0) })
    return bytes
  }
}

/// Reads what a `PartWriter` wrote, and believes none of it: every length is looked at before it is used.
package struct PartReader {
  private let bytes: UnsafeRawBufferPointer
  private var at: Int

  /// - Parameter bytes: all of what was sealed; they must outlive the reader.
  package init(_ bytes: UnsafeRawBufferPointer, _ kind: PartKind) throws(PartFault) {
    guard bytes.count >= 24, bytes[0..<4].elementsEqual(PartWriter.mark) else {
      throw PartFault("it is not \(kind.name)")
    }
    guard bytes[5] == PartWriter.form else {
      throw PartFault(
        "it is of form \(bytes[5]), and this program reads form \(PartWriter.form); use one version everywhere")
    }
    guard bytes[4] == kind.rawValue else {
      let other = PartKind(rawValue: bytes[4]).map { "; it is \($0.name)" } ?? ""
      throw PartFault("it is not \(kind.name)\(other)")
    }
    let end = bytes.count - 8
    let length = bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self).littleEndian
    let sum = bytes.loadUnaligned(fromByteOffset: end, as: UInt64.self).littleEndian
    guard length == UInt64(end - 16), sum == Self.check(UnsafeRawBufferPointer(rebasing: bytes[..<end])) else {
      throw PartFault.damaged
    }
    self.bytes = UnsafeRawBufferPointer(rebasing: bytes[..<end])
    at = 16
  }

  /// Tells damage, not malice: who may write to a cluster's memory may write anything.
  static func check(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    var sum: UInt64 = 0x9E37_79B9_7F4A_7C15 ^ UInt64(bytes.count)
    var at = 0
    while at &+ 8 <= bytes.count {
      sum = (sum ^ bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self).littleEndian) &* 0xD6E8_FEB8_6659_FD93
      sum ^= sum &>> 32
      at &+= 8
    }
    while at < bytes.count {
      sum = (sum ^ UInt64(bytes[at])) &* 0x100_0000_01B3
      at &+= 1
    }
    return sum ^ sum &>> 29
  }

  private var left: Int { bytes.count &- at }
  package var isAtEnd: Bool { at >= bytes.count }

  @inline(__always)
  package mutating func byte() throws(PartFault) -> UInt8 {
    guard at < bytes.count else { throw PartFault.damaged }
    at &+= 1
    return bytes[at &- 1]
  }

  package mutating func flag() throws(PartFault) -> Bool { try byte() != 0 }

  @inline(__always)
  package mutating func int64() throws(PartFault) -> Int64 {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while true {
      let next = try byte()
      value |= UInt64(next & 0x7F) &<< shift
      if next < 0x80 { break }
      shift &+= 7
      guard shift < 64 else { throw PartFault.damaged }
    }
    return Int64(bitPattern: value &>> 1) ^ -Int64(bitPattern: value & 1)
  }

  package mutating func int() throws(PartFault) -> Int { Int(try int64()) }

  package mutating func int128() throws(PartFault) -> Int128 {
    var value: UInt128 = 0
    var shift: UInt128 = 0
    while true {
      let next = try byte()
      value |= UInt128(next & 0x7F) &<< shift
      if next < 0x80 { break }
      shift &+= 7
      guard shift < 128 else { throw PartFault.damaged }
    }
    return Int128(bitPattern: value &>> 1) ^ -Int128(bitPattern: value & 1)
  }

  @inline(__always)
  package mutating func fixed() throws(PartFault) -> UInt64 {
    guard left >= 8 else { throw PartFault.damaged }
    at &+= 8
    return bytes.loadUnaligned(fromByteOffset: at &- 8, as: UInt64.self).littleEndian
  }

  /// A number within a range.
  @inline(__always)
  package mutating func int(_ range: Range<Int>) throws(PartFault) -> Int {
    let value = try int()
    guard range.contains(value) else { throw PartFault.damaged }
    return value
  }

  /// How many things follow that take a byte or more each.
  package mutating func count() throws(PartFault) -> Int { try int(0..<(left &+ 1)) }

  package mutating func text() throws(PartFault) -> UnsafeRawBufferPointer {
    let count = try count()
    guard count <= left else { throw PartFault.damaged }
    at &+= count
    return UnsafeRawBufferPointer(rebasing: bytes[(at &- count)..<at])
  }

  package mutating func list128() throws(PartFault) -> [Int128] {
    var list: [Int128] = []
    for _ in 0..<(try count()) { list.append(try int128()) }
    return list
  }

  /// A list of a known length.
  package mutating func list128(_ count: Int) throws(PartFault) -> [Int128] {
    let list = try list128()
    guard list.count == count else { throw PartFault.damaged }
    return list
  }

  /// What was counted: so far from any bound that sums of many parts' stay within it too.
  package mutating func tallies(_ count: Int) throws(PartFault) -> [Int] {
    let list = try list(count)
    guard list.allSatisfy((0..<(1 << 40)).contains) else { throw PartFault.damaged }
    return list
  }

  package mutating func list(_ count: Int) throws(PartFault) -> [Int] {
    guard try self.count() == count else { throw PartFault.damaged }
    var list: [Int] = []
    for _ in 0..<count { list.append(try int()) }
    return list
  }

  package func end() throws(PartFault) { guard isAtEnd else { throw PartFault.damaged } }
}
