/// What options that were taken add up to, whatever they were taken at: all that a plan's limits and totals ask for.
package struct PartSum: Sendable, Equatable {
  /// In 1e-12.
  private(set) var worth: Int128 = 0
  /// Micros.
  private(set) var spend: Int128 = 0
  private(set) var capital: Int128 = 0
  private(set) var users = 0
  private(set) var byChannel: [Int]
  private(set) var byQuota: [Int]

  init(_ policy: Policy) {
    byChannel = [Int](repeating: 0, count: policy.channels.count)
    byQuota = [Int](repeating: 0, count: policy.quotas.count)
  }

  /// - Parameter sign: -1 takes it out again.
  mutating func add(_ option: Option, of user: Int, _ group: PlanGroup, _ sign: Int = 1) {
    let wide = Int128(sign)
    worth &+= wide &* group.worth(option)
    spend &+= wide &* Int128(option.spend)
    capital &+= wide &* Int128(option.capital)
    users &+= sign
    byChannel[Int(option.channel)] &+= sign
    for index in byQuota.indices where group.users.isUnder(index, user) { byQuota[index] &+= sign }
  }

  mutating func add(_ other: PartSum) {
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
    case .channel(let channel): Int128(byChannel[Int(channel)]) &* Int128(Micros.one)
    case .quota(let quota): Int128(byQuota[quota]) &* Int128(Micros.one)
    case .user: Int128(users) &* Int128(Micros.one)
    }
  }

  /// `sum of nets + sum of price * left`, where these are choices at those prices.
  func bound(_ limits: [Limit], at prices: [Int128], left: [Int128]) throws(PartFault) -> Int128 {
    var sum = worth
    for (index, price) in prices.enumerated() where price != 0 {
      let (term, isTooLarge) = price.multipliedReportingOverflow(by: left[index] - demand(limits[index]))
      let (next, isOver) = sum.addingReportingOverflow(term)
      guard !isTooLarge, !isOver else {
        throw PartFault("their answers add up to nothing that a plan could; make them again")
      }
      sum = next
    }
    return sum
  }
}

extension PartWriter {
  mutating func put(_ sum: PartSum) {
    put(sum.worth)
    put(sum.spend)
    put(sum.capital)
    put(sum.users)
    put(sum.byChannel)
    put(sum.byQuota)
  }
}

extension PartReader {
  mutating func sum(_ policy: Policy) throws(PartFault) -> PartSum {
    try PartSum(&self, policy)
  }
}

extension PartSum {
  init(_ reader: inout PartReader, _ policy: Policy) throws(PartFault) {
    worth = try reader.int128()
    spend = try reader.int128()
    capital = try reader.int128()
    // Beyond what any users could add up to, and so that sums of a million parts are numbers yet.
    guard (-(1 << 104)...(1 << 104)).contains(worth), (0...(1 << 90)).contains(spend), (0...(1 << 90)).contains(capital)
    else { throw PartFault.damaged }
    users = try reader.int(0..<(1 << 40))
    byChannel = try reader.tallies(policy.channels.count)
    byQuota = try reader.tallies(policy.quotas.count)
  }
}
