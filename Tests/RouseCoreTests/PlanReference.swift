@testable import RouseCore

/// The plan word by word as the model has it (model 9), without a thought of speed.
struct PlanReference {
  struct User {
    var tie: UInt64
    var id: String
    var tier: Int
    var arm: Experiment.Arm
    var options: [Option]
    var best: Int
    var quotas: [Bool]
  }

  private let users: [User]
  private let limits: [Limit]
  private let hurdle: Int128
  private var left: [Int128]
  private var firstPrices: [Int128]
  private(set) var taken: [Int?]
  private(set) var shown: [Int]
  private(set) var net: [Int128]
  private(set) var ghost: [Int32]
  private(set) var atMost: Int128 = 0

  init(_ users: [User], policy: Policy, limits planLimits: PlanLimits) {
    self.users = users
    limits = Limit.all(planLimits, policy: policy)
    hurdle = Int128(Micros.from(policy.definition.money.hurdle))
    left = limits.map(\.most)
    firstPrices = limits.map { _ in 0 }
    taken = users.map { _ in nil }
    shown = users.map(\.best)
    net = users.map { _ in 0 }
    ghost = users.map { _ in -1 }
    for user in users.indices.filter({ users[$0].arm == .explore }).sorted(by: isBefore) {
      _ = take(user, users[user].best)
      if let option = taken[user] { atMost += worth(user, option) }
    }
    for tier in planLimits.tierFirst ? Array(0...policy.tiers.count) : [-1] {
      planGroup(users.indices.filter { tier < 0 || users[$0].tier == tier })
    }
  }

  private func isBefore(_ a: Int, _ b: Int) -> Bool {
    users[a].tie != users[b].tie
      ? users[a].tie < users[b].tie : Array(users[a].id.utf8).lexicographicallyPrecedes(Array(users[b].id.utf8))
  }

  private func worth(_ user: Int, _ option: Int) -> Int128 {
    Int128(users[user].options[option].value) * 1_000_000 - hurdle * Int128(users[user].options[option].spend)
  }

  private func weights(_ user: Int, _ option: Int?) -> [Int128] {
    guard let option else { return limits.map { _ in 0 } }
    let chosen = users[user].options[option]
    return limits.map { limit in
      switch limit.weight {
      case .spend: Int128(chosen.spend)
      case .capital: Int128(chosen.capital)
      case .channel(let channel): chosen.channel == channel ? 1_000_000 : 0
      case .quota(let quota): users[user].quotas[quota] ? 1_000_000 : 0
      case .user: 1_000_000
      }
    }
  }

  private mutating func take(_ user: Int, _ option: Int) -> Bool {
    let change = zip(weights(user, option), weights(user, taken[user])).map { $0 - $1 }
    guard zip(change, left).allSatisfy({ $0 <= $1 }) else { return false }
    left = zip(left, change).map { $0 - $1 }
    taken[user] = option
    return true
  }

  private func net(_ user: Int, _ option: Int, _ prices: [Int128]) -> Int128 {
    zip(prices, weights(user, option)).reduce(worth(user, option)) { $0 - $1.0 * $1.1 }
  }

