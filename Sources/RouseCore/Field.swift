/// What a declared field of a candidate may hold (model 2.2). The order is that of the policy's lists, and of a
/// candidate's issues.
package enum FieldKind: UInt8, Sendable, CaseIterable {
  /// A moment in the past: whole seconds since 1970; one ahead of now is ignored and reported.
  case times
  /// A moment that may lie ahead.
  case timesAhead
  case numbers
  case flags
  case texts

  /// The key under `fields` in a policy.
  package var key: String {
    switch self {
    case .times: "times"
    case .timesAhead: "times_ahead"
    case .numbers: "numbers"
    case .flags: "flags"
    case .texts: "texts"
    }
  }

  package var type: ValueType {
    switch self {
    case .times, .timesAhead: .time
    case .numbers: .number
    case .flags: .boolean
    case .texts: .text
    }
  }
}

/// The static type of a value in a condition (model 1.3).
package enum ValueType: String, Sendable, BitwiseCopyable {
  case number, text, boolean, time
}

/// A declared name and what it holds. Its slot is its place in `FieldTable.declared`.
package struct Field: Sendable, Equatable {
  package let name: String
  package let kind: FieldKind

  package init(name: String, kind: FieldKind) {
    self.name = name
    self.kind = kind
  }
}

/// What is known of a candidate once its stage is (model 3); each has a slot after the declared ones.
package enum DerivedField: Int, Sendable, CaseIterable {
  case stage, tier, regionGroup, dormantDays, silentDays, contacts30d, lastContactDays, regionServed

  package var name: String {
    switch self {
    case .stage: "stage"
    case .tier: "tier"
    case .regionGroup: "region_group"
    case .dormantDays: "dormant_days"
    case .silentDays: "silent_days"
    case .contacts30d: "contacts_30d"
    case .lastContactDays: "last_contact_days"
    case .regionServed: "region_served"
    }
  }

  package var type: ValueType {
    switch self {
    case .stage, .tier, .regionGroup: .text
    case .dormantDays, .silentDays, .contacts30d, .lastContactDays: .number
    case .regionServed: .boolean
    }
  }
}

/// Every name that a condition or a card may use, and its slot in a `CandidateRow`: the declared fields in the order of
/// their kinds, then the derived ones, then `now`.
package struct FieldTable: Sendable {
  /// Sorted by kind; within a kind in the policy's order.
  package let declared: [Field]
  /// The declared texts'.
  package let textSlots: [Int]
  private let slots: [String: Int]

  /// - Parameter declared: in any order; names are ASCII and distinct (the policy's reader has checked that).
  package init(declared: [Field]) {
    self.declared = FieldKind.allCases.flatMap { kind in declared.filter { $0.kind == kind } }
    var slots: [String: Int] = [:]
    for (slot, field) in self.declared.enumerated() where slots[field.name] == nil { slots[field.name] = slot }
    for derived in DerivedField.allCases where slots[derived.name] == nil {
      slots[derived.name] = self.declared.count + derived.rawValue
    }
    slots["now"] = self.declared.count + DerivedField.allCases.count
    self.slots = slots
    textSlots = self.declared.indices.filter { [declared = self.declared] in declared[$0].kind == .texts }
  }

  package var slotCount: Int { declared.count + DerivedField.allCases.count + 1 }
  package var nowSlot: Int { slotCount - 1 }

  package func slot(_ derived: DerivedField) -> Int { declared.count + derived.rawValue }

  /// The slot of any name, declared, derived or `now`.
  package func slot(named name: String) -> Int? { slots[name] }

  package func derived(atSlot slot: Int) -> DerivedField? { DerivedField(rawValue: slot - declared.count) }

  package func name(ofSlot slot: Int) -> String {
    if slot < declared.count { return declared[slot].name }
    return derived(atSlot: slot)?.name ?? "now"
  }

  package func type(ofSlot slot: Int) -> ValueType {
    if slot < declared.count { return declared[slot].kind.type }
    return derived(atSlot: slot)?.type ?? .time
  }
}
