/// A plan that is to be committed: what later outcomes are laid against.
package struct PlanDraft: Sendable {
  /// The sender's own name for it: a commit that is sent again is made once.
  package var key: String?
  /// Digest of all that the request asks for; another one under the same key is a conflict.
  package var digest: [UInt8]
  package var campaign: String?
  package var policy: String
  /// Seconds since 1970, and as the request gave it.
  package var asOf: Int64
  package var asOfText: String
  /// Seconds since 1970, by the server's clock.
  package var made: Int64
  /// What the request set, as a JSON object.
  package var request: [UInt8]
  /// The reply's `plan`, a JSON object.
  package var totals: [UInt8]
  /// Sums for the list of plans, micros.
  package var value: Int64
  package var spend: Int64
  package var capital: Int64
  /// The ledger's sequence before the first candidate was scored: a user of the plan who changed since makes it stale.
  package var seen: UInt64
  /// In rank order, then the ghosts.
  package var rows: [Row]

  /// A contact of the plan, or a held-out user whom the plan would have contacted.
  package struct Row: Sendable {
    package var userID: [UInt8]
    /// From 1; 0: a ghost.
    package var rank: Int
    package var channel: String
    /// Micros.
    package var value: Int64
    package var spend: Int64
    package var capital: Int64
    package var p: Int64
    package var pd: Int64
    /// Micros; 0 of a ghost.
    package var propensity: Int64
    /// `policy`, `explore`, `holdout`.
    package var arm: String
    package var stage: String
    package var tier: String
    package var regionGroup: String?
    /// The reply's row after the user_id's value: it begins with a comma. The user_id itself stands nowhere in it.
    package var row: [UInt8]
    /// The candidate's line with an empty user_id.
    package var candidate: [UInt8]
    /// The contacts that the ledger knew of then, as a JSON list of `{"at":..,"channel":..}`.
    package var known: [UInt8]
    /// The draft's `seen` for this user, where it was scored again later.
    package var seen: UInt64?

    package init(
      userID: [UInt8], rank: Int, channel: String, value: Int64, spend: Int64, capital: Int64, p: Int64, pd: Int64,
      propensity: Int64, arm: String, stage: String, tier: String, regionGroup: String?, row: [UInt8],
      candidate: [UInt8], known: [UInt8]
    ) {
      self.userID = userID
      self.rank = rank
      self.channel = channel
      self.value = value
      self.spend = spend
      self.capital = capital
      self.p = p
      self.pd = pd
      self.propensity = propensity
      self.arm = arm
      self.stage = stage
      self.tier = tier
      self.regionGroup = regionGroup
      self.row = row
      self.candidate = candidate
      self.known = known
    }
  }

  package init(
    key: String?, digest: [UInt8], campaign: String?, policy: String, asOf: Int64, asOfText: String, made: Int64,
    request: [UInt8], totals: [UInt8], value: Int64, spend: Int64, capital: Int64, seen: UInt64, rows: [Row]
  ) {
    self.key = key
    self.digest = digest
    self.campaign = campaign
    self.policy = policy
    self.asOf = asOf
    self.asOfText = asOfText
    self.made = made
    self.request = request
    self.totals = totals
    self.value = value
    self.spend = spend
    self.capital = capital
    self.seen = seen
    self.rows = rows
  }
}

/// What became of a draft.
package enum PlanCommit: Sendable {
  /// It is durable, and its contacts are leased.
  case committed(PlanHead)
  /// It was committed before, by the same key.
  case replayed(PlanHead)
  /// The key was used for another request.
  case conflict
  /// Users of the plan have changed since they were scored, by their index in the draft's rows: they are to be scored
  /// again, and the plan is to be made again. Those who are gone have been erased: it is to be made without them.
  case stale([Int], gone: Set<Int>)
}

/// A committed plan without its rows.
package struct PlanHead: Sendable, Equatable {
  /// `P1`, `P2`, …
  package var id: String
  package var key: String?
  package var campaign: String?
  package var policy: String
  package var asOf: Int64
  package var asOfText: String
  /// Seconds since 1970: when it was made, and until when its contacts are leased.
  package var made: Int64
  package var leasedUntil: Int64
  package var contacts: Int
  package var ghosts: Int
  /// Rows that are no longer there, for their users have been erased.
  package var erased: Int
  /// Micros.
  package var value: Int64
  package var spend: Int64
  package var capital: Int64
  package var request: [UInt8]
  /// The reply's `plan`, a JSON object.
  package var totals: [UInt8]

  package init(
    id: String, key: String?, campaign: String?, policy: String, asOf: Int64, asOfText: String, made: Int64,
    leasedUntil: Int64, contacts: Int, ghosts: Int, erased: Int, value: Int64, spend: Int64, capital: Int64,
    request: [UInt8], totals: [UInt8]
  ) {
    self.id = id
    self.key = key
    self.campaign = campaign
    self.policy = policy
    self.asOf = asOf
    self.asOfText = asOfText
    self.made = made
    self.leasedUntil = leasedUntil
    self.contacts = contacts
    self.ghosts = ghosts
    self.erased = erased
    self.value = value
    self.spend = spend
    self.capital = capital
    self.request = request
    self.totals = totals
  }
}
