/// Whom of the audience a request is for: a condition by model 1.3, over what a candidate carries and what its stage makes
/// known. It may name texts that the policy does not.
package final class AudienceCondition: Sendable {
  /// Whether it holds of everyone.
  package let isAlwaysTrue: Bool
  private let pool: ConditionPool
  private let root: ConditionPool.Root
  private let texts: TextTable
  private let policyTexts: UInt64
  /// The declared texts that it reads, when it must tell apart some that have no number in the policy.
  private let ownSlots: [Int]

  /// - Parameter text: the fields of the policy and what is derived may be named, but for what its guardrails keep out.
  package init(_ text: String, policy: Policy) throws(ConditionError) {
    let definition = policy.definition
    let condition = try ConditionParser.parse(
      text,
      in: ConditionScope(
        fields: policy.fields, derivedAllowed: true, forbidden: definition.forbidden, proxies: definition.proxies))
    isAlwaysTrue = condition.nodes.count == 1 && condition.nodes[0].operation == .alwaysTrue
    var table = TextTable.Builder(policy.texts)
    var builder = ConditionPool.Builder()
    root = builder.add(condition, interning: &table)
    pool = ConditionPool(builder)
    texts = TextTable(table)
    policyTexts = UInt64(policy.texts.count)
    let tellsMore = builder.comparesTexts || texts.count > policy.texts.count
    ownSlots = tellsMore ? condition.slots.filter { policy.fields.textSlots.contains($0) } : []
  }

  /// Whether it holds of a candidate.
  /// - Parameter row: the slot's, scored: what has been derived stands in it.
  package func holds(_ slot: Int, _ row: CandidateRow, _ audience: Audience) -> Bool {
    if isAlwaysTrue { return true }
    guard !ownSlots.isEmpty else { return pool.holds(root, row) }
    // Texts without a number in the policy get one of their own each while the condition is looked at.
    for text in ownSlots where row.isPresent(text) && row.bits[text] == TextTable.other {
      guard let word = audience.word(slot, text) else { continue }
      let id = audience.words.withText(word) { texts.id(of: $0) }
      row.bits[text] = id != TextTable.other ? id : UInt64(texts.count) + UInt64(word)
    }
    defer { for text in ownSlots where row.bits[text] >= policyTexts { row.bits[text] = TextTable.other } }
    return pool.holds(root, row)
  }
}
