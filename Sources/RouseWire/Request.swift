import RouseCore

/// What a request asks for.
package enum Operation: String, Sendable, CaseIterable {
  case ping, auth, info, fields, score, rank, record, load, erase, user, plans, plan, policy, review, stats
  /// End or break off a stream; outside one they are mistakes.
  case end, cancel
}

/// What is to be done with the policy.
package enum PolicyAction: String, Sendable, CaseIterable {
  case show, check, activate, history
  /// Makes a policy live that someone else has put forward, or takes it back.
  case approve, withdraw
  /// Makes a version live again that was live before.
  case rollback
  /// Has a second policy decide on real requests too, beside the live one; what came of that; no more.
  case shadow
  /// What another policy would change, would have brought, and what outcomes teach.
  case compare, backtest, fit
}

/// What is to be reviewed.
package enum ReviewAction: String, Sendable, CaseIterable {
  /// A period.
  case period
  /// A committed plan, which is computed again.
  case replay
}

/// What a request says of the past that it asks about. Seconds since 1970.
package struct PastSettings: Sendable, Equatable {
  /// From when, that moment included.
  package var since: Int64?
  /// Until when, that moment not included; nil: until now.
  package var until: Int64?
  /// In place of `since`: so many weeks back.
  package var weeks: Int?

  package init() {}
}

/// How a policy's text is written.
package enum PolicyFormat: String, Sendable, CaseIterable {
  case yaml, json
}

/// A limit of a rank's plan as a request sets it.
package enum LimitSetting<Value: Sendable & Equatable>: Sendable, Equatable {
  /// Not named: the policy's holds.
  case policy
  /// `null`: no limit.
  case lifted
  case most(Value)
}

/// One request, read and checked as far as that goes without a policy.
package struct Request: Sendable {
  /// Where a request's candidates are.
  package enum Candidates: Sendable, Equatable {
    case none
    /// Inline: the list begins at this offset of the line.
    case users(at: Int, count: Int)
    case stream
    /// Those of the standing audience of whom a condition holds.
    case audience(String)
  }

  package var operation: Operation?
  /// As it was given: a JSON string or integer.
  package var id: [UInt8]?
  /// As it was given, and as seconds since 1970.
  package var asOf: (text: String, seconds: Int64)?
  /// A policy version the request insists on.
  package var policy: String?
  package var timeoutMS: Int?
  package var campaign: String?
  package var candidates = Candidates.none
  package var extras: Extras = []
  /// What the ledger knows of users holds too.
  package var usesLedger = true
  /// The plan is to be kept, and its contacts are to be leased.
  package var commits = false
  /// The sender's own name for a plan.
  package var planKey: String?
  /// Of a committed plan.
  package var planID: String?
  /// Events that stand inline: the list begins at this offset of the line.
  package var events: (at: Int, count: Int)?
  package var userID: String?
  /// Of `erase`.
  package var userIDs: [String] = []
  /// Of `plans`: those before this one, and how many.
  package var before: String?
  package var most = 50
  package var rows = RankRows.contacts
  package var budget = LimitSetting<Double>.policy
  package var capital = LimitSetting<Double>.policy
  package var limit = LimitSetting<Int64>.policy
  package var tierFirst: Bool?
  package var capacity: [(name: String, most: LimitSetting<Int64>)] = []
  package var quota: [(name: String, most: LimitSetting<Int64>)] = []
  /// Of `auth`. A secret: it goes into no log and no reply.
  package var token: String?
  package var policyAction: PolicyAction?
  /// A policy's text, and how it is written.
  package var text: String?
  package var format = PolicyFormat.yaml
  /// The policy version that the sender of `activate` believes live.
  package var against: String?
  package var reviewAction = ReviewAction.period
  package var past = PastSettings()
  /// Of `review`: what one new user costs; money.
  package var newUserCost: Double?
  /// Of `fit`: how far present points may be off, in points; outcomes that a change needs; the part of the rows that old
  /// and new policy are only tried on.
  package var priorSD: Double?
  package var leastEvents: Int?
  package var holdoutShare: Double?
  /// Of `activate`: the policy is to decide beside the live one. Of `shadow`: false ends that.
  package var shadow: Bool?
  package var isShadow: Bool { shadow == true }

  /// The plan's limits under a policy.
  package func limits(_ policy: Policy) throws(WireError) -> PlanLimits {
    var limits = PlanLimits(policy: policy)
    apply(budget, to: &limits.budget)
    apply(capital, to: &limits.capital)
    apply(limit, to: &limits.limit)
    if let tierFirst { limits.tierFirst = tierFirst }
    for (name, most) in capacity {
      guard let index = policy.channels.firstIndex(where: { ExactText($0.name) == ExactText(name) }) else {
        throw WireError(
          .badRequest,
          "the policy has no such channel" + Suggestion.sentence(for: name, among: policy.channels.map(\.name)),
          at: "/capacity/" + pointer(name))
      }
      apply(most, to: &limits.capacity[index])
    }
    for (name, most) in quota {
      guard let index = policy.quotas.firstIndex(where: { ExactText($0.name) == ExactText(name) }) else {
        throw WireError(
          .badRequest,
          "the policy has no such quota" + Suggestion.sentence(for: name, among: policy.quotas.map(\.name)),
          at: "/quota/" + pointer(name))
      }
      apply(most, to: &limits.quotas[index])
    }
    return limits
  }

  private func apply<Value>(_ setting: LimitSetting<Value>, to limit: inout Value?) {
    switch setting {
    case .policy: break
    case .lifted: limit = nil
    case .most(let value): limit = value
    }
  }
}

/// A name as a part of a JSON pointer (RFC 6901).
package func pointer(_ name: String) -> String {
  var escaped = ""
  for scalar in name.unicodeScalars {
    switch scalar {
    case "~": escaped += "~0"
    case "/": escaped += "~1"
    default: escaped.unicodeScalars.append(scalar)
    }
  }
  return escaped
}
