import Foundation
import RouseWire

/// A decision with its explanation, as a person would write it down. Parts that the decision did not come to are left out.
struct Explanation: Sheet {
  let row: JSONValue
  let explain: JSONValue
  var lines: [String] = []

  init(_ row: JSONValue) {
    self.row = row
    explain = row["explain"] ?? .null
  }

  var text: String {
    var copy = self
    copy.result()
    copy.facts()
    copy.stage()
    copy.rules()
    copy.risk()
    copy.response()
    copy.money()
    copy.channels()
    copy.arm()
    copy.turns()
    return copy.lines.joined(separator: "\n") + "\n"
  }

  /// What was decided, without why.
  var verdict: [String] {
    var copy = self
    copy.result()
    return copy.lines
  }

  // MARK: - Parts

  private mutating func result() {
    let user = word(row["user_id"])
    let status = word(row["status"])
    var line = "\(user): \(status)"
    let reasons = row["reasons"]?.items.map(word) ?? []
    if !reasons.isEmpty { line += " (\(reasons.joined(separator: " ")))" }
    if let best = row["best"] {
      line += status == "eligible" ? ", by " : ", at best by "
      line += "\(word(best["channel"])) at \(harmless(shownMoment(best["send_at"]?.text)))"
      line += ", worth \(number(best["value"]))"
    }
    if let until = row["until"]?.text { line += ", until \(harmless(shownMoment(until)))" }
    lines.append(line)
    if let validUntil = row["valid_until"] {
      let moment = validUntil.text.map { harmless(shownMoment($0)) }
      paragraph(moment.map { "valid until \($0), if nothing happens" } ?? "time alone will not change it")
    }
    for issue in row["issues"]?.items ?? [] { lines.append("  " + word(issue)) }
    if let ignored = row["ignored"]?.whole {
      lines.append("  \(ignored) of its members are no fields of the policy")
    }
  }

  private mutating func facts() {
    let facts = explain["facts"]?.items ?? []
    let known = facts.filter { $0["source"]?.text != "missing" }
    section("Facts")
    rows(
      known.map { fact in
        let source = fact["source"]?.text == "candidate" ? "" : word(fact["source"])
        return [word(fact["name"]), fact["value"]?.isNull ?? true ? "-" : word(fact["value"]), source]
      })
    let missing = facts.filter { $0["source"]?.text == "missing" }.map { word($0["name"]) }
    if !missing.isEmpty { list("missing:", missing) }
  }

  private mutating func stage() {
    section("Stage")
    rows((explain["stages"]?.items ?? []).map { [word($0["stage"]), word($0["truth"]), word($0["when"])] })
    guard let stage = row["stage"] else { return }
    var line = "the first that holds: " + (stage.isNull ? "none" : word(stage))
    if let clock = explain["clock"]?.text { line += ", since \(harmless(shownMoment(clock)))" }
    paragraph(line + quiet)
  }

  /// For how long nothing was heard.
  var quiet: String {
    var text = ""
    if let days = row["dormant_days"]?.whole { text += ", dormant for \(days) days" }
    if let days = row["silent_days"]?.whole { text += ", silent for \(days)" }
    if let tier = row["tier"]?.text { text += ", tier \(harmless(tier))" }
    return text
  }

  private mutating func rules() {
    guard let rules = explain["rules"]?.items, !rules.isEmpty else { return }
    section("Rules")
    rows(
      rules.map {
        let kind = $0["kind"]?.text == "knockout" ? "knock out" : word($0["kind"])
        return [kind, word($0["code"]), word($0["truth"]), word($0["when"]), word($0["say"])]
      })
  }

  private mutating func risk() {
    guard let risk = explain["risk"] else { return }
    section("Risk")
    var items = [["base", "", number(risk["base_score"]), ""]]
    items += card(risk["rows"])
    if let thin = risk["thin"], !thin.isNull {
      items.append([
        "thin", "\(number(thin["known"])) known, enough from \(number(thin["known_below"]))", points(thin["points"]),
        "",
      ])
    }
    items.append(["score", "cutoff \(number(risk["cutoff"]))", number(risk["score"]), ""])
    rows(items, numbers: [2])
    let lift = risk["lift"]?.whole ?? 0
    let lifted = lift == 0 ? "" : " \(lift < 0 ? "-" : "+") \(abs(lift)) (underwriting to come)"
    paragraph(
      "odds of good = \(number(risk["base_odds"])) x 2^((\(number(risk["score"])) - \(number(risk["base_score"]))\(lifted))"
        + " / 20) = \(number(risk["odds"]))")
    paragraph("PD = 1 / (1 + \(number(risk["odds"]))) = \(number(risk["pd"]))")
  }

  private mutating func response() {
    guard let response = explain["response"], !response.isNull else { return }
    section("Response")
    var items = [["stage", word(row["stage"]), points(response["stage_points"])]]
    if let recency = response["recency"], !recency.isNull {
      let what = "\(number(recency["silent_days"])) days silent, odds halve in \(number(recency["half_life"]))"
      items.append(["recency", what, points(recency["points"])])
    }
    if let approval = response["approval"], !approval.isNull {
      let what = "risk score \(number(row["risk_score"])), followed by \(number(approval["follow"]))"
      items.append(["approval", what, points(approval["points"])])
    }
    items += card(response["rows"]).map { Array($0.dropLast()) }
    items.append(["points", "+20 double the odds", points(response["points"])])
    rows(items, numbers: [2])
    let steps = response["steps"]?.items.map { "\(word($0["step"])) \(number($0["rate"]))" } ?? []
    if !steps.isEmpty { paragraph("steps to go: " + steps.joined(separator: " x ")) }
  }

  private mutating func money() {
    guard let money = explain["money"], !money.isNull else { return }
    section("Money")
    var from = word(money["from"])
    if from == "loan" {
      from = "the stage's own"
    } else if let use = money["use_of_limit"] {
      from += ", of which \(number(use)) is used"
    }
    paragraph("amount = \(number(money["amount"])) (\(from)), at most \(number(money["max_loan"]))")
    paragraph(
      "one brings \(number(money["amount"])) x ((1 - \(number(money["pd"]))) x \(number(money["margin"])) - "
        + "\(number(money["pd"])) x \(number(money["loss_given_default"]))) = \(number(money["per_loan"]))")
    paragraph(
      "coupon \(number(money["coupon"])), share that would not come alone \(number(money["incremental"])), a lost "
        + "relationship costs \(number(money["relationship"]))")
  }
}
