import RouseCore

/// What is known of the audience's users beside their candidates. Asked for one user after another, from many threads.
package protocol AudienceSource {
  /// Empty when the slot's user is no more.
  func userID(_ slot: Int) -> UnsafeRawBufferPointer
  /// Tells a row what the ledger knows of the user; nothing where it informs no decision.
  func tell(_ slot: Int, _ row: CandidateRow)
  /// Of whom of 64 users something may be told, the first in the lowest bit: it is asked of all, and told of few.
  /// - Parameter slot: of the first, a multiple of 64.
  func told(from slot: Int) -> UInt64
}

/// Scores candidates of the standing audience, with scratch of its own: one a thread.
package final class AudienceWorker: @unchecked Sendable {
  // Sendable because one thread at a time holds it: it is handed on, never shared.

  private let audience: Audience
  private let texts: AudienceTexts
  private let scorer: Scorer
  private let condition: AudienceCondition?
  private let output: CandidateOutput
  private let row: CandidateRow
  private var spare: Decision?

  /// - Parameters:
  ///   - audience: of the policy's fields.
  ///   - condition: whom the request is for; nil: everyone.
  package init(
    audience: Audience, scorer: Scorer, writer: DecisionWriter, condition: AudienceCondition?, extras: Extras = []
  ) {
    self.audience = audience
    self.scorer = scorer
    self.condition = condition?.isAlwaysTrue == true ? nil : condition
    texts = AudienceTexts(audience: audience, policy: scorer.policy)
    output = CandidateOutput(scorer: scorer, writer: writer, extras: extras)
    row = CandidateRow(policy: scorer.policy, keepingTexts: extras.contains(.explain))
  }

  /// Scores the candidates of some slots; one row each, ended by an LF, into `out`. To be called while nobody may write.
  package func score(
    _ slots: Range<Int>, of source: any AudienceSource, into out: inout ByteWriter, totals: inout Totals
  ) {
    each(slots, source, identified: true) { decision, _ in
      output.write(decision, row, into: &out, totals: &totals)
      out.put(0x0A)
    }
  }

  /// Scores them for a rank.
  package func rank(_ slots: Range<Int>, of source: any AudienceSource, into part: RankPart) {
    each(slots, source, identified: part.rows == .all) { decision, slot in
      part.add(decision, row, scorer) { source.userID(slot) }
    }
  }

  /// - Parameter identified: the user_id is needed whatever is decided, and all that can be said.
  @inline(__always)
  private func each(
    _ slots: Range<Int>, _ source: any AudienceSource, identified: Bool, _ take: (Decision, Int) -> Void
  ) {
    guard audience.matches(scorer.policy.fields) else { return }
    texts.refresh()
    var taken: Decision?
    swap(&taken, &spare)
    var decision = taken ?? Decision()
    defer { spare = decision }
    let arms = scorer.policy.experiment.arms
    var told: UInt64 = 0
    let range = slots.clamped(to: 0..<audience.slotCount)
    for slot in range {
      if slot & 63 == 0 || slot == range.lowerBound { told = source.told(from: slot & ~63) }
      guard audience.has(slot) else { continue }
      audience.gather(slot, texts, into: row)
      if identified || row.share < 0 || arms.arm(share: UInt64(row.share)) == .explore {
        row.identify(source.userID(slot))
        guard row.userIDCount > 0 else { continue }
      }
      if told &>> UInt64(truncatingIfNeeded: slot & 63) & 1 == 1 { source.tell(slot, row) }
      output.keep(row)
      scorer.score(row, wantsAll: identified, into: &decision)
      if let condition, !condition.holds(slot, row, audience) { continue }
      take(decision, slot)
    }
  }
}
