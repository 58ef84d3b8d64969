import Foundation
import RouseCore
import RousePolicy
import RouseReview
import TestData

/// A lender whose truth is known: what a policy believes, and what is so. The truth is a policy too: the same text with
/// other points, rates and shares, so that a user's true chance is what the model would say if it knew everything.
struct SimulatedWorld {
  /// What the lender believes, and decides by.
  let belief: Policy
  let beliefText: [UInt8]
  let truth: Policy
  /// From this week on the population is another; nil: never.
  var driftFrom: Int?
  /// Users that are looked at a week.
  var usersAWeek = 75
  var weeks = 4
  /// Contacts a plan may make; nil: as many as are worth it.
  var limit: Int64?

  /// The first plan's moment: 2026-01-05T02:00:00Z.
  static let start: Int64 = 1_767_578_400
  static let week: Int64 = 7 * Moment.day
  /// Long after the last window.
  var now: Int64 { Self.start + Int64(weeks) * Self.week + 60 * Moment.day }
  var period: Range<Int64> { Self.start..<(Self.start + Int64(weeks) * Self.week) }

  /// - Parameters:
  ///   - believed: changes to the policy of `text` that make what the lender believes.
  ///   - true: changes to it that make what is so.
  init(believed: [String] = [], true: [String] = [], text: String = SimulatedWorld.text) throws {
    (belief, beliefText) = try Self.policy(text, believed)
    truth = try Self.policy(text, `true`).policy
  }

  init(believing belief: Policy, _ text: [UInt8], truth: Policy) {
    self.belief = belief
    beliefText = text
    self.truth = truth
  }

  /// - Parameter changes: `from → to` in the text; each must fit.
  static func policy(_ text: String, _ changes: [String]) throws -> (policy: Policy, text: [UInt8]) {
    var text = text
    for change in changes {
      let sides = change.components(separatedBy: " → ")
      guard sides.count == 2, text.contains(sides[0]) else { throw Unfit(change: change) }
      text = text.replacing(sides[0], with: sides[1])
    }
    let bytes = Array(text.utf8)
    return (Policy(try PolicyReader.read(bytes, format: .yaml), bytes: bytes), bytes)
  }

  struct Unfit: Error { let change: String }

  /// Four of ten are held out or explore, so that a small ledger tells something of both.
  static let text = """
    version: 2
    name: simulated
    fields:
      times: [joined_at, granted_at]
      numbers: [loans, score, limit]
      flags: [sms_ok, email_ok, app, used]
      texts: [region]
    clock_skew_seconds: 300
    stages:
      granted:
        when: granted_at IS NOT NULL
        since: granted_at
        dormant: 3
        steps: [login, withdraw]
        loan: 1000
        loan_from: limit
        coupon: 2
        incremental: 0.60
        points: 0
      joined:
        when: joined_at IS NOT NULL
        since: joined_at
        dormant: 3
        steps: [login, start, withdraw]
        loan: 800
        coupon: 2
        incremental: 0.80
        points: 0
    tiers: {3m: 90, 6m: 180}
    suppress:
      S01: {when: loans > 90, say: Too many}
    knockout:
      K01: {when: NOT region_served, say: Not served}
    risk:
      base: {score: 600, odds: 8}
      cutoff: 500
      reasons: 4
      card:
        score: {at_least: {0: -12, 500: 0, 650: 14}, missing: 0, code: R01}
    response:
      half_life: 365
      floor: -40
      steps:
        login: {rate: 0.8}
        start: {rate: 0.9}
        withdraw: {rate: 0.7}
      card:
        app: {is: {true: 6, false: -6}}
        loans: {at_least: {0: -4, 1: 0, 3: 8}}
        used: {is: {true: 4, false: 0}}
    money: {margin: 0.30, loss_given_default: 0.60, use_of_limit: 0.5, max_loan: 5000, relationship: 5}
    ladder: best
    gap_days: 3
    cap_30d: 4
    hours: 00:00-24:00
    channels:
      sms: {needs: sms_ok, cost: 0.5, reach: 0.9, click: 0.35, quit: 0.001, cap_30d: 4, best: [00:00-24:00]}
      email: {needs: email_ok, cost: 0.05, reach: 0.8, click: 0.25, quit: 0.001, cap_30d: 4, best: [00:00-24:00]}
    experiment: {salt: sim, holdout: 0.20, explore: 0.20}
    plan: {budget: null}
    regions: {groups: {A: [X1], B: [X2]}, not_served: [X9], utc_offset: "+00:00"}
    guardrails: {forbidden: [gender], max_points: {region: 10}}
    review: {targets: {click: 0.2}, psi: [0.10, 0.25], parity: 0.80, window_days: 14}
    """
}

extension SplitMix {
  /// From 0 to 1, 1 not included.
  mutating func share() -> Double { Double(next() >> 11) * 0x1p-53 }
  mutating func comes(_ chance: Double) -> Bool { share() < chance }
}
