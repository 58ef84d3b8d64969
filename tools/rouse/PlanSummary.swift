import Foundation
import RouseWire

/// The totals of a rank in words: what it costs, what it brings, what binds, and who was left out and why.
struct PlanSummary {
  private let plan: JSONValue

  init(_ plan: JSONValue) { self.plan = plan }

  var text: String {
    var lines: [(String, String)] = []
    let contacts = plan["contacts"]?.whole ?? 0
    let channels =
      plan["by_channel"]?.members.filter { $0.value.whole != 0 }
      .map { "\(harmless($0.name)) \(grouped($0.value.whole ?? 0))" } ?? []
    let among = "\(grouped(contacts)) of \(grouped(plan["lines"]?.whole ?? 0)) candidates"
    lines.append(("Contacts", among + (channels.isEmpty ? "" : ": " + channels.joined(separator: ", "))))
    lines.append(("Spend", "\(money("spend")) expected, with \(money("capital")) paid out"))
    lines.append(("Value", "\(money("value")) expected"))
    lines.append(
      (
        "Net value",
        "\(money("net_value")), and no plan within the limits brings more than \(money("net_value_at_most"))"
      ))
    let cuts = plan["cut"]?.items ?? []
    if cuts.isEmpty {
      let waiting = plan["status"]?["waitlist"]?.whole ?? 0
      let none = "none binds: every contact that pays is on the list"
      lines.append(("Limits", waiting == 0 ? none : "none has a price, but \(grouped(waiting)) did not fit"))
    }
    for (index, cut) in cuts.enumerated() {
      let used = "\(harmless(cut["limit"]?.text ?? "")) \(amount(cut["used"])) of \(amount(cut["max"]))"
      lines.append((index == 0 ? "Limits" : "", used + (cut["say"]?.text.map { "; " + harmless($0) } ?? "")))
    }
    return titled(lines) + "\n" + StatusSummary(plan, title: "Left out, and why", skipping: ["contact"]).text
  }

  private func money(_ name: String) -> String { shownMoney(plan[name]?.number ?? 0) }

  private func amount(_ value: JSONValue?) -> String {
    value?.whole.map(grouped) ?? value?.number.map(shownMoney) ?? ""
  }
}

/// Counts by status, with what each means.
struct StatusSummary {
  private let totals: JSONValue
  private let title: String
  private let skipped: [String]

  init(_ totals: JSONValue, title: String, skipping skipped: [String] = []) {
    self.totals = totals
    self.title = title
    self.skipped = skipped
  }

  private static let meanings = [
    "invalid": "no usable candidate: not JSON, no user_id, the same user_id again, or in no stage",
    "suppressed": "a rule says: do not contact",
    "active": "not dormant, or in a stage that is never recalled",
    "declined": "too risky, or a knock-out rule holds",
    "resting": "contacted too recently or too often, or no channel is open",
    "holdout": "kept aside to measure what contacts bring",
    "unprofitable": "a contact costs more than it brings",
    "eligible": "worth a contact",
    "contact": "on the list",
    "waitlist": "worth a contact, but the limits went to others",
  ]

  var text: String {
    let shown = (totals["status"]?.members ?? []).filter { !skipped.contains($0.name) }
    var text = counts(title, shown.map { ($0.name, $0.value.whole ?? 0) }, meanings: Self.meanings)
    if let ignored = totals["ignored"]?.whole, ignored > 0 {
      text += "Ignored: members of candidates that are no fields of the policy, \(grouped(ignored)) in all\n"
    }
    return text
  }
}

/// `1,234.50`, in every locale.
func shownMoney(_ value: Double) -> String {
  let text = String(format: "%.2f", abs(value))
  let point = text.firstIndex(of: ".") ?? text.endIndex
  let whole = Int(text[..<point]).map(grouped) ?? String(text[..<point])
  return (value < 0 && text.contains { $0 > "0" && $0 <= "9" } ? "-" : "") + whole + text[point...]
}
