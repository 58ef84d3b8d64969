/// Prices of limits, arranged by what they weigh: an option's cost takes three multiplications, however many limits there
/// are.
final class PlanTariff {
  /// Micros of value a unit, by limit.
  let prices: [Int128]
  private let limits: [Limit]
  /// Whether no cost can leave 128 bits: an option weighs below 2^63, and there are fewer than 2^12 limits.
  let isPlain: Bool
  private let spend: Int64
  private let capital: Int64
  private let everyone: Int64
  private let quotas: [(quota: Int, price: Int64)]
  /// By channel.
  private let channels: UnsafeMutablePointer<Int64>
  /// Whether anything has a price, and `isSurelyTooDear` can tell.
  let mayTell: Bool

  init(_ prices: [Int128], _ limits: [Limit], channelCount: Int) {
    self.prices = prices
    self.limits = limits
    isPlain = limits.count < 1 << 12 && prices.allSatisfy { $0 < 1 << 50 }
    mayTell = isPlain && prices.contains { $0 != 0 }
    channels = .allocate(capacity: max(1, channelCount))
    channels.initialize(repeating: 0, count: max(1, channelCount))
    var (spend, capital, everyone): (Int64, Int64, Int64) = (0, 0, 0)
    var quotas: [(quota: Int, price: Int64)] = []
    if isPlain {
      for (limit, price) in zip(limits, prices) where price != 0 {
        let price = Int64(truncatingIfNeeded: price)
        switch limit.weight {
        case .spend: spend += price
        case .capital: capital += price
        case .channel(let channel): channels[Int(channel)] += price
        case .quota(let quota): quotas.append((quota, price))
        case .user: everyone += price
        }
      }
    }
    self.spend = spend
    self.capital = capital
    self.everyone = everyone
    self.quotas = quotas
  }

  deinit { channels.deallocate() }

  /// The price of contacting a user, whatever the option.
  @inline(__always)
  func price(of user: Int, _ users: PlanUsers.View) -> Int64 {
    var price = everyone
    for index in quotas.indices where users.isUnder(quotas[index].quota, user) { price &+= quotas[index].price }
    return price
  }

  /// What an option costs, where the tariff is plain: in 1e-12.
  /// - Parameter own: the price of the user.
  @inline(__always)
  func cost(_ option: Option, _ own: Int64) -> Int128 {
    Int128(option.spend) &* Int128(spend) &+ Int128(option.capital) &* Int128(capital)
      &+ Int128(own &+ channels[Int(option.channel)]) &* Int128(Micros.one)
  }

  /// Whether an option's net is certainly below 0, told in less time than it takes to know the net: once a limit is scarce,
  /// nearly all options' are.
  ///
  /// Each product and sum is rounded by 2^-53 of itself at most, and a dozen of them are far from adding up to a billionth
  /// of the sum of all the parts, none of which but the gain can be negative.
  /// - Parameter own: the price of the user.
  @inline(__always)
  func isSurelyTooDear(_ option: Option, _ own: Int64, hurdle: Int64) -> Bool {
    let gain = Double(option.value) * Double(Micros.one)
    let cost =
      Double(option.spend) * (Double(spend) + Double(hurdle)) + Double(option.capital) * Double(capital)
      + Double(own &+ channels[Int(option.channel)]) * Double(Micros.one)
    return gain - cost < -1e-9 * (abs(gain) + cost)
  }

  /// The most by which one option of a user can cost more than another of the same user, at prices between two tariffs.
  @inline(__always)
  static func greatestDifference(_ option: Option, _ other: Option, _ low: PlanTariff, _ high: PlanTariff) -> Int128 {
    let spend = option.spend &- other.spend
    let capital = option.capital &- other.capital
    var difference = Int128(spend) &* Int128(spend > 0 ? high.spend : low.spend)
    difference &+= Int128(capital) &* Int128(capital > 0 ? high.capital : low.capital)
    if option.channel != other.channel {
      let channels = high.channels[Int(option.channel)] &- low.channels[Int(other.channel)]
      difference &+= Int128(channels) &* Int128(Micros.one)
    }
    return difference
  }

  /// `worth` less what the option costs, where the tariff is not plain. Only an option that does not fit can be priced
  /// beyond 128 bits: it is then worth as little as can be said.
  func net(_ worth: Int128, _ option: Option, _ user: Int, _ users: PlanUsers.View) -> Int128 {
    var net = worth
    for (limit, price) in zip(limits, prices) where price != 0 {
      let weight = Int128(limit.weight(of: option, user, users))
      let (cost, tooMuch) = price.multipliedReportingOverflow(by: weight)
      let (rest, tooLittle) = net.subtractingReportingOverflow(cost)
      if tooMuch || tooLittle { return Int128.min / 4 }
      net = rest
    }
    return net
  }
}

extension Limit {
  /// Micros of the limit's unit that an option takes.
  @inline(__always)
  func weight(of option: Option, _ user: Int, _ users: PlanUsers.View) -> Int64 {
    switch weight {
    case .spend: option.spend
    case .capital: option.capital
    case .channel(let channel): option.channel == channel ? Micros.one : 0
    case .quota(let quota): users.isUnder(quota, user) ? Micros.one : 0
    case .user: Micros.one
    }
  }
}
