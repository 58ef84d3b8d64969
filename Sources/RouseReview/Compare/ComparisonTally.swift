import RouseCore

/// What two policies' decisions on the same candidates add up to. Candidates are added one by one, and none is kept.
struct ComparisonTally {
  /// What one side comes to for a candidate.
  struct Placed {
    let side: ComparedSide
    /// After the plan, where there is one.
    let status: Status
    /// The option by which the candidate is contacted; nil: not contacted.
    let taken: Option?
    /// Of that option, in 1e-12.
    let worth: Int128
  }

  /// Sums over contacts. Micros, and 1e-12 for what they are worth.
  struct Sums {
    /// Candidates, contacted or not.
    var lines = 0
    var contacts = 0
    var spend: Int128 = 0
    var value: Int128 = 0
    var worth: Int128 = 0
    var capital: Int128 = 0

    mutating func add(_ placed: Placed) {
      lines += 1
      guard let taken = placed.taken else { return }
      contacts += 1
      spend += Int128(taken.spend)
      value += Int128(taken.value)
      capital += Int128(taken.capital)
      worth += placed.worth
    }
  }

  /// Who is on both lists, on one, on none.
  struct Swap {
    var count = 0
    /// Micros: of the option taken; of the best one of who waits; 0 for whom that policy would not contact.
    var oldValue: Int128 = 0
    var newValue: Int128 = 0
    var oldPD = Mean()
    var newPD = Mean()
  }

  struct Mean {
    private(set) var sum = 0.0
    private(set) var count = 0
    var mean: Double? { count > 0 ? sum / Double(count) : nil }

    mutating func add(_ value: Double) {
      sum += value
      count += 1
    }
  }

  /// A change of status.
  struct Flip: Hashable {
    let from: Status
    /// Index into the old policy's codes, or -1.
    let fromCode: Int16
    let to: Status
    /// The same of the new policy.
    let toCode: Int16
  }

  /// Of one region group.
  struct Selection {
    /// Candidates that pass the gate.
    var passed = 0
    var selected = 0
  }

  /// What is counted of one side. Lists are by index, and end with those who have none.
  struct Side {
    var all = Sums()
    var statuses = [Int](repeating: 0, count: Status.allCases.count)
    /// Invalid lines: by the model's first codes.
    var errors = [Int](repeating: 0, count: 3)
    var byStage: [Sums]
    var byTier: [Sums]
    var byGroup: [Sums]
    var byChannel: [Sums]
    var selections: [Selection]

    init(_ side: ComparedPolicy) {
      func sums(_ count: Int) -> [Sums] { [Sums](repeating: Sums(), count: count + 1) }
      byStage = sums(side.policy.stages.count)
      byTier = sums(side.policy.tiers.count + 1)
      byGroup = sums(side.groups.count)
      byChannel = sums(side.policy.channels.count)
      selections = [Selection](repeating: Selection(), count: side.groups.count + 1)
    }

    mutating func add(_ placed: Placed) {
      let side = placed.side
      all.add(placed)
      statuses[Int(placed.status.rawValue)] += 1
      if placed.status == .invalid, errors.indices.contains(Int(side.code)) { errors[Int(side.code)] += 1 }
      Self.add(placed, to: &byStage, side.stage)
      Self.add(placed, to: &byTier, side.tier)
      Self.add(placed, to: &byGroup, side.group)
      Self.add(placed, to: &byChannel, placed.taken.map { Int16(clamping: $0.channel) } ?? -1)
      switch placed.status {
      case .invalid, .suppressed, .active, .declined: break
      case .resting, .holdout, .unprofitable, .eligible, .contact, .waitlist:
        let group = selections.indices.contains(Int(side.group)) ? Int(side.group) : selections.count - 1
        selections[group].passed += 1
        if placed.taken != nil { selections[group].selected += 1 }
      }
    }

    private static func add(_ placed: Placed, to sums: inout [Sums], _ index: Int16) {
      let at = sums.indices.contains(Int(index)) ? Int(index) : sums.count - 1
      sums[at].add(placed)
    }
  }

  private(set) var lines = 0
  private(set) var old: Side
  private(set) var new: Side
  private(set) var stayIn = Swap()
  private(set) var goOut = Swap()
  private(set) var comeIn = Swap()
  private(set) var stayOut = Swap()
  private(set) var flips: [Flip: Int] = [:]
  private let oldPolicy: Policy
  private let newPolicy: Policy

  init(old: ComparedPolicy, new: ComparedPolicy) {
    self.old = Side(old)
    self.new = Side(new)
    oldPolicy = old.policy
    newPolicy = new.policy
  }

  mutating func add(old before: Placed, new after: Placed) {
    lines += 1
    old.add(before)
    new.add(after)
    switch (before.taken != nil, after.taken != nil) {
    case (true, true): add(before, after, to: &stayIn)
    case (true, false): add(before, after, to: &goOut)
    case (false, true): add(before, after, to: &comeIn)
    case (false, false): add(before, after, to: &stayOut)
    }
    if before.status != after.status {
      let flip = Flip(
        from: before.status, fromCode: before.side.code, to: after.status, toCode: after.side.code)
      flips[flip, default: 0] += 1
    }
  }

  private func add(_ before: Placed, _ after: Placed, to swap: inout Swap) {
    swap.count += 1
    swap.oldValue += Self.value(before)
    swap.newValue += Self.value(after)
    if before.side.hasRisk { swap.oldPD.add(Self.pd(before.side, oldPolicy)) }
    if after.side.hasRisk { swap.newPD.add(Self.pd(after.side, newPolicy)) }
  }

  private static func value(_ placed: Placed) -> Int128 {
    if let taken = placed.taken { return Int128(taken.value) }
    return placed.side.isEligible ? Int128(placed.side.value) : 0
  }

  static func pd(_ side: ComparedSide, _ policy: Policy) -> Double {
    policy.stages.indices.contains(Int(side.stage))
      ? policy.pd(riskScore: Int(side.riskScore), stage: Int(side.stage)) : 0
  }
}
