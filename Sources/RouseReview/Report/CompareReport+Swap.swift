import RouseWire

extension CompareReport {
  private func swapped(_ name: String, _ figure: String) -> Double? { json.at("swap", name, figure)?.finite }

  var swap: Page.Section {
    let title = "Who comes in, and who goes out"
    guard let stay = swapped("in_in", "count"), let out = swapped("in_out", "count"),
      let come = swapped("out_in", "count")
    else { return .unknown("swap", title, "The answer has no swap set.") }
    let plot = SwapPlot(
      title: "The old and the new list",
      description: """
        \(Figures.count(out)) go out, \(Figures.count(stay)) stay, \(Figures.count(come)) come in.
        """,
      out: .init(name: "Out", count: out, money: "old value \(Figures.money(swapped("in_out", "value_old")))"),
      stay: .init(
        name: "Stay", count: stay,
        money: "\(Figures.money(swapped("in_in", "value_old"))) → \(Figures.money(swapped("in_in", "value_new")))"),
      come: .init(name: "In", count: come, money: "new value \(Figures.money(swapped("out_in", "value_new")))"))
    let names = [
      ("in_in", "On both lists"), ("in_out", "Only on the old list"), ("out_in", "Only on the new list"),
      ("out_out", "On neither"),
    ]
    return Page.Section(
      id: "swap", title: title,
      headline:
        "\(Figures.counted(stay, "user stays", "users stay")), \(Figures.counted(come, "comes", "come")) in and \(Figures.counted(out, "goes", "go")) out.",
      body: [
        stay + out + come > 0
          ? plot.figure(
            "swap-plot",
            caption:
              "All whom either policy contacts. Lengths are numbers of users; both on neither list are not drawn.")
          : "<p>Neither policy contacts anybody.</p>",
        ReportTable(
          caption: "The swap set",
          columns: [
            .words("Users"), .number("Count"), .number("Value, old"), .number("Value, new"), .number("Mean PD, old"),
            .number("Mean PD, new"),
          ],
          rows: names.map { name, title in
            [
              "\(title)", "\(Figures.count(swapped(name, "count")))", "\(Figures.money(swapped(name, "value_old")))",
              "\(Figures.money(swapped(name, "value_new")))", "\(Figures.percent(swapped(name, "pd_old")))",
              "\(Figures.percent(swapped(name, "pd_new")))",
            ]
          }
        ).html,
      ])
  }

  var curves: Page.Section {
    let title = "Value against contacts"
    let sides = [("old", "Old policy", 1), ("new", "New policy", 0)]
    let series = sides.compactMap { side, name, style -> LinePlot.Series? in
      let points =
        json.at("curves", side, "points")?.items.compactMap { point -> (x: Double, y: Double?)? in
          point.finite("contacts").map { ($0, point.finite("net_value")) }
        } ?? []
      return points.isEmpty ? nil : LinePlot.Series(name: name, points: points, style: style)
    }
    if series.isEmpty { return .unknown("curves", title, "The answer has no curves.") }
    let cuts = sides.compactMap { side, name, style -> LinePlot.Cut? in
      guard let cut = json.at("curves", side, "cut")?.finite else { return nil }
      let at = json.at("curves", side, "points")?.items.first { ($0.finite("contacts") ?? -1) >= cut }?.finite(
        "net_value")
      return LinePlot.Cut(
        x: cut, y: at, name: "\(side == "old" ? "old" : "new") cut: \(Figures.count(cut))", style: style)
    }
    let told = cuts.map { "\($0.name)" }.joined(separator: ", ")
    let plot = LinePlot(
      title: "Net value of the first so many on each list", description: "Curves of both policies; \(told).",
      series: series,
      cuts: cuts, axisTitle: "contacts", spelledY: Figures.axis)
    let rows = sides.flatMap { side, name, _ -> [[Markup]] in
      thinned(json.at("curves", side, "points")?.items ?? []).map {
        [
          "\(name)", "\(Figures.count($0.finite("contacts")))", "\(Figures.money($0.finite("spend")))",
          "\(Figures.money($0.finite("value")))", "\(Figures.money($0.finite("net_value")))",
        ]
      }
    }
    return Page.Section(
      id: "curves", title: title, headline: curveHeadline,
      body: [
        plot.figure(
          "curves-plot",
          caption: """
            From the best contact down the list, what they are worth together after their cost. Where a curve flattens, \
            more contacts bring little; the cut is where the budget or a limit ends the list.
            """),
        ReportTable(
          caption: "Points of the curves",
          columns: [.words("Policy"), .number("Contacts"), .number("Spend"), .number("Value"), .number("Net value")],
          rows: rows
        ).html,
      ])
  }

