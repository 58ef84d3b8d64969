import RouseCore
import RousePolicy

extension Linter {
  mutating func checkContact() {
    let contact = policy.contact
    if contact.gapDays > 0, contact.cap30d > 1 {
      // Contacts at 0, gap, 2 gap ... that lie within 30 days.
      let most = (30 + contact.gapDays - 1) / contact.gapDays
      if most < Int64(contact.cap30d) {
        add(
          .capUnreachable, ["cap_30d"],
          "with \(contact.gapDays) days between them, at most \(most) contacts fit into 30 days, and the cap is "
            + "\(contact.cap30d)")
      }
    }
    if contact.ladder == .escalate, policy.channels.count > contact.cap30d {
      let last = policy.channels[contact.cap30d].name
      add(
        .ladderTooLong, ["channels", last],
        "who can be reached on every channel has had \(contact.cap30d) contacts, the cap, before \(last.shown) is open")
    }
    for (index, channel) in policy.channels.enumerated() {
      let path = ["channels", channel.name]
      if isAnybodyJudged, find(.judged, [(trees.needs[index], .yes)]) == .impossible {
        add(.channelNever, path + ["needs"], "nobody who could be contacted meets this, so nothing is ever sent")
      }
      if channel.cap30d > contact.cap30d {
        add(
          .channelCapMoot, path + ["cap_30d"],
          "\(channel.cap30d) contacts on \(channel.name.shown) are never reached: over all channels \(contact.cap30d) "
            + "are allowed")
      }
      for (at, window) in channel.best.enumerated()
      where window.start < contact.hours.start || window.end > contact.hours.end {
        let cut = Window(start: max(window.start, contact.hours.start), end: min(window.end, contact.hours.end))
        add(
          .windowCut, path + ["best", String(at)],
          cut.start < cut.end
            ? "of \(window.text) only \(cut.text) lies within the hours, \(contact.hours.text)"
            : "nothing of \(window.text) lies within the hours, \(contact.hours.text)")
      }
    }
  }

  mutating func checkExperiment() {
    let experiment = policy.experiment
    // Both 0: no experiment is wanted.
    if experiment.holdout == 0, experiment.explore > 0 {
      add(.holdoutZero, ["experiment", "holdout"], "nobody is held out")
    }
    if experiment.explore == 0, experiment.holdout > 0 {
      add(.exploreZero, ["experiment", "explore"], "nobody explores")
    }
    for (key, share) in [("holdout", experiment.holdout), ("explore", experiment.explore)]
    where share > 0 && Micros.halfUp(share * 10_000) == 0 {
      add(.shareRoundsToNobody, ["experiment", key], "\(shortest(share)) of all users is nobody")
    }
    if experiment.holdout >= 0.5 {
      add(.holdoutLarge, ["experiment", "holdout"], "\(shortest(experiment.holdout)) of all users are left alone")
    }
    if experiment.explore >= 0.5 {
      add(.exploreLarge, ["experiment", "explore"], "\(shortest(experiment.explore)) of all users explore")
    }
  }

  mutating func checkPlan() {
    let plan = policy.plan
    if plan.budget == 0 {
      add(.limitZero, ["plan", "budget"], "the budget is 0, so only what costs nothing is planned")
    }
    if plan.capital == 0 { add(.limitZero, ["plan", "capital"], "the capital is 0, so no loan can be funded") }
    for (channel, capacity) in zip(policy.channels, plan.capacity) where capacity == 0 {
      add(
        .limitZero, ["plan", "capacity", channel.name], "the capacity is 0, so nothing is sent on \(channel.name.shown)"
      )
    }
    checkBudget()
    for (quota, tree) in zip(plan.quotas, trees.quotas) {
      let path = ["plan", "quota", quota.name]
      if quota.max == 0 { add(.limitZero, path + ["max"], "the quota is 0, so nobody under it is planned") }
      guard isAnybodyJudged else { continue }
      if find(.judged, [(tree, .yes)]) == .impossible {
        add(.quotaNever, path + ["when"], "nobody who could be contacted meets this, so the quota limits nothing")
      } else if tree != .constant(true), find(.judged, [(tree, .notYes)]) == .impossible {
        add(.quotaAlways, path + ["when"], "everybody who could be contacted meets this")
      }
    }
  }

  private mutating func checkBudget() {
    guard let budget = policy.plan.budget, budget > 0 else { return }
    var most = 0.0
    for (channel, capacity) in zip(policy.channels, policy.plan.capacity) {
      guard let capacity else { return }
      most += Double(capacity) * greatestSpend(channel)
    }
    if most < budget {
      add(
        .budgetUnspendable, ["plan", "budget"],
        "the capacities allow contacts that are expected to spend \(Self.number(most)) at most, and the budget is "
          + Self.number(budget))
    }
  }
}

extension Window {
  /// `HH:MM-HH:MM`.
  var text: String {
    func clock(_ minutes: Int) -> String {
      let digits = [minutes / 60 / 10, minutes / 60 % 10, minutes % 60 / 10, minutes % 10].map(String.init)
      return digits[0] + digits[1] + ":" + digits[2] + digits[3]
    }
    return clock(start) + "-" + clock(end)
  }
}