  private mutating func planGroup(_ group: [Int]) {
    let start = left
    func usable(_ user: Int) -> [Int] {
      users[user].options.indices.filter { option in
        worth(user, option) > 0 && zip(weights(user, option), start).allSatisfy { $0 <= $1 }
      }
    }
    let members = group.filter { users[$0].arm == .policy }.map { (user: $0, usable: usable($0)) }
    func choice(_ user: Int, _ usable: [Int], _ prices: [Int128]) -> (option: Int, net: Int128)? {
      var best: (option: Int, net: Int128)?
      for option in usable {
        let net = net(user, option, prices)
        if net <= 0 { continue }
        if let known = best, net < known.net { continue }
        if let known = best, net == known.net,
          users[user].options[option].spend >= users[user].options[known.option].spend
        {
          continue
        }
        best = (option, net)
      }
      return best
    }
    func bound(_ prices: [Int128]) -> Int128 {
      members.reduce(zip(prices, start).reduce(0) { $0 + $1.0 * $1.1 }) {
        $0 + (choice($1.user, $1.usable, prices)?.net ?? 0)
      }
    }
    func demand(_ limit: Int, _ prices: [Int128]) -> Int128 {
      members.reduce(0) { sum, member in
        sum + weights(member.user, choice(member.user, member.usable, prices)?.option)[limit]
      }
    }
    func least(_ prices: [Int128], _ limit: Int) -> Int128 {
      func isWithin(_ price: Int128) -> Bool {
        var prices = prices
        prices[limit] = price
        return demand(limit, prices) <= start[limit]
      }
      if isWithin(0) { return 0 }
      var (low, high): (Int128, Int128) = (0, 1)
      while !isWithin(high) { (low, high) = (high, high * 16) }
      while high - low > 1 {
        let middle = low + (high - low) / 2
        if isWithin(middle) { high = middle } else { low = middle }
      }
      return high
    }
    var prices = limits.map { _ in Int128(0) }
    var best = bound(prices)
    for _ in 0..<50 {
      var next = prices
      for limit in limits.indices { next[limit] = least(next, limit) }
      let nextBound = bound(next)
      if nextBound >= best { break }
      let gain = best - nextBound
      (prices, best) = (next, nextBound)
      if gain * 1_000_000 <= best { break }
    }
    atMost += best
    for limit in limits.indices where firstPrices[limit] == 0 { firstPrices[limit] = prices[limit] }

    let choices = members.compactMap { member in
      choice(member.user, member.usable, prices).map { (user: member.user, option: $0.option, net: $0.net) }
    }
    for choice in choices.sorted(by: { $0.net != $1.net ? $0.net > $1.net : isBefore($0.user, $1.user) }) {
      _ = take(choice.user, choice.option)
    }
    if !limits.isEmpty { for _ in 0..<50 where !fill(members, prices) { break } }
    for user in group {
      if users[user].arm == .policy {
        shown[user] =
          taken[user]
          ?? users[user].options.indices.dropFirst().reduce(0) { best, option in
            let (a, b) = (net(user, option, prices), net(user, best, prices))
            return a > b || a == b && users[user].options[option].spend < users[user].options[best].spend
              ? option : best
          }
      } else if let choice = choice(user, usable(user), prices) {
        ghost[user] = users[user].options[choice.option].channel
      }
      net[user] = net(user, shown[user], prices)
    }
  }

  /// One pass; false when it made no move.
  private mutating func fill(_ members: [(user: Int, usable: [Int])], _ prices: [Int128]) -> Bool {
    var moves: [(user: Int, option: Int, gain: Int128, key: Int128)] = []
    for member in members {
      let held = taken[member.user]
      for option in member.usable {
        let gain = worth(member.user, option) - (held.map { worth(member.user, $0) } ?? 0)
        let change = zip(weights(member.user, option), weights(member.user, held)).map { $0 - $1 }
        guard gain > 0, zip(change, left).allSatisfy({ $0 <= $1 }) else { continue }
        let cost = zip(prices, change).reduce(0) { $0 + $1.0 * $1.1 }
        let key = cost <= 0 ? -1 : floorDivide((cost - gain) * 1_000_000, cost)
        moves.append((member.user, option, gain, key))
      }
    }
    moves.sort {
      if $0.key != $1.key { return $0.key < $1.key }
      if $0.gain != $1.gain { return $0.gain > $1.gain }
      return $0.user != $1.user ? isBefore($0.user, $1.user) : $0.option < $1.option
    }
    var moved = false
    for move in moves where worth(move.user, move.option) > (taken[move.user].map { worth(move.user, $0) } ?? 0) {
      if take(move.user, move.option) { moved = true }
    }
    return moved
  }

  /// Limits with a price, and it.
  var cut: [String] { zip(limits, firstPrices).filter { $1 != 0 }.map { "\($0.name):\($1)" } }
}
