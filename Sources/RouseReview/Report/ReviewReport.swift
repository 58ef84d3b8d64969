import RouseWire

/// The page of `rouse review`, made of its JSON alone. Members that are missing or null are told as not known.
package struct ReviewReport {
  let json: JSONValue

  /// - Parameter answer: what `rouse review --json` prints.
  package init(_ answer: JSONValue) { json = answer["review"] ?? answer }

  /// The same bytes for the same answer.
  package var html: String {
    Page(
      title: "What the contacts brought",
      about: """
        \(ReportWords.day(json.at("period", "since")?.text)) to \(ReportWords.day(json.at("period", "until")?.text)), policy \
        \(Markup.name(json.words("policy") ?? "not known", most: 60)), as known on \(ReportWords.day(json.at("period", "now")?.text))
        """,
      sections: [
        summary, funnel, targets, worst, money, lift, weeks, groups, calibration, stability, discrimination, parity,
        harm, about,
        Glossary.section([
          "AUC", "Calibration", "Four-fifths rule", "Funnel", "Holdout", "Interval (95 %)", "KS", "Lift",
          "Newcombe interval", "PD",
          "Policy", "PSI", "ROI", "Value", "Wilson interval",
        ]),
      ]
    ).html
  }

  var all: JSONValue? { json["all"] }

  func step(_ name: String) -> JSONValue? { all?.list("funnel").first { $0["step"]?.text == name } }

  // MARK: In short

  private var summary: Page.Section {
    let finished = json.at("contacts", "finished")?.finite
    let loans = RateFigure(step("disbursed")?["per_contact"])
    let headline: Markup =
      loans.map {
        """
        Of \(Figures.count($0.of)) contacts whose time is over, \(Figures.count($0.count)) led to a loan\(chance($0)).
        """
      } ?? "Of \(Figures.count(finished)) contacts whose time is over, it is not known how many led to a loan."
    let findings = json.list("findings").sorted {
      ($0.finite("importance") ?? 99) < ($1.finite("importance") ?? 99)
    }.compactMap { finding in
      finding["say"]?.text.map { "<li>\(grade(finding.words("grade")))\(Name.cut($0, most: 600))</li>" as Markup }
    }
    return Page.Section(
      id: "summary", title: "In short", headline: headline,
      body: [
        Cards(cards: cards).html,
        findings.isEmpty ? "<p>Nothing stands out.</p>" : "<h3>What stands out, the weightiest first</h3>",
        list(Array(findings.prefix(8)), from: 1),
        findings.count > 8
          ? "<details class=\"long\"><summary>\(findings.count - 8) more</summary>\(list(Array(findings.dropFirst(8)), from: 9))</details>"
          : "",
      ])
  }

  private func list(_ items: [Markup], from first: Int) -> Markup {
    items.isEmpty ? "" : "<ol class=\"points\" start=\"\(first)\">\(items)</ol>"
  }

  private func grade(_ name: String?) -> Markup {
    switch name {
    case "act": "<span class=\"grade g-act\">▲ act</span>"
    case "look": "<span class=\"grade g-look\">◆ look</span>"
    case "good": "<span class=\"grade g-good\">✓ good</span>"
    case "note": "<span class=\"grade\">○ note</span>"
    default: ""
    }
  }

  /// Of a count: what chance alone allows around it.
  private func chance(_ rate: RateFigure) -> Markup {
    guard let low = rate.low, let high = rate.high, let of = rate.of else { return "" }
    return
      "; between \(Figures.count((low * of).rounded())) and \(Figures.count((high * of).rounded())) is what chance allows"
  }

  private var cards: [Cards.Card] {
    let money = all?["money"]
    let lift = json.at("lift", "all")
    let spend = Self.outlay(money)
    let cost = json.at("recall_cost", "cost_each")?.finite ?? all?.at("recalled", "cost_each")?.finite
    let quarter = json.at("recall_cost", "quarter")?.finite ?? all?.at("recalled", "quarter_of_new")?.finite
    return [
      Cards.Card(
        name: "Contacts", value: Figures.count(json.at("contacts", "all")?.finite),
        was: "\(Figures.count(json.at("contacts", "unfinished")?.finite)) still have time"),
      Cards.Card(
        name: "Spend and coupons", value: Figures.money(spend),
        was: "expected \(Figures.money(money?.finite("expected_spend")))"),
      Cards.Card(
        name: "Earned after coupons and cost", value: Figures.money(money?.finite("realised_value")),
        was: "expected \(Figures.money(money?.finite("expected_value")))"),
      Cards.Card(
        name: "ROI", value: Figures.number(money?.finite("realised_roi"), 2),
        was: "expected \(Figures.number(money?.finite("expected_roi"), 2))"),
      Cards.Card(
        name: "Cost of a recalled user", value: Figures.money(cost),
        was: quarter.map { "a quarter of a new one: \(Figures.money($0))" } ?? "no cost of a new user is given"),
      Cards.Card(
        name: "Loans that contacts added",
        value: isKnown(lift) ? Figures.count(lift?.finite("extra")?.rounded()) : Figures.unknown,
        was: extraRange(lift)),
    ]
  }

  func isKnown(_ lift: JSONValue?) -> Bool {
    guard let lift, let low = lift.finite("low"), let high = lift.finite("high") else { return false }
    return low > 0 || high < 0
  }

  private func extraRange(_ lift: JSONValue?) -> String {
    guard let low = lift?.finite("extra_low"), let high = lift?.finite("extra_high") else {
      return "no holdout to compare with"
    }
    return "between \(Figures.count(low.rounded())) and \(Figures.count(high.rounded()))"
  }

  // MARK: Money

  /// What contacts cost in all. The expected spend holds coupons, so only this can stand beside it.
  private static func outlay(_ money: JSONValue?) -> Double? {
    money?.finite("spend").map { $0 + (money?.finite("coupons") ?? 0) }
  }

  private var money: Page.Section {
    guard let money = all?["money"], !money.isNull else {
      return .unknown("money", "Money", "The answer has no money.")
    }
    let earned = money.finite("realised_value")
    let expected = money.finite("expected_value")
    let rows: [(String, String, String?, (Double?) -> String)] = [
      ("Spend on contacts", "spend", nil, Figures.money),
      ("– as reported", "spend_reported", nil, Figures.money),
      ("– as planned, where none was reported", "spend_expected", nil, Figures.money),
      ("Coupons", "coupons", nil, Figures.money),
      ("Loans", "loans", nil, Figures.count), ("Lent out", "disbursed_amount", nil, Figures.money),
      ("Worth of the loans after their risk", "loan_value", nil, Figures.money),
      ("Earned after coupons and cost", "realised_value", "expected_value", Figures.money),
      ("ROI", "realised_roi", "expected_roi", { Figures.number($0, 2) }),
    ]
    let recall = json["recall_cost"]
    let verdict = recall?.words("verdict")
    var more: Markup = ""
    if let recall, !recall.isNull, let cost = recall.finite("cost_each"), let quarter = recall.finite("quarter") {
      let line: Markup = """
        A recalled user cost \(Figures.money(cost)) (\(Figures.counted(recall.finite("recalled"), "user", "users"))); a quarter of \
        what a new one costs is \(Figures.money(quarter)).
        """
      more =
        verdict == "met"
        ? Remarks.box("well", "Cheaper than new users", [line]) : Remarks.box("look", "Cost of a recalled user", [line])
    }
    return Page.Section(
      id: "money", title: "Money",
      headline: """
        \(Figures.money(Self.outlay(money))) was spent, coupons included, and the contacts \((earned ?? 0) < 0 ? "lost" : "earned") \
        \(Figures.money(earned.map { abs($0) })) after that, where \(Figures.money(expected)) was expected.
        """,
      body: [
        more,
        ReportTable(
          caption: "Money of the contacts whose time is over",
          columns: [.words("Figure"), .number("Seen"), .number("Expected by the policy")],
          rows: [
            [
              "Spend and coupons", "\(Figures.money(Self.outlay(money)))",
              "\(Figures.money(money.finite("expected_spend")))",
            ]
          ]
            + rows.map { title, name, belief, figure in
              ["\(title)", "\(figure(money.finite(name)))", belief.map { "\(figure(money.finite($0)))" } ?? "–"]
            }
        ).html,
      ])
  }

  // MARK: Provenance

  private var harm: Page.Section {
    let names = [("quit", "Removed the app"), ("complaint", "Complained"), ("opt_out", "Opted out")]
    let rates = names.map { RateFigure(all?.at("harm", $0.0)) }
    if rates.allSatisfy({ $0 == nil }) { return .unknown("harm", "Harm", "The answer has no figures of harm.") }
    let plot = IntervalPlot(
      title: "Harm by contact",
      description: zip(names, rates).map { "\($0.1): \($1?.told ?? Figures.unknown)" }.joined(separator: "; "),
      rows: zip(names, rates).map { name, rate in
        IntervalPlot.Row(
          name: name.1, told: rate.map { "\(Figures.percent($0.share)) · \($0.kOfN)" } ?? Figures.unknown,
          value: rate?.share,
          low: rate?.low, high: rate?.high)
      }, reference: nil, axisTitle: "of contacts", spelled: Figures.axisPercent)
    let left = rates.compactMap { $0?.count }.reduce(0, +)
    return Page.Section(
      id: "harm", title: "Harm",
      headline:
        "\(Figures.counted(left, "contact", "contacts")) of \(Figures.count(rates.compactMap { $0?.of }.first)) led to a complaint, an opt-out or the app’s removal.",
      body: [
        plot.figure("harm-plot", caption: "Share of contacts with 95 % intervals."),
        ReportTable(
          caption: "Harm", columns: [.words("What"), .number("Contacts"), .number("Share (95 %)")],
          rows: zip(names, rates).map { ["\($0.1)", "\($1?.kOfN ?? "–")", ReportWords.shareAndRange($1)] }
        ).html,
      ])
  }

  private var about: Page.Section {
    func count(_ path: String...) -> Markup {
      var value: JSONValue? = json
      for name in path { value = value?[name] }
      return "\(Figures.count(value?.finite))"
    }
    return Page.Section(
      id: "about", title: "Where these figures come from", headline: "",
      body: [
        Facts.html([
          (
            "Period",
            "\(ReportWords.moment(json.at("period", "since")?.text)) to \(ReportWords.moment(json.at("period", "until")?.text))"
          ),
          ("As known at", ReportWords.moment(json.at("period", "now")?.text)),
          ("Policy", Markup.name(json.words("policy") ?? "not known", most: 80)),
          (
            "An outcome counts",
            "for the last contact before it, for \(count("period", "window_days")) days after that contact"
          ),
          (
            "Contacts",
            "\(count("contacts", "all")): \(count("contacts", "planned")) of plans, \(count("contacts", "unplanned")) without one"
          ),
          (
            "Left out",
            "\(count("contacts", "unfinished")) whose time is not over, \(count("contacts", "repeated")) reported twice"
          ),
          (
            "By another channel", "\(count("contacts", "other_channel")) contacts were not by the channel of their plan"
          ),
          (
            "Plans",
            "\(count("planned", "plans")) with \(count("planned", "contacts")) contacts, of which \(count("planned", "not_reported")) were never reported and \(count("planned", "open")) may still be"
          ),
          ("Held out", "\(count("planned", "ghosts"))"),
          (
            "Outcomes",
            "\(Figures.count(events("reported"))) events, \(Figures.count(events("counted"))) of them counted"
          ),
          ("Made by", "rouse review --html"),
        ]),
        ReportTable(
          caption: "Outcomes by kind", columns: [.words("Kind"), .number("Reported"), .number("Counted")],
          rows: json.list("outcomes").map {
            [
              Markup.name($0.words("kind") ?? "?"), "\(Figures.count($0.finite("reported")))",
              "\(Figures.count($0.finite("counted")))",
            ]
          }
        ).html,
      ])
  }

  /// The sum of a figure of all outcomes; nil while none is told.
  private func events(_ figure: String) -> Double? {
    let all = json.list("outcomes").compactMap { $0.finite(figure) }
    return all.isEmpty ? nil : all.reduce(0, +)
  }
}
