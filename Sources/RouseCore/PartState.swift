/// How far a plan in parts has come: from it each part knows what its own users hold.
package struct PartState: Sendable {
  /// Users of one tier, or all of them.
  struct Group: Sendable {
    /// nil: all.
    let tier: Int?
    /// Micros of each limit, as the group began.
    let left: [Int128]
    var prices: [Int128]
    /// Who holds something else than the choice at the prices: an option of the user's, or -1.
    var changes = PartChanges()

    init(tier: Int?, left: [Int128]) {
      self.tier = tier
      self.left = left
      prices = left.map { _ in 0 }
    }
  }

  var limits: PlanLimits
  /// Every explorer has taken the forced option.
  var everyExplorer = false
  /// Else who has.
  var explorers = PartChanges()
  var groups: [Group] = []
  /// Whether the rows of all are asked for, or of the contacts alone.
  package var wantsAll = false

  init(limits: PlanLimits) { self.limits = limits }

  /// Group of a user.
  func group(ofTier tier: Int) -> Int { limits.tierFirst ? tier : 0 }
}

/// What some users hold, by part.
struct PartChanges: Sendable {
  private(set) var byPart: [Int: [UInt32: Int]] = [:]

  subscript(place: PartUsers.Place) -> Int? {
    get { byPart[place.part]?[place.index] }
    set { byPart[place.part, default: [:]][place.index] = newValue }
  }

  func of(_ part: Int) -> [UInt32: Int] { byPart[part] ?? [:] }
}

extension PartWriter {
  mutating func put(_ changes: PartChanges) {
    put(changes.byPart.count)
    for (part, users) in changes.byPart.sorted(by: { $0.key < $1.key }) {
      put(part)
      put(users.count)
      for (index, option) in users.sorted(by: { $0.key < $1.key }) {
        put(Int(index))
        put(option)
      }
    }
  }

  mutating func put(_ limits: PlanLimits) {
    func put(_ value: Double?) -> UInt64? { value?.bitPattern }
    for money in [limits.budget, limits.capital] {
      self.put(money != nil)
      self.put(fixed: money?.bitPattern ?? 0)
    }
    for list in [limits.capacity, limits.quotas, [limits.limit]] {
      self.put(list.count)
      for value in list { self.put(value ?? -1) }
    }
    self.put(limits.tierFirst)
  }

  mutating func put(_ group: PartState.Group) {
    put(group.tier ?? -1)
    put(group.left)
    put(group.prices)
    put(group.changes)
  }

  mutating func put(_ state: PartState) {
    put(state.limits)
    put(state.everyExplorer)
    put(state.wantsAll)
    put(state.explorers)
    put(state.groups.count)
    for group in state.groups { put(group) }
  }
}

extension PartReader {
  mutating func changes() throws(PartFault) -> PartChanges {
    var changes = PartChanges()
    for _ in 0..<(try count()) {
      let part = try int()
      for _ in 0..<(try count()) {
        let index = try int(0..<(1 << 31))
        changes[PartUsers.Place(part: part, index: UInt32(index))] = try int(-1..<(1 << 20))
      }
    }
    return changes
  }

  mutating func limits(_ policy: Policy) throws(PartFault) -> PlanLimits {
    var limits = PlanLimits(policy: policy)
    func money(_ isGiven: Bool, _ bits: UInt64) throws(PartFault) -> Double? {
      let value = Double(bitPattern: bits)
      guard !isGiven || (0...1e13).contains(value) else { throw PartFault.damaged }
      return isGiven ? value : nil
    }
    limits.budget = try money(try flag(), try fixed())
    limits.capital = try money(try flag(), try fixed())
    limits.capacity = try counts(policy.channels.count)
    limits.quotas = try counts(policy.quotas.count)
    limits.limit = try counts(1)[0]
    limits.tierFirst = try flag()
    return limits
  }

  private mutating func counts(_ count: Int) throws(PartFault) -> [Int64?] {
    let list = try list(count)
    guard list.allSatisfy({ (-1...1_000_000_000_000).contains($0) }) else { throw PartFault.damaged }
    return list.map { $0 < 0 ? nil : Int64($0) }
  }

  mutating func group(_ limitCount: Int, _ policy: Policy) throws(PartFault) -> PartState.Group {
    let tier = try int(-1..<(policy.tiers.count + 1))
    var group = PartState.Group(tier: tier < 0 ? nil : tier, left: try amounts(limitCount))
    group.prices = try amounts(limitCount)
    group.changes = try changes()
    return group
  }

  /// Amounts or prices: none is below 0, and none so large that a sum of some could leave 128 bits.
  mutating func amounts(_ count: Int) throws(PartFault) -> [Int128] {
    let list = try list128(count)
    guard list.allSatisfy({ (0...(1 << 90)).contains($0) }) else { throw PartFault.damaged }
    return list
  }

  mutating func state(_ policy: Policy) throws(PartFault) -> PartState {
    var state = PartState(limits: try limits(policy))
    let limitCount = Limit.all(state.limits, policy: policy).count
    state.everyExplorer = try flag()
    state.wantsAll = try flag()
    state.explorers = try changes()
    let count = try count()
    guard count == (state.limits.tierFirst ? policy.tiers.count + 1 : 1) else { throw PartFault.damaged }
    for index in 0..<count {
      let group = try group(limitCount, policy)
      guard group.tier == (state.limits.tierFirst ? index : nil) else { throw PartFault.damaged }
      state.groups.append(group)
    }
    return state
  }
}

extension PartState {
  /// As a question: what each part is to write its rows by.
  package func sealed() -> [UInt8] {
    var out = PartWriter(.state)
    out.put(self)
    return out.sealed()
  }

  package init(_ bytes: UnsafeRawBufferPointer, policy: Policy) throws(PartFault) {
    var reader = try PartReader(bytes, .state)
    self = try reader.state(policy)
    try reader.end()
  }
}
