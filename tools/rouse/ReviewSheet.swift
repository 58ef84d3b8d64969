import Foundation
import RouseWire

/// A review for a terminal: what matters, then the figures.
struct ReviewSheet: Sheet {
  var lines: [String] = []

  static let dimensions = ["stage", "tier", "channel", "region_group", "campaign", "arm"]

  private let review: JSONValue

  /// - Parameter by: which tables are shown.
  init(_ review: JSONValue, by dimensions: [String]) {
    self.review = review
    head()
    findings()
    guard (review["contacts"]?["all"]?.whole ?? 0) > 0 else { return }
    funnel()
    for dimension in review["by"]?.items ?? [] where dimensions.contains(dimension["dimension"]?.text ?? "") {
      groups(dimension)
    }
    lift()
    stability()
    calibration()
    parity()
    weeks()
  }

  var text: String { lines.joined(separator: "\n") + "\n" }

  private mutating func head() {
    let period = review["period"]
    lines.append("Contacts from \(moment(period?["since"])) to \(moment(period?["until"]))")
    let contacts = review["contacts"]
    let planned = review["planned"]
    let all = "\(count(contacts?["all"])), of which \(count(contacts?["unfinished"])) are too recent for any rate"
    lines.append("")
    lines += titled([
      ("Policy", word(review["policy"])),
      ("Contacts", all),
      (
        "Planned",
        "\(count(planned?["contacts"])) in \(count(planned?["plans"])) plans; \(count(planned?["reported"])) reported, "
          + "\(count(planned?["not_reported"])) not, \(count(planned?["open"])) still open; "
          + "\(count(planned?["ghosts"])) held out"
      ),
      ("Window", "an outcome counts for the latest contact in the \(count(period?["window_days"])) days before it"),
    ]).split(separator: "\n").map { "  " + $0 }
  }

  private mutating func findings() {
    section("What matters")
    for finding in review["findings"]?.items ?? [] {
      let mark = ["act": "act ", "look": "look", "good": "good"][finding["grade"]?.text ?? ""] ?? "note"
      wrapped(harmless(finding["say"]?.text ?? ""), first: mark + "  ", rest: "      ")
    }
  }

  /// Words, broken into lines of a terminal's width, or such as can be read.
  private mutating func wrapped(_ text: String, first: String, rest: String) {
    let width = min(98, max(40, (Terminal.width ?? .max) - 2)) - displayWidth(first)
    for (index, line) in wordLines(text, width).enumerated() { paragraph((index == 0 ? first : rest) + line) }
  }

  private mutating func table(_ title: String, _ columns: [Table.Column], _ cells: [[String]]) {
    guard !cells.isEmpty else { return }
    section(title)
    for line in Table.folded(columns, cells, width: Terminal.width.map { $0 - 2 }) {
      lines.append(line.isEmpty ? "" : "  " + line)
    }
  }

  private mutating func funnel() {
    let steps = review["all"]?["funnel"]?.items ?? []
    table(
      "What came of them",
      [
        .init(title: "step"), .init(title: "users", isNumber: true), .init(title: "of contacts", isNumber: true),
        .init(title: "95 %", joins: true), .init(title: "of the step before", isNumber: true),
        .init(title: "95 %", joins: true),
        .init(title: "believed", isNumber: true), .init(title: "target", isNumber: true), .init(title: "", joins: true),
      ],
      steps.map { step in
        [
          word(step["step"]), count(step["per_contact"]?["count"]), share(step["per_contact"]),
          span(step["per_contact"]),
          share(step["from_previous"]), span(step["from_previous"]), percent(step["believed"]?.number),
          percent(step["target"]?.number), verdict(step["verdict"]),
        ]
      })
    let money = review["all"]?["money"]
    section("Money")
    lines += titled([
      (
        "Spend",
        "\(amount(money?["spend"])) (\(amount(money?["spend_reported"])) as reported, "
          + "\(amount(money?["spend_expected"])) as planned), and coupons \(amount(money?["coupons"])); "
          + "with coupons \(amount(money?["expected_spend"])) was expected"
      ),
      ("Lent", "\(amount(money?["disbursed_amount"])) in \(count(money?["loans"])) loans"),
      (
        "Value",
        "\(amount(money?["realised_value"])) came, \(amount(money?["expected_value"])) was expected; over spend and coupons "
          + "\(ratio(money?["realised_roi"])), expected \(ratio(money?["expected_roi"]))"
      ),
    ]).split(separator: "\n").map { "  " + $0 }
  }

