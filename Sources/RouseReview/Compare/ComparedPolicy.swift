import RouseCore
import RouseWire

/// One of the two policies of a comparison, at the moment that both are asked for.
package final class ComparedPolicy: Sendable {
  package let policy: Policy
  package let scorer: Scorer
  /// What its plan may take.
  package let limits: PlanLimits
  private let tables: WireTables
  private let writer: DecisionWriter
  /// Names of region groups, each once.
  let groups: [String]
  /// Index into `groups` by text number; -1: the text names none.
  private let groupOfText: [Int16]
  private let groupSlot: Int

  /// - Parameters:
  ///   - tables: of the same policy, where they are made already.
  ///   - now: seconds since 1970.
  ///   - limits: nil: the policy's own.
  package init(_ policy: Policy, tables: WireTables? = nil, now: Int64, limits: PlanLimits? = nil) {
    self.policy = policy
    self.limits = limits ?? PlanLimits(policy: policy)
    let tables = tables ?? WireTables(policy: policy)
    self.tables = tables
    scorer = Scorer(policy: policy, now: min(max(now, Moment.first), Moment.last))
    writer = DecisionWriter(scorer: scorer, tables: tables)
    var groups: [String] = []
    for name in policy.definition.regions.groups.map(\.name) + ["unknown"]
    where !groups.contains(where: { ExactText($0) == ExactText(name) }) {
      groups.append(name)
    }
    self.groups = groups
    var groupOfText = [Int16](repeating: -1, count: policy.texts.count)
    for (index, name) in groups.enumerated() {
      let bytes = Array(name.utf8)
      if let text = policy.texts.texts.firstIndex(of: bytes) { groupOfText[text] = Int16(clamping: index) }
    }
    self.groupOfText = groupOfText
    groupSlot = policy.fields.slot(.regionGroup)
  }

  /// A worker for one thread.
  /// - Parameter facts: what is known of users beside what candidates carry; nil: nothing.
  package func worker(facts: (any FactSource)? = nil, longestLine: Int, isStream: Bool = false) -> BatchWorker {
    BatchWorker(
      scorer: scorer, writer: writer, tables: tables, facts: facts, longestLine: longestLine, isStream: isStream)
  }

  /// The region group of a row that has been scored: index into `groups`, or -1.
  func group(of row: CandidateRow) -> Int16 {
    guard row.isPresent(groupSlot), row.bits[groupSlot] < UInt64(groupOfText.count) else { return -1 }
    return groupOfText[Int(row.bits[groupSlot])]
  }
}
