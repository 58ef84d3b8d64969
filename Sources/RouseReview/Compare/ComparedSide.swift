import RouseCore

/// What one policy decided on one candidate, before any plan: 32 bytes.
struct ComparedSide: BitwiseCopyable {
  /// Of the best option, micros; of no meaning without one.
  var value: Int64 = 0
  var spend: Int64 = 0
  var riskScore: Int32 = 0
  /// The first reason: index into `Policy.codes`, or -1.
  var code: Int16 = -1
  /// Indices, or -1.
  var stage: Int16 = -1
  var tier: Int16 = -1
  var group: Int16 = -1
  /// Of the best option, or -1.
  var channel: Int16 = -1
  var status = Status.invalid.rawValue
  private var flags: UInt8 = 0

  private static let option: UInt8 = 1
  private static let risk: UInt8 = 2

  init(_ decision: Decision, _ row: CandidateRow, _ side: ComparedPolicy) {
    status = decision.status.rawValue
    if decision.reasonCount > 0 { code = Int16(clamping: decision.lists.reasons[0]) }
    stage = Int16(clamping: decision.stage)
    tier = Int16(clamping: decision.tier)
    guard decision.depth >= .risk else { return }
    flags |= Self.risk
    riskScore = Int32(clamping: decision.riskScore)
    group = side.group(of: row)
    guard let best = decision.bestOption else { return }
    flags |= Self.option
    value = best.value
    spend = best.spend
    channel = Int16(clamping: best.channel)
  }

  var hasOption: Bool { flags & Self.option != 0 }
  var hasRisk: Bool { flags & Self.risk != 0 }
  var isEligible: Bool { status == Status.eligible.rawValue }

  /// Micros, rounded down: what the best option is worth; 0 where there is none.
  func net(_ policy: Policy) -> Int64 {
    guard hasOption else { return 0 }
    return Int64(clamping: floorDivide(policy.worth(value: value, spend: spend), Int128(Micros.one)))
  }

  /// Micros: what a contact would bring beyond doing nothing; 0 for one whom the policy would not contact, whatever the
  /// limits. The holdout counts as others do: what is drawn changes nobody's worth.
  func gain(_ policy: Policy) -> Int64 {
    switch Status(rawValue: status) {
    case .eligible?, .holdout?: max(0, net(policy))
    default: 0
    }
  }

  /// The line counts as one that had no use: its user_id came before.
  mutating func repeatUser() {
    self = ComparedSide(repeated: ())
  }

  private init(repeated: ()) { code = Int16(clamping: ReasonCode.i03.rawValue) }
}
