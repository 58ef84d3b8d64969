/// A plan over users who stand in parts: the very plan that `Plan` makes of them all (model 10), made by asking.
///
/// What comes here are sums, a sample, and users near the edge of the list: those whose choice depends on the last digits of
/// a price, those whom a limit refuses, and those who move in the fill.
package struct PartedPlan {
  typealias Ask = (PartQuestion) throws -> PartAnswer

  /// What each part needs to write its rows.
  package private(set) var state: PartState
  /// Lines, lines by status, ignored members, of all parts; before the plan.
  package private(set) var counts: [Int] = []
  /// What the parts are parts of.
  package private(set) var origin: PlanPart.Origin?
  package private(set) var sum: PlanTotals

  private let policy: Policy
  private let limits: [Limit]
  private let ask: Ask
  /// How many users are asked for at once.
  private let most: Int
  private var mostOfPart = 0
  private var parts = 0
  private var left: [Int128]

  /// Users asked for at once, where nothing else is said: some megabytes.
  package static let manyUsers = 50_000

  /// - Parameters:
  ///   - most: how many users are asked for at once; the plan is the same with any number.
  ///   - ask: gets a question answered by all parts.
  package init(
    policy: Policy, limits planLimits: PlanLimits, wantsAll: Bool, most: Int = PartedPlan.manyUsers,
    ask: @escaping (PartInquiry) throws -> PartAnswer
  ) throws {
    self.policy = policy
    self.most = most
    self.ask = { try ask(PartInquiry(limits: planLimits, question: $0)) }
    limits = Limit.all(planLimits, policy: policy)
    left = limits.map(\.most)
    state = PartState(limits: planLimits)
    state.wantsAll = wantsAll
    sum = PlanTotals(policy: policy)

    let facts = try self.ask(.facts)
    parts = facts.parts.count
    mostOfPart = max(1, 4 * most / max(1, parts))
    origin = facts.parts.first?.value
    if wantsAll, let origin, !origin.keepsAll {
      throw PartFault("these parts keep the users alone; for every row make them with --rows all")
    }
    counts = facts.counts
    var all = PartSum(policy)
    if facts.explorers > 0 { try takeExplorers(&all) }
    sum.netValueAtMost &+= all.worth
    var firstPrices = limits.map { _ in Int128(0) }
    for index in 0...(planLimits.tierFirst ? policy.tiers.count : 0) {
      let tier = planLimits.tierFirst ? index : nil
      let members = tier.map { facts.members[$0] } ?? facts.members.reduce(0, +)
      all.add(try planGroup(tier, members, &firstPrices))
    }
    sum.add(all, policy: policy)
    for limit in limits.indices where firstPrices[limit] != 0 {
      sum.cut.append(
        Plan.Cut(
          limit: limits[limit].name, most: limits[limit].most, used: all.demand(limits[limit]),
          price: firstPrices[limit], say: limits[limit].say))
    }
  }

  /// Not of the plan itself, which changes meanwhile.
  private static func withGroup<Result>(
    _ users: PlanUsers, _ policy: Policy, _ limits: [Limit], left: [Int128], _ body: (PlanGroup) -> Result
  ) -> Result {
    users.withView { view in
      body(PlanGroup(users: view, policy: policy, limits: limits, left: left, crew: .alone))
    }
  }

  /// Takes weights out of what is left, if they fit.
  private mutating func take(_ weight: (Limit) -> Int128) -> Bool {
    let weights = limits.map(weight)
    for limit in limits.indices where weights[limit] > left[limit] { return false }
    for limit in limits.indices { left[limit] -= weights[limit] }
    return true
  }

  // MARK: - 10.1

  private mutating func takeExplorers(_ all: inout PartSum) throws {
    let every = try ask(.explorers).sums.first ?? PartSum(policy)
    if take({ every.demand($0) }) {
      state.everyExplorer = true
      all.add(every)
      return
    }
    var after: PartTie?
    while true {
      let answer = try ask(.nextExplorers(left: left, after: after, most: mostOfPart))
      let users = answer.users.users
      // Beyond the first of these ends some part may have others.
      let end = answer.explorersEnd.min { Self.isBefore($0, $1) }
      if let end, let after, !Self.isBefore(after, end) { throw Self.contradiction }
      Self.withGroup(users, policy, limits, left: left) { group in
        for user in (0..<users.count).sorted(by: users.isBefore) {
          if let end, end.isBefore(users, user) { break }
          let option = users.best(user)
          guard take({ Int128($0.weight(of: option, user, group.users)) }) else { continue }
          state.explorers[answer.users.places[user]] = 0
          all.add(option, of: user, group)
        }
      }
      guard let end else { return }
      after = end
    }
  }

  private static let contradiction = PartFault("their answers contradict each other; make them again")

  private static func isBefore(_ left: PartTie, _ right: PartTie) -> Bool {
    left.tie != right.tie ? left.tie < right.tie : left.userID.lexicographicallyPrecedes(right.userID)
  }

  // MARK: - 10.2 and 10.3

  private mutating func planGroup(
    _ tier: Int?, _ members: Int, _ firstPrices: inout [Int128]
  ) throws -> PartSum {
    var group = PartState.Group(tier: tier, left: left)
    var sum = PartSum(policy)
    if members > 0 {
      var search = try PartPrices(
        group, members: members, parts: parts, policy: policy, limits: limits, most: most, ask: ask)
      try search.find()
      self.sum.netValueAtMost &+= search.bound
      for limit in limits.indices where firstPrices[limit] == 0 { firstPrices[limit] = search.prices[limit] }
      group.prices = search.prices
      sum = search.sum
      try take(&group, &sum)
      try fill(&group, &sum)
    }
    state.groups.append(group)
    return sum
  }

  /// - Parameter sum: of all choices; of those that were taken when it returns.
  private mutating func take(_ group: inout PartState.Group, _ sum: inout PartSum) throws {
    let all = sum
    if take({ all.demand($0) }) { return }
    // The choices of greatest net that fit together are taken, whatever their order; the others come here.
    var high = PartPrices.top
    var taken = PartSum(policy)
    var low: Int128 = 0
    while high - low > 1 {
      let bars = PartPool.spaced(low, high, Self.bars)
      let sums = try ask(.above(group, bars: bars)).sums
      guard sums.count == bars.count else { throw PartFault("parts have answered another question") }
      // The lowest bar above which all fit; above the highest there is nobody.
      let index =
        sums.firstIndex { sum in
          limits.indices.allSatisfy { sum.demand(limits[$0]) <= left[$0] }
        } ?? bars.count - 1
      high = bars[index]
      taken = sums[index]
      if index == 0 { break }
      low = bars[index - 1]
      if all.users - taken.users <= most { break }
    }
    let certain = taken
    _ = take { certain.demand($0) }
    while high > 0 {
      let low = try below(high, certain: taken.users, all.users, group)
      let answer = try ask(.between(group, low: low.bar, high: high))
      let users = answer.users.users
      Self.withGroup(users, policy, limits, left: group.left) { view in
        let tariff = view.tariff(group.prices)
        let choices = (0..<users.count).map { (user: $0, choice: view.choice($0, at: tariff)) }.sorted {
          $0.choice.net != $1.choice.net ? $0.choice.net > $1.choice.net : users.isBefore($0.user, $1.user)
        }
        for (user, choice) in choices where choice.option >= 0 {
          let option = users.options[choice.option]
          if take({ Int128($0.weight(of: option, user, view.users)) }) { continue }
          group.changes[answer.users.places[user]] = -1
          sum.add(option, of: user, view, -1)
        }
      }
      taken = low.sum
      high = low.bar
    }
  }
  private static let bars = 24

  /// A bar below another, such that not too many have a net between the two.
  private func below(
    _ high: Int128, certain: Int, _ all: Int, _ group: PartState.Group
  ) throws -> (bar: Int128, sum: PartSum) {
    var (low, sum) = (Int128(0), PartSum(policy))
    if all - certain <= most { return (low, sum) }
    while high - low > 1 {
      let bars = PartPool.spaced(low, high, Self.bars)
      let sums = try ask(.above(group, bars: bars)).sums
      guard sums.count == bars.count else { throw PartFault("parts have answered another question") }
      guard let index = sums.firstIndex(where: { $0.users - certain <= most }), index < sums.count - 1 else {
        // Even just below there are many: they have one net, and come all together.
        low = bars[max(0, bars.count - 2)]
        sum = sums[max(0, sums.count - 2)]
        continue
      }
      return (bars[index], sums[index])
    }
    return (low, sum)
  }

  private mutating func fill(_ group: inout PartState.Group, _ sum: inout PartSum) throws {
    guard !limits.isEmpty else { return }
    for _ in 0..<50 {
      var pass = Pass(
        group, slack: zip(group.prices, left).reduce(Int128(0)) { $0 &+ $1.0 &* $1.1 }, left: left,
        most: min(1000, mostOfPart))
      repeat { try go(&pass, &sum) } while !pass.isOver
      group.changes = pass.now
      if !pass.moved { return }
    }
  }

  /// A pass of the fill under way.
  private struct Pass {
    /// As it began.
    let group: PartState.Group
    let slack: Int128
    let left: [Int128]
    var now: PartChanges
    /// At first there is room for all moves of the pass.
    var room: [Int128]
    var isFirst: Bool { after == nil }
    var after: PartMove.Rank?
    /// Few of a part are made, most often: it takes more only where these few do not end the pass.
    var most: Int
    var moved = false
    var isOver = false

    init(_ group: PartState.Group, slack: Int128, left: [Int128], most: Int) {
      self.group = group
      self.most = most
      self.slack = slack
      self.left = left
      now = group.changes
      room = left
    }
  }

  /// Asks for the next moves of a pass, and makes those that can be made.
  private mutating func go(_ pass: inout Pass, _ sum: inout PartSum) throws {
    let asked = PartPass(
      slack: pass.slack, left: pass.left, now: pass.now, room: pass.room, after: pass.after,
      most: pass.most)
    pass.most = min(mostOfPart, pass.most * 4)
    let answer = try ask(.moves(pass.group, asked))
    let end = answer.movesEnd.min { $0.isBefore($1) }
    if let after = asked.after, !(answer.moves.map(\.rank) + [end].compactMap(\.self)).allSatisfy(after.isBefore) {
      throw Self.contradiction
    }
    let users = answer.users.users
    Self.withGroup(users, policy, limits, left: pass.group.left) { view in
      let filling = PartFilling(group: view, limits: limits, tariff: view.tariff(pass.group.prices), pass: asked)
      for move in answer.moves.sorted(by: { $0.rank.isBefore($1.rank) }) {
        // Beyond it some part may have others.
        if let end, end.isBefore(move.rank) { break }
        let place = answer.users.places[move.user]
        let option = users.optionRange(move.user).lowerBound + move.rank.option
        let held = filling.held(move.user, pass.now[place])
        let heldWorth = held < 0 ? 0 : view.worth(users.options[held])
        guard view.worth(users.options[option]) > heldWorth else { continue }
        guard take({ filling.change($0, move.user, from: held, to: option) }) else { continue }
        pass.now[place] = move.rank.option
        pass.moved = true
        if held >= 0 { sum.add(users.options[held], of: move.user, view, -1) }
        sum.add(users.options[option], of: move.user, view)
        // A move may give something back: then others fit that were not asked for.
        if !pass.isFirst, zip(left, pass.room).contains(where: { $0 > $1 }) {
          pass.after = move.rank
          pass.room = roomier()
          return
        }
      }
      if let end {
        pass.after = end
        pass.room = roomier()
      } else {
        pass.isOver = true
      }
    }
  }

  /// What is left, and some more: so that little that is given back asks for no new question.
  private func roomier() -> [Int128] { left.map { $0 + max($0 / 4, 2 * Int128(Micros.one)) } }
}

