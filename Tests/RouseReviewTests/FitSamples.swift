import RouseCore
import RousePolicy
import TestData

@testable import RouseReview

/// Rows with a known truth: a policy decides what each user does.
enum FitSamples {
  static let asOf: Int64 = 1_700_000_000

  /// Two stages, two channels, a number, a text and a flag; the points are given.
  static func policy(
    a: Int = 0, b: Int = 0, age: [Int] = [0, 0, 0, 0], job: [Int] = [0, 0, 0], other: Int = 0, app: [Int] = [0, 0],
    risk: [Int] = [0, 0, 0], odds: String = "20", guardrails: String = "{}"
  ) -> String {
    """
    # A policy to fit.
    version: 2
    name: sample
    fields: {times: [seen_at], numbers: [age, debt], flags: [app], texts: [job]}
    clock_skew_seconds: 300
    stages:
      one:
        when: app
        since: seen_at
        dormant: 0
        steps: [login, loan]
        loan: 1000
        coupon: 0
        incremental: 1.0
        points: \(a)                         # stage one
      two: {when: TRUE, since: seen_at, dormant: 0, steps: [login, loan], loan: 500, coupon: 0, incremental: 1.0, points: \(b)}
    tiers: {}
    risk:
      base: {score: 600, odds: \(odds)}
      cutoff: 0
      reasons: 1
      underwriting: {step: loan, lift: 10, follow: 0.5}
      card:
        debt: {at_least: {0: \(risk[0]), 2: \(risk[1]), 5: \(risk[2])}, missing: 0, code: R01, say: "Debt # fit: elsewhere"} # keep me
    response:
      half_life: 90
      floor: -80
      steps:
        login: {rate: 0.8, weight: 50}
        loan: {rate: 0.4, weight: 50}
      card:
        age:
          at_least:
            0: \(age[0])      # the young
            30: \(age[1])
            45: \(age[2])
            60: \(age[3])
          missing: 0
        job: {is: {admin: \(job[0]), student: \(job[1]), "in, between": \(job[2])}, other: \(other)}   # by trade
        app: {is: {true: \(app[0]), false: \(app[1])}}
    money: {margin: 0.2, loss_given_default: 0.6, use_of_limit: 1.0, max_loan: 100000, relationship: 0}
    ladder: best
    gap_days: 0
    cap_30d: 1000
    hours: 00:00-24:00
    channels:
      push: {needs: TRUE, cost: 0.01, reach: 0.9, click: 0.5, quit: 0, cap_30d: 100, best: [00:00-24:00]}
      sms: {needs: TRUE, cost: 0.05, reach: 0.9, click: 0.8, quit: 0, cap_30d: 100, best: [00:00-24:00]}
    experiment: {salt: s, holdout: 0.0, explore: 0.0}
    regions: {utc_offset: "+00:00"}
    guardrails: \(guardrails)

    """
  }

  static func text(_ yaml: String) throws -> PolicyText { try PolicyText(yaml: Array(yaml.utf8)) }

  struct Person {
    let candidate: [UInt8]
    let channel: Int
    let silentDays: Int64
  }

  static func person(_ random: inout SplitMix) -> Person {
    let age = Int.random(in: 18..<80, using: &random)
    let jobs = ["admin", "student", "in, between", "smith"]
    let days = Int64.random(in: 0..<120, using: &random)
    var line = "{\"user_id\":\"\",\"seen_at\":\(asOf - days * 86_400),\"age\":\(age)"
    line += ",\"job\":\"\(jobs[Int.random(in: 0..<4, using: &random)])\""
    line += ",\"app\":\(Bool.random(using: &random)),\"debt\":\(Int.random(in: 0..<8, using: &random))}"
    return Person(candidate: Array(line.utf8), channel: Int.random(in: 0..<2, using: &random), silentDays: days)
  }

  /// Rows of `fitted`'s bins, with what users of `truth` do.
  /// - Parameter label: may change what is known of each.
  static func set(
    _ count: Int, truth: String, fitted: Policy, seed: UInt64, label: (inout TrainingLabel) -> Void = { _ in }
  ) throws -> TrainingSet {
    var random = SplitMix(state: seed)
    let world = try text(truth).policy
    let (decider, rescorer) = (Rescorer(world), Rescorer(fitted))
    var set = TrainingSet(policy: fitted)
    for index in 0..<count {
      let person = person(&random)
      let texts = LoggedTexts(userID: [0x30], row: [], candidate: person.candidate, known: [])
      var made: TrainingLabel?
      _ = decider.score(texts, asOf: asOf) { rescored in
        let option = rescored.decision.options[person.channel]
        let p = Double(option.p) / 1e6
        let came = Double.random(in: 0..<1, using: &random) < p
        var label = TrainingLabel(
          channel: person.channel, outcome: came, hash: UInt64(index) &* 0x9E37_79B9_7F4A_7C15 >> 7)
        if came { label.isBad = Double.random(in: 0..<1, using: &random) < rescored.decision.pd }
        made = label
      }
      guard var made else { continue }
      label(&made)
      _ = rescorer.score(texts, asOf: asOf) { set.add($0, made) }
    }
    return set
  }
}
