import RouseCore
import RousePolicy

extension Linter {
  /// The best that a contact in a stage could be.
  private struct Best {
    /// What a paid-out loan brings, and what it is.
    let perLoan: Double
    let points: Int
  }

  private func best(_ recall: RecallDefinition) -> Best {
    let risk = policy.risk
    let score = risk.card.reduce(0) { $0 + $1.most }
    let isAhead = risk.underwriting.map { recall.steps.contains($0.step) } ?? false
    let lift = isAhead ? risk.underwriting?.lift ?? 0 : 0
    let pd = Odds.badShare(Odds.scale(risk.baseOdds, score + lift))
    let worst = risk.card.reduce(0) { $0 + $1.least } + (risk.thin?.points ?? 0)
    // Which way the approval goes is for follow to say, and that is never below 0.
    let approval = isAhead ? Double(max(score, worst)) * (risk.underwriting?.follow ?? 0) : 0
    let points =
      recall.points + Int(Micros.halfUp(approval)) + policy.response.card.reduce(0) { $0 + $1.most }
    let amounts = [recall.loan, recall.loanFrom == nil ? recall.loan : policy.money.maxLoan]
    let perUnit = (1 - pd) * policy.money.margin - pd * policy.money.lossGivenDefault
    let perLoan = amounts.map { min($0, policy.money.maxLoan) * perUnit }.max() ?? 0
    return Best(perLoan: perLoan, points: points)
  }

  /// The greatest worth, over the hurdle, of a contact on a channel.
  private func greatestWorth(_ channel: ChannelDefinition, _ recall: RecallDefinition) -> Double {
    let best = best(recall)
    let chance = recall.steps.reduce(channel.reach * channel.click) { $0 * policy.response.steps[$1].rate }
    let p = Odds.share(Odds.scale(chance / (1 - chance), best.points))
    let hurdle = 1 + policy.money.hurdle
    // The worth is linear in p, and p goes from nearly 0 up.
    let gain = recall.incremental * best.perLoan - hurdle * recall.coupon
    return max(0, gain) * p - hurdle * channel.cost - channel.quit * policy.money.relationship
  }

  mutating func checkMoney() {
    let money = policy.money
    let risk = policy.risk
    let lift = risk.underwriting?.lift ?? 0
    let odds = Odds.scale(risk.baseOdds, max(0, lift))
    let basePD = Odds.badShare(odds)
    let isMarginNegative = (1 - basePD) * money.margin - basePD * money.lossGivenDefault < 0
    if isMarginNegative {
      add(
        .marginNegative, ["money", "margin"],
        "at the base odds a loan brings \(Self.number((1 - basePD) * money.margin)) and loses "
          + "\(Self.number(basePD * money.lossGivenDefault)) of itself")
    }
    for stage in policy.stages {
      guard let recall = stage.recall else { continue }
      let path = ["stages", stage.name]
      if recall.loan > money.maxLoan {
        add(
          .loanCut, path + ["loan"],
          "the loan of \(Self.number(recall.loan)) is more than max_loan, \(Self.number(money.maxLoan))")
      }
      if recall.loanFrom != nil, money.useOfLimit == 0 {
        add(.useOfLimitZero, path + ["loan_from"], "whoever has a value here is expected to borrow 0 of it")
      }
      if recall.incremental <= 0 {
        add(
          .incrementalNotPositive, path + ["incremental"], "\(Self.number(recall.incremental)) of the loans are gained")
        continue
      }
      if isMarginNegative { continue }
      let gain = recall.incremental * best(recall).perLoan
      if gain > 0, recall.coupon >= gain {
        add(
          .couponTooLarge, path + ["coupon"],
          "the best loan of the stage gains \(Self.number(gain)), and the coupon costs \(Self.number(recall.coupon))")
        continue
      }
      if policy.channels.allSatisfy({ greatestWorth($0, recall) <= 0 }) {
        add(
          .stageWorthless, path,
          "even the best candidate of the stage costs more than a contact brings, on every channel")
      }
    }
    checkWorth(isMarginNegative)
  }

  /// Channels on which nothing pays, where other channels do.
  private mutating func checkWorth(_ isMarginNegative: Bool) {
    let recalls = policy.stages.compactMap(\.recall)
    if isMarginNegative || recalls.isEmpty { return }
    let isAnyWorth = policy.channels.contains { channel in recalls.contains { greatestWorth(channel, $0) > 0 } }
    guard isAnyWorth else { return }
    for channel in policy.channels where recalls.allSatisfy({ greatestWorth(channel, $0) <= 0 }) {
      add(
        .channelWorthless, ["channels", channel.name],
        "no contact on \(channel.name.shown) is worth its price, even for the best candidate")
    }
  }

  /// As a person would write it.
  static func number(_ value: Double) -> String {
    let rounded = (value * 1e4).rounded() / 1e4
    return shortest(rounded == 0 ? value : rounded)
  }

  /// The most that a contact on a channel can be expected to spend.
  func greatestSpend(_ channel: ChannelDefinition) -> Double {
    policy.stages.compactMap(\.recall).map { recall in
      let chance = recall.steps.reduce(channel.reach * channel.click) { $0 * policy.response.steps[$1].rate }
      return channel.cost + Odds.share(Odds.scale(chance / (1 - chance), best(recall).points)) * recall.coupon
    }.max() ?? channel.cost
  }
}
