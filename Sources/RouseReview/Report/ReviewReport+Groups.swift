import RouseWire

extension ReviewReport {
  var groups: Page.Section {
    let by = json.list("by").filter { !$0.list("groups").isEmpty }
    if by.isEmpty { return .unknown("groups", "By group", "The answer has no groups.") }
    let overall = RateFigure(all?.at("rates", "recall_per_push"))
    var apart: [String] = []
    var body: [Markup] = []
    for (index, dimension) in by.enumerated() {
      let name = ReportWords.dimension(dimension.words("dimension") ?? "?")
      let groups = dimension.list("groups")
      if let share = overall?.share {
        apart += groups.compactMap { group in
          guard let high = RateFigure(group.at("rates", "recall_per_push"))?.high, high < share else { return nil }
          return "\(Name.cut(name, most: 20)) \(Name.cut(ReportWords.group(group), most: 30))"
        }
      }
      body += section(name, groups, overall, index)
    }
    return Page.Section(
      id: "groups", title: "By group",
      headline: apart.isEmpty
        ? "No group’s recall is clearly below that of all."
        : "Recall is clearly below that of all in \(ReportWords.list(apart, most: 5)).",
      body: body)
  }

  private func section(_ dimension: String, _ groups: [JSONValue], _ overall: RateFigure?, _ index: Int) -> [Markup] {
    let rows = groups.prefix(40).map { group -> IntervalPlot.Row in
      let rate = RateFigure(group.at("rates", "recall_per_push"))
      return IntervalPlot.Row(
        name: ReportWords.group(group),
        told: rate?.share == nil ? Figures.unknown : "\(Figures.percent(rate?.share)) · \(rate?.kOfN ?? "")",
        value: rate?.share, low: rate?.low, high: rate?.high,
        isTelling: rate.map { ($0.low ?? 0) > (overall?.share ?? 0) || ($0.high ?? 1) < (overall?.share ?? 0) } ?? false
      )
    }
    let plot = IntervalPlot(
      title: "Recall by \(Name.cut(dimension, most: 40))",
      description: rows.prefix(12).map { "\(Name.cut($0.name, most: 40)): \($0.told)" }.joined(separator: "; "),
      rows: Array(rows),
      reference: overall?.share, axisTitle: "logins of contacts", spelled: Figures.axisPercent)
    return [
      "<h3>By \(Name.cut(dimension, most: 60))</h3>\n",
      plot.figure(
        "by-\(index)",
        caption:
          "Share of contacts that led to a login, with 95 % intervals; the dashed line is that of all. Filled: clearly above or below it."
      ),
      ReportTable(
        caption: "By \(Name.cut(dimension, most: 60))",
        columns: [
          .words("Group"), .number("Contacts"), .number("Time not over"), .number("Click"), .number("Recall"),
          .number("Loan"), .number("Spend"),
          .number("Earned"), .number("ROI"),
        ],
        rows: groups.map { group in
          [
            Markup.name(ReportWords.group(group)), "\(Figures.count(group.finite("contacts")))",
            "\(Figures.count(group.finite("unfinished")))",
            rate(group, "click_per_push"), rate(group, "recall_per_push"), rate(group, "disbursed_per_push"),
            "\(Figures.money(group.at("money", "spend")?.finite))",
            "\(Figures.money(group.at("money", "realised_value")?.finite))",
            group.at("money", "realised_roi")?.finite.map { "\(Figures.number($0, 2))" } ?? "–",
          ]
        }
      ).html,
    ]
  }

  private func rate(_ group: JSONValue, _ name: String) -> Markup {
    guard let rate = RateFigure(group.at("rates", name)), rate.share != nil else { return "–" }
    return "\(Figures.percent(rate.share))"
  }

