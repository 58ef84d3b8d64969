/// Shadow prices of a group's limits (model 9.2): what one more unit of each would be worth. Coordinate descent on the
/// dual bound, all in integers.
struct PlanPrices {
  /// An option that is worth something and fits alone into what was left when the group began.
  struct UsableOption {
    /// In 1e-12.
    let worth: Int128
    let spend: Int64
    /// Index into `PlanUsers.options`.
    let option: Int
  }

  /// A user's usable options are consecutive, in channel order.
  struct UsableUser {
    /// Index into `PlanUsers.users`.
    let user: Int
    let start: Int
    let end: Int
  }

  let limits: [Limit]
  let users: PlanUsers
  /// What is left of each limit as the group begins, in micros.
  let left: [Int128]
  private(set) var usable: [UsableOption] = []
  private(set) var group: [UsableUser] = []
  /// Micros of value a unit.
  private(set) var prices: [Int128]
  private(set) var bound: Int128 = 0

  /// - Parameter members: indices of the group's users of the policy arm.
  init(members: [Int], users: PlanUsers, policy: Policy, limits: [Limit], left: [Int128]) {
    self.users = users
    self.limits = limits
    self.left = left
    prices = [Int128](repeating: 0, count: limits.count)
    group.reserveCapacity(members.count)
    for user in members {
      let start = usable.count
      for index in users.optionRange(user) {
        let option = users.options[index]
        let worth = policy.worth(value: option.value, spend: option.spend)
        if worth > 0, fits(user, option) {
          usable.append(UsableOption(worth: worth, spend: option.spend, option: index))
        }
      }
      if usable.count > start { group.append(UsableUser(user: user, start: start, end: usable.count)) }
    }
  }

  /// Finds prices from 0 on.
  /// - Parameter isAbandoned: nobody wants the plan any more; what is found by then is no answer.
  mutating func find(isAbandoned: () -> Bool) {
    bound = self.bound(at: prices)
    guard !limits.isEmpty else { return }
    for _ in 0..<50 {
      var next = prices
      for limit in limits.indices {
        if isAbandoned() { return }
        next[limit] = least(next, limit)
      }
      let nextBound = self.bound(at: next)
      if nextBound >= bound { return }
      let gain = bound - nextBound
      prices = next
      bound = nextBound
      if gain * Int128(Micros.one) <= bound { return }
    }
  }

  /// Micros of the limit's unit that an option takes.
  func weight(_ limit: Int, _ user: Int, _ option: Option) -> Int64 {
    switch limits[limit].weight {
    case .spend: option.spend
    case .capital: option.capital
    case .channel(let channel): option.channel == channel ? Micros.one : 0
    case .quota(let quota): users.isUnder(quota, user) ? Micros.one : 0
    case .user: Micros.one
    }
  }

  /// Whether an option's weights are all within what was left at the start.
  func fits(_ user: Int, _ option: Option) -> Bool {
    for limit in limits.indices where Int128(weight(limit, user, option)) > left[limit] { return false }
    return true
  }

  /// `worth - sum of price * weight`. Only an option that does not fit can be priced beyond 128 bits: it is then worth
  /// as little as can be said.
  func net(_ worth: Int128, _ user: Int, _ option: Option, at prices: [Int128], without: Int = -1) -> Int128 {
    var net = worth
    for limit in limits.indices where prices[limit] != 0 && limit != without {
      let (cost, tooMuch) = prices[limit].multipliedReportingOverflow(by: Int128(weight(limit, user, option)))
      let (rest, tooLittle) = net.subtractingReportingOverflow(cost)
      if tooMuch || tooLittle { return Int128.min / 4 }
      net = rest
    }
    return net
  }

  /// The index into `usable` of a user's choice at some prices, and its net; nil when nothing has a net above 0.
  func choice(_ user: UsableUser, at prices: [Int128]) -> (index: Int, net: Int128)? {
    var best: (index: Int, net: Int128)?
    for index in user.start..<user.end {
      let net = net(usable[index].worth, user.user, users.options[usable[index].option], at: prices)
      guard net > 0 else { continue }
      if let known = best, net < known.net || net == known.net && usable[index].spend >= usable[known.index].spend {
        continue
      }
      best = (index, net)
    }
    return best
  }

  /// `sum of the nets of all choices + sum of price * left`.
  private func bound(at prices: [Int128]) -> Int128 {
    var sum: Int128 = 0
    for user in group { if let choice = choice(user, at: prices) { sum += choice.net } }
    for limit in limits.indices where prices[limit] != 0 { sum += prices[limit] * left[limit] }
    return sum
  }

  // MARK: - The least price that keeps demand within a limit

  /// A usable option while one limit's price is sought: its net without that limit.
  private struct Pull {
    let net: Int128
    let weight: Int64
    let spend: Int64
  }

  /// A user whose choice still depends on the price: its weight at both ends of the bracket.
  private struct Open {
    var start: Int32
    var end: Int32
    var atLow: Int64
    var atHigh: Int64
  }