  private var curveHeadline: Markup {
    func last(_ side: String) -> String {
      guard let cut = json.at("curves", side, "cut")?.finite else { return "at a cut that is not known" }
      return "after \(Figures.counted(cut, "contact", "contacts"))"
    }
    return "The old list is cut \(last("old")), the new one \(last("new"))."
  }

  private func thinned(_ points: [JSONValue]) -> [JSONValue] {
    let every = max(1, (points.count + 11) / 12)
    return points.enumerated().filter { $0.offset % every == 0 || $0.offset == points.count - 1 }.map(\.element)
  }

  var movers: Page.Section {
    let sides = [("up", "Up: worth more under the new policy"), ("down", "Down: worth less under the new policy")]
    let all = sides.flatMap { json.at("movers", $0.0)?.items ?? [] }
    return Page.Section(
      id: "movers", title: "Who moves most",
      headline: all.isEmpty
        ? "Nobody’s net value changes."
        : "The users whose net value changes most, and the rows of the policy that moved them.",
      body: sides.flatMap { side, title in
        let rows = (json.at("movers", side)?.items ?? []).prefix(100).map(mover)
        return [table(title, Array(rows.prefix(5))), table("\(title), the others", Array(rows.dropFirst(5)), most: 0)]
      })
  }

  private func table(_ title: String, _ rows: [[Markup]], most: Int = 14) -> Markup {
    ReportTable(
      caption: title,
      columns: [
        .words("User"), .number("Net value, old"), .number("Net value, new"), .number("Change"), .words("Status"),
        .long("What moved it"),
      ], rows: rows, most: most
    ).html
  }

  private func worth(_ value: Double?) -> Markup { value == 0 ? "0" : "\(Figures.number(value, 4))" }

  private func mover(_ one: JSONValue) -> [Markup] {
    let before = ReportWords.status(one.at("old", "status")?.text)
    let after = ReportWords.status(one.at("new", "status")?.text)
    var moved = one.list("moved").prefix(4).map { row -> Markup in
      let name = [row.words("card"), row.words("row")].compactMap { $0 }.joined(separator: " ")
      let bins =
        row.words("old_bin") == row.words("new_bin")
        ? ""
        : " (\(Name.cut(row.words("old_bin") ?? "none", most: 20)) → \(Name.cut(row.words("new_bin") ?? "none", most: 20)))"
      return "\(Markup.name(name, most: 48))\(bins) <b>\(Figures.signed(row.finite("change"), 0))</b>"
    }
    moved += one.list("numbers").prefix(3).compactMap { number -> Markup? in
      guard let old = number.finite("old"), let new = number.finite("new"), old != new else { return nil }
      return "\(Markup.name(number.words("name") ?? "?")) \(Figures.number(old)) → \(Figures.number(new))"
    }
    return [
      Markup.name(one.words("user_id") ?? "not known", most: 32),
      worth(one.at("old", "net_value")?.finite),
      worth(one.at("new", "net_value")?.finite),
      "\(Figures.signed(one.finite("change"), 4))",
      before == after ? "\(Name.cut(after, most: 40))" : "\(Name.cut(before, most: 40)) → \(Name.cut(after, most: 40))",
      moved.isEmpty ? "–" : Markup(moved, separator: "; "),
    ]
  }
}
