import RouseCore

extension PolicyReader {
  /// `money` (model 7).
  func readMoney(_ setting: Setting?) -> MoneyDefinition? {
    let needed = ["margin", "loss_given_default", "use_of_limit", "max_loan", "relationship"]
    guard let money = setting?.settings(needed: needed, optional: ["hurdle"]) else { return nil }
    let margin = money.number("margin", in: -10...10)
    let loss = money.number("loss_given_default", in: 0...10)
    let use = money.number("use_of_limit", in: 0...1)
    let maxLoan = money.number("max_loan", in: 0...1e8)
    let relationship = money.number("relationship", in: 0...1e6)
    let hurdle = money.number("hurdle", in: 0...1000)
    guard let margin, let loss, let use, let maxLoan, let relationship else { return nil }
    return MoneyDefinition(
      margin: margin, lossGivenDefault: loss, useOfLimit: use, maxLoan: maxLoan, relationship: relationship,
      hurdle: hurdle ?? 0)
  }

  /// `experiment` (model 8).
  func readExperiment(_ setting: Setting?) -> ExperimentDefinition? {
    guard let setting, let experiment = setting.settings(needed: ["salt", "holdout", "explore"]) else { return nil }
    let salt = experiment.text("salt")
    let holdout = experiment.number("holdout", in: 0...1)
    let explore = experiment.number("explore", in: 0...1)
    if let holdout, let explore, holdout + explore > 1 {
      setting.refuse(.range, "holdout and explore are shares of everybody, and together they are more than 1")
    }
    guard let salt, let holdout, let explore else { return nil }
    return ExperimentDefinition(salt: salt, holdout: holdout, explore: explore)
  }

  /// `plan` (model 9): no limits when it is not there.
  func readPlan(_ setting: Setting?) -> PlanDefinition? {
    var plan = PlanDefinition(
      budget: nil, capital: nil, capacity: (names.channels?.all ?? []).map { _ in nil }, quotas: [], tierFirst: false)
    guard let setting else { return plan }
    let keys = ["budget", "capital", "capacity", "quota", "tier_first"]
    guard let settings = setting.settings(needed: [], optional: keys) else { return nil }
    plan.budget = unlessNull(settings["budget"])?.number(in: 0...1e9)
    plan.capital = unlessNull(settings["capital"])?.number(in: 0...1e12)
    plan.tierFirst = settings.flag("tier_first") ?? false
    for member in settings["capacity"]?.members() ?? [] {
      let capacity = unlessNull(member)?.whole(in: 0...1_000_000_000_000)
      guard let channels = names.channels else { continue }
      if let index = channels.index(of: member.key) {
        plan.capacity[index] = capacity.map(Int64.init)
      } else {
        let suggestion = Suggestion.sentence(for: member.key, among: channels.all)
        member.refuseKey(.reference, "there is no channel \(member.key.shown)" + suggestion)
      }
    }
    plan.quotas = (settings["quota"]?.members() ?? []).compactMap(readQuota)
    return plan
  }

  private func unlessNull(_ setting: Setting?) -> Setting? {
    setting.flatMap { $0.isNull ? nil : $0 }
  }

  private func readQuota(_ setting: Setting) -> PlanDefinition.Quota? {
    if setting.key.isExactly("limit") {
      setting.refuseKey(.value, "'limit' is the quota that a request sets over everyone; give this one another name")
    }
    guard let quota = setting.settings(needed: ["when", "max"], optional: ["say"]) else { return nil }
    let when = condition(quota["when"])
    let max = quota.whole("max", in: 0...1_000_000_000_000)
    let say = quota.text("say")
    guard let when, let max else { return nil }
    return PlanDefinition.Quota(name: setting.key, when: when, max: Int64(max), say: say)
  }
}
