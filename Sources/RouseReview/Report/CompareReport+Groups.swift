import RouseWire

extension CompareReport {
  var groups: Page.Section {
    let by = json["by"]?.members ?? []
    if by.isEmpty { return .unknown("groups", "Where it changes", "The answer has no groups.") }
    var most: (name: String, dimension: String, change: Double)?
    var body: [Markup] = []
    for (index, dimension) in by.enumerated() {
      let groups = dimension.value.items
      for group in groups {
        let change = contacts(group).difference ?? 0
        if abs(change) > abs(most?.change ?? 0) {
          most = (ReportWords.group(group), ReportWords.dimension(dimension.name), change)
        }
      }
      body += section(ReportWords.dimension(dimension.name), groups, index)
    }
    let headline: Markup =
      most.map {
        "Most changes in \($0.dimension) \(Markup.name($0.name)): \(Figures.count(abs($0.change))) contacts \($0.change > 0 ? "more" : "fewer")."
      } ?? "No group’s number of contacts changes."
    return Page.Section(id: "groups", title: "Where it changes", headline: headline, body: body)
  }

  private func contacts(_ group: JSONValue) -> Change {
    Change(old: group.at("old", "contacts")?.finite, new: group.at("new", "contacts")?.finite)
  }

  private func section(_ dimension: String, _ groups: [JSONValue], _ index: Int) -> [Markup] {
    if groups.isEmpty { return [] }
    let rows = groups.map { group -> BarPlot.Row in
      let change = contacts(group)
      return BarPlot.Row(
        name: ReportWords.group(group), told: "\(Figures.count(change.new)) (\(change.signed(Figures.count)))",
        values: [change.old, change.new])
    }
    let plot = BarPlot(
      title: "Contacts by \(dimension)",
      description: rows.prefix(12).map { "\(Name.cut($0.name, most: 40)): \($0.told)" }.joined(separator: "; "),
      rows: Array(rows.prefix(40)),
      keys: ["old policy", "new policy"], spelled: Figures.axis)
    func figure(_ group: JSONValue, _ side: String, _ name: String) -> Double? { group.at(side, name)?.finite }
    return [
      "<h3>By \(Name.cut(dimension, most: 60))</h3>\n",
      plot.figure(
        "by-\(index)",
        caption: "Users contacted. Beside each the number under the new policy and, in brackets, the change."),
      ReportTable(
        caption: "By \(Name.cut(dimension, most: 60))",
        columns: [
          .words("Group"), .number("Contacts, old"), .number("Contacts, new"), .number("Spend, old"),
          .number("Spend, new"),
          .number("Net value, old"), .number("Net value, new"), .number("ROI, old"), .number("ROI, new"),
        ],
        rows: groups.map { group in
          [
            Markup.name(ReportWords.group(group)), "\(Figures.count(figure(group, "old", "contacts")))",
            "\(Figures.count(figure(group, "new", "contacts")))", "\(Figures.money(figure(group, "old", "spend")))",
            "\(Figures.money(figure(group, "new", "spend")))", "\(Figures.money(figure(group, "old", "net_value")))",
            "\(Figures.money(figure(group, "new", "net_value")))", "\(known(figure(group, "old", "roi")))",
            "\(known(figure(group, "new", "roi")))",
          ]
        }
      ).html,
    ]
  }

  /// A ratio of nothing is none.
  private func known(_ value: Double?) -> String { value.map { Figures.number($0, 2) } ?? "–" }

  var parity: Page.Section {
    let groups = json.at("parity", "groups")?.items ?? []
    if groups.isEmpty {
      return .unknown("parity", "Parity", "No candidate has a region group, so there are no groups to compare.")
    }
    let floor = json.at("parity", "floor", "new")?.finite ?? json.at("parity", "floor", "old")?.finite
    let below = groups.filter { $0.at("new", "below")?.boolean == true }.map(ReportWords.group)
    let rows = groups.map { group -> BarPlot.Row in
      let (old, new) = (group.at("old", "ratio")?.finite, group.at("new", "ratio")?.finite)
      return BarPlot.Row(
        name: ReportWords.group(group), told: "\(Figures.number(old, 2)) → \(Figures.number(new, 2))",
        values: [old, new])
    }
    let plot = BarPlot(
      title: "Selection rate over that of the best group",
      description: rows.prefix(12).map { "\(Name.cut($0.name, most: 40)): \($0.told)" }.joined(separator: "; "),
      rows: Array(rows.prefix(40)), keys: ["old policy", "new policy"],
      reference: floor.map { ($0, "floor \(Figures.number($0, 2))") }, spelled: { Figures.axis($0) })
    return Page.Section(
      id: "parity", title: "Parity",
      headline: below.isEmpty
        ? "No region group is selected less than \(Figures.number(floor, 2)) times as often as the best one."
        : "Below the floor of \(Figures.number(floor, 2)) under the new policy: \(ReportWords.list(below)).",
      body: [
        plot.figure(
          "parity-plot",
          caption:
            "Share of those who could be contacted that is contacted, over the share in the group with the highest one."
        ),
        ReportTable(
          caption: "Selection rates by region group",
          columns: [
            .words("Group"), .number("Old: selected"), .number("Old: rate (95 %)"), .number("Old: ratio"),
            .number("New: selected"),
            .number("New: rate (95 %)"), .number("New: ratio"), .words("New: floor"),
          ],
          rows: groups.map { group in
            let old = RateFigure(group.at("old", "selected"))
            let new = RateFigure(group.at("new", "selected"))
            return [
              Markup.name(ReportWords.group(group)), "\(old?.kOfN ?? "–")", ReportWords.shareAndRange(old),
              "\(Figures.number(group.at("old", "ratio")?.finite, 2))", "\(new?.kOfN ?? "–")",
              ReportWords.shareAndRange(new),
              "\(Figures.number(group.at("new", "ratio")?.finite, 2))",
              group.at("new", "below")?.boolean.map { $0 ? "▼ below" : "✓ met" } ?? "not known",
            ]
          }
        ).html,
      ])
  }

