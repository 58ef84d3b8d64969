import RouseCore
import RouseReview

/// A ledger in which anything may happen to a few users.
struct RandomLedger {
  var source = MemorySource()

  init(seed: UInt64) {
    var state = seed
    func next(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
    let start = Example.noon - 20 * Example.day
    let users = 12 + next(20)
    let stages = ["granted", "settled", "applying", "gone"]
    let channels = ["push", "sms", "call", "pigeon"]
    for plan in 1...(3 + next(6)) {
      let made = start + Int64(plan) * Int64(next(8) + 1) * Example.day
      var rank = 0
      for user in 0..<users where next(3) > 0 {
        let isGhost = next(4) == 0
        if !isGhost { rank += 1 }
        source.rows.append(
          (
            Example.row(
              user, plan: plan, made: made, rank: isGhost ? 0 : rank, channel: channels[next(3)],
              arm: next(5) == 0 ? "explore" : "policy", stage: stages[next(4)], tier: ["3m", "6m", "all"][next(3)],
              region: [nil, "A", "unknown", "Z"][next(4)], campaign: [nil, "march", "april"][next(3)],
              value: Int64(next(5_000_000)), spend: Int64(next(900_000)), p: Int64(next(200_000)),
              pd: Int64(next(300_000))), nil
          ))
      }
    }
    let kinds = [
      "contact", "contact", "delivered", "click", "login", "submit", "withdraw", "reborrow", "disbursed", "repaid",
      "defaulted", "quit", "complaint", "opt_out", "opt_in",
    ]
    // No two of a user in one second: their order would decide.
    for number in 0..<(100 + next(300)) {
      let kind = kinds[next(kinds.count)]
      source.events.append(
        LoggedEvent(
          user: next(users + 2), kind: kind, at: start + Int64(next(60)) * Example.day + Int64(number),
          channel: kind == "contact" ? channels[next(4)] : nil,
          plan: [nil, nil, "P\(next(9))", "x"][next(4)], campaign: next(9) == 0 ? "may" : nil,
          amount: ["disbursed", "repaid", "defaulted"].contains(kind) && next(3) > 0 ? Int64(next(9)) * 1_000_000 : nil,
          cost: kind == "contact" && next(2) == 0 ? Int64(next(500_000)) : nil))
    }
  }
}
