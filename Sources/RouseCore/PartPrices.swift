/// Shadow prices of a group's limits whose users stand in parts (model 10.2): the same as `PlanPrices` finds.
///
/// Demand and bound are sums over users, and demand never rises with a price, so that the parts can be asked for them. To
/// ask little: a sample says between which two prices the one that is sought lies; the parts then give, of all users, what
/// those add up to who choose the same at both, and the few others themselves. With these every price between is tried
/// here. Once prices move little the same is done for a box around all of them, and rounds need no more questions.
struct PartPrices {
  typealias Ask = (PartQuestion) throws -> PartAnswer

  private let policy: Policy
  private let limits: [Limit]
  private var group: PartState.Group
  private let ask: Ask
  /// How many users are asked for at once, and how many of one part.
  private let most: Int
  private let mostOfPart: Int

  /// Users whom the parts have given, and what is known of the rest within a box.
  private struct Pool {
    let users: PlanUsers
    let pool: PartPool
  }
  /// The innermost last: each for a box within the one before.
  private var pools: [Pool] = []
  /// What was asked for the last price.
  private var last: Pool?
  private var sample: Pool?
  private var sampling: Int128 = 1

  /// Micros of value a unit.
  private(set) var prices: [Int128]
  private(set) var bound: Int128 = 0
  /// What the choices add up to.
  private(set) var sum: PartSum

  /// Above it no choice weighs on a limit: it would cost more than anything is worth.
  static let top = Int128(1) << 86

  /// - Parameters:
  ///   - members: how many users of the policy arm there are in the group.
  ///   - parts: in how many parts.
  init(
    _ group: PartState.Group, members: Int, parts: Int, policy: Policy, limits: [Limit], most: Int, ask: @escaping Ask
  ) throws {
    self.group = group
    self.policy = policy
    self.limits = limits
    self.ask = ask
    self.most = max(1, most)
    mostOfPart = max(1, 4 * self.most / max(1, parts))
    prices = limits.map { _ in 0 }
    sum = PartSum(policy)
    guard !limits.isEmpty else { return }
    let zero = prices
    let top = limits.map { _ in Self.top }
    let one = members <= self.most ? 1 : max(2, members / Self.sampled + 1)
    let answer = try ask(.sample(group, one: one))
    let all = Pool(
      users: answer.users.users,
      pool: PartPool(open: Array(0..<answer.users.users.count), PartSum(policy), low: zero, high: top))
    if one == 1 { pools = [all] } else { sample = all }
    sampling = Int128(one)
  }
  private static let sampled = 16_384

  /// Finds prices from 0 on.
  mutating func find() throws {
    try total(at: prices)
    bound = try sum.bound(limits, at: prices, left: group.left)
    guard !limits.isEmpty else { return }
    for _ in 0..<50 {
      var next = prices
      last = nil
      for limit in limits.indices { next[limit] = try least(next, limit) }
      let before = sum
      try total(at: next)
      let nextBound = try sum.bound(limits, at: next, left: group.left)
      if nextBound >= bound {
        sum = before
        return
      }
      let (gain, isLarge) = bound.subtractingReportingOverflow(nextBound)
      let (millions, isLarger) = gain.multipliedReportingOverflow(by: Int128(Micros.one))
      let moves = zip(prices, next).map { abs($0 - $1) }
      prices = next
      bound = nextBound
      if !isLarge, !isLarger, millions <= bound { return }
      try settle(moves)
    }
  }

  private func withGroup<Result>(_ users: PlanUsers, _ body: (PlanGroup) -> Result) -> Result {
    users.withView { view in
      body(PlanGroup(users: view, policy: policy, limits: limits, left: group.left, crew: .alone))
    }
  }

  /// What all choices add up to at some prices.
  private mutating func total(at prices: [Int128]) throws {
    for pool in [pools.last, last].compactMap({ $0 }) where pool.pool.contains(prices) {
      sum = withGroup(pool.users) { pool.pool.sum($0, at: prices) }
      return
    }
    sum = try ask(.sums(group, prices: [prices])).sums.first ?? PartSum(policy)
  }

  // MARK: - Boxes

  /// Settles who will choose the same while no price moves much more than it just did.
  private mutating func settle(_ moves: [Int128]) throws {
    for reach in Self.reaches.dropFirst(max(0, pools.count - (sample == nil ? 1 : 0))) {
      let outer = pools.last
      if let outer, outer.pool.open.count < 1024 { return }
      let low = prices.indices.map {
        max(outer?.pool.low[$0] ?? 0, prices[$0] - min(moves[$0] * reach, prices[$0] - prices[$0] / 4))
      }
      let high = prices.indices.map {
        min(outer?.pool.high[$0] ?? Self.top, prices[$0] + min(moves[$0] * reach, prices[$0] * 3))
      }
      if let outer {
        let inner = withGroup(outer.users) { outer.pool.narrowed($0, low: low, high: high) }
        pools.append(Pool(users: outer.users, pool: inner))
      } else if let sample {
        // While prices still leap, too many may choose otherwise.
        let open = withGroup(sample.users) { sample.pool.narrowed($0, low: low, high: high).open.count }
        guard Int128(open) * sampling <= Int128(most) else { continue }
        if let pool = try pool(low, high) { pools.append(pool) }
      }
    }
  }
  /// In moves of the last round.
  private static let reaches: [Int128] = [16, 3]

