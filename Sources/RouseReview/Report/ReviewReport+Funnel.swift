import RouseWire

extension ReviewReport {
  private static let rates = [
    ("click_per_push", "Clicks by contact"), ("recall_per_push", "Logins by contact (recall)"),
    ("recall_per_click", "Logins by click"),
    ("application_per_push", "Applications by contact"), ("application_per_click", "Applications by click"),
    ("application_per_login", "Applications by login"), ("disbursed_per_push", "Loans by contact"),
    ("disbursed_per_click", "Loans by click"), ("disbursed_per_login", "Loans by login"),
  ]

  var funnel: Page.Section {
    let steps = all?.list("funnel") ?? []
    if steps.isEmpty {
      return .unknown(
        "funnel", "From the contact to the loan", "No contact’s time is over, or the answer has no funnel.")
    }
    func rows(_ member: String, _ withTargets: Bool) -> [FunnelPlot.Step] {
      steps.prefix(24).compactMap { step in
        guard let rate = RateFigure(step[member]) else { return nil }
        let from = step.words("from").map { "of \(Name.cut($0, most: 24))" } ?? ""
        return FunnelPlot.Step(
          name: Name.cut(step.words("step") ?? "?", most: 40), more: withTargets ? from : "", rate: rate,
          target: withTargets ? step.finite("target") : nil)
      }
    }
    let whole = FunnelPlot(
      title: "Steps, of all contacts",
      description: rows("per_contact", false).map { "\($0.name): \($0.rate.told)" }.joined(separator: "; "),
      steps: rows("per_contact", false))
    let parts = FunnelPlot(
      title: "Steps, of those who took the step before",
      description: rows("from_previous", true).map { "\($0.name): \($0.rate.told)" }.joined(separator: "; "),
      steps: rows("from_previous", true))
    return Page.Section(
      id: "funnel", title: "From the contact to the loan", headline: funnelHeadline(steps),
      body: [
        whole.figure(
          "funnel-all", caption: "Bars: the share of all contacts that came this far. Whiskers: the 95 % interval."),
        parts.figure(
          "funnel-parts",
          caption: "Bars: the share of those who took the step before it. ▼ is the policy’s target where it has one."),
        ReportTable(
          caption: "The funnel",
          columns: [
            .words("Step"), .number("Of contacts"), .number("Share (95 %)"), .number("Of the step before"),
            .number("Share (95 %)"),
            .number("Policy believes"), .number("Target"), .words("Verdict"),
          ],
          rows: steps.map { step in
            let (per, from) = (RateFigure(step["per_contact"]), RateFigure(step["from_previous"]))
            return [
              Markup.name(step.words("step") ?? "?"), "\(per?.kOfN ?? "–")", ReportWords.shareAndRange(per),
              "\(from?.kOfN ?? "–")",
              ReportWords.shareAndRange(from), step.finite("believed").map { "\(Figures.percent($0))" } ?? "–",
              step.finite("target").map { "\(Figures.percent($0))" } ?? "–", ReportWords.verdict(step.words("verdict")),
            ]
          }
        ).html,
        ReportTable(
          caption: "Rates", columns: [.words("Rate"), .number("Users"), .number("Share (95 %)")],
          rows: Self.rates.map { name, title in
            let rate = RateFigure(all?.at("rates", name))
            return ["\(title)", "\(rate?.kOfN ?? "–")", ReportWords.shareAndRange(rate)]
          }
        ).html,
      ])
  }

  /// The first step and the last.
  private func funnelHeadline(_ steps: [JSONValue]) -> Markup {
    let click = steps.first { $0["step"]?.text == "click" } ?? steps[0]
    guard let rate = RateFigure(click["per_contact"]), let last = steps.last, let end = RateFigure(last["per_contact"])
    else {
      return "How far users came is not known."
    }
    return """
      Of 1,000 contacts about \(perThousand(rate)) came to “\(Name.cut(click.words("step") ?? "?", most: 30))” and \
      \(perThousand(end)) to “\(Name.cut(last.words("step") ?? "?", most: 30))”.
      """
  }

  private func perThousand(_ rate: RateFigure) -> String {
    guard let share = rate.share else { return "an unknown number" }
    let many = share * 1000
    return Figures.fixed(many, many >= 10 ? 0 : many >= 1 ? 1 : 2)
  }