/// What a plan comes to.
package struct PlanTotals: Sendable {
  package private(set) var contacts = 0
  /// Micros; sums over the contacts.
  package private(set) var value: Int128 = 0
  package private(set) var spend: Int128 = 0
  package private(set) var capital: Int128 = 0
  package private(set) var byChannel: [Int]
  /// In 1e-12: sum of worth, and what no plan can exceed.
  package private(set) var netValue: Int128 = 0
  package fileprivate(set) var netValueAtMost: Int128 = 0
  package fileprivate(set) var cut: [Plan.Cut] = []

  init(policy: Policy) { byChannel = [Int](repeating: 0, count: policy.channels.count) }

  package init(_ plan: Plan) {
    contacts = plan.contacts
    value = plan.value
    spend = plan.spend
    capital = plan.capital
    byChannel = plan.byChannel
    netValue = plan.netValue
    netValueAtMost = plan.netValueAtMost
    cut = plan.cut
  }

  fileprivate mutating func add(_ sum: PartSum, policy: Policy) {
    contacts = sum.users
    // Of each option the worth is 10^6 value - hurdle * spend.
    value = (sum.worth &+ Int128(policy.hurdle) &* sum.spend) / Int128(Micros.one)
    spend = sum.spend
    capital = sum.capital
    byChannel = sum.byChannel
    netValue = sum.worth
  }
}
