/// Shadow prices of a group's limits (model 9.2): what one more unit of each would be worth. Coordinate descent on the
/// dual bound, all in integers.
///
/// Every price is the one that the model defines. What is saved is going through all users for it: a sample of them says
/// between which two prices it lies, one pass over all finds who would choose differently at these two, and the rest is
/// asked of those alone. From the second round on prices move little, and most users have chosen for good.
struct PlanPrices {
  private let group: PlanGroup
  /// The innermost last: each for a box within the one before.
  private var pools: [PlanPool]
  /// How many of them after the first are floors: without those who choose nothing while prices are not much lower than
  /// when they were first found, and with no other bounds.
  private var floors = 0
  /// One user in `sampling`.
  private let drawn: PlanPool?
  /// The same in the box of the last floor.
  private var sample: PlanPool?
  private static let sampling: Int128 = 64
  /// With fewer users a pass over all of them costs nothing.
  static let fewUsers = 8192
  private let few: Int

  /// Micros of value a unit.
  private(set) var prices: [Int128]
  private(set) var bound: Int128 = 0

  /// - Parameters:
  ///   - members: indices of the group's users of the policy arm, rising.
  ///   - few: users that are gone through without more ado.
  init(_ group: PlanGroup, members: [UInt32], few: Int) {
    self.group = group
    self.few = few
    prices = [Int128](repeating: 0, count: group.limits.count)
    pools = [PlanPool(members, group)]
    if members.count > few {
      // The order among equals is a hash: as good as any draw.
      let drawn = members.filter { group.users.users[Int($0)].tie % UInt64(Self.sampling) == 0 }
      self.drawn = PlanPool(drawn, group)
    } else {
      drawn = nil
    }
    sample = drawn
  }

  /// Finds prices from 0 on.
  /// - Parameter isAbandoned: nobody wants the plan any more; what is found by then is no answer.
  mutating func find(isAbandoned: () -> Bool) {
    // What is chosen where nothing has a price tells the first bound, and of each limit that does not bind that it does not.
    let free = pools.last.map { PlanPool($0, group, low: prices, high: prices) }
    bound = free?.bound(group, at: group.tariff(prices)) ?? 0
    guard !group.limits.isEmpty else { return }
    for _ in 0..<50 {
      var next = prices
      for limit in group.limits.indices {
        if isAbandoned() { return }
        if let free, free.contains(next),
          free.demand(group.limits[limit], group, at: group.tariff(next)) <= group.left[limit]
        {
          continue
        }
        next[limit] = least(next, limit)
      }
      let nextBound = bound(at: next)
      if nextBound >= bound { return }
      let gain = bound - nextBound
      let moves = zip(prices, next).map { abs($0 - $1) }
      prices = next
      bound = nextBound
      if gain * Int128(Micros.one) <= bound { return }
      settle(moves)
    }
  }

  /// The users who may have a choice at the prices found, rising; nil: all may.
  var choosers: [UInt32]? {
    // A round that was of no use may have left its own floor.
    floors > 0 && pools[floors].contains(prices) ? pools[floors].users : nil
  }

  /// Nearly all users choose nothing any more once a scarce limit has its price, and that price hardly ever falls to a
  /// quarter: neither this search nor the next need ask them.
  /// - Parameter price: about what is to be found.
  private mutating func layFloor(_ price: Int128, _ limit: Int) {
    guard price > 3, pools.count == floors + 1, let pool = pools.last, pool.users.count > few else { return }
    var low = pool.low
    low[limit] = price / 4
    pools.append(PlanPool(pool, group, low: low, high: pool.high))
    floors += 1
    sample = sample.map { PlanPool($0, group, low: low, high: pool.high) }
  }

  private mutating func dropPool() {
    pools.removeLast()
    guard floors >= pools.count else { return }
    floors = pools.count - 1
    sample = drawn
  }

  private func bound(at prices: [Int128]) -> Int128 {
    pools.last?.bound(group, at: group.tariff(prices)) ?? 0
  }

  /// Settles who will choose the same while no price moves much more than it just did: in a wide box for the rounds to
  /// come, and within it in a narrow one, which the next rounds may leave.
  private mutating func settle(_ moves: [Int128]) {
    for reach in Self.reaches.dropFirst(pools.count - 1 - floors) {
      guard let pool = pools.last, pool.users.count > few / 8 else { return }
      let low = prices.indices.map {
        max(pool.low[$0], prices[$0] - min(moves[$0] * reach, prices[$0] - prices[$0] / 4))
      }
      let high = prices.indices.map { min(pool.high[$0], prices[$0] + min(moves[$0] * reach, prices[$0] * 3)) }
      // While prices still leap, a box that holds them settles too few.
      if let sample, PlanPool(sample, group, low: low, high: high).users.count > sample.users.count / 4 { continue }
      pools.append(PlanPool(pool, group, low: low, high: high))
    }
  }
  /// In moves of the last round.
  private static let reaches: [Int128] = [16, 3]

