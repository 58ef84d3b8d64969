import RouseCore

extension PolicyNames {
  /// Field names are ASCII; another text could equal one only for `==`.
  func maxPoints(of field: String) -> Int? { slot(named: field) == nil ? nil : maxPoints[field] }
  func monotone(of field: String) -> Direction? { slot(named: field) == nil ? nil : monotone[field] }
}

extension PolicyReader {
  /// `guardrails`, opened so far that the forbidden words are known: the fields are checked against them.
  mutating func openGuardrails(_ setting: Setting?) -> Settings? {
    let guardrails = setting?.settings(needed: [], optional: ["forbidden", "max_points", "monotone"])
    for word in guardrails?["forbidden"]?.items() ?? [] {
      if let word = word.text() { names.forbidden.insert(word.asciiLowercased) }
    }
    return guardrails
  }

  /// The guardrails that name fields (model 1.5).
  mutating func readGuardrails(_ guardrails: Settings?) {
    for member in guardrails?["max_points"]?.members() ?? [] {
      let slot = slot(ofKey: member)
      let cap = member.whole(in: 0...1000)
      // A cap that cannot be read still makes a proxy of its field.
      if slot != nil { names.cap(member.key, at: cap ?? 1000) }
    }
    for member in guardrails?["monotone"]?.members() ?? [] {
      let slot = slot(ofKey: member)
      if let slot, names.fields.type(ofSlot: slot) != .number {
        member.refuseKey(.type, "\(member.key.shown) is no number, and only a number's points rise or fall")
      }
      if let direction = member.choice(of: PolicyNames.Direction.self), slot != nil {
        names.monotone[member.key] = direction
      }
    }
  }
}
