import RouseCore

/// A decision in tens of bytes, for a rank, which must hold all candidates before it can answer for one.
enum PackedDecision {
  /// - Parameter withBest: keeps the best option too, where no plan keeps it.
  static func pack(_ decision: Decision, withBest: Bool, into bytes: inout ByteWriter) {
    let numbers = 24 + decision.reasonCount + 3 * decision.issues.count + decision.responseBinCount
    var cursor = bytes.cursor(numbers * ByteCursor.longestPacked)
    pack(decision, withBest: withBest, &cursor)
    bytes.end(cursor)
  }

  @inline(__always)
  private static func pack(_ decision: Decision, withBest: Bool, _ bytes: inout ByteCursor) {
    bytes.put(decision.status.rawValue)
    bytes.put(decision.depth.rawValue)
    bytes.pack(decision.reasonCount)
    for index in 0..<decision.reasonCount { bytes.pack(Int(decision.lists.reasons[index])) }
    bytes.pack(decision.issues.count)
    for issue in decision.issues { pack(issue, &bytes) }
    bytes.pack(decision.ignored)
    guard decision.depth >= .stage else { return }
    bytes.pack(decision.stage)
    guard decision.depth >= .risk else { return }
    bytes.pack(decision.dormantDays ?? -1)
    bytes.pack(decision.silentDays ?? -1)
    bytes.pack(decision.tier)
    bytes.pack(decision.riskScore)
    bytes.pack(decision.until == nil ? 0 : 1)
    if let until = decision.until { bytes.pack(until) }
    guard decision.depth >= .value else { return }
    bytes.pack(decision.recency)
    bytes.pack(decision.approval)
    bytes.pack(decision.points)
    bytes.put(decision.arm.rawValue)
    bytes.pack(decision.offset)
    for index in 0..<decision.responseBinCount { bytes.pack(Int(decision.lists.responseBins[index])) }
    guard withBest, let best = decision.bestOption else { return }
    bytes.pack(best.value)
    bytes.pack(best.spend)
    bytes.pack(best.capital)
    bytes.pack(Int(best.p))
    bytes.pack(Int(best.channel))
  }

  private static func pack(_ issue: Issue, _ bytes: inout ByteCursor) {
    switch issue {
    case .wrongType(let slot):
      bytes.put(0)
      bytes.pack(slot)
    case .ahead(let slot):
      bytes.put(1)
      bytes.pack(slot)
    case .contactsNotAList:
      bytes.put(2)
    case .contactsUnusable(let count, let all):
      bytes.put(3)
      bytes.pack(count)
      bytes.pack(all)
    case .belowTheScale(let slot):
      bytes.put(4)
      bytes.pack(slot)
    }
  }

  /// Reads a decision back; its options are empty, or hold the best one alone.
  static func unpack(_ bytes: UnsafeRawBufferPointer, withBest: Bool, policy: Policy, into decision: inout Decision) {
    var reader = PackedReader(bytes: bytes)
    decision.clear()
    decision.status = Status(rawValue: reader.byte()) ?? .invalid
    decision.depth = Decision.Depth(rawValue: reader.byte()) ?? .line
    for _ in 0..<reader.int() { decision.append(reason: Int32(truncatingIfNeeded: reader.int())) }
    for _ in 0..<reader.int() { if let issue = issue(&reader) { decision.issues.append(issue) } }
    decision.ignored = reader.int()
    guard decision.depth >= .stage else { return }
    decision.stage = reader.int()
    guard decision.depth >= .risk else { return }
    let dormant = reader.int64()
    decision.dormantDays = dormant < 0 ? nil : dormant
    let silent = reader.int64()
    decision.silentDays = silent < 0 ? nil : silent
    decision.tier = reader.int()
    decision.riskScore = reader.int()
    decision.pd = policy.pd(riskScore: decision.riskScore, stage: decision.stage)
    if reader.int() == 1 { decision.until = reader.int64() }
    guard decision.depth >= .value else { return }
    decision.recency = reader.int()
    decision.approval = reader.int()
    decision.points = reader.int()
    decision.arm = Experiment.Arm(rawValue: reader.byte()) ?? .policy
    decision.offset = reader.int()
    for _ in 0..<policy.response.count { decision.append(responseBin: Int32(truncatingIfNeeded: reader.int())) }
    guard withBest else { return }
    decision.setOption(
      Option(
        value: reader.int64(), spend: reader.int64(), capital: reader.int64(),
        p: Int32(truncatingIfNeeded: reader.int()),
        channel: Int32(truncatingIfNeeded: reader.int())))
  }

  private static func issue(_ reader: inout PackedReader) -> Issue? {
    switch reader.byte() {
    case 0: .wrongType(slot: reader.int())
    case 1: .ahead(slot: reader.int())
    case 2: .contactsNotAList
    case 3: .contactsUnusable(reader.int(), of: reader.int())
    case 4: .belowTheScale(slot: reader.int())
    default: nil
    }
  }
}

/// Reads what `ByteWriter.pack` wrote; our own bytes, never a peer's.
struct PackedReader {
  let bytes: UnsafeRawBufferPointer
  private var at = 0

  init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  mutating func byte() -> UInt8 {
    guard at < bytes.count else { return 0 }
    at += 1
    return bytes[at - 1]
  }

  mutating func int64() -> Int64 {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while true {
      let next = byte()
      value |= UInt64(next & 0x7F) << shift
      if next < 0x80 || shift > 56 { break }
      shift += 7
    }
    return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
  }

  mutating func int() -> Int { Int(int64()) }
}