  // MARK: - The least price that keeps demand within a limit

  /// The smallest price >= 0 of one limit at which demand is within it, the others' prices given.
  private mutating func least(_ prices: [Int128], _ limit: Int) -> Int128 {
    var mayLay = prices[limit] == 0
    while let pool = pools.last {
      if pools.count == 1 || pool.contains(prices, except: limit) {
        let isWide = pools.count == floors + 1
        let from = isWide ? guess(prices, limit) : last(prices[limit])
        if isWide, mayLay {
          mayLay = false
          layFloor(from.low, limit)
        }
        let found = pools.last.flatMap { least(prices, limit, of: $0, within: group.left[limit], from: from) }
        if let found { return found }
        if pools.count == 1 { return 0 }
      }
      dropPool()
    }
    return 0
  }

  /// Where a price that was found is looked for again.
  private func last(_ price: Int128) -> (low: Int128, high: Int128) {
    let reach = max(1, price / 64)
    return (low: max(0, price - reach), high: price + (price > 0 ? reach : 0))
  }

  /// Two prices between which a sample says that it lies.
  private func guess(_ prices: [Int128], _ limit: Int) -> (low: Int128, high: Int128) {
    let last = prices[limit]
    guard let sample else { return (last - last / 64, last + last / 64) }
    let share = group.left[limit] / Self.sampling
    func least(_ most: Int128, _ from: Int128) -> Int128 {
      self.least(prices, limit, of: sample, within: most, from: (from - from / 64, from + from / 64)) ?? 0
    }
    let middle = least(share, last)
    var there = prices
    there[limit] = middle
    let choosers = sample.choosers(group.limits[limit], group, at: group.tariff(there))
    // Three times the deviation of such a count.
    let deviation = share * 3 / max(1, Int128(Double(choosers).squareRoot()))
    let high = least(max(0, share - deviation), middle)
    if high == 0 { return (0, 0) }
    return (max(0, least(share + deviation, middle) - 1), high + 1)
  }

  /// The same among a pool's users; nil when it lies outside of the pool's box.
  /// - Parameters:
  ///   - most: what demand is to be within.
  ///   - guess: where to begin.
  private func least(
    _ prices: [Int128], _ limit: Int, of pool: PlanPool, within most: Int128, from guess: (low: Int128, high: Int128)
  ) -> Int128? {
    var low = min(max(guess.low, pool.low[limit]), pool.high[limit])
    var high = max(low, min(guess.high, pool.high[limit]))
    var step = max(high - low, high / 64, 1)
    while true {
      let open = narrowed(pool, prices, limit, low, high)
      if demand(open, prices, limit, low) <= most {
        if low == 0 { return 0 }
        if low == pool.low[limit] { return nil }
        high = low
        low = max(pool.low[limit], low - step)
        step *= 4
      } else if demand(open, prices, limit, high) > most {
        if high == pool.high[limit] { return nil }
        low = high
        step = max(step, Self.firstStep)
        high = high > pool.high[limit] - step ? pool.high[limit] : high + step
        step *= 8
      } else {
        return bisected(open, prices, limit, most, low, high)
      }
    }
  }
  /// From 0 on: a unit is hardly worth less.
  private static let firstStep: Int128 = 1 << 16

  /// - Parameters:
  ///   - low: a price at which demand is over what it is to be within.
  ///   - high: one at which it is not.
  private func bisected(
    _ pool: PlanPool, _ prices: [Int128], _ limit: Int, _ most: Int128, _ low: Int128, _ high: Int128
  ) -> Int128 {
    var (low, high, pool) = (low, high, pool)
    while high - low > 1 {
      let middle = middle(low, high)
      if demand(pool, prices, limit, middle) > most { low = middle } else { high = middle }
      if pool.users.count > 16 { pool = narrowed(pool, prices, limit, low, high) }
    }
    return high
  }

  private func narrowed(
    _ pool: PlanPool, _ prices: [Int128], _ limit: Int, _ low: Int128, _ high: Int128
  ) -> PlanPool {
    var (lows, highs) = (prices, prices)
    lows[limit] = low
    highs[limit] = high
    return PlanPool(pool, group, low: lows, high: highs)
  }

  private func demand(_ pool: PlanPool, _ prices: [Int128], _ limit: Int, _ price: Int128) -> Int128 {
    var prices = prices
    prices[limit] = price
    return pool.demand(group.limits[limit], group, at: group.tariff(prices))
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
}
