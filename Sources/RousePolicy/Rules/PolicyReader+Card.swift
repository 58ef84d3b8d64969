import RouseCore

extension PolicyReader {
  private static let points = -1000...1000

  /// `risk.card` or `response.card` (model 4.1); null or an empty map for none.
  mutating func readCard(_ setting: Setting?, ofRisk: Bool) -> [CardRowDefinition]? {
    guard let setting else { return nil }
    if setting.isNull { return [] }
    guard let members = setting.members() else { return nil }
    var rows: [CardRowDefinition] = []
    for member in members {
      if let row = readRow(member, ofRisk: ofRisk) { rows.append(row) }
    }
    return rows
  }

  private mutating func readRow(_ setting: Setting, ofRisk: Bool) -> CardRowDefinition? {
    let slot = readRowName(setting)
    // nil: not known, and then either kind of bin is taken as meant.
    let type = slot.map { names.fields.type(ofSlot: $0) }.flatMap { $0 == .time ? nil : $0 }
    let hasAtLeast = setting.node["at_least"] != nil
    let hasIs = setting.node["is"] != nil
    let wanted = type == .text || type == .boolean ? "is" : "at_least"
    let needed = (hasAtLeast || hasIs ? [] : [wanted]) + (ofRisk ? ["code"] : [])
    let optional = ["at_least", "is", "missing"] + (hasIs ? ["other"] : []) + (ofRisk ? ["say"] : [])
    guard let row = setting.settings(needed: needed, optional: optional) else { return nil }

    let atLeast = row["at_least"]
    let isEqual = row["is"]
    if let type, type == .number, let isEqual {
      isEqual.refuseKey(.type, "\(setting.key.shown) is a number, and a number's bins stand under at_least")
    } else if let type, type != .number, let atLeast {
      atLeast.refuseKey(.type, "\(setting.key.shown) is a \(type.rawValue), and its bins stand under 'is'")
    } else if let atLeast, let isEqual {
      let later = max(atLeast.keyMark, isEqual.keyMark) == isEqual.keyMark ? isEqual : atLeast
      later.refuseKey(.unknownKey, "a row has bins under at_least or under 'is', not under both")
    }
    let rising = atLeast.flatMap { readRisingBins($0, of: setting.key) }
    let equal = isEqual.flatMap { readEqualBins($0, of: setting.key, areFlags: type == .boolean) }
    let missing = readPoints(row["missing"], of: setting.key)
    let other = readPoints(row["other"], of: setting.key)
    let code = readCode(row["code"])
    let say = row.text("say")
    guard let slot, let bins = rising.map({ .atLeast($0) }) ?? equal.map({ CardRowDefinition.Bins.isEqual($0) }) else {
      return nil
    }
    return CardRowDefinition(slot: slot, bins: bins, missing: missing ?? 0, other: other ?? 0, code: code, say: say)
  }

  private func readRowName(_ setting: Setting) -> Int? {
    if let word = names.forbiddenWord(in: setting.key) {
      setting.refuseKey(.forbidden, "guardrails.forbidden names '\(word)', so no card may score \(setting.key.shown)")
      return names.slot(named: setting.key)
    }
    let slot = slot(ofKey: setting)
    if let slot, names.fields.type(ofSlot: slot) == .time {
      setting.refuseKey(.type, "\(setting.key.shown) is a time, and a card scores numbers, flags and texts")
    }
    return slot
  }

  /// Points, within what the guardrails allow the field.
  private func readPoints(_ setting: Setting?, of field: String) -> Int? {
    guard let setting, let points = setting.whole(in: Self.points) else { return nil }
    if let cap = names.maxPoints(of: field), abs(points) > cap {
      setting.refuse(
        .proxy, "guardrails.max_points allows \(field.shown) \(cap) points up or down, and this is \(points)")
    }
    return points
  }

  private func readRisingBins(_ setting: Setting, of field: String) -> [(bound: Double, points: Int)]? {
    guard let members = setting.members(atLeastOne: true) else { return nil }
    let direction = names.monotone(of: field)
    var bins: [(bound: Double, points: Int)] = []
    for member in members {
      let bound: Double?
      switch Document.Scalar.number(member.key) {
      case .whole(let whole): bound = Double(whole)
      case .number(let number): bound = number
      default:
        bound = nil
        member.refuseKey(.value, "a bin of at_least is a number, and \(member.key.shown) is not")
      }
      let points = readPoints(member, of: field)
      if let value = bound, let last = bins.last, value <= last.bound {
        member.refuseKey(.range, "bins of at_least go up, and \(member.key.shown) does not follow the one before it")
      }
      guard let bound, let points else { continue }
      if let direction, let last = bins.last {
        let falls = direction == .up
        if falls ? points < last.points : points > last.points {
          member.refuse(
            .monotone,
            "guardrails.monotone wants the points of \(field.shown) never to \(falls ? "fall" : "rise"), "
              + "and here they go from \(last.points) to \(points)")
        }
      }
      bins.append((bound, points))
    }
    return bins
  }

  private func readEqualBins(
    _ setting: Setting, of field: String, areFlags: Bool
  ) -> [(key: String, points: Int)]? {
    guard let members = setting.members(atLeastOne: true) else { return nil }
    return members.compactMap { member in
      if areFlags, !member.key.isExactly("true"), !member.key.isExactly("false") {
        member.refuseKey(
          .value, "\(field.shown) is a flag: its bins are true and false, and \(member.key.shown) is neither")
      }
      return readPoints(member, of: field).map { (member.key, $0) }
    }
  }
}
