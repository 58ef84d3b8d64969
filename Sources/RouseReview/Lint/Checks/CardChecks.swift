import RouseCore
import RousePolicy

extension Linter {
  mutating func checkCards() {
    for row in policy.risk.card { check(row, ofRisk: true) }
    for row in policy.response.card { check(row, ofRisk: false) }
  }

  private mutating func check(_ row: CardRowDefinition, ofRisk: Bool) {
    let path = [ofRisk ? "risk" : "response", "card", policy.fields.name(ofSlot: row.slot)]
    if Set(row.allPoints).count == 1 {
      add(.rowConstant, path, "every bin of the row gives \(row.missing) points, also when the value is missing")
      return
    }
    switch row.bins {
    case .atLeast(let bins): check(rising: bins, of: row, path, ofRisk: ofRisk)
    case .isEqual(let bins): check(equal: bins, of: row, path, ofRisk: ofRisk)
    }
  }

  // MARK: - Reach

  /// Nobody whom the card decides about has such a value.
  private func isUnreachable(_ value: ConditionTree, ofRisk: Bool) -> Bool {
    guard isAnybodyJudged else { return false }
    return find(ofRisk ? .weighed : .judged, [(value, .yes)]) == .impossible
  }

  private func reason(ofRisk: Bool) -> String {
    ofRisk
      ? "whoever has such a value is suppressed, not dormant or knocked out"
      : "whoever has such a value is suppressed, not dormant, knocked out or at rest"
  }

  private mutating func check(
    rising bins: [(bound: Double, points: Int)], of row: CardRowDefinition, _ path: PlacedText.Path, ofRisk: Bool
  ) {
    let keys = text.keys(path + ["at_least"])
    let value = ConditionTree.Operand.slot(row.slot)
    for (index, bin) in bins.enumerated() {
      var within: [ConditionTree] = [.compare(.atLeast, value, .number(bin.bound))]
      if index + 1 < bins.count { within.append(.compare(.less, value, .number(bins[index + 1].bound))) }
      guard keys.indices.contains(index), isUnreachable(.and(within), ofRisk: ofRisk) else { continue }
      add(
        .unreachableBin, path + ["at_least", keys[index]], atKey: true,
        "no candidate gets into the bin >=\(shortest(bin.bound)): \(reason(ofRisk: ofRisk))")
    }
    checkScale(from: bins, of: row, path, keys, ofRisk: ofRisk)
    if !ofRisk { checkSilence(bins, of: row, path, keys) }
  }

  /// A count's 0 that falls off the scale. Scores of others may begin anywhere: only counts of our own, and scales that
  /// begin at 1 or below, are taken for counts.
  private mutating func checkScale(
    from bins: [(bound: Double, points: Int)], of row: CardRowDefinition, _ path: PlacedText.Path, _ keys: [String],
    ofRisk: Bool
  ) {
    guard let first = bins.first, let key = keys.first, first.bound > 0 else { return }
    let isCount = policy.fields.derived(atSlot: row.slot) != nil || first.bound <= 1
    guard isCount, isAnybodyJudged else { return }
    let value = ConditionTree.Operand.slot(row.slot)
    let below: Search.Goal = (
      .and([.compare(.atLeast, value, .number(0)), .compare(.less, value, .number(first.bound))]), .yes
    )
    guard find(ofRisk ? .weighed : .judged, [below]) == .possible else { return }
    add(
      .scaleGap, path + ["at_least", key], atKey: true,
      "the scale begins at \(shortest(first.bound)): a candidate with 0 counts as missing")
  }

  private mutating func checkSilence(
    _ bins: [(bound: Double, points: Int)], of row: CardRowDefinition, _ path: PlacedText.Path, _ keys: [String]
  ) {
    switch policy.fields.derived(atSlot: row.slot) {
    case .silentDays, .dormantDays: break
    default: return
    }
    for index in bins.indices.dropFirst() where bins[index].points > bins[index - 1].points {
      guard keys.indices.contains(index) else { return }
      add(
        .silenceRises, path + ["at_least", keys[index]],
        "the points rise from \(bins[index - 1].points) to \(bins[index].points) as silence grows")
      return
    }
  }

  // MARK: - Texts and flags

  /// Somebody may have a value that no bin names.
  private func isOtherReached(_ bins: [(key: String, points: Int)], of row: CardRowDefinition, ofRisk: Bool) -> Bool {
    let value: ConditionTree =
      policy.fields.type(ofSlot: row.slot) == .boolean
      ? (bins.contains { $0.key == "true" } ? .not(.flag(slot: row.slot)) : .flag(slot: row.slot))
      : .inList(.slot(row.slot), bins.map { .text($0.key) }, negated: true)
    return find(ofRisk ? .weighed : .judged, [(value, .yes)]) != .impossible
  }

  /// A group that nobody can be in is told under `regions`.
  private func isLeftToRegions(_ row: CardRowDefinition, _ group: String) -> Bool {
    guard policy.fields.derived(atSlot: row.slot) == .regionGroup else { return false }
    return World.regionSlot(policy) == nil
      || policy.regions.groups.contains { $0.name.isExactly(group) && $0.regions.isEmpty }
  }

  private mutating func check(
    equal bins: [(key: String, points: Int)], of row: CardRowDefinition, _ path: PlacedText.Path, ofRisk: Bool
  ) {
    let isFlag = policy.fields.type(ofSlot: row.slot) == .boolean
    let known = names(of: row.slot)
    for bin in bins {
      let key = path + ["is", bin.key]
      if let known, !known.names.contains(where: bin.key.isExactly) {
        add(
          .unknownBin, key, atKey: true,
          "there is no \(known.what) \(bin.key.shown)" + Suggestion.sentence(for: bin.key, among: known.names))
        continue
      }
      if isLeftToRegions(row, bin.key) { continue }
      let value: ConditionTree =
        isFlag
        ? (bin.key == "true" ? .flag(slot: row.slot) : .not(.flag(slot: row.slot)))
        : .compare(.equal, .slot(row.slot), .text(bin.key))
      if isUnreachable(value, ofRisk: ofRisk) {
        add(
          .unreachableBin, key, atKey: true,
          "no candidate gets into the bin \(bin.key.shown): \(reason(ofRisk: ofRisk))")
      }
    }
    let all = isFlag ? ["true", "false"] : known?.names
    let isWhole = all.map { $0.allSatisfy { name in bins.contains { $0.key.isExactly(name) } } } ?? false
    let hasOther = text.has(path + ["other"])
    if isWhole {
      if hasOther {
        add(.otherDead, path + ["other"], "the bins name every value, so nobody gets these points")
      }
    } else if !hasOther, isOtherReached(bins, of: row, ofRisk: ofRisk), let least = bins.map(\.points).min(),
      let most = bins.map(\.points).max(),
      least > 0 || most < 0
    {
      add(
        .binsGap, path + ["is"],
        "a value that no bin names gets 0 points, \(least > 0 ? "less" : "more") than every bin here")
    }
  }
}

extension CardRowDefinition {
  /// Of every bin, of a missing value, and of a text or flag that no bin names.
  var allPoints: [Int] {
    switch bins {
    case .atLeast(let bins): bins.map(\.points) + [missing]
    case .isEqual(let bins): bins.map(\.points) + [missing, other]
    }
  }

  var least: Int { allPoints.min() ?? 0 }
  var most: Int { allPoints.max() ?? 0 }
}
