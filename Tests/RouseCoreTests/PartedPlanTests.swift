import TestData
import Testing

@testable import RouseCore

/// A plan over parts is the plan over all, to the last price and row, however the users are cut and however little is asked
/// for at once; and what parts and their askers tell each other survives being bytes.
@Suite struct PartedPlanTests {
  private struct Case {
    let policy: Policy
    let users: PlanUsers
    let limits: PlanLimits
    /// Part of each user, and where it stands in it.
    var places: [PartUsers.Place] = []
    var parts: [PlanPart] = []

    init(_ count: Int, parts partCount: Int, _ random: inout SplitMix) throws {
      let policy = PlanTests.policy(&random)
      let all = PlanTests.users(count, policy, &random)
      limits = PlanTests.limits(all, policy, &random)
      self.policy = policy
      var whole = PlanUsers(policy: policy)
      var split = (0..<partCount).map { _ in PlanUsers(policy: policy) }
      for user in all {
        var decision = Decision()
        for option in user.options { decision.append(option) }
        decision.best = user.best
        decision.arm = user.arm
        decision.tier = user.tier
        let part = Int.random(in: 0..<partCount, using: &random)
        places.append(PartUsers.Place(part: part * 7, index: UInt32(split[part].count)))
        Array(user.id.utf8).withUnsafeBytes { id in
          whole.append(
            decision, tie: user.tie, userID: id, quotas: { user.quotas[$0] }, quotaCount: user.quotas.count)
          split[part].append(
            decision, tie: user.tie, userID: id, quotas: { user.quotas[$0] }, quotaCount: user.quotas.count)
        }
      }
      users = whole
      let origin = PlanPart.Origin(policy: policy.version, now: 7, keepsAll: true)
      for (index, users) in split.enumerated() {
        var counts = [Int](repeating: 0, count: PlanPart.countCount)
        counts[0] = users.count
        let part = PlanPart(origin: origin, number: index * 7, counts: counts, users: users)
        parts.append(try part.sealed().withUnsafeBytes { try PlanPart($0, policy: policy) })
      }
    }

    /// Everything goes through bytes, and parts answer in any order.
    func plan(most: Int, asked: inout Int) throws -> PartedPlan {
      var questions = 0
      defer { asked += questions }
      return try PartedPlan(policy: policy, limits: limits, wantsAll: true, most: most) { inquiry in
        questions += 1
        let inquiry = try inquiry.sealed().withUnsafeBytes { try PartInquiry($0, policy: policy) }
        var all = PartAnswer(policy)
        for part in questions % 2 == 0 ? parts : parts.reversed() {
          let answer = try part.answer(inquiry, policy: policy).sealed()
          try all.add(try answer.withUnsafeBytes { try PartAnswer($0, policy: policy) })
        }
        return all
      }
    }
  }

  private static func isTheSame(_ one: Case, most: Int, _ asked: inout Int) throws -> Bool {
    let plan = Plan(users: one.users, policy: one.policy, limits: one.limits, rankWaitlist: true)
    let parted = try one.plan(most: most, asked: &asked)
    let (whole, cut) = (PlanTotals(plan), parted.sum)
    #expect(parted.counts[0] == one.users.count)
    #expect(whole.contacts == cut.contacts && whole.byChannel == cut.byChannel)
    #expect(whole.value == cut.value && whole.spend == cut.spend && whole.capital == cut.capital)
    #expect(whole.netValue == cut.netValue && whole.netValueAtMost == cut.netValueAtMost)
    #expect(whole.cut.map { "\($0)" } == cut.cut.map { "\($0)" })
    // Rows as their parts would write them, in the order of their keys.
    var keys: [(key: [UInt8], user: Int)] = []
    var same = true
    let state = try parted.state.sealed().withUnsafeBytes { try PartState($0, policy: one.policy) }
    for part in one.parts {
      part.outcomes(state, policy: one.policy) { index, outcome in
        let place = PartUsers.Place(part: part.number, index: UInt32(index))
        guard let user = one.places.firstIndex(of: place) else {
          same = false
          return
        }
        let expected = plan.outcomes[user]
        let start = one.users.optionRange(user).lowerBound
        same =
          same && (outcome.taken < 0 ? -1 : start + outcome.taken) == expected.taken
          && start + outcome.shown == expected.shown && outcome.ghost == expected.ghost
        if let key = outcome.key { keys.append((key, user)) }
      }
    }
    keys.sort { $0.key.lexicographicallyPrecedes($1.key) }
    #expect(same)
    #expect(keys.map(\.user) == plan.order)
    return same && keys.map(\.user) == plan.order && whole.cut.map { "\($0)" } == cut.cut.map { "\($0)" }
      && whole.netValue == cut.netValue && whole.netValueAtMost == cut.netValueAtMost
  }