  var statuses: Page.Section {
    let names = json.at("statuses", "new")?.members.map(\.name) ?? []
    if names.isEmpty { return .unknown("statuses", "What becomes of everybody", "The answer has no statuses.") }
    func change(_ name: String) -> Change {
      Change(old: json.at("statuses", "old", name)?.finite, new: json.at("statuses", "new", name)?.finite)
    }
    let shown = names.filter { name in change(name).old != 0 || change(name).new != 0 }
    let plot = BarPlot(
      title: "Users by status",
      description: shown.map { "\(Name.cut(ReportWords.status($0), most: 40)): \(Figures.count(change($0).new))" }
        .joined(separator: "; "),
      rows: shown.map {
        BarPlot.Row(
          name: ReportWords.status($0), told: "\(Figures.count(change($0).new)) (\(change($0).signed(Figures.count)))",
          values: [change($0).old, change($0).new])
      }, keys: ["old policy", "new policy"], spelled: Figures.axis)
    let flips = json.list("flips")
    let moved = flips.compactMap { $0.finite("count") }.reduce(0, +)
    return Page.Section(
      id: "statuses", title: "What becomes of everybody",
      headline: flips.isEmpty
        ? "Nobody’s status changes." : "\(Figures.counted(moved, "user gets", "users get")) another status.",
      body: [
        plot.figure(
          "statuses-plot",
          caption: "Every line has one status. Beside each the number under the new policy, and the change."),
        ReportTable(
          caption: "Changes of status, with the reason",
          columns: [.words("From"), .words("To"), .number("Users"), .long("Reason")],
          rows: flips.map { flip in
            let codes = [flip.words("from_code"), flip.words("to_code")].compactMap { $0 }
            let say = [codes.joined(separator: " → "), flip.words("say") ?? ""].filter { !$0.isEmpty }.joined(
              separator: ": ")
            return [
              "\(Name.cut(ReportWords.status(flip.text("from")), most: 40))",
              "\(Name.cut(ReportWords.status(flip.text("to")), most: 40))",
              "\(Figures.count(flip.finite("count")))", say.isEmpty ? "–" : "\(Name.cut(say, most: 200))",
            ]
          }
        ).html,
      ])
  }

  var ranking: Page.Section {
    let rho = json.at("spearman", "rho")?.finite
    let overlap = json.list("overlap")
    let likeness = rho.map {
      $0 > 0.95
        ? "almost the same order"
        : $0 > 0.7 ? "much the same order" : $0 > 0.3 ? "a rather different order" : "another order"
    }
    let plot = BarPlot(
      title: "Overlap of the first k",
      description: overlap.map { "first \(Figures.count($0.finite("k"))): \(Figures.percent($0.finite("share")))" }
        .joined(separator: "; "),
      rows: overlap.map {
        BarPlot.Row(
          name: "first \(Figures.count($0.finite("k")))",
          told: "\(Figures.count($0.finite("both"))) (\(Figures.percent($0.finite("share"))))",
          values: [$0.finite("share")])
      }, reference: nil, spelled: Figures.axisPercent)
    return Page.Section(
      id: "ranking", title: "How alike the rankings are",
      headline: likeness.map {
        "The policies rank users in \($0): a Spearman correlation of \(Figures.number(rho, 3)) over \(Figures.counted(json.at("spearman", "users")?.finite, "user", "users"))."
      }
        ?? "How alike the rankings are is not known.",
      body: [
        overlap.isEmpty
          ? ""
          : plot.figure(
            "overlap-plot", caption: "How many of the first k on the old list are among the first k on the new one."),
        ReportTable(
          caption: "Overlap at k", columns: [.words("First"), .number("On both"), .number("Share")],
          rows: overlap.map {
            [
              "\(Figures.count($0.finite("k")))", "\(Figures.count($0.finite("both")))",
              "\(Figures.percent($0.finite("share")))",
            ]
          }
        ).html,
      ])
  }

  var prices: Page.Section {
    let prices = json.list("prices")
    func told(_ side: JSONValue?) -> [Markup] {
      guard let side, !side.isNull else { return ["no such limit", "–"] }
      return [
        "\(Figures.number(side.finite("used"))) of \(Figures.number(side.finite("max")))",
        "\(Figures.number(side.finite("price"), 2))",
      ]
    }
    let dear = prices.max { ($0.at("new", "price")?.finite ?? 0) < ($1.at("new", "price")?.finite ?? 0) }
    let dearest = dear?.at("new", "price")?.finite ?? 0
    return Page.Section(
      id: "prices", title: "Limits and what they cost",
      headline: dearest > 0
        ? "\(Markup.name(dear?.words("limit") ?? "")) binds most under the new policy: one more unit of it would add about \(Figures.money(dearest))."
        : "Under the new policy no limit binds.",
      body: [
        ReportTable(
          caption: "Limits and shadow prices",
          columns: [
            .words("Limit"), .number("Old: used"), .number("Old: price"), .number("New: used"), .number("New: price"),
          ],
          rows: prices.map { [Markup.name($0.words("limit") ?? "?")] + told($0["old"]) + told($0["new"]) }
        ).html
      ])
  }
}

extension JSONValue {
  fileprivate func text(_ name: String) -> String? { self[name]?.text }
}
