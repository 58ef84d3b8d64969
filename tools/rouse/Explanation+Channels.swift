import Foundation
import RouseWire

extension Explanation {
  mutating func channels() {
    guard let channels = explain["channels"]?.items, !channels.isEmpty else { return }
    section("Channels")
    if let contact = explain["contact"] {
      var line = "ladder \(word(contact["ladder"])); \(number(contact["contacts_30d"])) of at most "
      line += "\(number(contact["cap_30d"])) contacts in 30 days, \(number(contact["gap_days"])) days apart"
      if let last = contact["last_contact"]?.text { line += "; the last one \(harmless(shownMoment(last)))" }
      paragraph(line)
    }
    for channel in channels { self.channel(channel) }
  }

  private mutating func channel(_ channel: JSONValue) {
    let isChosen = channel["chosen"]?.boolean == true
    var line = "\(isChosen ? "*" : "-") \(word(channel["channel"])): \(word(channel["state"]))"
    if let rung = channel["rung"]?.whole { line += ", rung \(rung)" }
    line += ", \(number(channel["recent"])) of \(number(channel["cap"])) used"
    line += ", needs \(word(channel["needs"])): \(word(channel["truth"]))"
    paragraph(line)
    if channel["p"] != nil {
      if channel["chance"] != nil {
        let chance = number(channel["chance"])
        let points = row["points"]?.whole ?? 0
        paragraph(
          "    odds = \(chance) / (1 - \(chance)) x 2^(\(points) / 20) = \(number(channel["odds"])), "
            + "so p = \(number(channel["p"]))")
      } else {
        paragraph("    p = \(number(channel["p"]))")
      }
      var sums = "    spend \(number(channel["spend"])), value \(number(channel["value"]))"
      sums += ", paid out \(number(channel["capital"])), worth \(number(channel["worth"]))"
      if let at = channel["send_at"]?.text { sums += ", at \(harmless(shownMoment(at)))" }
      paragraph(sums)
      paragraph(valueFormula(channel))
    }
    if let because = channel["because"]?.text, because != channel["state"]?.text {
      paragraph("    \(isChosen ? "chosen: " : "not chosen: ")\(harmless(because))")
    }
  }

  /// What a contact brings, less what it costs, less what it costs in people who leave: the policy's `quit`.
  private func valueFormula(_ channel: JSONValue) -> String {
    let money = explain["money"]
    guard let p = channel["p"]?.number, let share = money?["incremental"]?.number,
      let each = money?["per_loan"]?.number,
      let spend = channel["spend"]?.number, let value = channel["value"]?.number
    else { return "" }
    return "    value = \(number(channel["p"])) x \(number(money?["incremental"])) x \(number(money?["per_loan"])) - "
      + "\(number(channel["spend"])) - \(shownNumber(max(0, p * share * each - spend - value), decimals: 3)) for those who quit"
  }

  mutating func arm() {
    guard let experiment = explain["experiment"], !experiment.isNull else { return }
    section("Experiment")
    paragraph(
      "share \(number(experiment["share"])) of the user's hash: below \(number(experiment["holdout_below"])) held out, "
        + "below \(number(experiment["explore_below"])) exploring; so \(word(experiment["arm"]))")
  }

  mutating func turns() {
    if let change = explain["change"] {
      section("What would change it")
      paragraph(change.isNull ? "no single change of a fact" : turn(change))
    }
    guard let turns = explain["could_turn"]?.items, !turns.isEmpty else { return }
    section("Missing facts that could turn it")
    for item in turns { paragraph(turn(item)) }
  }

  private func turn(_ turn: JSONValue) -> String {
    var line = word(turn["field"])
    let to = turn["to"]?.isNull ?? true ? "missing" : word(turn["to"])
    if let from = turn["from"], !from.isNull { line += " from \(word(from)) to \(to)" } else { line += " being \(to)" }
    line += ": \(word(turn["status"]))"
    let reasons = turn["reasons"]?.items.map(word) ?? []
    return line + (reasons.isEmpty ? "" : " (\(reasons.joined(separator: " ")))")
  }

  /// Name, bin, points, and the reason code if the row may give one.
  func card(_ rows: JSONValue?) -> [[String]] {
    (rows?.items ?? []).map { row in
      let points = row["points"]?.whole ?? 0
      let code = points < row["top"]?.whole ?? 0 ? word(row["code"]) : ""
      return [word(row["name"]), word(row["bin"]), signed(points), code]
    }
  }

  /// Rounded for the eye; `--json` has every digit.
  func number(_ value: JSONValue?) -> String {
    guard case .number(let text)? = value else { return value.map { harmless($0.json) } ?? "?" }
    guard let double = Double(text), text.utf8.count > 10, abs(double) < 1e15 else { return text }
    return shownNumber(double)
  }

  func points(_ value: JSONValue?) -> String { value?.whole.map(signed) ?? number(value) }
}

/// Up to six decimals, without trailing zeros; the same in every locale.
private func shownNumber(_ value: Double, decimals: Int = 6) -> String {
  var text = String(format: "%.\(decimals)f", value)
  while text.last == "0" { text.removeLast() }
  if text.last == "." { text.removeLast() }
  return text == "-0" ? "0" : text
}
