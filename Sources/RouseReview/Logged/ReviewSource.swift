import RouseCore

/// What reviews read: plans, what came of them, and the policies they were made under. A ledger is one.
///
/// All moments are seconds since 1970, all money is micros.
package protocol ReviewSource {
  /// The policy of a version; nil when its text is not kept.
  func policy(_ version: String) throws(ReviewError) -> Policy?

  /// Contacts and ghosts of plans that were made in a period, by plan and in rank order, the ghosts last. Those of erased
  /// users are left out.
  /// - Parameters:
  ///   - withTexts: the texts are wanted too; without them they are nil.
  ///   - take: false: no more.
  func eachRow(
    madeIn period: Range<Int64>, withTexts: Bool, _ take: (LoggedRow, LoggedTexts?) -> Bool
  ) throws(ReviewError)

  /// Events of a period, in any order.
  /// - Parameters:
  ///   - wants: whether a kind is asked for; of the others none is read.
  ///   - take: false: no more.
  func eachEvent(
    in period: Range<Int64>, of wants: (String) -> Bool, _ take: (LoggedEvent) -> Bool
  ) throws(ReviewError)

  /// When the first plan was made, of those made before a moment whose leases reached beyond it; nil: there is none.
  func firstMade(leasedBeyond moment: Int64) throws(ReviewError) -> Int64?

  /// A committed plan as it is kept; nil when it is not.
  func plan(_ id: String) throws(ReviewError) -> LoggedPlan?
}

extension ReviewSource {
  package func firstMade(leasedBeyond moment: Int64) throws(ReviewError) -> Int64? { nil }
  package func plan(_ id: String) throws(ReviewError) -> LoggedPlan? { nil }
}

/// A committed plan without its rows.
package struct LoggedPlan: Sendable, Equatable {
  package var number: Int
  /// `P7`.
  package var id: String
  package var made: Int64
  package var asOf: Int64
  package var policy: String
  package var campaign: String?
  package var contacts: Int
  package var ghosts: Int
  /// Rows that are no longer there.
  package var erased: Int
  /// What the request set, and the reply's `plan`: JSON objects.
  package var request: [UInt8]
  package var totals: [UInt8]

  package init(
    number: Int, id: String, made: Int64, asOf: Int64, policy: String, campaign: String?, contacts: Int, ghosts: Int,
    erased: Int, request: [UInt8], totals: [UInt8]
  ) {
    self.number = number
    self.id = id
    self.made = made
    self.asOf = asOf
    self.policy = policy
    self.campaign = campaign
    self.contacts = contacts
    self.ghosts = ghosts
    self.erased = erased
    self.request = request
    self.totals = totals
  }
}

/// A contact of a committed plan, or a ghost: one in the holdout whom the plan would have contacted.
package struct LoggedRow: Sendable, Equatable {
  /// The plan's number.
  package var plan: Int
  /// When the plan was made, by the server's clock, and what moment it was judged for.
  package var made: Int64
  package var asOf: Int64
  package var policy: String
  package var campaign: String?
  /// The ledger's number of the user.
  package var user: Int
  /// From 1; 0: a ghost.
  package var rank: Int
  package var channel: String
  package var value: Int64
  package var spend: Int64
  package var capital: Int64
  package var p: Int64
  package var pd: Int64
  /// 0 of a ghost.
  package var propensity: Int64
  /// `policy`, `explore`, `holdout`.
  package var arm: String
  package var stage: String
  package var tier: String
  package var regionGroup: String?
  /// Until when the plan's contacts were leased; nil where that is not known.
  package var leasedUntil: Int64?

  package init(
    plan: Int, made: Int64, asOf: Int64, policy: String, campaign: String?, user: Int, rank: Int, channel: String,
    value: Int64, spend: Int64, capital: Int64, p: Int64, pd: Int64, propensity: Int64, arm: String, stage: String,
    tier: String, regionGroup: String?, leasedUntil: Int64? = nil
  ) {
    self.plan = plan
    self.made = made
    self.asOf = asOf
    self.policy = policy
    self.campaign = campaign
    self.user = user
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
    self.leasedUntil = leasedUntil
  }
}

/// The texts of a plan's row.
package struct LoggedTexts: Sendable, Equatable {
  package var userID: [UInt8]
  /// The reply's row after the user_id's value; empty of a ghost.
  package var row: [UInt8]
  /// The candidate's line with an empty user_id.
  package var candidate: [UInt8]
  /// The contacts that the ledger knew of then, as a JSON list of `{"at":..,"channel":..}`.
  package var known: [UInt8]

  package init(userID: [UInt8], row: [UInt8], candidate: [UInt8], known: [UInt8]) {
    self.userID = userID
    self.row = row
    self.candidate = candidate
    self.known = known
  }
}

/// What was reported of a user.
package struct LoggedEvent: Sendable, Equatable {
  package var user: Int
  /// `contact`, `delivered`, `click`, `login`, `quit`, `disbursed`, `repaid`, `defaulted`, `opt_out`, `opt_in`,
  /// `complaint`, or a step of a policy.
  package var kind: String
  package var at: Int64
  package var channel: String?
  /// As the event named it: `P7`.
  package var plan: String?
  package var campaign: String?
  package var amount: Int64?
  package var cost: Int64?

  package init(
    user: Int, kind: String, at: Int64, channel: String? = nil, plan: String? = nil, campaign: String? = nil,
    amount: Int64? = nil, cost: Int64? = nil
  ) {
    self.user = user
    self.kind = kind
    self.at = at
    self.channel = channel
    self.plan = plan
    self.campaign = campaign
    self.amount = amount
    self.cost = cost
  }
}

/// Why a review cannot be made: one sentence that names what is wrong, and the remedy.
package struct ReviewError: Error, Sendable, Equatable, CustomStringConvertible {
  package enum Kind: Sendable {
    /// What was asked for is not there.
    case notFound
    /// The user that was asked for is not there.
    case noSuchUser
    /// There is too little to tell anything by.
    case tooLittle
    /// What was given cannot be read.
    case invalid
    /// There is more than there is memory for.
    case tooMuch
    /// What is kept cannot be read.
    case storage
    /// Nobody waits for it any more.
    case cancelled
  }
  package let kind: Kind
  package let description: String

  package init(_ kind: Kind, _ description: String) {
    self.kind = kind
    self.description = description
  }
}
