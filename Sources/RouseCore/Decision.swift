/// What became of a candidate (model 5), in the order in which they are counted.
package enum Status: UInt8, Sendable, BitwiseCopyable, CaseIterable {
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
package struct Option: Sendable, BitwiseCopyable {
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

/// The answer for one candidate. One value is used again and again: its lists keep their memory.
package struct Decision: Sendable {
  /// How far the order of work came; each level shows what the ones before it do.
  package enum Depth: UInt8, Sendable, BitwiseCopyable, Comparable {
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
  package var arm = Experiment.Arm.policy
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
  package var lastContact: Int64?
  package var riskScore = 0
  package var pd = 0.0
  /// Seconds since 1970.
  package var until: Int64?
  package var points = 0
  package var recency = 0
  package var approval = 0
  /// Order among equals: the first half of it; the user_id's bytes are the other. nil: nobody needed it so far.
  package var tie: UInt64?
  /// The user's share of 10,000 in the experiment; -1: nobody needed it so far.
  package var share: Int32 = -1
  /// What the loan would be, and what one brings; money.
  package var amount = 0.0
  package var perLoan = 0.0
  /// Index into `options`.
  package var best = 0
  /// Index into the policy's UTC offsets.
  package var offset = 0
  package var issues: [Issue] = []
  package var ignored = 0

  // Not arrays: each would be asked for its room, and whether it is shared, at every step of every candidate, which was a
  // third of a score's time.
  private var memory: DecisionMemory
  /// What the counts below count; the memory's, at hand.
  package private(set) var lists: DecisionMemory.Lists
  package internal(set) var reasonCount = 0
  package internal(set) var optionCount = 0
  package internal(set) var responseBinCount = 0
  var freeCount = 0

  package init() {
    memory = DecisionMemory(DecisionMemory.Sizes())
    lists = memory.lists
  }

  /// Indices into `Policy.codes`.
  package var reasons: DecisionList<Int32> { DecisionList(lists.reasons, reasonCount, in: memory) }
  /// In channel order.
  package var options: DecisionList<Option> { DecisionList(lists.options, optionCount, in: memory) }
  /// A bin for each row of the response card; of no meaning before the depth `value`.
  package var responseBins: DecisionList<Int32> {
    DecisionList(lists.responseBins, responseBinCount, in: memory)
  }

  /// The option at `best`; nil when there is none.
  @inline(__always)
  package var bestOption: Option? { best < optionCount ? lists.options[best] : nil }

  /// The option on a channel.
  package func option(on channel: Int) -> Int? {
    for index in 0..<optionCount where Int(lists.options[index].channel) == channel { return index }
    return nil
  }

  /// Clears the answer, and makes room for lists of some sizes.
  @inline(__always)
  mutating func reset(_ sizes: DecisionMemory.Sizes) {
    if !isKnownUniquelyReferenced(&memory) || !lists.sizes.fit(sizes) {
      // Never less than there was: a policy's sizes may be smaller here and larger there, and invalid lines among its
      // candidates would make memory anew each time. Nor is there ever a list without room, which no doubling would help.
      memory = DecisionMemory(lists.sizes.widened(by: sizes))
      lists = memory.lists
    }
    status = .invalid
    depth = .line
    stage = -1
    clock = nil
    dormantDays = nil
    silentDays = nil
    tier = -1
    contacts30d = 0
    lastContact = nil
    until = nil
    best = 0
    tie = nil
    share = -1
    offset = 0
    reasonCount = 0
    optionCount = 0
    responseBinCount = 0
    freeCount = 0
    if !issues.isEmpty { issues.removeAll(keepingCapacity: true) }
    ignored = 0
  }

  /// For a reason that there is room for.
  @inline(__always)
  mutating func note(_ reason: Int32) {
    lists.reasons[reasonCount] = reason
    reasonCount += 1
  }

  @inline(__always)
  mutating func note(_ reason: ReasonCode) { note(Int32(truncatingIfNeeded: reason.rawValue)) }

  /// A contact of the last 30 days.
  /// - Parameter channel: -1 when the policy does not know it.
  mutating func count(on channel: Int, of channels: Int) {
    if contacts30d == 0 { lists.recentOn.update(repeating: 0, count: channels) }
    contacts30d += 1
    if channel >= 0 { lists.recentOn[channel] += 1 }
  }

  /// A line that is no candidate: I01, or I03 for a user_id that came before.
  package mutating func invalidate(_ code: ReasonCode) {
    reset(DecisionMemory.Sizes())
    note(code)
  }

  // MARK: - Made from elsewhere

  /// Clears the answer, to be filled in.
  package mutating func clear() { reset(DecisionMemory.Sizes()) }

  package mutating func append(reason: Int32) {
    makeRoom(reasonCount < lists.sizes.reasons)
    note(reason)
  }

  package mutating func append(_ option: Option) {
    makeRoom(optionCount < lists.sizes.channels)
    lists.options[optionCount] = option
    optionCount += 1
  }

  package mutating func append(responseBin bin: Int32) {
    makeRoom(responseBinCount < lists.sizes.bins)
    lists.responseBins[responseBinCount] = bin
    responseBinCount += 1
  }

  /// Leaves one option, the best.
  package mutating func setOption(_ option: Option) {
    optionCount = 0
    append(option)
    best = 0
  }

  /// Memory of this decision alone, and twice as much of it where it does not suffice.
  private mutating func makeRoom(_ isEnough: Bool) {
    if isEnough, isKnownUniquelyReferenced(&memory) { return }
    var sizes = lists.sizes
    if !isEnough {
      sizes.reasons *= 2
      sizes.channels *= 2
      sizes.bins *= 2
    }
    let larger = DecisionMemory(sizes)
    larger.lists.reasons.update(from: lists.reasons, count: reasonCount)
    larger.lists.options.update(from: lists.options, count: optionCount)
    larger.lists.responseBins.update(from: lists.responseBins, count: responseBinCount)
    larger.lists.free.update(from: lists.free, count: freeCount)
    if contacts30d > 0 {
      larger.lists.recentOn.update(from: lists.recentOn, count: lists.sizes.channels)
    }
    memory = larger
    lists = larger.lists
  }
}
