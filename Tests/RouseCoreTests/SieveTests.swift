import TestData
import Testing

@testable import RouseCore

/// Whom the sieve leaves out, no plan misses: over random users of worths near each other and near nothing, where a bound
/// at a price may be no better than the one at none.
@Suite struct SieveTests {
  private static func policy(hurdle: Double) -> Policy {
    var definition = SmallPolicy.definition(fields: FieldTable(declared: []), suppress: Condition(constant: false))
    definition.money.hurdle = hurdle
    definition.channels = ["a", "b"].map { name in
      ChannelDefinition(
        name: name, needs: Condition(constant: true), cost: 0, reach: 1, click: 1, quit: 0, cap30d: 9, best: [])
    }
    return Policy(definition, bytes: [])
  }

  private struct User {
    var decision = Decision()
    var id: [UInt8]
  }

  private static func users(_ policy: Policy, _ random: inout SplitMix) -> [User] {
    let span: Int64 = [3, 40, 5_000_000].randomElement(using: &random) ?? 3
    let arms: [Experiment.Arm] = [.policy, .policy, .policy, .holdout, .explore]
    let few = Int.random(in: 3...5, using: &random)
    return (0..<Int.random(in: 1...300, using: &random)).compactMap { index in
      var user = User(id: Array("u\(index)".utf8))
      for channel in 0..<Int.random(in: 1...2, using: &random) {
        user.decision.append(
          Option(
            value: .random(in: 0...span, using: &random), spend: .random(in: 0...5, using: &random), capital: 1, p: 1,
            channel: Int32(channel)))
      }
      let worths = user.decision.options.map { policy.worth(value: $0.value, spend: $0.spend) }
      let best = worths.indices.max { worths[$0] < worths[$1] } ?? 0
      user.decision.arm = arms[Int.random(in: 0..<few, using: &random)]
      user.decision.best = user.decision.arm == .explore ? Int.random(in: worths.indices, using: &random) : best
      user.decision.tie = .random(in: 0..<50, using: &random)
      user.decision.status = user.decision.arm == .holdout ? .holdout : .eligible
      return user.decision.arm == .policy && worths[best] <= 0 ? nil : user
    }
  }

  private static func plan(_ users: [User], _ policy: Policy, _ limits: PlanLimits) -> String {
    var all = PlanUsers(policy: policy)
    for user in users {
      user.id.withUnsafeBytes {
        all.append(user.decision, tie: user.decision.tie ?? 0, userID: $0, quotas: { _ in false }, quotaCount: 0)
      }
    }
    let plan = Plan(users: all, policy: policy, limits: limits, rankWaitlist: false)
    func named(_ user: Int) -> String {
      let outcome = plan.outcomes[user]
      let taken = outcome.taken < 0 ? -1 : Int(all.options[outcome.taken].channel)
      return "\(String(decoding: all.userID(user), as: UTF8.self)):\(taken),\(outcome.ghost),\(outcome.net)"
    }
    return "\(plan.order.map(named)) \(plan.ghosts().map(named)) \(plan.netValue) \(plan.netValueAtMost) \(plan.cut)"
  }

  @Test(arguments: [0, 0.5, 0.000001, 0.3333, 2]) func planMissesNobody(_ hurdle: Double) throws {
    let policy = Self.policy(hurdle: hurdle)
    var random = SplitMix(state: UInt64(hurdle * 1e6))
    var dropped = 0
    for _ in 0..<500 {
      var limits = PlanLimits(policy: policy)
      limits.capacity = [nil, nil]
      limits.limit = .random(in: 0...([2, 20, 200].randomElement(using: &random) ?? 2), using: &random)
      let users = Self.users(policy, &random)
      let sieve = try #require(Sieve(policy: policy, limits: limits))
      // Noted in pieces, as parts are.
      var noted = PlanUsers(policy: policy)
      var mark = sieve.mark
      for user in users {
        user.id.withUnsafeBytes {
          noted.append(user.decision, tie: user.decision.tie ?? 0, userID: $0, quotas: { _ in false }, quotaCount: 0)
        }
        sieve.note(noted, from: noted.count - 1)
        if Int.random(in: 0..<20, using: &random) == 0 { mark = sieve.narrow() }
      }
      mark = sieve.narrow()
      let kept = users.filter { user in
        let worth = user.decision.options.map { policy.worth(value: $0.value, spend: $0.spend) }.max() ?? 0
        return mark.wants(arm: user.decision.arm, worth: worth, tie: user.decision.tie ?? 0)
      }
      dropped += users.count - kept.count
      let (got, wanted) = (Self.plan(kept, policy, limits), Self.plan(users, policy, limits))
      if got != wanted {
        #expect(got == wanted, "limit \(limits.limit ?? -1) of \(users.count)")
        return
      }
    }
    #expect(dropped > 3000)
  }
}
