import TestData
import Testing

@testable import RouseCore

/// The plan is the model's, to the last price, however its search goes about it: over random users under random limits.
@Suite struct PlanTests {
  static func policy(_ random: inout SplitMix) -> Policy {
    var definition = SmallPolicy.definition(fields: FieldTable(declared: []), suppress: Condition(constant: false))
    definition.money.hurdle = [0, 0, 0.25, 1].randomElement(using: &random) ?? 0
    definition.channels = (0..<Int.random(in: 1...4, using: &random)).map { index in
      ChannelDefinition(
        name: "c\(index)", needs: Condition(constant: true), cost: 0, reach: 1, click: 1, quit: 0, cap30d: 9, best: [])
    }
    definition.tiers = [TierDefinition(name: "t", days: 10)]
    definition.plan.quotas = (0..<Int.random(in: 0...2, using: &random)).map { index in
      PlanDefinition.Quota(name: "q\(index)", when: Condition(constant: true), max: 1, say: nil)
    }
    return Policy(definition, bytes: [])
  }

  static func users(_ count: Int, _ policy: Policy, _ random: inout SplitMix) -> [PlanReference.User] {
    // From many that are alike to such as no real ones are.
    let span: Int64 = [3, 40, 5_000_000, 1_000_000_000_000].randomElement(using: &random) ?? 3
    let spend: Int64 = [0, 2, 300_000, 40_000_000_000].randomElement(using: &random) ?? 3
    let few = Int.random(in: 4...6, using: &random)
    let arms: [Experiment.Arm] = [.policy, .policy, .policy, .policy, .holdout, .explore]
    return (0..<count).compactMap { index in
      let channels = policy.channels.indices.filter { _ in Bool.random(using: &random) }
      let options = channels.map { channel in
        Option(
          value: .random(in: -span / 8...span, using: &random), spend: .random(in: 0...spend, using: &random),
          capital: .random(in: 0...spend, using: &random), p: 1, channel: Int32(channel))
      }
      let arm = arms[Int.random(in: 0..<few, using: &random)]
      let worths = options.map { policy.worth(value: $0.value, spend: $0.spend) }
      guard let greatest = worths.max(), arm != .policy || greatest > 0 else { return nil }
      return PlanReference.User(
        tie: .random(in: 0...200, using: &random), id: "u\(index)", tier: .random(in: 0...1, using: &random), arm: arm,
        options: options,
        best: arm == .explore ? .random(in: options.indices, using: &random) : worths.firstIndex(of: greatest) ?? 0,
        quotas: policy.quotas.map { _ in Bool.random(using: &random) })
    }
  }

  static func limits(
    _ users: [PlanReference.User], _ policy: Policy, _ random: inout SplitMix
  ) -> PlanLimits {
    var limits = PlanLimits(policy: policy)
    let options = users.flatMap(\.options)
    /// A part of what everybody would take.
    func share(_ total: Int64) -> Int64 {
      Int64(Double(total) * ([0, 0.01, 0.1, 0.4, 1].randomElement(using: &random) ?? 1))
    }
    func often() -> Bool { Int.random(in: 0..<3, using: &random) > 0 }
    limits.budget = often() ? Double(share(options.reduce(0) { $0 + $1.spend })) / 1e6 : nil
    limits.capital = often() ? Double(share(options.reduce(0) { $0 + $1.capital })) / 1e6 : nil
    limits.capacity = policy.channels.map { _ in often() ? share(Int64(users.count)) : nil }
    limits.quotas = policy.quotas.map { _ in often() ? share(Int64(users.count)) : nil }
    limits.limit = often() ? share(Int64(users.count)) : nil
    limits.tierFirst = Int.random(in: 0..<4, using: &random) == 0
    return limits
  }

  private static func isAsTheModelHasIt(
    _ all: [PlanReference.User], _ policy: Policy, _ limits: PlanLimits, few: Int, portion: Int = 4096,
    threads: Int, waitlist: Bool
  ) -> Bool {
    var users = PlanUsers(policy: policy)
    for user in all {
      var decision = Decision()
      for option in user.options { decision.append(option) }
      decision.best = user.best
      decision.arm = user.arm
      decision.tier = user.tier
      Array(user.id.utf8).withUnsafeBytes {
        users.append(decision, tie: user.tie, userID: $0, quotas: { user.quotas[$0] }, quotaCount: user.quotas.count)
      }
    }
    let plan = Plan(
      users: users, policy: policy, limits: limits, rankWaitlist: waitlist, few: few, firstPortion: portion,
      threads: threads, worthwhile: 1)
    let model = PlanReference(all, policy: policy, limits: limits)
    #expect(plan.cut.map { "\($0.limit):\($0.price)" } == model.cut)
    #expect(plan.netValueAtMost == model.atMost)
    for user in all.indices {
      let outcome = plan.outcomes[user]
      let start = users.optionRange(user).lowerBound
      let isSame =
        outcome.taken == (model.taken[user].map { start + $0 } ?? -1) && outcome.ghost == model.ghost[user]
        && (!waitlist && outcome.taken < 0 && all[user].arm == .policy
          || outcome.shown == start + model.shown[user] && outcome.net == model.net[user])
      guard isSame else {
        #expect(isSame, "\(all[user]) of \(all.count): \(outcome)")
        return false
      }
    }
    return plan.cut.map { "\($0.limit):\($0.price)" } == model.cut && plan.netValueAtMost == model.atMost
  }

  /// - Parameter few: below it no samples are drawn, and nobody settles; bad samples must do no harm.
  @Test(arguments: [0, 8, 10_000]) func plansAreTheModels(_ few: Int) {
    for seed in 0..<700 {
      var random = SplitMix(state: UInt64(seed * 3 + few))
      let policy = Self.policy(&random)
      let users = Self.users(.random(in: 0...60, using: &random), policy, &random)
      let limits = Self.limits(users, policy, &random)
      // Portions of a few moves: most are dropped, or come up in a later one.
      let isModels = Self.isAsTheModelHasIt(
        users, policy, limits, few: few, portion: 1 + seed % 7, threads: 1 + seed % 3, waitlist: seed % 2 == 0)
      guard isModels else {
        Issue.record("seed \(seed)")
        return
      }
    }
  }

  /// Where all have the same to offer, only their ties tell where a portion ends.
  @Test func plansOfThoseWhoAreAlikeAreTheModels() {
    for seed in 0..<150 {
      var random = SplitMix(state: UInt64(seed))
      let policy = Self.policy(&random)
      var users = Self.users(40, policy, &random)
      for user in users.indices.dropFirst(seed % 4) {
        users[user].options = users[0].options
        users[user].best = users[0].best
        users[user].quotas = users[0].quotas
      }
      let limits = Self.limits(users, policy, &random)
      let isModels = Self.isAsTheModelHasIt(
        users, policy, limits, few: 8, portion: 1 + seed % 3, threads: 1 + seed % 3, waitlist: seed % 2 == 0)
      guard isModels else {
        Issue.record("seed \(seed)")
        return
      }
    }
  }

  @Test(arguments: 0..<12) func plansOfManyAreTheModels(_ seed: Int) {
    var random = SplitMix(state: UInt64(seed))
    let policy = Self.policy(&random)
    let users = Self.users(2000, policy, &random)
    let limits = Self.limits(users, policy, &random)
    #expect(
      Self.isAsTheModelHasIt(
        users, policy, limits, few: 100, portion: 8 << seed % 9, threads: 1 + seed % 4, waitlist: false), "seed \(seed)"
    )
  }
}
