import RouseCore

/// What the writer's thread is asked for.
enum Work: Sendable {
  case record([EventEntry], now: Int64, done: Ledger.Done<[EventResult]>)
  case load([Ledger.Candidate], apply: @Sendable ([Int]) -> Void, done: Ledger.Done<Ledger.LoadCounts>)
  case commit(PlanDraft, done: Ledger.Done<PlanCommit>)
  case erase([[UInt8]], apply: @Sendable ([Int]) -> Void, done: Ledger.Done<Int>)
  case keep(StoredPolicy)
  /// A pass over what is no longer kept, as if it were that moment.
  case sweep(now: Int64, done: Ledger.Done<Void>)

  /// About how much it adds to a transaction.
  var weight: Int {
    switch self {
    case .record(let events, _, _): events.count
    case .load(let candidates, _, _): candidates.count
    case .commit(let draft, _): draft.rows.count
    case .erase(let users, _, _): users.count &* 8
    case .keep, .sweep: 1
    }
  }

  func fail(_ error: LedgerError) {
    switch self {
    case .record(_, _, let done): done(.failure(error))
    case .load(_, _, let done): done(.failure(error))
    case .commit(_, let done): done(.failure(error))
    case .erase(_, _, let done): done(.failure(error))
    case .keep: break
    case .sweep(_, let done): done(.failure(error))
    }
  }
}