  /// The smallest price >= 0 of one limit at which demand is within it, the others' prices given. A bracket is opened
  /// around the last price and halved; a user whose choice weighs the same at both ends is settled and drops out.
  private func least(_ prices: [Int128], _ limit: Int) -> Int128 {
    var pulls: [Pull] = []
    pulls.reserveCapacity(usable.count)
    var open: [Open] = []
    open.reserveCapacity(group.count)
    var ceiling: Int128 = 0
    for user in group {
      let start = pulls.count
      var weighs = false
      for index in user.start..<user.end {
        let option = users.options[usable[index].option]
        let net = net(usable[index].worth, user.user, option, at: prices, without: limit)
        guard net > 0 else { continue }
        let weight = weight(limit, user.user, option)
        if weight > 0 {
          weighs = true
          ceiling = max(ceiling, (net - 1) / Int128(weight) + 1)
        }
        pulls.append(Pull(net: net, weight: weight, spend: usable[index].spend))
      }
      if weighs {
        open.append(
          Open(
            start: Int32(truncatingIfNeeded: start), end: Int32(truncatingIfNeeded: pulls.count), atLow: 0, atHigh: 0))
      } else {
        pulls.removeLast(pulls.count - start)
      }
    }
    let most = left[limit]
    var settled: Int128 = 0
    /// Demand of the open users at a price, kept for each in `atLow` or `atHigh`.
    func demand(_ price: Int128, low: Bool) -> Int128 {
      var sum = settled
      for index in open.indices {
        let weight = pulledWeight(pulls, open[index].start, open[index].end, price)
        sum += Int128(weight)
        if low { open[index].atLow = weight } else { open[index].atHigh = weight }
      }
      return sum
    }
    func settle() {
      var kept = 0
      for index in open.indices {
        if open[index].atLow == open[index].atHigh {
          settled += Int128(open[index].atLow)
        } else {
          open[kept] = open[index]
          kept += 1
        }
      }
      open.removeLast(open.count - kept)
    }

    // low: demand is over the limit. high: demand is within it; at the ceiling nobody wants any.
    var low: Int128
    var high: Int128
    let last = min(prices[limit], ceiling)
    if demand(last, low: true) <= most {
      for index in open.indices { open[index].atHigh = open[index].atLow }
      high = last
      var step = max(1, high / 64)
      while true {
        if high == 0 { return 0 }
        let lower = max(0, high - step)
        if demand(lower, low: true) > most {
          low = lower
          break
        }
        for index in open.indices { open[index].atHigh = open[index].atLow }
        high = lower
        step *= 4
      }
    } else {
      low = last
      var step = max(1, low / 64)
      while true {
        let higher = min(ceiling, low + step)
        if last == 0 || higher == ceiling {
          high = ceiling
          for index in open.indices { open[index].atHigh = 0 }
          break
        }
        if demand(higher, low: false) <= most {
          high = higher
          break
        }
        for index in open.indices { open[index].atLow = open[index].atHigh }
        low = higher
        step *= 8
      }
    }
    settle()
    while high - low > 1 {
      let middle = middle(low, high)
      var sum = settled
      for index in open.indices { sum += Int128(pulledWeight(pulls, open[index].start, open[index].end, middle)) }
      if sum > most {
        low = middle
        for index in open.indices {
          open[index].atLow = pulledWeight(pulls, open[index].start, open[index].end, middle)
        }
      } else {
        high = middle
        for index in open.indices {
          open[index].atHigh = pulledWeight(pulls, open[index].start, open[index].end, middle)
        }
      }
      settle()
    }
    return high
  }

  /// Between two prices: by order of magnitude while they are far apart, then by halves.
  private func middle(_ low: Int128, _ high: Int128) -> Int128 {
    if high / 4 > max(low, 1) {
      let bits = (low <= 0 ? 0 : 127 - low.leadingZeroBitCount) + (127 - high.leadingZeroBitCount)
      let guess = Int128(1) << Int128((bits + 1) / 2)
      if guess > low, guess < high { return guess }
    }
    return low + (high - low) / 2
  }

  /// The weight of a user's choice at a price; 0 for no choice.
  @inline(__always)
  private func pulledWeight(_ pulls: [Pull], _ start: Int32, _ end: Int32, _ price: Int128) -> Int64 {
    var bestNet: Int128 = 0
    var bestSpend: Int64 = 0
    var bestWeight: Int64 = 0
    for index in Int(start)..<Int(end) {
      let pull = pulls[index]
      // Only a price far over the others' reach can overflow: the option is then not wanted.
      let (cost, tooMuch) = price.multipliedReportingOverflow(by: Int128(pull.weight))
      if tooMuch { continue }
      let net = pull.net - cost
      if net > bestNet || net == bestNet && bestNet > 0 && pull.spend < bestSpend {
        bestNet = net
        bestSpend = pull.spend
        bestWeight = pull.weight
      }
    }
    return bestWeight
  }
}