  var lift: Page.Section {
    let title = "What contacts add"
    guard let lift = json["lift"], let all = lift["all"], !all.isNull else {
      return .unknown(
        "lift", title,
        "Nobody was held out, so it is not known who would have come back by themselves. A policy with an <code>experiment.holdout</code> can tell."
      )
    }
    let rows =
      [liftRow(all, "all")]
      + lift.list("by").flatMap { by in
        by.list("groups").map {
          liftRow($0, "\(ReportWords.dimension(by.words("dimension") ?? "?")): \(ReportWords.group($0))")
        }
      }.prefix(45)
    let plot = IntervalPlot(
      title: "Loans of those contacted over those held out, in percentage points",
      description: rows.prefix(12).map { "\(Name.cut($0.name, most: 60)): \($0.told)" }.joined(separator: "; "),
      rows: rows, reference: 0,
      axisTitle: "← harm · no difference at 0 · help →", spelled: Figures.axisPoints)
    let every =
      [("all", all)]
      + lift.list("by").flatMap { by in
        by.list("groups").map {
          ("\(ReportWords.dimension(by.words("dimension") ?? "?")): \(ReportWords.group($0))", $0)
        }
      }
    return Page.Section(
      id: "lift", title: title, headline: liftHeadline(all),
      body: [
        plot.figure(
          "lift-plot",
          caption: """
            Each line is a 95 % interval of the difference. Where it crosses the dashed line, chance may be all there is (hollow \
            mark). \(Name.cut(lift.words("say") ?? "", most: 400))
            """),
        ReportTable(
          caption: "Those contacted against those held out",
          columns: [
            .words("Group"), .number("Contacted"), .number("Held out"), .number("Lift (95 %)"),
            .number("Loans added (95 %)"),
            .number("Their worth"), .number("Still needed"), .words("Verdict"),
          ],
          rows: every.map { name, one in
            [
              Markup.name(name), counted(RateFigure(one["chosen"])), counted(RateFigure(one["held_out"])),
              liftTold(one),
              extra(one), "\(Figures.money(one.finite("extra_value")))", needed(one["needed"]),
              ReportWords.verdict(one.words("verdict")),
            ]
          }
        ).html,
      ])
  }

  private func liftHeadline(_ all: JSONValue) -> Markup {
    guard let chosen = RateFigure(all["chosen"]), let held = RateFigure(all["held_out"]), chosen.share != nil,
      held.share != nil
    else {
      return "Whether contacts add anything is not yet known."
    }
    let rates: Markup =
      "\(Figures.percent(chosen.share)) of those contacted borrowed, \(Figures.percent(held.share)) of those held out"
    guard isKnown(all), let low = all.finite("low"), let high = all.finite("high") else {
      return "Whether contacts add anything is not yet known: \(rates), and that may be chance."
    }
    return low > 0
      ? "Contacts add loans: \(rates). That is \(Figures.points(low)) to \(Figures.points(high))."
      : "Contacts take loans away: \(rates)."
  }

  private func counted(_ rate: RateFigure?) -> Markup {
    guard let rate else { return "–" }
    return "\(rate.kOfN) <span class=\"soft\">(\(Figures.percent(rate.share)))</span>"
  }

  private func liftTold(_ one: JSONValue) -> Markup {
    guard one.finite("lift") != nil else { return "not yet known" }
    return """
      \(Figures.points(one.finite("lift"))) <span class="soft">(\(Figures.points(one.finite("low"))) to \
      \(Figures.points(one.finite("high"))))</span>
      """
  }

  private func extra(_ one: JSONValue) -> Markup {
    guard let extra = one.finite("extra") else { return "not yet known" }
    guard let low = one.finite("extra_low"), let high = one.finite("extra_high") else {
      return "\(Figures.count(extra))"
    }
    return "\(Figures.count(extra)) <span class=\"soft\">(\(Figures.count(low)) to \(Figures.count(high)))</span>"
  }

  private func needed(_ needed: JSONValue?) -> Markup {
    guard let needed, let chosen = needed.finite("chosen"), let held = needed.finite("held_out") else { return "–" }
    return "\(Figures.count(chosen)) contacted and \(Figures.count(held)) held out"
  }

