import RouseCore

extension PackedDecision {
  /// Whether bytes that came from elsewhere are a decision under this policy: `unpack`, and who writes a row of it, look up
  /// what they find there without asking again.
  static func isSound(_ bytes: UnsafeRawBufferPointer, withBest: Bool, scorer: Scorer) -> Bool {
    let policy = scorer.policy
    var reader = PackedReader(bytes: bytes)
    func isWithin(_ range: ClosedRange<Int>) -> Bool { range.contains(reader.int()) }
    let large = 1 << 40

    guard Status(rawValue: reader.byte()) != nil, let depth = Decision.Depth(rawValue: reader.byte()) else {
      return false
    }
    let reasons = reader.int()
    guard (0...policy.codes.count).contains(reasons) else { return false }
    for _ in 0..<reasons where !isWithin(0...(policy.codes.count - 1)) { return false }
    let issues = reader.int()
    guard (0...bytes.count).contains(issues) else { return false }
    for _ in 0..<issues {
      switch reader.byte() {
      case 0, 1, 4: guard isWithin(0...(1 << 16)) else { return false }
      case 2: break
      case 3: guard isWithin(0...large), isWithin(0...large) else { return false }
      default: return false
      }
    }
    guard isWithin(0...large) else { return false }
    guard depth >= .stage else { return true }
    let stage = reader.int()
    guard (-1..<policy.stages.count).contains(stage) else { return false }
    guard depth >= .risk else { return true }
    guard stage >= 0, isWithin(-1...large), isWithin(-1...large), isWithin(-1...policy.tiers.count),
      isWithin(-(1 << 24)...(1 << 24))
    else { return false }
    if reader.int() == 1, !isWithin(-(1 << 37)...(1 << 37)) { return false }
    guard depth >= .value else { return true }
    for _ in 0..<3 where !isWithin(-large...large) { return false }
    guard Experiment.Arm(rawValue: reader.byte()) != nil, isWithin(0...(scorer.offsetCount - 1)) else { return false }
    for row in policy.response.rows where !isWithin(-2...(row.points.count - 1)) { return false }
    guard withBest else { return true }
    let most = 1 << 60
    return isWithin(-most...most) && isWithin(0...most) && isWithin(0...most) && isWithin(0...Int(Int32.max))
      && isWithin(0...(policy.channels.count - 1))
  }
}
