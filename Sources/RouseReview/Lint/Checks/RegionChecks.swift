import RouseCore
import RousePolicy

extension Linter {
  mutating func checkRegions() {
    let regions = policy.regions
    if World.regionSlot(policy) == nil {
      if let key = ["groups", "not_served", "utc_offsets"].first(where: { text.has(["regions", $0]) }) {
        add(
          .regionUndeclared, ["regions", key], atKey: true, "no candidate has a region, since it is no declared text")
      }
      return
    }
    for group in regions.groups where group.regions.isEmpty {
      add(.groupEmpty, ["regions", "groups", group.name], "the group \(group.name.shown) lists no region")
    }
    for (index, region) in regions.notServed.enumerated() {
      guard let group = regions.groups.first(where: { $0.regions.contains(where: region.isExactly) }) else { continue }
      add(
        .regionBoth, ["regions", "not_served", String(index)],
        "\(region.shown) is not served, and stands in the group \(group.name.shown)")
    }
    let isAsked = readsSlot(policy.fields.slot(.regionServed))
    if !regions.notServed.isEmpty, !isAsked {
      add(.notServedUnused, ["regions", "not_served"], atKey: true, "no condition and no card asks for region_served")
    }
    checkOffsets(isAsked)
  }

  private mutating func checkOffsets(_ isAsked: Bool) {
    let regions = policy.regions
    for (region, _) in regions.utcOffsets {
      let path = ["regions", "utc_offsets", region]
      if regions.notServed.contains(where: region.isExactly) {
        let slot = policy.fields.slot(.regionServed)
        let unserved: Search.Goal = (.flag(slot: slot), .no)
        if isAsked, isAnybodyJudged, find(.judged, [unserved]) == .impossible {
          add(.offsetNotServed, path, atKey: true, "\(region.shown) is not served, so nothing is sent there")
        }
      } else if !regions.groups.isEmpty,
        !regions.groups.contains(where: { $0.regions.contains(where: region.isExactly) })
      {
        let known = regions.groups.flatMap(\.regions) + regions.notServed
        add(
          .offsetUnknownRegion, path, atKey: true,
          "no group lists \(region.shown)" + Suggestion.sentence(for: region, among: known))
      }
    }
  }

  // MARK: - Fields

  /// Some condition or card asks for the field.
  func readsSlot(_ slot: Int) -> Bool {
    let rows = (policy.risk.card + policy.response.card).map(\.slot)
    return rows.contains(slot) || conditionSlots.contains(slot)
  }

  private var conditionSlots: Set<Int> {
    let conditions =
      policy.stages.map(\.when) + (policy.suppress + policy.knockout).map(\.when) + policy.channels.map(\.needs)
      + policy.plan.quotas.map(\.when)
    return Set(conditions.flatMap(\.slots))
  }

  /// Texts may be carried for reports and audiences, and every time of the past counts for the silence.
  mutating func checkFields() {
    let asked = conditionSlots
    let rows = Set((policy.risk.card + policy.response.card).map(\.slot))
    let stages = Set(policy.stages.flatMap { $0.since + ($0.recall?.loanFrom.map { [$0] } ?? []) })
    for (slot, field) in policy.fields.declared.enumerated() {
      guard field.kind != .texts, field.kind != .times, !asked.contains(slot), !rows.contains(slot),
        !stages.contains(slot)
      else { continue }
      guard let index = list(field.kind).firstIndex(of: field.name) else { continue }
      let path = ["fields", field.kind.key, String(index)]
      if text.isCarried(path) { continue }
      add(.fieldUnused, path, "nothing reads the field \(field.name.shown)")
    }
    for field in text.keys(["guardrails", "monotone"]) {
      guard let slot = policy.fields.slot(named: field), !rows.contains(slot) else { continue }
      add(.monotoneUnused, ["guardrails", "monotone", field], atKey: true, "no card has a row \(field.shown)")
    }
  }

  private func list(_ kind: FieldKind) -> [String] {
    guard case .list(let items) = text.node(["fields", kind.key])?.content else { return [] }
    return items.map { item in if case .scalar(let scalar) = item.content { scalar.text } else { "" } }
  }

  // MARK: - Review

  /// What a review's funnel counts besides a policy's steps.
  private static let events = ["delivered", "click", "disbursed"]

  mutating func checkReview() {
    guard text.has(["review"]) else { return }
    let known = policy.response.steps.map(\.name) + Self.events
    for target in policy.review.targets where !known.contains(where: target.name.isExactly) {
      add(
        .targetUnknown, ["review", "targets", target.name], atKey: true,
        "there is no step or event \(target.name.shown)" + Suggestion.sentence(for: target.name, among: known))
    }
    let psi = policy.review.psi
    if let index = psi.indices.dropFirst().first(where: { psi[$0] <= psi[$0 - 1] }) {
      add(
        .psiNotRising, ["review", "psi", String(index)],
        "\(shortest(psi[index])) follows \(shortest(psi[index - 1]))")
    }
    if policy.review.windowDays == nil {
      add(.windowMissing, ["review", "window_days"], "review has no window_days")
    }
    if policy.review.parity == nil, policy.regions.groups.count > 1, World.regionSlot(policy) != nil {
      add(
        .parityMissing, ["review", "parity"],
        "review has no parity, and there are \(policy.regions.groups.count) groups")
    }
  }
}
