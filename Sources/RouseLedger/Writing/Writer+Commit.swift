extension Writer {
  func commit(
    _ draft: PlanDraft, _ writing: any LedgerWriting, _ done: @escaping Ledger.Done<PlanCommit>
  ) throws -> Outcome {
    var outcome = Outcome()
    if let key = draft.key, let known = try writing.plan(key: key) {
      let answer = known.digest == draft.digest ? PlanCommit.replayed(known.head) : .conflict
      outcome.answer = { done(.success(answer)) }
      return outcome
    }
    let stale = try draft.rows.indices.filter { try isStale(draft.rows[$0], draft, writing) }
    guard stale.isEmpty else {
      let gone = try stale.filter { index in
        switch try whom(draft.rows[index].userID, writing) {
        case .erased, .nobody: true
        case .known, .unknown: false
        }
      }
      outcome.answer = { done(.success(.stale(stale, gone: Set(gone)))) }
      return outcome
    }

    let contacts = draft.rows.count { $0.rank > 0 }
    let until = draft.made.adding(settings.leaseSeconds)
    var head = PlanHead(
      id: "", key: draft.key, campaign: draft.campaign, policy: draft.policy, asOf: draft.asOf,
      asOfText: draft.asOfText, made: draft.made, leasedUntil: until, contacts: contacts,
      ghosts: draft.rows.count - contacts, erased: 0, value: draft.value, spend: draft.spend, capital: draft.capital,
      request: draft.request, totals: draft.totals)
    let plan = try writing.insert(plan: StoredPlan(head: head, number: 0, digest: draft.digest))
    head.id = PlanName.id(plan)
    for (index, row) in draft.rows.enumerated() {
      let user = if case .known(let user) = try whom(row.userID, writing) { user } else { try add(row.userID, writing) }
      let isContact = row.rank > 0
      try writing.insert(row: row, index: index, user: user, plan: plan, leasedUntil: isContact ? until : nil)
      if isContact { outcome.effects.append(.lease(user: user, plan: plan, until: until)) }
    }
    for case .lease(let user, let plan, _) in outcome.effects {
      group.changed.insert(user)
      group.leases.insert(Group.Lease(user: user, plan: plan))
    }
    let committed = head
    outcome.answer = { done(.success(.committed(committed))) }
    return outcome
  }

  /// Whether a row's user is no longer as the user was when it was scored.
  private func isStale(_ row: PlanDraft.Row, _ draft: PlanDraft, _ reading: any LedgerReading) throws -> Bool {
    switch try whom(row.userID, reading) {
    case .erased, .nobody: return true
    case .unknown: return false
    case .known(let user):
      let seen = row.seen ?? draft.seen
      if group.changed.contains(user) || seen < changesSince { return true }
      let standing = memory.standing
      if standing.sequence(of: user) > seen { return true }
      // A lease that ends by the request's moment kept nobody from being chosen then.
      return standing.facts(of: user).leasedUntil > max(draft.made, draft.asOf)
    }
  }
}
