import RouseCore
import RouseLedger
import RousePolicy
import RouseReview
import RouseWire
import Synchronization

/// A ledger as reviews read it: one view of it, as it stood when the question was begun.
package final class LedgerSource: ReviewSource {
  private let view: LedgerView
  /// By version; nil: its text is not kept, or cannot be read by this version of Rouse.
  private let compiled = Mutex<[String: Policy?]>([:])

  private init(_ view: LedgerView) { self.view = view }

  /// Opens a view for the time of the body, which keeps nothing of it.
  package static func read<Answer>(
    _ ledger: Ledger, _ body: (LedgerSource) throws(ReviewError) -> Answer
  ) throws(ReviewError) -> Answer {
    let answer: Result<Answer, ReviewError>
    do throws(LedgerError) {
      answer = try ledger.view { view in
        do throws(ReviewError) { return .success(try body(LedgerSource(view))) } catch { return .failure(error) }
      }
    } catch {
      throw ReviewError(.storage, error.message)
    }
    return try answer.get()
  }

  package func policy(_ version: String) throws(ReviewError) -> Policy? {
    if let known = compiled.withLock({ $0[version] }) { return known }
    let policy = try asked { try view.policy(version) }.flatMap { stored -> Policy? in
      let format: Document.Format = stored.format == PolicyFormat.json.rawValue ? .json : .yaml
      guard let definition = try? PolicyReader.read(stored.text, format: format) else { return nil }
      return Policy(definition, bytes: stored.text)
    }
    compiled.withLock { $0[version] = .some(policy) }
    return policy
  }

  package func eachRow(
    madeIn period: Range<Int64>, withTexts: Bool, _ take: (LoggedRow, LoggedTexts?) -> Bool
  ) throws(ReviewError) {
    try asked {
      for plan in try view.plans(madeIn: period) {
        guard try view.eachRow(of: plan.number, withTexts: withTexts, { take(LoggedRow($0, of: plan), $1?.logged) })
        else { return }
      }
    }
  }

  package func eachEvent(
    in period: Range<Int64>, of wants: (String) -> Bool, _ take: (LoggedEvent) -> Bool
  ) throws(ReviewError) {
    try asked {
      try view.eachEvent(in: period, of: wants) { event, kind, channel in
        take(
          LoggedEvent(
            user: event.user, kind: kind, at: event.at, channel: channel, plan: event.plan, campaign: event.campaign,
            amount: event.amount, cost: event.cost))
      }
    }
  }

  package func firstMade(leasedBeyond moment: Int64) throws(ReviewError) -> Int64? {
    try asked { try view.firstMade(leasedBeyond: moment) }
  }

  package func plan(_ id: String) throws(ReviewError) -> LoggedPlan? {
    try asked {
      try view.plan(id).map { number, head in
        LoggedPlan(
          number: number, id: head.id, made: head.made, asOf: head.asOf, policy: head.policy, campaign: head.campaign,
          contacts: head.contacts, ghosts: head.ghosts, erased: head.erased, request: head.request,
          totals: head.totals)
      }
    }
  }

  /// In the words of reviews; where the ledger says what is wrong, in its own.
  private func asked<Answer>(_ body: () throws -> Answer) throws(ReviewError) -> Answer {
    do {
      return try body()
    } catch {
      throw ReviewError(.storage, "the ledger cannot be read: \(error); see rouse-server ledger check")
    }
  }
}

extension LoggedRow {
  fileprivate init(_ row: StoredRow, of plan: PlanLine) {
    self.init(
      plan: plan.number, made: plan.made, asOf: plan.asOf, policy: plan.policy, campaign: plan.campaign,
      user: row.user, rank: row.rank, channel: row.channel, value: row.value, spend: row.spend, capital: row.capital,
      p: row.p, pd: row.pd, propensity: row.propensity, arm: row.arm, stage: row.stage, tier: row.tier,
      regionGroup: row.regionGroup, leasedUntil: plan.leasedUntil)
  }
}

extension StoredTexts {
  fileprivate var logged: LoggedTexts {
    LoggedTexts(userID: userID, row: row, candidate: candidate, known: known)
  }
}