  private mutating func groups(_ dimension: JSONValue) {
    let name = dimension["dimension"]?.text ?? ""
    let cells = (dimension["groups"]?.items ?? []).map { group in
      let rates = group["rates"]
      return [
        group["name"]?.text.map(harmless) ?? "(not known)", count(group["contacts"]), count(group["finished"]),
        share(rates?["click_per_push"]), share(rates?["recall_per_push"]), share(rates?["application_per_push"]),
        share(rates?["disbursed_per_push"]), span(rates?["disbursed_per_push"]), amount(group["money"]?["spend"]),
        amount(group["money"]?["realised_value"]), amount(group["money"]?["expected_value"]),
        share(group["harm"]?["quit"]),
      ]
    }
    table(
      "By \(name.replacingOccurrences(of: "_", with: " "))",
      [
        .init(title: name.replacingOccurrences(of: "_", with: " ")), .init(title: "contacts", isNumber: true),
        .init(title: "finished", isNumber: true), .init(title: "clicked", isNumber: true),
        .init(title: "came back", isNumber: true), .init(title: "applied", isNumber: true),
        .init(title: "borrowed", isNumber: true), .init(title: "95 %", joins: true),
        .init(title: "spend", isNumber: true),
        .init(title: "value", isNumber: true), .init(title: "expected", isNumber: true),
        .init(title: "quit", isNumber: true),
      ], cells)
    let rest = dimension["left_out"]?.whole ?? 0
    if rest > 0 { paragraph("and \(grouped(rest)) smaller ones") }
  }

  private mutating func lift() {
    guard let lift = review["lift"], let all = lift["all"] else { return }
    let groups = [all] + (lift["by"]?.items ?? []).flatMap { $0["groups"]?.items ?? [] }
    let cells = groups.filter { ($0["chosen"]?["of"]?.whole ?? 0) > 0 }.enumerated().map { index, group in
      [
        index == 0 ? "all" : group["name"]?.text.map(harmless) ?? "(no campaign)", count(group["chosen"]?["of"]),
        share(group["chosen"]), count(group["held_out"]?["of"]), share(group["held_out"]),
        percent(group["lift"]?.number), "\(percent(group["low"]?.number)) to \(percent(group["high"]?.number))",
        group["extra"]?.number.map { String(format: "%.1f", $0) } ?? "",
        ["adds": "adds loans", "takes_away": "takes loans away"][group["verdict"]?.text ?? ""] ?? "not yet known",
      ]
    }
    table(
      "What contacts have added",
      [
        .init(title: ""), .init(title: "chosen", isNumber: true), .init(title: "borrowed", isNumber: true, joins: true),
        .init(title: "held out", isNumber: true), .init(title: "borrowed", isNumber: true, joins: true),
        .init(title: "difference", isNumber: true), .init(title: "95 %", joins: true),
        .init(title: "extra loans", isNumber: true),
        .init(title: "", joins: true),
      ], cells)
  }

  private mutating func stability() {
    let stability = review["stability"]
    let known = (stability?["characteristics"]?.items ?? []).filter { $0["psi"]?.number != nil }
      .sorted { ($0["psi"]?.number ?? 0) > ($1["psi"]?.number ?? 0) }
    guard !known.isEmpty else { return }
    table(
      "Whether users have changed (PSI, against \(moment(stability?["baseline"]?["since"])) to "
        + "\(moment(stability?["baseline"]?["until"])))",
      [
        .init(title: "characteristic"), .init(title: "psi", isNumber: true),
        .init(title: "by chance up to", isNumber: true), .init(title: ""),
      ],
      known.prefix(10).map { one in
        [
          word(one["name"]) + (one["card"]?.text.map { " (\(harmless($0)))" } ?? ""), decimals(one["psi"], 3),
          decimals(one["noise_high"], 3), word(one["verdict"]),
        ]
      })
    if known.count > 10 { paragraph("and \(known.count - 10) that changed less") }
  }

