import RouseWire

/// What a server knows of a user, as a person would write it down.
struct UserReport: Sheet {
  private let user: JSONValue
  var lines: [String] = []

  init(_ user: JSONValue) { self.user = user }

  var text: String {
    var copy = self
    copy.head()
    copy.events()
    copy.plans()
    copy.candidate()
    return copy.lines.joined(separator: "\n") + "\n"
  }

  private mutating func head() {
    if let decision = user["decision"], !decision.isNull {
      let explanation = Explanation(decision)
      lines += explanation.verdict
      if let stage = decision["stage"] {
        paragraph("stage " + (stage.isNull ? "none" : word(stage)) + explanation.quiet)
      }
    } else {
      lines.append("\(word(user["user_id"])): not in the audience, so nothing is decided")
    }
    if user["opted_out"]?.boolean == true { paragraph("has opted out: no contact") }
    if user["complained"]?.boolean == true { paragraph("has complained: no contact") }
    if let until = user["leased_until"]?.text { paragraph("taken by a plan until \(harmless(shownMoment(until)))") }
  }

  private mutating func events() {
    let events = user["events"]?.items ?? []
    let all = user["event_count"]?.whole ?? events.count
    section(all == events.count ? "Events" : "Events, the latest \(grouped(events.count)) of \(grouped(all))")
    if events.isEmpty { paragraph("none") }
    rows(
      events.map { event in
        var parts: [String] = []
        if let campaign = event["campaign"]?.text { parts.append("campaign \(harmless(campaign))") }
        if let plan = event["plan"]?.text { parts.append("plan \(harmless(plan))") }
        if let amount = event["amount"]?.number { parts.append("amount \(shownMoney(amount))") }
        if let cost = event["cost"]?.number { parts.append("cost \(shownMoney(cost))") }
        return [
          harmless(shownMoment(event["at"]?.text)), word(event["kind"]), word(event["channel"]),
          parts.joined(separator: ", "),
        ]
      })
  }

  private mutating func plans() {
    let plans = user["plans"]?.items ?? []
    if plans.isEmpty { return }
    section("Plans")
    rows(
      plans.map { plan in
        let rank = plan["rank"]?.whole ?? 0
        return [
          word(plan["plan_id"]), rank > 0 ? "rank \(grouped(rank))" : "held out", word(plan["channel"]),
          plan["leased_until"]?.text.map { "lease until \(harmless(shownMoment($0)))" } ?? "",
        ]
      })
  }

  private mutating func candidate() {
    guard let candidate = user["candidate"], !candidate.isNull else { return }
    section("Candidate")
    rows(candidate.leaves.filter { $0.path != "user_id" }.map { [harmless($0.path), word($0.value)] })
  }
}

extension JSONValue {
  /// `device.os` and the like: what is in objects within objects, by its path.
  var leaves: [(path: String, value: JSONValue)] {
    members.flatMap { member -> [(path: String, value: JSONValue)] in
      guard case .object(let inner) = member.value, !inner.isEmpty else { return [(member.name, member.value)] }
      return member.value.leaves.map { ("\(member.name).\($0.path)", $0.value) }
    }
  }
}
