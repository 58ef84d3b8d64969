/// What users who are planned together may choose from, by what is left of the limits as their group begins (model 9.2).
final class PlanGroup: @unchecked Sendable {
  // Sendable because nothing in it changes after init.

  /// An option, by its index; -1: none.
  struct Choice: BitwiseCopyable {
    var option = -1
    /// In 1e-12.
    var net: Int128 = 0
  }

  let users: PlanUsers.View
  let crew: Crew
  let limits: [Limit]
  /// Micros, by limit.
  let left: [Int128]
  let channelCount: Int
  private let hurdle: Int64
  private let spendLeft: Int64
  private let capitalLeft: Int64
  /// By channel: whether a contact is left.
  private let isOpen: UnsafeMutablePointer<Bool>
  private let isOpenToAny: Bool
  private let closedQuotas: [Int]

  init(users: PlanUsers.View, policy: Policy, limits: [Limit], left: [Int128], crew: Crew) {
    self.users = users
    self.crew = crew
    self.limits = limits
    self.left = left
    hurdle = policy.hurdle
    channelCount = policy.channels.count
    isOpen = .allocate(capacity: max(1, channelCount))
    isOpen.initialize(repeating: true, count: max(1, channelCount))
    var (spendLeft, capitalLeft) = (Int64.max, Int64.max)
    var isOpenToAny = true
    var closedQuotas: [Int] = []
    for (limit, left) in zip(limits, left) {
      let isLeft = left >= Int128(Micros.one)
      switch limit.weight {
      case .spend: spendLeft = Int64(clamping: left)
      case .capital: capitalLeft = Int64(clamping: left)
      case .channel(let channel): isOpen[Int(channel)] = isLeft
      case .quota(let quota): if !isLeft { closedQuotas.append(quota) }
      case .user: isOpenToAny = isLeft
      }
    }
    self.spendLeft = spendLeft
    self.capitalLeft = capitalLeft
    self.isOpenToAny = isOpenToAny
    self.closedQuotas = closedQuotas
  }

  deinit { isOpen.deallocate() }

  func tariff(_ prices: [Int128]) -> PlanTariff { PlanTariff(prices, limits, channelCount: channelCount) }

  @inline(__always)
  func worth(_ option: Option) -> Int128 {
    Int128(Micros.one) &* Int128(option.value) &- Int128(hurdle) &* Int128(option.spend)
  }

  /// Whether the user's weights fit alone into what was left.
  @inline(__always)
  func admits(_ user: Int) -> Bool {
    guard isOpenToAny else { return false }
    for index in closedQuotas.indices where users.isUnder(closedQuotas[index], user) { return false }
    return true
  }

  /// Whether an option of a user who is admitted is worth something, and fits alone.
  @inline(__always)
  func isUsable(_ option: Option, worth: Int128) -> Bool {
    worth > 0 && option.spend <= spendLeft && option.capital <= capitalLeft && isOpen[Int(option.channel)]
  }

  /// - Parameter own: the tariff's price of the user.
  @inline(__always)
  func net(_ worth: Int128, _ option: Option, _ user: Int, _ own: Int64, _ tariff: PlanTariff) -> Int128 {
    tariff.isPlain ? worth &- tariff.cost(option, own) : tariff.net(worth, option, user, users)
  }

  func net(_ option: Int, of user: Int, at tariff: PlanTariff) -> Int128 {
    let option = users.options[option]
    return net(worth(option), option, user, tariff.price(of: user, users), tariff)
  }

  /// The user's choice: none when nothing has a net above 0.
  @inline(__always)
  func choice(_ user: Int, at tariff: PlanTariff) -> Choice {
    var best = Choice()
    guard admits(user) else { return best }
    let own = tariff.price(of: user, users)
    // Worth is at most value, and whatever else has a price only takes from it.
    if tariff.mayTell, users.most[user] <= own { return best }
    for index in users.optionRange(user) {
      let option = users.options[index]
      if tariff.mayTell, tariff.isSurelyTooDear(option, own, hurdle: hurdle) { continue }
      let worth = worth(option)
      guard isUsable(option, worth: worth) else { continue }
      let net = net(worth, option, user, own, tariff)
      if net > best.net || net == best.net && best.option >= 0 && option.spend < users.options[best.option].spend {
        best = Choice(option: index, net: net)
      }
    }
    return best
  }

  /// Whether a choice is the same at all prices between two tariffs, both plain. What an option has over another changes by
  /// each price alone, and steadily: it is least where each price stands at the worse of its ends.
  /// - Parameter choice: at the lower one.
  func isSettled(_ choice: Choice, _ user: Int, _ low: PlanTariff, _ high: PlanTariff) -> Bool {
    let chosen = users.options[choice.option]
    let worth = worth(chosen)
    guard worth > high.cost(chosen, high.price(of: user, users)) else { return false }
    for index in users.optionRange(user) where index != choice.option {
      let other = users.options[index]
      let otherWorth = self.worth(other)
      guard isUsable(other, worth: otherWorth) else { continue }
      let lead = worth &- otherWorth &- PlanTariff.greatestDifference(chosen, other, low, high)
      let winsTies = chosen.spend != other.spend ? chosen.spend < other.spend : choice.option < index
      guard lead > 0 || lead == 0 && winsTies else { return false }
    }
    return true
  }
}
