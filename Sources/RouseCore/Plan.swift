/// Whom to contact, and on which channel, under the limits (model 9): prices, take, fill, bound.
package struct Plan: Sendable {
  /// What the plan makes of one user, in the order of `PlanUsers`.
  package struct Outcome: Sendable {
    /// Index into `PlanUsers.options` of the option taken; -1: none.
    package var taken = -1
    /// Index of the option shown as best.
    package var shown = -1
    /// Channel that the policy by itself would take, for holdout and explore users; -1: none.
    package var ghost: Int32 = -1
    /// 1-based; 0: none.
    package var rank = 0
    /// Net value of the shown option at the group's prices, in 1e-12.
    var net: Int128 = 0
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

  package private(set) var outcomes: [Outcome]
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

  private let policy: Policy
  private let users: PlanUsers
  private let limits: [Limit]
  private var left: [Int128]
  private var firstPrices: [Int128]

  /// - Parameters:
  ///   - rankWaitlist: whether users on the waitlist get their rank too.
  ///   - isAbandoned: asked now and then; once it is true the rest is skipped, and the plan is none.
  package init(
    users: PlanUsers, policy: Policy, limits planLimits: PlanLimits, rankWaitlist: Bool,
    isAbandoned: () -> Bool = { false }
  ) {
    self.policy = policy
    self.users = users
    limits = Limit.all(planLimits, policy: policy)
    left = limits.map(\.most)
    firstPrices = [Int128](repeating: 0, count: limits.count)
    outcomes = [Outcome](repeating: Outcome(), count: users.count)
    byChannel = [Int](repeating: 0, count: policy.channels.count)

    takeExplorers()
    if planLimits.tierFirst {
      for tier in 0...policy.tiers.count {
        planGroup({ users.users[$0].tier == Int32(truncatingIfNeeded: tier) }, isAbandoned)
      }
    } else {
      planGroup({ _ in true }, isAbandoned)
    }
    total()
    sort(tierFirst: planLimits.tierFirst, waitlist: rankWaitlist)
  }

  private func worth(_ option: Int) -> Int128 {
    policy.worth(value: users.options[option].value, spend: users.options[option].spend)
  }

  private func weight(_ limit: Int, _ user: Int, _ option: Int) -> Int128 {
    let chosen = users.options[option]
    switch limits[limit].weight {
    case .spend: return Int128(chosen.spend)
    case .capital: return Int128(chosen.capital)
    case .channel(let channel): return chosen.channel == channel ? Int128(Micros.one) : 0
    case .quota(let quota): return users.isUnder(quota, user) ? Int128(Micros.one) : 0
    case .user: return Int128(Micros.one)
    }
  }

  /// Takes an option if what is left allows it, giving back what the user held.
  private mutating func take(_ option: Int, by user: Int) -> Bool {
    let held = outcomes[user].taken
    for limit in limits.indices where change(limit, user, from: held, to: option) > left[limit] { return false }
    for limit in limits.indices { left[limit] -= change(limit, user, from: held, to: option) }
    outcomes[user].taken = option
    return true
  }

  private func change(_ limit: Int, _ user: Int, from held: Int, to option: Int) -> Int128 {
    weight(limit, user, option) - (held < 0 ? 0 : weight(limit, user, held))
  }

  // MARK: - 9.1

  private mutating func takeExplorers() {
    let explorers = users.users.indices.filter { users.users[$0].arm == .explore }
    for user in explorers.sorted(by: users.isBefore) {
      _ = take(users.users[user].optionStart + Int(users.users[user].best), by: user)
    }
  }

  // MARK: - 9.2 and 9.3

  private mutating func planGroup(_ belongs: (Int) -> Bool, _ isAbandoned: () -> Bool) {
    var members: [Int] = []
    var others: [Int] = []
    for user in users.users.indices where belongs(user) {
      if users.users[user].arm == .policy { members.append(user) } else { others.append(user) }
    }
    var prices = PlanPrices(members: members, users: users, policy: policy, limits: limits, left: left)
    prices.find(isAbandoned: isAbandoned)
    netValueAtMost += prices.bound
    for limit in limits.indices where firstPrices[limit] == 0 { firstPrices[limit] = prices.prices[limit] }
    take(prices)
    fill(prices, isAbandoned)
    show(members, others, prices)
  }

  private mutating func take(_ group: PlanPrices) {
    var choices: [(user: Int, option: Int, net: Int128)] = []
    var demand = [Int128](repeating: 0, count: limits.count)
    for user in group.group {
      guard let choice = group.choice(user, at: group.prices) else { continue }
      let option = group.usable[choice.index].option
      choices.append((user.user, option, choice.net))
      for limit in limits.indices { demand[limit] += weight(limit, user.user, option) }
    }
    if limits.indices.allSatisfy({ demand[$0] <= left[$0] }) {
      for choice in choices { outcomes[choice.user].taken = choice.option }
      for limit in limits.indices { left[limit] -= demand[limit] }
      return
    }
    choices.sort { $0.net != $1.net ? $0.net > $1.net : users.isBefore($0.user, $1.user) }
    for choice in choices { _ = take(choice.option, by: choice.user) }
  }

  /// A change of a user's option that gains something.
  private struct Move {
    let user: Int
    let option: Int
    let gain: Int128
    /// `(cost - gain) * 10^6 // cost`, or -1 where the move costs nothing.
    let key: Int128
  }

  private mutating func fill(_ group: PlanPrices, _ isAbandoned: () -> Bool) {
    guard !limits.isEmpty else { return }
    for _ in 0..<50 {
      if isAbandoned() { return }
      let moves = self.moves(group)
      var moved = false
      for move in moves {
        let held = outcomes[move.user].taken
        guard worth(move.option) > (held < 0 ? 0 : worth(held)) else { continue }
        if take(move.option, by: move.user) { moved = true }
      }
      if !moved { return }
    }
  }

  private func moves(_ group: PlanPrices) -> [Move] {
    var moves: [Move] = []
    // A move that fits costs at most this; so one that loses as much in net cannot fit.
    let slack = limits.indices.reduce(Int128(0)) { $0 + group.prices[$1] * left[$1] }
    for user in group.group {
      let held = outcomes[user.user].taken
      let heldWorth = held < 0 ? 0 : worth(held)
      let heldNet = held < 0 ? 0 : group.net(heldWorth, user.user, users.options[held], at: group.prices)
      for index in user.start..<user.end {
        let usable = group.usable[index]
        let gain = usable.worth - heldWorth
        guard gain > 0 else { continue }
        let net = group.net(usable.worth, user.user, users.options[usable.option], at: group.prices)
        // With prices that leave slack, `heldNet - net` is `cost - gain`.
        guard heldNet - net < slack else { continue }
        guard limits.indices.allSatisfy({ change($0, user.user, from: held, to: usable.option) <= left[$0] }) else {
          continue
        }
        let cost = limits.indices.reduce(Int128(0)) {
          $0 + group.prices[$1] * change($1, user.user, from: held, to: usable.option)
        }
        let key = cost <= 0 ? -1 : floorDivide((cost - gain) * Int128(Micros.one), cost)
        moves.append(Move(user: user.user, option: usable.option, gain: gain, key: key))
      }
    }
    moves.sort { left, right in
      if left.key != right.key { return left.key < right.key }
      if left.gain != right.gain { return left.gain > right.gain }
      if left.user != right.user { return users.isBefore(left.user, right.user) }
      return left.option < right.option
    }
    return moves
  }

  // MARK: - 9.4

  private mutating func show(_ members: [Int], _ others: [Int], _ group: PlanPrices) {
    for user in members {
      var shown = outcomes[user].taken
      var best: Int128 = 0
      if shown < 0 {
        for option in users.optionRange(user) {
          let net = group.net(worth(option), user, users.options[option], at: group.prices)
          if shown < 0 || net > best || net == best && users.options[option].spend < users.options[shown].spend {
            shown = option
            best = net
          }
        }
      } else {
        best = group.net(worth(shown), user, users.options[shown], at: group.prices)
      }
      outcomes[user].shown = shown
      outcomes[user].net = best
    }
    guard !others.isEmpty else { return }
    // What the policy alone would do with those whom the experiment took: the same choice, at this group's start.
    let ghosts = PlanPrices(members: others, users: users, policy: policy, limits: limits, left: group.left)
    for user in ghosts.group {
      if let choice = ghosts.choice(user, at: group.prices) {
        outcomes[user.user].ghost = users.options[ghosts.usable[choice.index].option].channel
      }
    }
    for user in others {
      let shown = users.users[user].optionStart + Int(users.users[user].best)
      outcomes[user].shown = shown
      outcomes[user].net = group.net(worth(shown), user, users.options[shown], at: group.prices)
    }
  }

  private mutating func total() {
    var used = [Int128](repeating: 0, count: limits.count)
    for user in outcomes.indices where outcomes[user].taken >= 0 {
      let taken = outcomes[user].taken
      let option = users.options[taken]
      contacts += 1
      value += Int128(option.value)
      spend += Int128(option.spend)
      capital += Int128(option.capital)
      byChannel[Int(option.channel)] += 1
      netValue += worth(taken)
      if users.users[user].arm == .explore { netValueAtMost += worth(taken) }
      for limit in limits.indices { used[limit] += weight(limit, user, taken) }
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
    func isBefore(_ a: Int, _ b: Int) -> Bool {
      let (left, right) = (users.users[a], users.users[b])
      if left.arm != right.arm { return left.arm == .explore }
      if tierFirst, left.tier != right.tier { return left.tier < right.tier }
      if outcomes[a].net != outcomes[b].net { return outcomes[a].net > outcomes[b].net }
      let (first, second) = (users.options[outcomes[a].shown], users.options[outcomes[b].shown])
      if first.value != second.value { return first.value > second.value }
      if first.spend != second.spend { return first.spend < second.spend }
      return users.isBefore(a, b)
    }
    order = outcomes.indices.filter { outcomes[$0].taken >= 0 }.sorted(by: isBefore)
    if waitlist {
      order += outcomes.indices.filter { outcomes[$0].taken < 0 && users.users[$0].arm != .holdout }.sorted(
        by: isBefore)
    }
    for (index, user) in order.enumerated() { outcomes[user].rank = index + 1 }
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
