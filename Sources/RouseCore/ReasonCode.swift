/// The model's own codes (model 11), numbered as they stand at the head of `Policy.codes`.
package enum ReasonCode: Int, Sendable, CaseIterable {
  case i01, i02, i03, a01, a02, c01, c02, c03, c04, c05, c06, c07, x01, e01

  package var code: String {
    switch self {
    case .i01: "I01"
    case .i02: "I02"
    case .i03: "I03"
    case .a01: "A01"
    case .a02: "A02"
    case .c01: "C01"
    case .c02: "C02"
    case .c03: "C03"
    case .c04: "C04"
    case .c05: "C05"
    case .c06: "C06"
    case .c07: "C07"
    case .x01: "X01"
    case .e01: "E01"
    }
  }

  package var say: String {
    switch self {
    case .i01: "Not a JSON object, or no usable user_id"
    case .i02: "No stage holds, or its clock is missing"
    case .i03: "The same user_id came earlier in this rank"
    case .a01: "In a stage that is never recalled"
    case .a02: "Not dormant yet"
    case .c01: "No channel may be used"
    case .c02: "Contacted less than gap_days ago"
    case .c03: "cap_30d contacts reached"
    case .c04: "Every open channel has reached its cap"
    case .c05: "Taken by another campaign's lease"
    case .c06: "Has opted out, by the ledger"
    case .c07: "Has complained, by the ledger"
    case .x01: "In the holdout"
    case .e01: "Costs more than it brings"
    }
  }
}
