/// The limits of one plan: the policy's, as a request has changed them. nil lifts a limit (model 9).
package struct PlanLimits: Sendable, Equatable {
  /// Money.
  package var budget: Double?
  package var capital: Double?
  /// Contacts, by channel.
  package var capacity: [Int64?]
  /// Users, by quota of the policy.
  package var quotas: [Int64?]
  /// Contacts in all: a quota named `limit` over everyone, after the policy's.
  package var limit: Int64?
  package var tierFirst: Bool

  /// What the policy says.
  package init(policy: Policy) {
    let plan = policy.definition.plan
    budget = plan.budget
    capital = plan.capital
    capacity = plan.capacity
    quotas = plan.quotas.map(\.max)
    tierFirst = plan.tierFirst
  }
}

/// One limit that binds or might: what it weighs and how it is named.
struct Limit: Sendable {
  enum Weight: Sendable {
    /// The option's expected spend.
    case spend
    /// The option's expected pay-out.
    case capital
    /// One contact on this channel.
    case channel(Int32)
    /// One user who meets the quota's condition.
    case quota(Int)
    /// One user.
    case user
  }
  let weight: Weight
  /// Micros of its unit.
  let most: Int128
  let name: String
  let say: String

  /// The limits that are not lifted, in the model's order.
  static func all(_ limits: PlanLimits, policy: Policy) -> [Limit] {
    func unit(_ what: String) -> String { "one more \(what) would add about " }
    var all: [Limit] = []
    if let budget = limits.budget {
      all.append(Limit(weight: .spend, most: Int128(Micros.from(budget)), name: "budget", say: unit("unit of budget")))
    }
    if let capital = limits.capital {
      all.append(
        Limit(weight: .capital, most: Int128(Micros.from(capital)), name: "capital", say: unit("unit of capital")))
    }
    for (index, most) in limits.capacity.enumerated() {
      guard let most else { continue }
      let channel = policy.channels[index].name
      all.append(
        Limit(
          weight: .channel(Int32(truncatingIfNeeded: index)), most: Int128(most) * Int128(Micros.one),
          name: "capacity." + channel, say: unit(channel + " contact")))
    }
    for (index, most) in limits.quotas.enumerated() {
      guard let most else { continue }
      let quota = policy.quotas[index].name
      all.append(
        Limit(
          weight: .quota(index), most: Int128(most) * Int128(Micros.one), name: "quota." + quota,
          say: unit("user within " + quota)))
    }
    if let most = limits.limit {
      all.append(
        Limit(
          weight: .user, most: Int128(most) * Int128(Micros.one), name: "quota.limit", say: unit("user within limit")))
    }
    return all
  }
}
