/// Whom to contact, and on which channel, under the limits (model 9): prices, take, fill, bound.
package struct Plan: Sendable {
  /// What the plan makes of one user, in the order of `PlanUsers`. Indices count in 32 bits: there is one for each user.
  package struct Outcome: Sendable {
    fileprivate var takenOption: Int32 = -1
    fileprivate var shownOption: Int32 = -1
    /// Channel that the policy by itself would take, for holdout and explore users; -1: none.
    package fileprivate(set) var ghost: Int32 = -1
    fileprivate var place: UInt32 = 0
    /// Net value of the shown option at the group's prices, in 1e-12.
    fileprivate(set) var net: Int128 = 0

    /// Index into `PlanUsers.options` of the option taken; -1: none.
    package var taken: Int { Int(takenOption) }
    /// Index of the option shown as best. Only of a contact, where the waitlist has no rank.
    package var shown: Int { Int(shownOption) }
    /// 1-based; 0: none.
    package var rank: Int { Int(place) }
  }

  /// A limit whose price is not 0: what one more unit of it would add.
  package struct Cut: Sendable {
    package let limit: String
    /// Micros.
    package let most: Int128
    package let used: Int128
    package let price: Int128
    package let say: String
  }

  package fileprivate(set) var outcomes: [Outcome]
  package private(set) var contacts = 0
  /// Micros; sums over the contacts.
  package private(set) var value: Int128 = 0
  package private(set) var spend: Int128 = 0
  package private(set) var capital: Int128 = 0
  package private(set) var byChannel: [Int]
  /// In 1e-12: sum of worth, and what no plan can exceed.
  package private(set) var netValue: Int128 = 0
  package private(set) var netValueAtMost: Int128 = 0
  package private(set) var cut: [Cut] = []
  /// Users in rank order: contacts, then, when asked for, the waitlist.
  package private(set) var order: [Int] = []

  private let few: Int
  let firstPortion: Int
  /// While the plan is made.
  private(set) var crew: Crew
  private let policy: Policy
  let users: PlanUsers
  let limits: [Limit]
  /// Micros, by limit.
  private(set) var left: [Int128]
  private var firstPrices: [Int128]

  /// - Parameters:
  ///   - rankWaitlist: whether users on the waitlist get their rank too.
  ///   - threads: that may share the work; the plan is the same with any number.
  ///   - isAbandoned: asked now and then; once it is true the rest is skipped, and the plan is none.
  package init(
    users: PlanUsers, policy: Policy, limits planLimits: PlanLimits, rankWaitlist: Bool, threads: Int = 1,
    isAbandoned: () -> Bool = { false }
  ) {
    self.init(
      users: users, policy: policy, limits: planLimits, rankWaitlist: rankWaitlist, few: PlanPrices.fewUsers,
      threads: threads, isAbandoned: isAbandoned)
  }

  /// - Parameters:
  ///   - few: users whose prices are sought without samples.
  ///   - firstPortion: moves of a fill that are put in order at once.
  ///   - worthwhile: how many users it takes for a loop to be shared.
  init(
    users: PlanUsers, policy: Policy, limits planLimits: PlanLimits, rankWaitlist: Bool, few: Int,
    firstPortion: Int = Plan.usualPortion, threads: Int = 1, worthwhile: Int = Crew.worthwhile,
    isAbandoned: () -> Bool = { false }
  ) {
    self.few = few
    self.firstPortion = firstPortion
    crew = users.count < worthwhile ? .alone : Crew(threads: threads, worthwhile: worthwhile)
    self.policy = policy
    self.users = users
    limits = Limit.all(planLimits, policy: policy)
    left = limits.map(\.most)
    firstPrices = [Int128](repeating: 0, count: limits.count)
    outcomes = [Outcome](repeating: Outcome(), count: users.count)
    byChannel = [Int](repeating: 0, count: policy.channels.count)

    users.withView { view in
      takeExplorers(view)
      if planLimits.tierFirst {
        for tier in 0...policy.tiers.count {
          planGroup(view, rankWaitlist, isAbandoned) { $0.tier == Int32(truncatingIfNeeded: tier) }
        }
      } else {
        planGroup(view, rankWaitlist, isAbandoned) { _ in true }
      }
      total(view)
    }
    crew = .alone
    sort(tierFirst: planLimits.tierFirst, waitlist: rankWaitlist)
  }

  /// Takes an option if what is left allows it, giving back what the user held.
  mutating func take(_ option: Int, by user: Int, _ view: PlanUsers.View) -> Bool {
    let held = outcomes[user].taken
    for limit in limits.indices where change(limit, user, from: held, to: option, view) > left[limit] { return false }
    for limit in limits.indices { left[limit] -= change(limit, user, from: held, to: option, view) }
    outcomes[user].takenOption = Int32(truncatingIfNeeded: option)
    return true
  }

  /// What a limit's demand changes by when a user takes an option in place of another; -1: of none.
  @inline(__always)
  func change(
    _ limit: Int, _ user: Int, from held: Int, to option: Int, _ view: PlanUsers.View
  ) -> Int128 {
    let weight = limits[limit].weight(of: view.options[option], user, view)
    return Int128(weight) - (held < 0 ? 0 : Int128(limits[limit].weight(of: view.options[held], user, view)))
  }

  // MARK: - 9.1

  private mutating func takeExplorers(_ view: PlanUsers.View) {
    let explorers = view.users.indices.filter { view.users[$0].arm == .explore }
    for user in explorers.sorted(by: users.isBefore) { _ = take(best(user, view), by: user, view) }
  }

  /// The option that was best on its own.
  private func best(_ user: Int, _ view: PlanUsers.View) -> Int {
    view.optionRange(user).lowerBound + Int(view.users[user].best)
  }

  // MARK: - 9.2 and 9.3

  private mutating func planGroup(
    _ view: PlanUsers.View, _ showsWaitlist: Bool, _ isAbandoned: () -> Bool,
    _ belongs: (PlanUsers.User) -> Bool
  ) {
    var members: [UInt32] = []
    var others: [Int] = []
    for (index, user) in view.users.enumerated() where belongs(user) {
      if user.arm == .policy { members.append(UInt32(truncatingIfNeeded: index)) } else { others.append(index) }
    }
    let group = PlanGroup(users: view, policy: policy, limits: limits, left: left, crew: crew)
    var search = PlanPrices(group, members: members, few: few)
    search.find(isAbandoned: isAbandoned)
    netValueAtMost += search.bound
    for limit in limits.indices where firstPrices[limit] == 0 { firstPrices[limit] = search.prices[limit] }
    let tariff = group.tariff(search.prices)
    take(group, search.choosers ?? members, tariff)
    fill(group, members, tariff, isAbandoned)
    show(group, members, others, tariff, waitlist: showsWaitlist)
  }

  private mutating func take(_ group: PlanGroup, _ members: [UInt32], _ tariff: PlanTariff) {
    let parts = crew.parts(of: members.count) { range in
      var part = (choices: [(user: Int, choice: PlanGroup.Choice)](), sum: PlanSum(group))
      members.withUnsafeBufferPointer { members in
        for member in members[range] {
          let user = Int(member)
          let choice = group.choice(user, at: tariff)
          guard choice.option >= 0 else { continue }
          part.choices.append((user, choice))
          part.sum.add(choice.option, of: user, group)
        }
      }
      return part
    }
    var choices: [(user: Int, choice: PlanGroup.Choice)] = []
    var sum = PlanSum(group)
    for part in parts {
      choices.append(contentsOf: part.choices)
      sum.add(part.sum)
    }
    let demand = limits.map { sum.demand($0) }
    if limits.indices.allSatisfy({ demand[$0] <= left[$0] }) {
      for (user, choice) in choices { outcomes[user].takenOption = Int32(truncatingIfNeeded: choice.option) }
      for limit in limits.indices { left[limit] -= demand[limit] }
      return
    }
    choices.sort {
      $0.choice.net != $1.choice.net ? $0.choice.net > $1.choice.net : users.isBefore($0.user, $1.user)
    }
    for (user, choice) in choices { _ = take(choice.option, by: user, group.users) }
  }

  // MARK: - 9.4

  private mutating func show(
    _ group: PlanGroup, _ members: [UInt32], _ others: [Int], _ tariff: PlanTariff, waitlist: Bool
  ) {
    for member in members {
      let user = Int(member)
      var shown = outcomes[user].taken
      if shown < 0 {
        guard waitlist else { continue }
        shown = nearest(user, group, tariff)
      }
      outcomes[user].shownOption = Int32(truncatingIfNeeded: shown)
      outcomes[user].net = group.net(shown, of: user, at: tariff)
    }
    for user in others {
      // What the policy alone would do with those whom the experiment took: the same choice, at this group's start.
      let choice = group.choice(user, at: tariff)
      if choice.option >= 0 { outcomes[user].ghost = group.users.options[choice.option].channel }
      let shown = best(user, group.users)
      outcomes[user].shownOption = Int32(truncatingIfNeeded: shown)
      outcomes[user].net = group.net(shown, of: user, at: tariff)
    }
  }

  /// Of all options, usable or not, the one with the greatest net.
  private func nearest(_ user: Int, _ group: PlanGroup, _ tariff: PlanTariff) -> Int {
    var nearest = -1
    var best: Int128 = 0
    for option in group.users.optionRange(user) {
      let net = group.net(option, of: user, at: tariff)
      let isNearer =
        nearest < 0 || net > best
        || net == best && group.users.options[option].spend < group.users.options[nearest].spend
      if isNearer {
        nearest = option
        best = net
      }
    }
    return nearest
  }

  private mutating func total(_ view: PlanUsers.View) {
    var used = [Int128](repeating: 0, count: limits.count)
    for user in outcomes.indices where outcomes[user].taken >= 0 {
      let option = view.options[outcomes[user].taken]
      let worth = policy.worth(value: option.value, spend: option.spend)
      contacts += 1
      value += Int128(option.value)
      spend += Int128(option.spend)
      capital += Int128(option.capital)
      byChannel[Int(option.channel)] += 1
      netValue += worth
      if view.users[user].arm == .explore { netValueAtMost += worth }
      for limit in limits.indices { used[limit] += Int128(limits[limit].weight(of: option, user, view)) }
    }
    for limit in limits.indices where firstPrices[limit] != 0 {
      cut.append(
        Cut(
          limit: limits[limit].name, most: limits[limit].most, used: used[limit], price: firstPrices[limit],
          say: limits[limit].say))
    }
  }

  /// Explore first; with `tierFirst` the tier; greater net, greater value, less spend, tie order.
  private mutating func sort(tierFirst: Bool, waitlist: Bool) {
    struct Place {
      let net: Int128
      let user: Int
      /// The tier, if it counts; of an explorer less than any.
      let head: Int
    }
    func isBefore(_ a: Place, _ b: Place) -> Bool {
      if a.head != b.head { return a.head < b.head }
      if a.net != b.net { return a.net > b.net }
      let (first, second) = (users.options[outcomes[a.user].shown], users.options[outcomes[b.user].shown])
      if first.value != second.value { return first.value > second.value }
      if first.spend != second.spend { return first.spend < second.spend }
      return users.isBefore(a.user, b.user)
    }
    func ordered(_ belongs: (Int) -> Bool) -> [Int] {
      var places: [Place] = []
      for user in outcomes.indices where belongs(user) {
        let tier = tierFirst ? Int(users.users[user].tier) : 0
        let head = users.users[user].arm == .explore ? tier - 1 << 40 : tier
        places.append(Place(net: outcomes[user].net, user: user, head: head))
      }
      places.sort(by: isBefore)
      return places.map(\.user)
    }
    order = ordered { outcomes[$0].taken >= 0 }
    if waitlist { order += ordered { outcomes[$0].taken < 0 && users.users[$0].arm != .holdout } }
    for (index, user) in order.enumerated() { outcomes[user].place = UInt32(truncatingIfNeeded: index + 1) }
  }

  /// The held-out users whom the plan would have contacted, in tie order.
  package func ghosts() -> [Int] {
    users.users.indices.filter { users.users[$0].arm == .holdout && outcomes[$0].ghost >= 0 }.sorted(by: users.isBefore)
  }

  /// The chance, in micros, with which a contact was made (model 9.4).
  package func propensity(_ user: Int) -> Int64 {
    let outcome = outcomes[user]
    let follows =
      users.users[user].arm == .policy || outcome.taken >= 0 && users.options[outcome.taken].channel == outcome.ghost
    return policy.experiment.propensity(options: users.optionRange(user).count, followsPolicy: follows)
  }
}
