/// What became of a candidate (model 5), in the order in which they are counted.
package enum Status: UInt8, Sendable, CaseIterable {
  case invalid, suppressed, active, declined, resting, holdout, unprofitable
  /// In a rank it becomes contact or waitlist.
  case eligible
  case contact, waitlist

  package var name: String {
    switch self {
    case .invalid: "invalid"
    case .suppressed: "suppressed"
    case .active: "active"
    case .declined: "declined"
    case .resting: "resting"
    case .holdout: "holdout"
    case .unprofitable: "unprofitable"
    case .eligible: "eligible"
    case .contact: "contact"
    case .waitlist: "waitlist"
    }
  }
}

/// One channel that is free for a user, and what a contact on it would bring (model 7). All in micros.
package struct Option: Sendable {
  package var value: Int64
  package var spend: Int64
  package var capital: Int64
  package var p: Int32
  package var channel: Int32

  package init(value: Int64, spend: Int64, capital: Int64, p: Int32, channel: Int32) {
    self.value = value
    self.spend = spend
    self.capital = capital
    self.p = p
    self.channel = channel
  }
}

/// Something wrong with a fact, that did not stop the decision (model 2.2).
package enum Issue: Sendable, Equatable {
  case wrongType(slot: Int)
  case ahead(slot: Int)
  case contactsNotAList
  case contactsUnusable(Int, of: Int)
  case belowTheScale(slot: Int)
}

/// The answer for one candidate. One value is used again and again: its lists keep their storage.
package struct Decision: Sendable {
  /// How far the order of work came; each level shows what the ones before it do.
  package enum Depth: UInt8, Sendable, Comparable {
    /// Nothing but the user_id.
    case line
    /// The stage, or that there is none (I02).
    case stage
    /// Days, tier, risk.
    case risk
    /// Points, arm, best (from model 7 on).
    case value

    package static func < (left: Depth, right: Depth) -> Bool { left.rawValue < right.rawValue }
  }

  package var status = Status.invalid
  package var depth = Depth.line
  /// Indices into `Policy.codes`.
  package var reasons: [Int32] = []
  /// Index, or -1.
  package var stage = -1
  /// Seconds since 1970; nil without a clock.
  package var clock: Int64?
  package var dormantDays: Int64?
  package var silentDays: Int64?
  /// Index of a tier, `tiers.count` for `all`; -1 without a clock.
  package var tier = -1
  /// The latest present field of kind times; seconds since 1970.
  var latestTime: Int64?
  package var contacts30d = 0
  /// The same by channel; empty while there are none.
  var recentOn: [Int] = []
  package var lastContact: Int64?
  package var riskScore = 0
  package var pd = 0.0
  /// Seconds since 1970.
  package var until: Int64?
  package var points = 0
  package var recency = 0
  package var approval = 0
  /// A bin for each row of the response card; of no meaning before the depth `value`.
  package var responseBins: [Int32] = []
  package var arm = Experiment.Arm.policy
  /// Order among equals: the first half of it; the user_id's bytes are the other. nil: nobody needed it so far.
  package var tie: UInt64?
  /// Channels that are open to the user, and those of them that have not reached their cap; in channel order.
  package var rungs: [Int32] = []
  package var free: [Int32] = []
  /// What the loan would be, and what one brings; money.
  package var amount = 0.0
  package var perLoan = 0.0
  /// In channel order.
  package var options: [Option] = []
  /// Index into `options`.
  package var best = 0
  /// Index into the policy's UTC offsets.
  package var offset = 0
  package var issues: [Issue] = []
  package var ignored = 0

  package init() {}

  /// Clears the answer, keeping storage.
  mutating func reset() {
    status = .invalid
    depth = .line
    if !reasons.isEmpty { reasons.removeAll(keepingCapacity: true) }
    stage = -1
    clock = nil
    dormantDays = nil
    silentDays = nil
    tier = -1
    contacts30d = 0
    if !recentOn.isEmpty { recentOn.removeAll(keepingCapacity: true) }
    lastContact = nil
    until = nil
    // Short lists: item by item is faster.
    while !rungs.isEmpty { rungs.removeLast() }
    while !free.isEmpty { free.removeLast() }
    while !options.isEmpty { options.removeLast() }
    best = 0
    tie = nil
    offset = 0
    if !issues.isEmpty { issues.removeAll(keepingCapacity: true) }
    ignored = 0
  }

  /// A contact of the last 30 days.
  /// - Parameter channel: -1 when the policy does not know it.
  mutating func count(on channel: Int, of channels: Int) {
    contacts30d += 1
    if recentOn.isEmpty { recentOn.append(contentsOf: repeatElement(0, count: channels)) }
    if channel >= 0 { recentOn[channel] += 1 }
  }

  /// A line that is no candidate: I01, or I03 for a user_id that came before.
  package mutating func invalidate(_ code: ReasonCode) {
    reset()
    reasons.append(Int32(code.rawValue))
  }
}
