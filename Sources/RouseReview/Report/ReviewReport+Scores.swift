import RouseWire

extension ReviewReport {
  var calibration: Page.Section {
    let title = "Are the predictions right?"
    let kinds = [("p", "Chance of a loan", "predicted", "borrowed"), ("pd", "Risk (PD)", "predicted PD", "defaulted")]
    let known = kinds.filter { !(json.at("calibration", $0.0, "bands")?.items ?? []).isEmpty }
    if known.isEmpty {
      return .unknown("calibration", title, "Too few outcomes are known to hold the predictions against.")
    }
    var body: [Markup] = []
    for (name, heading, predicted, came) in known {
      let bands = json.at("calibration", name, "bands")?.items ?? []
      let plot = CalibrationPlot(
        title: "\(heading): predicted against seen",
        description: bands.prefix(20).map {
          "predicted \(Figures.percent($0.finite("expected"))), seen \(RateFigure($0["observed"])?.told ?? Figures.unknown)"
        }.joined(separator: "; "),
        bands: bands.prefix(60).compactMap(band), predicted: predicted, came: came)
      body += [
        "<h3>\(heading)</h3>\n", calibrationSentence(name),
        plot.figure(
          "calibration-\(name)",
          caption:
            "Users in bands of what was predicted. On the dashed line the prediction is what came; above it more came than predicted."
        ),
        ReportTable(
          caption: "\(heading): bands",
          columns: [
            .words("Predicted between"), .number("Mean predicted"), .number("Seen"), .number("Share (95 %)"),
            .number("Suggested points"),
            .words("Sound"),
          ],
          rows: (bands + (json.at("calibration", name, "all").map { [$0] } ?? [])).enumerated().map { at, band in
            let rate = RateFigure(band["observed"])
            return [
              at == bands.count
                ? "all" : "\(Figures.percent(band.finite("from"))) and \(Figures.percent(band.finite("to")))",
              "\(Figures.percent(band.finite("expected")))", "\(rate?.kOfN ?? "–")", ReportWords.shareAndRange(rate),
              band.finite("shift").map { "\(Figures.signed($0, 0))" } ?? "–",
              band["sound"]?.boolean.map { $0 ? "✓ within the interval" : "◆ outside it" } ?? "not yet known",
            ]
          }
        ).html,
      ]
    }
    return Page.Section(
      id: "calibration", title: title, headline: calibrationHeadline(known.map { ($0.0, $0.1) }), body: body)
  }

  private func band(_ json: JSONValue) -> CalibrationPlot.Band? {
    guard let expected = json.finite("expected"), let rate = RateFigure(json["observed"]), let share = rate.share else {
      return nil
    }
    return CalibrationPlot.Band(
      expected: expected, observed: share, low: rate.low ?? share, high: rate.high ?? share,
      isSound: json["sound"]?.boolean ?? true)
  }

  private func calibrationHeadline(_ kinds: [(String, String)]) -> Markup {
    let off = kinds.map { kind -> (String, Int, Int) in
      let bands = json.at("calibration", kind.0, "bands")?.items ?? []
      return (kind.1, bands.filter { $0["sound"]?.boolean == false }.count, bands.count)
    }
    if off.allSatisfy({ $0.1 == 0 }) { return "What was predicted is what came, as far as chance lets it be told." }
    return Markup(
      off.filter { $0.1 > 0 }.map {
        "\($0.0): \($0.1) of \($0.2) bands \($0.1 == 1 ? "is" : "are") off by more than chance."
      }, separator: " ")
  }

  private func calibrationSentence(_ name: String) -> Markup {
    let one = json.at("calibration", name)
    let users = one?.finite("contacts") ?? one?.finite("loans")
    let days = one?.finite("days_known").map { ", known for \(Figures.number($0, 1)) days on average" } ?? ""
    return """
      <p>\(Figures.count(one?.finite("outcomes"))) came where \(Figures.number(one?.finite("expected"), 1)) were expected of \
      \(Figures.count(users))\(days).</p>

      """
  }