  /// - Parameter most: users asked for at once, from one to more than there are.
  @Test(arguments: [1, 4, 20, 10_000]) func partedPlansAreThePlans(_ most: Int) throws {
    var asked = 0
    for seed in 0..<250 {
      var random = SplitMix(state: UInt64(seed * 5 + most))
      let one = try Case(.random(in: 0...80, using: &random), parts: 1 + seed % 7, &random)
      guard try Self.isTheSame(one, most: most, &asked) else {
        Issue.record("seed \(seed)")
        return
      }
    }
  }

  @Test(arguments: 0..<10) func partedPlansOfManyAreThePlans(_ seed: Int) throws {
    var random = SplitMix(state: UInt64(seed + 99))
    let one = try Case(3000, parts: 1 + seed % 7, &random)
    var asked = 0
    for most in [40, 400, 100_000] { #expect(try Self.isTheSame(one, most: most, &asked), "seed \(seed), \(most)") }
    // Not a question a candidate.
    #expect(asked < 3 * 600)
  }

  /// Fills of several pages, in which moves give back what others may take then.
  @Test(arguments: [3, 12, 25]) func pagedFillsAreThePlans(_ most: Int) throws {
    var asked = 0
    for seed in 0..<25 {
      var random = SplitMix(state: UInt64(seed * 11 + most))
      let one = try Case(300, parts: 1 + seed % 2, &random)
      guard try Self.isTheSame(one, most: most, &asked) else {
        Issue.record("seed \(seed)")
        return
      }
    }
  }

  /// Damaged bytes are told as such: never read, and never the end of the process.
  @Test func damageIsTold() throws {
    var random = SplitMix(state: 4)
    let one = try Case(40, parts: 1, &random)
    let part = one.parts[0].sealed()
    for index in part.indices {
      var damaged = part
      damaged[index] ^= UInt8.random(in: 1...255, using: &random)
      #expect(throws: PartFault.self) { try damaged.withUnsafeBytes { try PlanPart($0, policy: one.policy) } }
      let cut = Array(part[..<index])
      #expect(throws: PartFault.self) { try cut.withUnsafeBytes { try PlanPart($0, policy: one.policy) } }
    }
    #expect(throws: PartFault("it is not a question about parts; it is the options of a part")) {
      try part.withUnsafeBytes { try PartInquiry($0, policy: one.policy) }
    }
  }

  /// Bytes with a true seal and any body at all.
  @Test func forgedBytesDoNoHarm() throws {
    var random = SplitMix(state: 9)
    let one = try Case(30, parts: 1, &random)
    var inquiries: [[UInt8]] = []
    _ = try PartedPlan(policy: one.policy, limits: one.limits, wantsAll: true, most: 4) { inquiry in
      inquiries.append(inquiry.sealed())
      var all = PartAnswer(one.policy)
      try all.add(try one.parts[0].answer(inquiry, policy: one.policy))
      return all
    }
    let part = one.parts[0].sealed()
    for round in 0..<4000 {
      let isPart = round % 3 == 0
      let bytes = forged(isPart ? part : inquiries[round % inquiries.count], &random)
      bytes.withUnsafeBytes { bytes in
        if isPart {
          guard let read = try? PlanPart(bytes, policy: one.policy) else { return }
          for inquiry in inquiries {
            guard let inquiry = try? inquiry.withUnsafeBytes({ try PartInquiry($0, policy: one.policy) }) else {
              continue
            }
            _ = try? read.answer(inquiry, policy: one.policy)
          }
        } else if let inquiry = try? PartInquiry(bytes, policy: one.policy) {
          _ = try? one.parts[0].answer(inquiry, policy: one.policy)
        }
      }
    }
  }

  private func forged(_ bytes: [UInt8], _ random: inout SplitMix) -> [UInt8] {
    var body = Array(bytes[16..<(bytes.count - 8)])
    for _ in 0..<Int.random(in: 1...3, using: &random) where !body.isEmpty {
      let index = Int.random(in: body.indices, using: &random)
      switch Int.random(in: 0..<4, using: &random) {
      case 0: body.remove(at: index)
      case 1: body.insert(.random(in: 0...255, using: &random), at: index)
      default: body[index] = .random(in: 0...255, using: &random)
      }
    }
    var out = PartWriter(PartKind(rawValue: bytes[4]) ?? .options)
    for byte in body { out.put(byte) }
    return out.sealed()
  }
}