  private func liftRow(_ one: JSONValue, _ name: String) -> IntervalPlot.Row {
    IntervalPlot.Row(
      name: name,
      told: one.finite("lift") == nil
        ? Figures.unknown : "\(Figures.points(one.finite("low"))) to \(Figures.points(one.finite("high")))",
      value: one.finite("lift"), low: one.finite("low"), high: one.finite("high"), isTelling: isKnown(one))
  }

  var weeks: Page.Section {
    let weeks = json.list("weeks")
    if weeks.isEmpty { return .unknown("weeks", "Week by week", "The answer has no weeks.") }
    func column(_ member: String, _ title: String, _ isOutcome: Bool)
      -> ColumnPlot
    {
      let values = weeks.map { week -> ColumnPlot.Week in
        let open = week.finite("unfinished") ?? 0
        let isOpen = isOutcome && open > 0
        let isShut = isOpen && open >= (week.finite("contacts") ?? 0)
        return ColumnPlot.Week(
          name: ReportWords.week(week["since"]?.text), value: isShut ? nil : week.finite(member), isOpen: isOpen)
      }
      return ColumnPlot(
        title: title,
        description:
          "\(weeks.count) weeks; the last: \(values.last?.value.map { Figures.number($0) } ?? Figures.unknown).",
        weeks: values, spelled: Figures.axis)
    }
    let open = weeks.filter { ($0.finite("unfinished") ?? 0) > 0 }.count
    return Page.Section(
      id: "weeks", title: "Week by week",
      headline: open == 0
        ? "All \(weeks.count) weeks are complete."
        : "Of \(weeks.count) weeks, \(open) \(open == 1 ? "is" : "are") not complete: outcomes of \(open == 1 ? "its" : "their") contacts may still come.",
      body: [
        "<div class=\"pair\">",
        column("contacts", "Contacts", false).figure(
          "weeks-contacts", caption: "By the week of the contact, named by its first day."),
        column("spend", "Spend", false).figure("weeks-spend", caption: "What the contacts cost."),
        column("clicks", "Clicks", true).figure(
          "weeks-clicks",
          caption: "Of contacts whose time is over. Hatched: more may come. ○: no contact’s time is over."),
        column("disbursed", "Loans", true).figure("weeks-loans", caption: "Loans that the contacts led to."),
        column("realised_value", "Earned after coupons and cost", true).figure(
          "weeks-earned", caption: "What the loans are worth after their risk, less coupons and cost."),
        "</div>",
        ReportTable(
          caption: "Weeks",
          columns: [
            .words("Week from"), .number("Contacts"), .number("Time not over"), .number("Clicks"), .number("Loans"),
            .number("Spend"),
            .number("Expected"), .number("Earned"), .words("Highest PSI"),
          ],
          rows: weeks.map { week in
            let isShut =
              (week.finite("unfinished") ?? 0) > 0 && (week.finite("unfinished") ?? 0) >= (week.finite("contacts") ?? 0)
            func outcome(_ figure: String) -> Markup { isShut ? "not yet known" : "\(figure)" }
            return [
              ReportWords.unbroken(ReportWords.day(week["since"]?.text)),
              "\(Figures.count(week.finite("contacts")))",
              "\(Figures.count(week.finite("unfinished")))",
              outcome(Figures.count(week.finite("clicks"))), outcome(Figures.count(week.finite("disbursed"))),
              "\(Figures.money(week.finite("spend")))", "\(Figures.money(week.finite("expected_value")))",
              outcome(Figures.money(week.finite("realised_value"))),
              week.finite("psi").map { psi -> Markup in
                let of: Markup = week.words("psi_of").map { " (\(Markup.name($0, most: 24)))" } ?? ""
                return "\(Figures.number(psi, 3))\(of)"
              } ?? "–",
            ]
          }
        ).html,
      ])
  }
}