  var targets: Page.Section {
    let targets = json.list("targets")
    if targets.isEmpty {
      return .unknown(
        "targets", "Targets", "The policy names no targets; <code>review.targets</code> is where they stand.")
    }
    let rows = targets.prefix(40).map { target -> IntervalPlot.Row in
      let rate = RateFigure(target["rate"])
      return IntervalPlot.Row(
        name: targetName(target),
        told: "\(Figures.percent(rate?.share)) against \(Figures.percent(target.finite("target")))",
        value: rate?.share, low: rate?.low, high: rate?.high, target: target.finite("target"),
        isTelling: target.words("verdict") != "not_known")
    }
    let plot = IntervalPlot(
      title: "Rates against targets",
      description: rows.map { "\(Name.cut($0.name, most: 60)): \($0.told)" }.joined(separator: "; "), rows: Array(rows),
      reference: nil, axisTitle: nil, spelled: Figures.axisPercent)
    let below = targets.filter { $0.words("verdict") == "below" }
    let open = targets.filter { $0.words("verdict") == "not_known" }
    let met = targets.filter { $0.words("verdict") == "met" }
    return Page.Section(
      id: "targets", title: "Targets",
      headline:
        "\(met.count) of \(targets.count) targets are met, \(below.count) are missed, and of \(open.count) it is not yet known.",
      body: [
        plot.figure(
          "targets-plot",
          caption:
            "Marks: the rate with its 95 % interval, hollow while it cannot tell. ▼ is the target: where it lies within the interval, chance may be all there is."
        ),
        ReportTable(
          caption: "Targets",
          columns: [.words("Step"), .number("Users"), .number("Rate (95 %)"), .number("Target"), .words("Verdict")],
          rows: targets.map { target in
            let rate = RateFigure(target["rate"])
            return [
              "\(targetName(target))", "\(rate?.kOfN ?? "–")", ReportWords.shareAndRange(rate),
              "\(Figures.percent(target.finite("target")))", ReportWords.verdict(target.words("verdict")),
            ]
          }
        ).html,
      ])
  }

  private func targetName(_ target: JSONValue) -> String {
    Name.cut(target.words("name") ?? "?", most: 30)
      + (target.words("from").map { " of \(Name.cut($0, most: 30))" } ?? "")
  }

  var worst: Page.Section {
    let worst = json.list("worst")
    let title = "The worst step of each stage"
    if worst.isEmpty {
      return .unknown("worst", title, "No stage has enough contacts whose time is over to tell its worst step.")
    }
    let first = worst.filter { $0.words("verdict") == "below" }.max {
      ($0.finite("shortfall") ?? 0) < ($1.finite("shortfall") ?? 0)
    }
    let rows = worst.prefix(40).map { one -> IntervalPlot.Row in
      let rate = RateFigure(one["rate"])
      return IntervalPlot.Row(
        name: worstName(one),
        told: "\(Figures.percent(rate?.share)) against \(Figures.percent(one.finite("reference")))", value: rate?.share,
        low: rate?.low, high: rate?.high, target: one.finite("reference"), isTelling: one.words("verdict") == "below")
    }
    let plot = IntervalPlot(
      title: title, description: rows.map { "\(Name.cut($0.name, most: 60)): \($0.told)" }.joined(separator: "; "),
      rows: Array(rows), reference: nil,
      axisTitle: nil, spelled: Figures.axisPercent)
    let headline: Markup =
      first.map {
        """
        Furthest behind: “\(Name.cut($0.words("step") ?? "?", most: 40))” in stage \(Markup.name($0.words("stage") ?? "not known")), \
        \(Figures.percent(RateFigure($0["rate"])?.share)) where \(Figures.percent($0.finite("reference"))) is \
        \($0.words("against") == "target" ? "the target" : "what the policy believes").
        """
      } ?? "No step of any stage is clearly behind what is expected of it."
    return Page.Section(
      id: "worst", title: title, headline: headline,
      body: [
        plot.figure(
          "worst-plot",
          caption:
            "Of each stage the step that is furthest behind. ▼ is the target, or what the policy believes where there is none."
        ),
        ReportTable(
          caption: title,
          columns: [
            .words("Stage"), .words("Step"), .number("Users"), .number("Rate (95 %)"), .number("Expected"),
            .words("By"), .words("Verdict"),
          ],
          rows: worst.map { one in
            let rate = RateFigure(one["rate"])
            return [
              Markup.name(one.words("stage") ?? "not known"),
              "\(Name.cut(one.words("step") ?? "?", most: 40))\(one.words("from").map { " of \(Name.cut($0, most: 40))" } ?? "")",
              "\(rate?.kOfN ?? "–")",
              ReportWords.shareAndRange(rate), "\(Figures.percent(one.finite("reference")))",
              one.words("against") == "target" ? "target" : "policy", ReportWords.verdict(one.words("verdict")),
            ]
          }
        ).html,
      ])
  }

  private func worstName(_ one: JSONValue) -> String {
    "\(Name.cut(one.words("stage") ?? "not known", most: 40)): \(Name.cut(one.words("step") ?? "?", most: 40))"
  }
}
