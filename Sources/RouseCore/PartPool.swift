/// Users of a group while prices are sought within a box: those whose choice may depend on where in it the prices lie, and
/// what the others' choices add up to. The same as `PlanPool`, for users of whom some stand elsewhere.
struct PartPool {
  /// Indices of users.
  private(set) var open: [Int]
  private(set) var settled: PartSum
  /// The box, both ends within it.
  private(set) var low: [Int128]
  private(set) var high: [Int128]

  init(open: [Int], _ settled: PartSum, low: [Int128], high: [Int128]) {
    self.open = open
    self.settled = settled
    self.low = low
    self.high = high
  }

  /// Settles all who choose the same everywhere in the box.
  mutating func settle(_ group: PlanGroup) {
    let lowTariff = group.tariff(low)
    let highTariff = group.tariff(high)
    let isPoint = low == high
    let isPlain = lowTariff.isPlain && highTariff.isPlain
    var settled = settled
    open.removeAll { user in
      let choice = group.choice(user, at: lowTariff)
      // Dearer, it is none all the more.
      guard choice.option >= 0 else { return true }
      guard isPoint || isPlain && group.isSettled(choice, user, lowTariff, highTariff) else { return false }
      settled.add(group.users.options[choice.option], of: user, group)
      return true
    }
    self.settled = settled
  }

  /// The same for a smaller box.
  func narrowed(_ group: PlanGroup, low: [Int128], high: [Int128]) -> PartPool {
    var pool = self
    pool.low = low
    pool.high = high
    pool.settle(group)
    return pool
  }

  func contains(_ prices: [Int128], except limit: Int? = nil) -> Bool {
    prices.indices.allSatisfy { $0 == limit || prices[$0] >= low[$0] && prices[$0] <= high[$0] }
  }

  /// What all choices add up to at prices within the box.
  func sum(_ group: PlanGroup, at prices: [Int128]) -> PartSum {
    let tariff = group.tariff(prices)
    var sum = settled
    for user in open {
      let choice = group.choice(user, at: tariff)
      if choice.option >= 0 { sum.add(group.users.options[choice.option], of: user, group) }
    }
    return sum
  }

  private func demand(_ group: PlanGroup, _ prices: [Int128], _ limit: Int, _ price: Int128) -> Int128 {
    var prices = prices
    prices[limit] = price
    let tariff = group.tariff(prices)
    let asked = group.limits[limit]
    return open.reduce(settled.demand(asked)) { sum, user in
      let choice = group.choice(user, at: tariff)
      guard choice.option >= 0 else { return sum }
      return sum &+ Int128(asked.weight(of: group.users.options[choice.option], user, group.users))
    }
  }

  /// Where the least price lies that keeps demand within a limit.
  enum Found {
    case at(Int128)
    /// At or below the box's lower end, which keeps it too; above its upper end, which does not.
    case below, above
  }

  /// - Parameters:
  ///   - prices: of the other limits, within the box.
  ///   - near: where to begin.
  func least(
    _ group: PlanGroup, _ prices: [Int128], _ limit: Int, within most: Int128, near: Int128
  ) -> Found {
    var (lows, highs) = (prices, prices)
    lows[limit] = low[limit]
    highs[limit] = high[limit]
    var pool = narrowed(group, low: lows, high: highs)
    if pool.demand(group, prices, limit, low[limit]) <= most { return low[limit] == 0 ? .at(0) : .below }
    var bottom = low[limit]
    // From below, in growing steps: far above no tariff is plain, and nobody settles there.
    var step = max(near / 16, 1 << 16)
    var top = min(max(near &+ step, bottom &+ 1), high[limit])
    while pool.demand(group, prices, limit, top) > most {
      if top == high[limit] { return .above }
      bottom = top
      step *= 8
      top = top > high[limit] - step ? high[limit] : top + step
    }
    while top - bottom > 1 {
      if pool.open.count > 16 {
        lows[limit] = bottom
        highs[limit] = top
        pool = pool.narrowed(group, low: lows, high: highs)
      }
      let middle = PartPool.middle(bottom, top)
      if pool.demand(group, prices, limit, middle) > most { bottom = middle } else { top = middle }
    }
    return .at(top)
  }

  /// Between two prices: by order of magnitude while they are far apart, then by halves.
  static func middle(_ low: Int128, _ high: Int128) -> Int128 {
    if high / 4 > max(low, 1) {
      let bits = (low <= 0 ? 0 : 127 - low.leadingZeroBitCount) + (127 - high.leadingZeroBitCount)
      let guess = Int128(1) << Int128((bits + 1) / 2)
      if guess > low, guess < high { return guess }
    }
    return low + (high - low) / 2
  }

  /// Some numbers between two, both of which are among them, rising: by order of magnitude while they are far apart.
  static func spaced(_ low: Int128, _ high: Int128, _ count: Int) -> [Int128] {
    var marks = [low, high]
    while marks.count < count {
      // The widest gap, by the number of halvings it stands for.
      var widest = 0
      var width: Int128 = 0
      for index in 0..<(marks.count - 1) where marks[index + 1] - marks[index] > 1 {
        let isFar = marks[index + 1] / 4 > max(marks[index], 1)
        let gap = isFar ? Int128(1) << 100 + (marks[index + 1] / max(1, marks[index])) : marks[index + 1] - marks[index]
        if gap > width { (width, widest) = (gap, index) }
      }
      if width == 0 { break }
      marks.insert(middle(marks[widest], marks[widest + 1]), at: widest + 1)
    }
    return marks
  }
}
