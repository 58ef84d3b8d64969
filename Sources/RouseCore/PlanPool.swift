/// What the choices of users add up to.
struct PlanSum {
  /// In 1e-12.
  private(set) var worth: Int128 = 0
  /// Micros.
  private var spend: Int128 = 0
  private var capital: Int128 = 0
  private var users = 0
  private var byChannel: [Int]
  /// For the quotas that are limits.
  private let quotas: [Int]
  private var byQuota: [Int]

  init(_ group: PlanGroup) {
    byChannel = [Int](repeating: 0, count: group.channelCount)
    quotas = group.limits.compactMap { if case .quota(let quota) = $0.weight { quota } else { nil } }
    byQuota = [Int](repeating: 0, count: quotas.count)
  }

  @inline(__always)
  mutating func add(_ option: Int, of user: Int, _ group: PlanGroup) {
    let option = group.users.options[option]
    worth &+= group.worth(option)
    spend &+= Int128(option.spend)
    capital &+= Int128(option.capital)
    users &+= 1
    byChannel[Int(option.channel)] &+= 1
    for index in quotas.indices where group.users.isUnder(quotas[index], user) { byQuota[index] &+= 1 }
  }

  /// Adds what other users' choices add up to, of the same group.
  mutating func add(_ other: PlanSum) {
    worth &+= other.worth
    spend &+= other.spend
    capital &+= other.capital
    users &+= other.users
    for index in byChannel.indices { byChannel[index] &+= other.byChannel[index] }
    for index in byQuota.indices { byQuota[index] &+= other.byQuota[index] }
  }

  /// Micros of the limit's unit.
  func demand(_ limit: Limit) -> Int128 {
    switch limit.weight {
    case .spend: spend
    case .capital: capital
    case .channel(let channel): Int128(byChannel[Int(channel)]) * Int128(Micros.one)
    case .quota(let quota): Int128(zip(quotas, byQuota).first { $0.0 == quota }?.1 ?? 0) * Int128(Micros.one)
    case .user: Int128(users) * Int128(Micros.one)
    }
  }
}

/// A group's users while prices are sought within a box: those whose choice may depend on where in it the prices lie, and
/// what the others' choices add up to. So only those few are asked again and again.
struct PlanPool {
  /// Indices into the plan's users, rising.
  private(set) var users: [UInt32]
  /// The box, both ends within it.
  let low: [Int128]
  let high: [Int128]
  private var settled: PlanSum

  /// A pool where everything is open, at any prices.
  init(_ users: [UInt32], _ group: PlanGroup) {
    self.users = users
    low = [Int128](repeating: 0, count: group.limits.count)
    high = [Int128](repeating: .max, count: group.limits.count)
    settled = PlanSum(group)
  }

  /// A pool for a smaller box.
  init(_ outer: PlanPool, _ group: PlanGroup, low: [Int128], high: [Int128]) {
    self.low = low
    self.high = high
    let lowTariff = group.tariff(low)
    let highTariff = group.tariff(high)
    let isPoint = low == high
    let isPlain = lowTariff.isPlain && highTariff.isPlain
    let parts = group.crew.parts(of: outer.users.count) { range in
      var part = (users: [UInt32](), settled: PlanSum(group))
      outer.users.withUnsafeBufferPointer { users in
        for user in users[range] {
          let choice = group.choice(Int(user), at: lowTariff)
          // Dearer, it is none all the more.
          guard choice.option >= 0 else { continue }
          if isPoint || isPlain && group.isSettled(choice, Int(user), lowTariff, highTariff) {
            part.settled.add(choice.option, of: Int(user), group)
          } else {
            part.users.append(user)
          }
        }
      }
      return part
    }
    var users: [UInt32] = []
    users.reserveCapacity(parts.reduce(0) { $0 + $1.users.count })
    var settled = outer.settled
    for part in parts {
      users.append(contentsOf: part.users)
      settled.add(part.settled)
    }
    self.users = users
    self.settled = settled
  }

  func contains(_ prices: [Int128], except limit: Int? = nil) -> Bool {
    prices.indices.allSatisfy { $0 == limit || prices[$0] >= low[$0] && prices[$0] <= high[$0] }
  }

  /// Micros of a limit's unit that the choices take, at prices within the box.
  func demand(_ limit: Limit, _ group: PlanGroup, at tariff: PlanTariff) -> Int128 {
    settled.demand(limit)
      + sum(group) { user in
        let choice = group.choice(user, at: tariff)
        guard choice.option >= 0 else { return 0 }
        return Int128(limit.weight(of: group.users.options[choice.option], user, group.users))
      }
  }

  /// How many users' choices weigh on a limit.
  func choosers(_ limit: Limit, _ group: PlanGroup, at tariff: PlanTariff) -> Int {
    Int(
      sum(group) { user in
        let choice = group.choice(user, at: tariff)
        guard choice.option >= 0 else { return 0 }
        return limit.weight(of: group.users.options[choice.option], user, group.users) > 0 ? 1 : 0
      })
  }

  /// `sum of the nets of all choices + sum of price * left`, at prices within the box.
  func bound(_ group: PlanGroup, at tariff: PlanTariff) -> Int128 {
    var sum = settled.worth
    for (index, price) in tariff.prices.enumerated() where price != 0 {
      sum += price * (group.left[index] - settled.demand(group.limits[index]))
    }
    return sum + self.sum(group) { group.choice($0, at: tariff).net }
  }

  /// A whole number of each open user, added up by all threads.
  @inline(__always)
  private func sum(_ group: PlanGroup, _ value: (Int) -> Int128) -> Int128 {
    group.crew.parts(of: users.count) { range in
      users.withUnsafeBufferPointer { $0[range].reduce(Int128(0)) { $0 &+ value(Int($1)) } }
    }.reduce(0, &+)
  }
}
