import Glibc
import RouseCore

/// Old and new policy on rows that neither was fitted on.
struct HoldoutReport {
  private let set: TrainingSet
  private let since: Int64?
  private let old: Policy
  private let new: Policy

  init(_ split: TrainingSplit, old: Policy, new: Policy) {
    set = split.later
    since = split.since
    self.old = old
    self.new = new
  }

  var tree: JSONTree {
    guard set.count > 0 else { return .null }
    return .object([
      ("rows", .whole(set.count)), ("outcomes", .rate(Rate(set.outcomes, of: set.count))),
      ("since", since.map { .text(Moment.format($0, offsetMinutes: 0)) } ?? .null),
      ("split", .text(since == nil ? "hash" : "time")), ("old", side(old)), ("new", side(new)),
    ])
  }

  private func side(_ policy: Policy) -> JSONTree {
    let outlook = set.rows.indices.map { Outlook(set, $0, under: policy) }
    let chances = outlook.map(\.p)
    let outcomes = set.rows.map(\.label.outcome)
    let found = Discrimination(scores: chances, outcomes: outcomes)
    let loss = zip(chances, outcomes).reduce(0.0) { sum, row in
      let p = min(max(row.0, 1e-12), 1 - 1e-12)
      return sum - log(row.1 ? p : 1 - p)
    }
    // What a contact really brought, by the policy being replaced: a change of policy does not change the past.
    let gains = set.rows.indices.map { row in Outlook.gain(set, row, under: old) }
    let order = outlook.indices.sorted {
      outlook[$0].value > outlook[$1].value || outlook[$0].value == outlook[$1].value && $0 < $1
    }
    let chosen = outlook.indices.filter { outlook[$0].value > 0 }
    var curve: [JSONTree] = []
    var sum = 0.0
    var next = 0
    for part in 0...20 {
      let count = set.count * part / 20
      while next < count {
        sum += gains[order[next]]
        next += 1
      }
      curve.append(
        .object([("share", .number(Double(part) / 20)), ("contacts", .whole(count)), ("profit", .number(money(sum)))]))
    }
    return .object([
      ("policy", .text(policy.version)), ("auc", .optional(found?.auc)), ("ks", .optional(found?.ks)),
      ("log_loss", .number(loss / Double(set.count))),
      ("lift_10", .optional(Discrimination.lift(at: 0.1, scores: chances, outcomes: outcomes))),
      ("lift_20", .optional(Discrimination.lift(at: 0.2, scores: chances, outcomes: outcomes))),
      ("mean_p", .number(chances.reduce(0, +) / Double(set.count))),
      ("contacts", .whole(chosen.count)), ("profit", .number(money(chosen.reduce(0) { $0 + gains[$1] }))),
      ("profit_all", .number(money(gains.reduce(0, +)))), ("calibration", calibration(chances, outcomes)),
      ("profit_curve", .list(curve)),
    ])
  }

  /// Ten bands of as many rows each, by p.
  private func calibration(_ chances: [Double], _ outcomes: [Bool]) -> JSONTree {
    let order = chances.indices.sorted { chances[$0] < chances[$1] || chances[$0] == chances[$1] && $0 < $1 }
    var bands: [JSONTree] = []
    for part in 0..<10 {
      let rows = order[order.count * part / 10..<order.count * (part + 1) / 10]
      let sum = rows.reduce(0.0) { $0 + chances[$1] }
      guard let band = CalibrationBand(sum: sum, outcomes: rows.count { outcomes[$0] }, of: rows.count) else {
        continue
      }
      bands.append(
        .object([
          ("expected", .number(band.expected)), ("observed", .rate(band.observed)),
          ("shift", band.shift.map { .whole($0) } ?? .null),
        ]))
    }
    return .list(bands)
  }

  private func money(_ value: Double) -> Double { (value * 1e6).rounded() / 1e6 }
}

/// What a policy expects of a row on the channel that it was contacted on (model 7).
struct Outlook {
  var p: Double
  var value: Double

  init(_ set: TrainingSet, _ index: Int, under policy: Policy) {
    p = 0
    value = 0
    let row = set.rows[index]
    guard let recall = policy.stages[row.stage].recall, recall.chance.indices.contains(row.label.channel) else {
      return
    }
    var points = recall.points + row.recency
    var risk = 0
    var known = 0
    for (at, characteristic) in policy.risk.rows.enumerated() {
      let place = set.place(index, risk: at)
      if place != 1 { known += 1 }
      risk += characteristic.points(ofPlace: place)
    }
    let definition = policy.definition
    if let thin = definition.risk.thin, known < thin.knownBelow { risk += thin.points }
    if recall.isAheadOfUnderwriting {
      points += Int(Micros.halfUp(Double(risk) * (definition.risk.underwriting?.follow ?? 0)))
    }
    for (at, characteristic) in policy.response.rows.enumerated() {
      points += characteristic.points(ofPlace: set.place(index, response: at))
    }
    let chance = recall.chance[row.label.channel]
    p = Odds.share(Odds.scale(chance / (1 - chance), points))
    let channel = definition.channels[row.label.channel]
    let pd = policy.pd(riskScore: definition.risk.baseScore + risk, stage: row.stage)
    let perLoan = row.amount * ((1 - pd) * definition.money.margin - pd * definition.money.lossGivenDefault)
    let spend = channel.cost + p * recall.coupon
    value =
      p * recall.incremental * perLoan - spend
      - channel.quit * Double(1 + row.contacts30d) * definition.money.relationship
  }

  /// What the contact brought, as far as the policy's money tells.
  static func gain(_ set: TrainingSet, _ index: Int, under policy: Policy) -> Double {
    let row = set.rows[index]
    let definition = policy.definition
    guard let recall = policy.stages[row.stage].recall, definition.channels.indices.contains(row.label.channel) else {
      return 0
    }
    let channel = definition.channels[row.label.channel]
    var gain = -channel.cost - channel.quit * Double(1 + row.contacts30d) * definition.money.relationship
    guard row.label.outcome else { return gain }
    let money = definition.money
    let perLoan: Double
    switch row.label.isBad {
    case true?: perLoan = -row.amount * money.lossGivenDefault
    case false?: perLoan = row.amount * money.margin
    case nil:
      var risk = 0
      for (at, characteristic) in policy.risk.rows.enumerated() {
        risk += characteristic.points(ofPlace: set.place(index, risk: at))
      }
      let pd = policy.pd(riskScore: definition.risk.baseScore + risk, stage: row.stage)
      perLoan = row.amount * ((1 - pd) * money.margin - pd * money.lossGivenDefault)
    }
    gain += recall.incremental * perLoan - recall.coupon
    return gain
  }
}

extension Scorecard.Row {
  /// Points of an attribute as `TrainingSet` counts them: 0 other, 1 missing, then the bins.
  func points(ofPlace place: Int) -> Int { points(ofBin: Int32(place) - 2) }
}