  /// Who may choose otherwise within a box; nil: too many.
  private func pool(_ low: [Int128], _ high: [Int128]) throws -> Pool? {
    let answer = try ask(.pool(group, low: low, high: high, most: mostOfPart))
    // Each part gave its users, if these were not too many for it: together they may be a part of all.
    guard answer.users.users.count == answer.open else { return nil }
    return Pool(
      users: answer.users.users,
      pool: PartPool(open: Array(0..<answer.open), answer.sums.first ?? PartSum(policy), low: low, high: high))
  }

  // MARK: - The least price that keeps demand within a limit

  /// The smallest price >= 0 of one limit at which demand is within it, the others' prices given.
  private mutating func least(_ prices: [Int128], _ limit: Int) throws -> Int128 {
    while let pool = pools.last {
      if pool.pool.contains(prices, except: limit) {
        let found = withGroup(pool.users) {
          pool.pool.least($0, prices, limit, within: group.left[limit], near: prices[limit])
        }
        if case .at(let price) = found { return price }
      }
      pools.removeLast()
    }
    return try leastAsked(prices, limit)
  }

  /// The same, with all users in their parts.
  private mutating func leastAsked(_ prices: [Int128], _ limit: Int) throws -> Int128 {
    // A limit that did not bind seldom begins to: what came for the limit before tells.
    if prices[limit] == 0, let last, last.pool.contains(prices) {
      let sum = withGroup(last.users) { last.pool.sum($0, at: prices) }
      if sum.demand(limits[limit]) <= group.left[limit] { return 0 }
    }
    var (low, high) = guess(prices, limit)
    var step = max(high - low, high / 16, 1 << 16)
    let most = group.left[limit]
    // Each narrows or widens by much: so many are only asked for where answers contradict each other.
    for _ in 0..<1000 {
      var (lows, highs) = (prices, prices)
      lows[limit] = low
      highs[limit] = high
      let found: PartPool.Found
      if let pool = try pool(lows, highs) {
        last = pool
        found = withGroup(pool.users) { pool.pool.least($0, prices, limit, within: most, near: low) }
      } else {
        last = nil
        let marks = PartPool.spaced(low, high, Self.marks)
        let sums = try ask(
          .sums(
            group,
            prices: marks.map { mark in
              var prices = prices
              prices[limit] = mark
              return prices
            })
        ).sums
        guard sums.count == marks.count else { throw PartFault("parts have answered another question") }
        switch sums.firstIndex(where: { $0.demand(limits[limit]) <= most }) {
        case 0: found = low == 0 ? .at(0) : .below
        case nil: found = .above
        case let index?:
          (low, high) = (marks[index - 1], marks[index])
          if high - low > 1 { continue }
          found = .at(high)
        }
      }
      switch found {
      case .at(let price): return price
      case .below:
        high = low
        low = max(0, low - step)
      case .above:
        low = high
        high = min(Self.top, high + step)
      }
      step = min(step * 16, Self.top)
    }
    throw PartFault("their answers contradict each other; make them again")
  }
  /// How many prices are tried with one question.
  private static let marks = 24

  /// Two prices between which a sample says that it lies.
  private func guess(_ prices: [Int128], _ limit: Int) -> (low: Int128, high: Int128) {
    guard let sample else {
      return (max(0, prices[limit] - prices[limit] / 16), prices[limit] + max(1, prices[limit] / 16))
    }
    return withGroup(sample.users) { group in
      func least(_ most: Int128) -> Int128 {
        if case .at(let price) = sample.pool.least(group, prices, limit, within: most, near: prices[limit]) {
          price
        } else {
          Self.top
        }
      }
      let share = group.left[limit] / sampling
      var there = prices
      there[limit] = least(share)
      let chosen = sample.pool.sum(group, at: there)
      // Three times the deviation of such a count.
      let deviation = share * 3 / max(1, Int128(Double(choosers(chosen, limits[limit])).squareRoot()))
      let high = least(max(0, share - deviation))
      if high == 0 { return (0, 1) }
      return (max(0, least(share + deviation) - 1), min(Self.top, high + 1))
    }
  }

  private func choosers(_ sum: PartSum, _ limit: Limit) -> Int {
    switch limit.weight {
    case .spend, .capital, .user: sum.users
    case .channel(let channel): sum.byChannel[Int(channel)]
    case .quota(let quota): sum.byQuota[quota]
    }
  }
}