  var stability: Page.Section {
    let title = "Have the users changed?"
    guard let stability = json["stability"], !stability.list("characteristics").isEmpty else {
      return .unknown("stability", title, "There is no earlier period to compare the users with.")
    }
    let all = stability.list("characteristics").sorted { ($0.finite("psi") ?? -1) > ($1.finite("psi") ?? -1) }
    let look = stability.finite("look")
    let act = stability.finite("act")
    let moved = all.filter { ["look", "act"].contains($0.words("verdict") ?? "") }
    let baseline = stability["baseline"]
    if all.allSatisfy({ $0.finite("psi") == nil }) {
      return .unknown(
        "stability", title,
        """
        There is no earlier period to compare the users with: \(Figures.counted(baseline?.finite("rows"), "row", "rows")) \
        then, \(Figures.counted(stability.finite("rows"), "row", "rows")) now.
        """)
    }
    return Page.Section(
      id: "stability", title: title,
      headline: moved.isEmpty
        ? "No characteristic is spread otherwise than before by more than is usual."
        : "\(moved.count == 1 ? "One characteristic has" : "\(moved.count) characteristics have") moved: \(ReportWords.list(moved.map(characteristic))).",
      body: [
        psiLines(all, look, act, stability.finite("noise")),
        psiBars(all, look),
        ReportTable(
          caption: "PSI by characteristic",
          columns: [
            .words("Characteristic"), .number("PSI"), .number("By chance alone"), .number("Chance’s upper end"),
            .words("Verdict"),
          ],
          rows: all.map {
            [
              Markup.name(characteristic($0)), "\(Figures.number($0.finite("psi"), 3))",
              "\(Figures.number($0.finite("noise"), 4))",
              "\(Figures.number($0.finite("noise_high"), 4))", ReportWords.verdict($0.words("verdict")),
            ]
          }
        ).html,
        Markup(moved.prefix(6).map(bins)),
        """
        <p class="note">Compared with\(baseline?.words("kind") == "first_week" ? " the first week of the period itself, for nothing is kept of an earlier one:" : "") \(Figures.counted(baseline?.finite("rows"), "row", "rows")) from \
        \(ReportWords.day(baseline?["since"]?.text)) to \(ReportWords.day(baseline?["until"]?.text)); now \
        \(Figures.counted(stability.finite("rows"), "row", "rows")), \(Figures.count(stability.finite("unread"))) could not be read.</p>
        """,
      ])
  }

  private func characteristic(_ json: JSONValue) -> String {
    [json.words("card"), json.words("name")].compactMap { $0 }.joined(separator: " ")
  }

  private func psiLines(_ all: [JSONValue], _ look: Double?, _ act: Double?, _ noise: Double?) -> Markup {
    let starts = all.map { $0.list("weeks").map { $0["since"]?.text ?? "?" } }.max { $0.count < $1.count } ?? []
    if starts.count < 2 { return "" }
    let series = all.enumerated().map { index, one in
      LinePlot.Series(
        name: TextWidth.fit(characteristic(one), in: 180, size: 12),
        points: one.list("weeks").enumerated().map { (Double($0.offset), $0.element.finite("psi")) },
        style: index < 4 ? index : nil)
    }
    var thresholds: [LinePlot.Threshold] = []
    let noises = all.prefix(4).flatMap { $0.list("weeks").compactMap { $0.finite("noise") } }
    if let highest = noises.max() { thresholds.append(.init(value: highest, name: "by chance alone, at most")) }
    if let look { thresholds.append(.init(value: look, name: "look (\(Figures.number(look, 2)))")) }
    if let act { thresholds.append(.init(value: act, name: "act (\(Figures.number(act, 2)))")) }
    let plot = LinePlot(
      title: "PSI over the weeks",
      description: "Highest: "
        + all.prefix(4).map { "\(Name.cut(characteristic($0), most: 40)) \(Figures.number($0.finite("psi"), 3))" }
        .joined(separator: ", ") + ".",
      series: series, thresholds: thresholds, places: starts.map(ReportWords.week), axisTitle: "week from",
      spelledY: Figures.axis)
    return plot.figure(
      "psi-weeks",
      caption:
        "The characteristics that moved most; thin lines are the others. Below the line of chance a PSI says nothing.")
  }

  private func psiBars(_ all: [JSONValue], _ look: Double?) -> Markup {
    BarPlot(
      title: "PSI of the period",
      description: all.prefix(12).map {
        "\(Name.cut(characteristic($0), most: 40)): \(Figures.number($0.finite("psi"), 3))"
      }.joined(separator: "; "),
      rows: all.prefix(30).map {
        BarPlot.Row(name: characteristic($0), told: Figures.number($0.finite("psi"), 3), values: [$0.finite("psi")])
      }, reference: look.map { ($0, "look: \(Figures.number($0, 2))") }, spelled: Figures.axis
    ).figure("psi-bars", caption: "The whole period against the one before, the most changed first.")
  }

