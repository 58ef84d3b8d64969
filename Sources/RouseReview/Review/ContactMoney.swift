import RouseCore

/// What a contact cost and brought, by what was reported of it and, where nothing was, by what the policy believes.
struct ContactMoney {
  private let policy: Policy
  private let stages: [StageBelief?]
  private let channelCosts: [Int64]
  /// Of one of whom nothing is known.
  private let basePD: Double

  private struct StageBelief {
    let coupon: Double
    let incremental: Double
    let loan: Double
  }

  /// - Parameters: names of the review's columns, whose numbers contacts carry.
  init(_ policy: Policy, _ names: ReviewNames) {
    self.policy = policy
    let definition = policy.definition
    stages = names.stages.names.map { name in
      definition.stages.first { ExactText($0.name) == ExactText(name) }?.recall.map {
        StageBelief(coupon: $0.coupon, incremental: $0.incremental, loan: $0.loan)
      }
    }
    channelCosts = names.channels.names.map { name in
      Micros.from(definition.channels.first { ExactText($0.name) == ExactText(name) }?.cost ?? 0)
    }
    basePD = 1 / (1 + definition.risk.baseOdds)
  }

  /// Micros, all of it.
  struct Account {
    var spend: Int64
    /// The spend is what the contact's event said.
    var isReported: Bool
    /// Paid with a loan, where the spend does not hold it.
    var coupon: Int64 = 0
    /// Lent.
    var amount: Int64 = 0
    /// What the loans bring, whoever had come anyway.
    var loanValue: Int64 = 0
    /// What the contact brought beside its costs, of which only so much is counted as would not have come by itself.
    var value: Int64 = 0
  }

  func account(_ contact: Contacts.Contact, _ row: PlannedRows.Row?, _ steps: ReviewSteps) -> Account {
    let isFirst = row != nil && !contact.isRepeated
    let channel = Int(contact.channel)
    let cost = channelCosts.indices.contains(channel) ? channelCosts[channel] : 0
    var account = Account(spend: 0, isReported: contact.cost >= 0)
    // The plan's spend holds what coupons cost on average.
    var holdsCoupon = false
    if contact.cost >= 0 {
      account.spend = contact.cost
    } else if let row, isFirst, !contact.isElsewhere {
      account.spend = row.spend
      holdsCoupon = true
    } else {
      account.spend = cost
    }
    let money = policy.definition.money
    let stage = row.flatMap { stages.indices.contains(Int($0.stage)) ? stages[Int($0.stage)] : nil }
    var value = -Double(account.spend) / 1e6
    if contact.borrowed != 0 {
      let amount = amount(contact, row, stage)
      let pd = row.map { Double($0.pd) / 1e6 } ?? basePD
      let lost = min(amount, Double(contact.defaulted) / 1e6)
      let back = min(amount - lost, Double(contact.repaid) / 1e6)
      let out = amount - lost - back
      let loan =
        money.margin * back - money.lossGivenDefault * lost
        + out * ((1 - pd) * money.margin - pd * money.lossGivenDefault)
      account.amount = Micros.from(amount)
      account.loanValue = Micros.from(loan)
      value += loan * (stage?.incremental ?? 1)
      if !holdsCoupon, let coupon = stage?.coupon {
        account.coupon = Micros.from(coupon)
        value -= coupon
      }
    }
    if contact.has(steps.quit) { value -= money.relationship }
    account.value = Micros.from(value)
    return account
  }

  /// As reported; else what the plan expected, which is its capital over its chance.
  private func amount(_ contact: Contacts.Contact, _ row: PlannedRows.Row?, _ stage: StageBelief?) -> Double {
    if contact.amount > 0 { return Double(contact.amount) / 1e6 }
    if let row, row.p > 0 { return Double(row.capital) / Double(row.p) }
    return stage?.loan ?? 0
  }
}
