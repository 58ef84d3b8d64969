import TestData

@testable import RouseCore
@testable import RouseWire

/// What `valid_until` watches of a decision.
struct Watched: Equatable {
  let status: Status
  let stage: Int
  let tier: Int?
  let riskScore: Int?
  let points: Int?
  let best: Int32?

  init(_ decision: Decision) {
    status = decision.status
    stage = decision.stage
    tier = decision.depth >= .risk ? decision.tier : nil
    riskScore = decision.depth >= .risk ? decision.riskScore : nil
    points = decision.depth >= .value ? decision.points : nil
    best = decision.depth >= .value ? decision.options[decision.best].channel : nil
  }
}

/// Looks at one candidate from any moment, by scoring it anew.
final class Onlooker {
  private let policy: Policy
  private let kept: CandidateRow
  private let row: CandidateRow
  private var reader: CandidateReader
  private var decision = Decision()
  private(set) var isCandidate = false

  init(_ policy: Policy) {
    self.policy = policy
    kept = CandidateRow(policy: policy)
    row = CandidateRow(policy: policy)
    reader = CandidateReader(tables: WireTables(policy: policy))
  }

  func turn(to line: [UInt8]) {
    let block = line.withUnsafeBytes { Block($0) }
    isCandidate = withExtendedLifetime(block) {
      reader.read(UnsafeRawBufferPointer(rebasing: block.bytes.dropLast()), into: kept) == .candidate
    }
  }

  func look(_ now: Int64) -> Watched {
    row.assign(kept)
    Scorer(policy: policy, now: now).score(row, into: &decision)
    return Watched(decision)
  }

  /// Every time of the candidate, of whatever kind.
  var times: [Int64] {
    policy.fields.declared.indices.filter { policy.fields.type(ofSlot: $0) == .time }.compactMap { kept.time($0) }
      + kept.contacts.map(\.at)
  }

  /// Moments after now, rising, and for so many days all of them, at which a time or a count of whole days from one
  /// could step; whatever the policy asks for.
  func steps(after now: Int64, days: Int64) -> [Int64] {
    var moments: Set<Int64> = []
    for time in times {
      moments.formUnion([time - policy.definition.clockSkew, time, time + 1])
      let first = time + (floorDivide(now - time, Moment.day) + 1) * Moment.day
      moments.formUnion(stride(from: first, to: now + days * Moment.day, by: Int(Moment.day)))
    }
    return moments.filter { $0 > now && $0 <= Moment.last }.sorted()
  }
}