  /// Where a characteristic that moved has moved.
  private func bins(_ one: JSONValue) -> Markup {
    let bins = one.list("bins")
    let then = bins.compactMap { $0.finite("then") }.reduce(0, +)
    let now = bins.compactMap { $0.finite("now") }.reduce(0, +)
    return ReportTable(
      caption: "\(Name.cut(characteristic(one), most: 60)): users by bin",
      columns: [.words("Bin"), .number("Then"), .number("Now"), .number("Then, share"), .number("Now, share")],
      rows: bins.map { bin in
        let (a, b) = (bin.finite("then"), bin.finite("now"))
        return [
          Markup.name(bin.words("bin") ?? "?"), "\(Figures.count(a))", "\(Figures.count(b))",
          "\(Figures.percent(a.flatMap { then > 0 ? $0 / then : nil }))",
          "\(Figures.percent(b.flatMap { now > 0 ? $0 / now : nil }))",
        ]
      }
    ).html
  }

  var discrimination: Page.Section {
    let title = "Do the scores rank users?"
    let kinds = [("p", "Chance of a loan"), ("pd", "Risk (PD)")]
    let known = kinds.filter { json.at("discrimination", $0.0, "auc")?.finite != nil }
    guard let first = known.first else {
      return .unknown(
        "discrimination", title, "AUC and KS need users who did it and users who did not; there are too few of one.")
    }
    let auc = json.at("discrimination", first.0, "auc")?.finite
    return Page.Section(
      id: "discrimination", title: title,
      headline:
        "Of a user who did borrow and one who did not, the first was ranked higher \(Figures.number(auc.map { $0 * 100 }, 0)) times in 100; 50 is a coin.",
      body: [
        ReportTable(
          caption: "How well the predictions rank",
          columns: [
            .words("Prediction"), .number("Users"), .number("Outcomes"), .number("AUC"), .number("KS"),
            .number("Lift at 10 %"), .number("Lift at 20 %"),
          ],
          rows: kinds.map { name, title in
            let one = json.at("discrimination", name)
            return [
              "\(title)", "\(Figures.count(one?.finite("users")))", "\(Figures.count(one?.finite("outcomes")))",
              "\(Figures.number(one?.finite("auc"), 3))",
              "\(Figures.number(one?.finite("ks"), 3))", "\(Figures.number(one?.finite("lift10"), 2))",
              "\(Figures.number(one?.finite("lift20"), 2))",
            ]
          }
        ).html,
        """
        <p class="note">Lift at 10 %: how many times as many outcomes the best tenth of the ranking holds as a tenth drawn by \
        chance would.</p>
        """,
      ])
  }

  var parity: Page.Section {
    let groups = json.at("parity", "groups")?.items ?? []
    if groups.isEmpty {
      return .unknown("parity", "Parity", "No contact has a region group, so there are no groups to compare.")
    }
    let threshold = json.at("parity", "threshold")?.finite
    let below = groups.filter { $0.words("verdict") == "below" }.map(ReportWords.group)
    let plot = BarPlot(
      title: "Rate of loans over that of the best group",
      description: groups.prefix(12).map {
        "\(Name.cut(ReportWords.group($0), most: 40)): \(Figures.number($0.finite("ratio"), 2))"
      }.joined(separator: "; "),
      rows: groups.prefix(40).map {
        BarPlot.Row(
          name: ReportWords.group($0), told: Figures.number($0.finite("ratio"), 2), values: [$0.finite("ratio")])
      }, reference: threshold.map { ($0, "four fifths: \(Figures.number($0, 2))") }, spelled: Figures.axis)
    return Page.Section(
      id: "parity", title: "Parity",
      headline: below.isEmpty
        ? "No region group is below \(Figures.number(threshold, 2)) of the best one."
        : "Below \(Figures.number(threshold, 2)) of the best group: \(ReportWords.list(below)).",
      body: [
        plot.figure(
          "parity-plot",
          caption:
            "Each region group’s rate over that of the group with the highest one; below the dashed line it is looked at."
        ),
        ReportTable(
          caption: "By region group",
          columns: [
            .words("Group"), .number("Contacts"), .number("Held out"), .number("Clicks (95 %)"),
            .number("Loans (95 %)"), .number("Ratio"),
            .words("Verdict"),
          ],
          rows: groups.map { group in
            [
              Markup.name(ReportWords.group(group)), "\(Figures.count(group.finite("contacts")))",
              "\(Figures.count(group.finite("ghosts")))",
              ReportWords.shareAndRange(RateFigure(group["click"])),
              ReportWords.shareAndRange(RateFigure(group["disbursed"])),
              "\(Figures.number(group.finite("ratio"), 2))", ReportWords.verdict(group.words("verdict")),
            ]
          }
        ).html,
        "<p class=\"note\">\(Name.cut(json.at("parity", "say")?.text ?? "", most: 600))</p>",
      ])
  }
}
