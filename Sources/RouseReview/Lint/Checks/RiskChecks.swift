import RouseCore
import RousePolicy

extension Linter {
  mutating func checkRisk() {
    checkThin()
    checkCutoff()
    checkReasons()
  }

  private mutating func checkThin() {
    guard let thin = policy.risk.thin else { return }
    let path = ["risk", "thin"]
    if thin.knownBelow == 0 || policy.risk.card.isEmpty {
      add(.thinNever, path + ["known_below"], "fewer than \(thin.knownBelow) known rows are never counted")
    } else if thin.points == 0 {
      add(.thinNever, path + ["points"], "the points are 0, so knowing little costs nothing")
    } else if thin.knownBelow > policy.risk.card.count {
      add(
        .thinAlways, path + ["known_below"],
        "the card has \(policy.risk.card.count) rows, so fewer than \(thin.knownBelow) are always known")
    }
  }

  /// A card of one row is left alone: the row is the score. So is the least cutoff that can be written: none is wanted.
  private mutating func checkCutoff() {
    let risk = policy.risk
    let card = risk.card
    guard card.count > 1, risk.cutoff > -10_000 else { return }
    // Thin points come on top where little is known.
    let worst = card.reduce(risk.baseScore) { $0 + $1.least } + (risk.thin?.points ?? 0)
    let best = card.reduce(risk.baseScore) { $0 + $1.most }
    if worst >= risk.cutoff {
      add(
        .cutoffEverybody, ["risk", "cutoff"],
        "the worst candidate has \(worst) points, and the cutoff is \(risk.cutoff)")
      return
    }
    if best < risk.cutoff {
      add(.cutoffNobody, ["risk", "cutoff"], "the best candidate has \(best) points, and the cutoff is \(risk.cutoff)")
      return
    }
    let worstKnown = card.reduce(risk.baseScore) { $0 + $1.least }
    for row in card {
      let path = ["risk", "card", policy.fields.name(ofSlot: row.slot)]
      if worstKnown - row.least + row.most >= risk.cutoff, worstKnown < risk.cutoff {
        add(
          .rowOutweighs, path,
          "with every other row at its worst, this row alone lifts the score to \(worstKnown - row.least + row.most), "
            + "over the cutoff of \(risk.cutoff)")
      } else if best - row.most + row.least < risk.cutoff {
        add(
          .hiddenKnockout, path,
          "with every other row at its best, this row alone brings the score to \(best - row.most + row.least), "
            + "below the cutoff of \(risk.cutoff)")
      }
    }
  }

  /// Rows whose code others always crowd out.
  private mutating func checkReasons() {
    let risk = policy.risk
    let card = risk.card
    // A knock-out declines too, and leaves room for the row that lost most, whatever that is.
    if !policy.knockout.isEmpty, risk.reasons > 1 { return }
    let best = card.reduce(risk.baseScore) { $0 + $1.most }
    let needed = best - risk.cutoff + 1
    guard card.count > 1, needed > 0 else { return }
    for (index, row) in card.enumerated() {
      let most = row.most - row.least
      if most == 0 { continue }
      let others = card.indices.filter { $0 != index }.map { other in
        // The greatest loss that does not come before this row's, and the greatest of all.
        let losses = card[other].allPoints.map { card[other].most - $0 }
        let below = losses.filter { other > index ? $0 <= most : $0 < most }.max() ?? 0
        return (below: below, all: losses.max() ?? 0)
      }
      let gains = others.map { $0.all - $0.below }.sorted(by: >).prefix(max(0, risk.reasons - 1))
      let lost = most + others.reduce(0) { $0 + $1.below } + gains.reduce(0, +) - (risk.thin?.points ?? 0)
      if lost < needed {
        add(
          .reasonNever, ["risk", "card", policy.fields.name(ofSlot: row.slot), "code"],
          "whoever is declined lost more points in \(risk.reasons == 1 ? "another row" : "\(risk.reasons) other rows")")
      }
    }
  }

  mutating func checkRecency() {
    for stage in policy.stages {
      guard let recall = stage.recall, policy.response.floor < 0 else { continue }
      let halfLife = recall.halfLife ?? policy.response.halfLife
      let recency = Recency(halfLife: halfLife, floor: policy.response.floor)
      guard recall.dormantDays > 0, recency.points(silentDays: recall.dormantDays) <= policy.response.floor else {
        continue
      }
      let path = recall.halfLife == nil ? ["response", "floor"] : ["stages", stage.name, "half_life"]
      add(
        .recencyFlat, path,
        "in the stage \(stage.name.shown) \(recall.dormantDays) days of silence, at which users become dormant, already "
          + "cost the floor of \(policy.response.floor) points")
      if recall.halfLife == nil { return }
    }
  }
}
