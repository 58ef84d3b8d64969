import RouseWire

/// What a committed plan is called, and for how long its contacts are taken: beside the totals of a rank that commits.
struct PlanCommitment {
  static let members = ["plan_id", "leased_until", "replayed"]

  private let answer: JSONValue

  /// nil where nothing was committed.
  init?(_ answer: JSONValue) {
    guard answer["plan_id"] != nil else { return nil }
    self.answer = answer
  }

  var text: String {
    let wasMade = answer["replayed"]?.boolean == true ? ", made before with this plan key" : ""
    var lines = [("Plan", word(answer["plan_id"]) + wasMade)]
    if let campaign = answer["campaign"]?.text { lines.append(("Campaign", harmless(campaign))) }
    if let made = answer["made"]?.text { lines.append(("Made", harmless(shownMoment(made)))) }
    lines.append(("Taken", "its users, until \(harmless(shownMoment(answer["leased_until"]?.text)))"))
    return titled(lines) + "\n"
  }
}