  private mutating func calibration() {
    for (member, title, users) in [("p", "Chance of a loan", "contacts"), ("pd", "Chance of default", "loans")] {
      guard let calibration = review["calibration"]?[member] else { continue }
      let bands = calibration["bands"]?.items ?? []
      // Loans that have not been out for long cannot have defaulted yet (proto-spec/review.md, section 3).
      let isYoung = calibration["days_known"]?.number.map { $0 < 90 } ?? false
      table(
        "\(title): expected and seen",
        [
          .init(title: users, isNumber: true), .init(title: "expected", isNumber: true),
          .init(title: "seen", isNumber: true), .init(title: "95 %", joins: true),
          .init(title: "points", isNumber: true),
          .init(title: "", joins: true),
        ],
        bands.map { band in
          [
            count(band["observed"]?["of"]), percent(band["expected"]?.number), share(band["observed"]),
            span(band["observed"]), band["shift"]?.whole.map { $0 > 0 ? "+\($0)" : "\($0)" } ?? "",
            band["sound"]?.boolean == true ? "" : isYoung && isBelow(band) ? "not yet known" : "off",
          ]
        })
      let order = review["discrimination"]?[member]
      if order?["auc"]?.number != nil {
        paragraph(
          "AUC \(decimals(order?["auc"], 3)), KS \(decimals(order?["ks"], 3)), lift among the first 10 % "
            + "\(decimals(order?["lift10"], 2)), 20 % \(decimals(order?["lift20"], 2))")
      }
    }
  }

  /// Less was seen than expected.
  private func isBelow(_ band: JSONValue) -> Bool {
    (band["observed"]?["rate"]?.number ?? 0) < (band["expected"]?.number ?? 0)
  }

  private mutating func parity() {
    table(
      "Region groups",
      [
        .init(title: "group"), .init(title: "contacts", isNumber: true), .init(title: "borrowed", isNumber: true),
        .init(title: "95 %", joins: true), .init(title: "of the best", isNumber: true), .init(title: "", joins: true),
      ],
      (review["parity"]?["groups"]?.items ?? []).map { group in
        [
          word(group["name"]), count(group["contacts"]), share(group["disbursed"]), span(group["disbursed"]),
          percent(group["ratio"]?.number), verdict(group["verdict"]),
        ]
      })
  }

  private mutating func weeks() {
    table(
      "Week by week",
      [
        .init(title: "from"), .init(title: "contacts", isNumber: true), .init(title: "too recent", isNumber: true),
        .init(title: "borrowed", isNumber: true), .init(title: "spend", isNumber: true),
        .init(title: "value", isNumber: true), .init(title: "expected", isNumber: true),
        .init(title: "largest psi", isNumber: true), .init(title: "", joins: true),
      ],
      (review["weeks"]?.items ?? []).map { week in
        [
          moment(week["since"]), count(week["contacts"]), count(week["unfinished"]), count(week["disbursed"]),
          amount(week["spend"]), amount(week["realised_value"]), amount(week["expected_value"]),
          decimals(week["psi"], 3), word(week["psi_of"]),
        ]
      })
  }

  // MARK: - Figures

  private func moment(_ value: JSONValue?) -> String { harmless(String((value?.text ?? "").prefix(10))) }
  private func count(_ value: JSONValue?) -> String { value?.whole.map(grouped) ?? "" }
  private func amount(_ value: JSONValue?) -> String { value?.number.map(shownMoney) ?? "" }
  private func ratio(_ value: JSONValue?) -> String { value?.number.map { String(format: "%.2f", $0) } ?? "not known" }
  private func decimals(_ value: JSONValue?, _ count: Int) -> String {
    value?.number.map { String(format: "%.\(count)f", $0) } ?? ""
  }
  private func share(_ rate: JSONValue?) -> String { percent(rate?["rate"]?.number) }
  private func span(_ rate: JSONValue?) -> String {
    guard rate?["rate"]?.number != nil else { return "" }
    return "\(percent(rate?["low"]?.number)) to \(percent(rate?["high"]?.number))"
  }
  private func verdict(_ value: JSONValue?) -> String {
    ["met": "met", "below": "below", "not_known": "not yet known"][value?.text ?? ""] ?? ""
  }
}

/// `0.037 %`, `1.24 %`, `37.5 %`: three leading digits.
func percent(_ share: Double?) -> String {
  guard let share else { return "" }
  let value = share * 100
  if value == 0 { return "0 %" }
  return String(format: abs(value) >= 10 ? "%.1f" : abs(value) >= 1 ? "%.2f" : "%.3f", value) + " %"
}
