import RouseCore
import RouseWire

/// The prices at which a plan chose, as its totals kept them.
struct ReplayPrices {
  private let policy: Policy
  private var budget: Int64 = 0
  private var capital: Int64 = 0
  private var capacity: [Int64]
  private var quotas: [Int64]

  /// nil where they do not tell what was chosen: with one group of users a tier each has prices of its own, and the totals
  /// keep the first.
  init?(_ policy: Policy, _ plan: LoggedPlan) {
    let isTierFirst = JSONValue(plan.request)?["tier_first"]?.boolean ?? policy.definition.plan.tierFirst
    guard !isTierFirst, case .list(let cut)? = JSONValue(plan.totals)?["cut"] else { return nil }
    self.policy = policy
    capacity = policy.channels.map { _ in 0 }
    quotas = policy.quotas.map { _ in 0 }
    for limit in cut {
      guard let name = limit["limit"]?.text, let price = limit["price"]?.number else { return nil }
      let micros = Micros.from(price)
      if name == "budget" {
        budget = micros
      } else if name == "capital" {
        capital = micros
      } else if let index = policy.channels.firstIndex(where: { ExactText("capacity." + $0.name) == ExactText(name) }) {
        capacity[index] = micros
      } else if let index = policy.quotas.firstIndex(where: { ExactText("quota." + $0.name) == ExactText(name) }) {
        quotas[index] = micros
      }
    }
  }

  /// The channel of the option with the greatest worth after prices; nil: none is worth its price.
  func best(of options: [Option], _ scored: Rescorer.Rescored) -> Int32? {
    var common = Int128(0)
    for (quota, price) in quotas.enumerated() where price > 0 && scored.scorer.isUnder(quota: quota, scored.row) {
      common += Int128(price) * Int128(Micros.one)
    }
    var best: (net: Int128, option: Option)?
    for option in options {
      let prices =
        common + Int128(budget) * Int128(option.spend) + Int128(capital) * Int128(option.capital)
        + Int128(capacity[Int(option.channel)]) * Int128(Micros.one)
      let net = policy.worth(value: option.value, spend: option.spend) - prices
      guard net > 0 else { continue }
      if let known = best {
        guard net > known.net || net == known.net && option.spend < known.option.spend else { continue }
      }
      best = (net, option)
    }
    return best?.option.channel
  }
}
