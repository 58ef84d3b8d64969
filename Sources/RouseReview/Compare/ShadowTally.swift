import RouseCore
import RouseWire

/// What a second policy would have decided on real requests, gathered in bounded memory: no plan is made, so whoever is
/// eligible counts as contacted, by his best option. It counts decisions: a user who is asked for twice counts twice.
package struct ShadowTally {
  private let old: ComparedPolicy
  private let new: ComparedPolicy
  private var tally: ComparisonTally
  private var sample = UserSample()
  private let board = MoverBoard()

  /// - Parameters: the two policies, at any moment.
  package init(old: ComparedPolicy, new: ComparedPolicy) {
    self.old = old
    self.new = new
    tally = ComparisonTally(old: old, new: new)
  }

  package var count: Int { tally.lines }

  /// Adds what both policies decided on a candidate.
  package mutating func add(
    old oldRow: CandidateRow, _ oldDecision: Decision, new newRow: CandidateRow, _ newDecision: Decision
  ) {
    let before = ComparedSide(oldDecision, oldRow, old)
    let after = ComparedSide(newDecision, newRow, new)
    let was = Self.placed(before, oldDecision.bestOption, old.policy)
    let now = Self.placed(after, newDecision.bestOption, new.policy)
    tally.add(old: was, new: now)
    guard oldRow.userIDCount > 0 else { return }
    if before.hasOption, after.hasOption {
      sample.add(oldRow.userID, before.net(old.policy), after.net(new.policy))
    }
    let change = after.gain(new.policy).subtractingReportingOverflow(before.gain(old.policy))
    guard !change.overflow, board.mark.mayWant(change.partialValue) else { return }
    board.addLatest(
      Mover(
        line: 0, userID: Array(oldRow.userID), change: change.partialValue,
        old: MoverFacts(oldDecision, oldRow, old), new: MoverFacts(newDecision, newRow, new), placed: (was, now)))
  }

  private static func placed(_ side: ComparedSide, _ best: Option?, _ policy: Policy) -> ComparisonTally.Placed {
    let taken = side.isEligible ? best : nil
    return .init(
      side: side, status: Status(rawValue: side.status) ?? .invalid, taken: taken,
      worth: taken.map { policy.worth(value: $0.value, spend: $0.spend) } ?? 0)
  }

  /// - Parameter asOf: seconds since 1970: the last moment that was decided for.
  package func result(asOf: Int64) -> ComparisonResult {
    let (up, down) = board.movers
    func placed(_ movers: [Mover]) -> [PlacedMover] {
      movers.compactMap { mover in
        mover.placed.map { PlacedMover(mover: mover, old: $0.old, new: $0.new) }
      }
    }
    return ComparisonResult(
      old: old, new: new, asOf: asOf, tally: tally, correlation: RankCorrelation(sample.pairs),
      movers: .init(up: placed(up), down: placed(down)), plans: nil)
  }
}

/// Users chosen by a hash of their user_id, the same whatever the order in which they come: a sample of so many, each with
/// what was decided on him last.
struct UserSample {
  static let most = 10_000

  private var nets: [UInt64: (old: Int64, new: Int64)] = [:]
  /// Hashes above this are not of the sample.
  private var limit = UInt64.max

  mutating func add(_ userID: UnsafeRawBufferPointer, _ old: Int64, _ new: Int64) {
    let hash = Self.hash(userID)
    guard hash <= limit else { return }
    nets[hash] = (old, new)
    if nets.count > 2 * Self.most { narrow() }
  }

  private mutating func narrow() {
    let kept = nets.keys.sorted().prefix(Self.most)
    guard let last = kept.last else { return }
    limit = last
    nets = nets.filter { $0.key <= last }
  }

  /// At most `most` of them, in the order of their hashes.
  var pairs: [(old: Int64, new: Int64)] {
    nets.keys.sorted().prefix(Self.most).compactMap { nets[$0] }
  }

  /// FNV-1a, and its bits mixed (as MurmurHash does at its end): no secret and no chance, so that a sample can be taken again.
  private static func hash(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
    hash = (hash ^ (hash >> 33)) &* 0xFF51_AFD7_ED55_8CCD
    hash = (hash ^ (hash >> 33)) &* 0xC4CE_B9FE_1A85_EC53
    return hash ^ (hash >> 33)
  }
}
