import RouseWire

/// The page of `rouse policy compare`, made of its JSON alone. Members that are missing or null are told as not known.
package struct CompareReport {
  let json: JSONValue

  /// - Parameter answer: what `rouse policy compare --json` prints, or the server's reply with it.
  package init(_ answer: JSONValue) { json = answer["comparison"] ?? answer }

  /// The same bytes for the same answer.
  package var html: String {
    Page(
      title: "What the new policy changes",
      about: """
        \(policy("old")) against \(policy("new")), on \(Figures.counted(json.finite("lines"), "line", "lines")) as of \
        \(ReportWords.moment(json.words("as_of")))
        """,
      sections: [
        summary, swap, money, curves, groups, parity, statuses, ranking, prices, movers, errors, about,
        Glossary.section([
          "Capital", "Cut", "Four-fifths rule", "Interval (95 %)", "Net value", "Overlap at k", "PD", "Policy", "ROI",
          "Selection rate", "Shadow price", "Spearman correlation", "Swap set", "Value", "Wilson interval",
        ]),
      ]
    ).html
  }

  func policy(_ side: String) -> Markup {
    guard let name = json[side]?.words("policy") else { return "a policy that is not named" }
    return Markup.name(name, most: 60)
  }

  func total(_ name: String) -> Change {
    Change(old: json.at("totals", "old", name)?.finite, new: json.at("totals", "new", name)?.finite)
  }

  // MARK: In short

  private var summary: Page.Section {
    let value = total("net_value")
    let headline: Markup =
      value.difference == nil
      ? "What it is worth is not known."
      : value.difference == 0
        ? "Both policies are worth the same: a net value of \(Figures.money(value.new))."
        : """
        The new policy’s list is worth \(Figures.money(value.new)) where the old one’s is worth \(Figures.money(value.old)): \
        \(value.told(Figures.money)).
        """
    return Page.Section(
      id: "summary", title: "In short", headline: headline,
      body: [Cards(cards: cards).html, Remarks.look(looks), said])
  }

  private var cards: [Cards.Card] {
    func card(_ title: String, _ name: String, _ figure: (Double?) -> String) -> Cards.Card {
      let change = total(name)
      guard change.new != nil else { return Cards.Card(name: title, value: Figures.unknown, was: "") }
      let arrow = change.difference.map { $0 > 0 ? "▲ " : $0 < 0 ? "▼ " : "" } ?? ""
      return Cards.Card(
        name: title, value: figure(change.new),
        was: change.old == nil ? "before: not known" : "\(arrow)\(change.told(figure)), from \(figure(change.old))")
    }
    return [
      card("Contacts", "contacts", Figures.count), card("Spend", "spend", Figures.money),
      card("Net value", "net_value", Figures.money), card("ROI", "roi") { Figures.number($0, 2) },
      card("Capital", "capital", Figures.money),
    ]
  }

  private var looks: [Markup] {
    var lines: [Markup] = []
    let fallen =
      json.at("parity", "groups")?.items.filter {
        $0.at("new", "below")?.boolean == true && $0.at("old", "below")?.boolean != true
      }.map(ReportWords.group) ?? []
    if !fallen.isEmpty {
      lines.append(
        "The selection rate of \(ReportWords.list(fallen)) falls below the floor: somebody should be able to say why, or it should change (<a href=\"#parity\">Parity</a>)."
      )
    }
    if let value = total("net_value").difference, value < 0 {
      lines.append("The new policy’s list is worth less than the old one’s.")
    }
    if let spend = total("spend").difference, let value = total("net_value").difference, spend > 0, value >= 0,
      value < spend
    {
      lines.append(
        "\(Figures.money(spend)) more spend brings \(Figures.money(value)) more net value: less than one for one.")
    }
    let out = json.at("swap", "in_out")
    let came = json.at("swap", "out_in")
    if let left = out?.finite("pd_old"), let right = came?.finite("pd_new"), right > left {
      lines.append(
        "Those who come in carry more risk than those who go out: a mean PD of \(Figures.percent(right)) against \(Figures.percent(left))."
      )
    }
    let before = json.list("errors").compactMap { $0.finite("old") }.reduce(0, +)
    let after = json.list("errors").compactMap { $0.finite("new") }.reduce(0, +)
    if after > before {
      lines.append(
        "\(Figures.count(after)) lines are in error under the new policy, \(Figures.count(before)) under the old one.")
    }
    return lines
  }

  private var said: Markup {
    let lines = json.list("say").compactMap(\.text).map { "<li>\(Name.cut($0, most: 600))</li>" as Markup }
    return lines.isEmpty ? "" : "<ul class=\"points\">\(lines)</ul>"
  }

  // MARK: Money

  private var money: Page.Section {
    let rows: [(String, String, (Double?) -> String)] = [
      ("Contacts", "contacts", Figures.count), ("Spend", "spend", Figures.money), ("Value", "value", Figures.money),
      ("Net value", "net_value", Figures.money), ("ROI", "roi", { Figures.number($0, 2) }),
      ("Capital", "capital", Figures.money),
    ]
    if json["totals"] == nil { return .unknown("money", "Money", "The answer has no totals.") }
    let spend = total("spend")
    return Page.Section(
      id: "money", title: "Money",
      headline: "Spend: \(spend.told(Figures.money)). Value: \(total("value").told(Figures.money)).",
      body: [
        ReportTable(
          caption: "What each list comes to",
          columns: [.words("Figure"), .number("Old"), .number("New"), .number("Change"), .number("Of the old")],
          rows: rows.map { title, name, figure in
            let change = total(name)
            return [
              "\(title)", "\(figure(change.old))", "\(figure(change.new))", "\(change.signed(figure))",
              "\(change.relative ?? "–")",
            ]
          }
        ).html,
        """
        <p class="note">These are expectations of each policy about the users it takes, by its own chances and values; \
        what came of them is in a review.</p>
        """,
      ])
  }

  // MARK: Errors and provenance

  private var errors: Page.Section {
    let errors = json.list("errors")
    let after = errors.compactMap { $0.finite("new") }.reduce(0, +)
    return Page.Section(
      id: "errors", title: "Lines in error",
      headline: errors.isEmpty
        ? "No line was in error."
        : "\(Figures.count(after)) of \(Figures.count(json.finite("lines"))) lines could not be judged under the new policy; they are counted, and nothing else is left out.",
      body: [
        ReportTable(
          caption: "Errors by code", columns: [.words("Code"), .long("What it is"), .number("Old"), .number("New")],
          rows: errors.map {
            [
              Markup.name($0.words("code") ?? "?"), "\(Name.cut($0.words("say") ?? "–", most: 200))",
              "\(Figures.count($0.finite("old")))", "\(Figures.count($0.finite("new")))",
            ]
          }
        ).html
      ])
  }

  private var about: Page.Section {
    Page.Section(
      id: "about", title: "Where these figures come from",
      headline: "",
      body: [
        Facts.html([
          ("Old policy", policy("old")), ("New policy", policy("new")),
          ("Judged as of", ReportWords.moment(json.words("as_of"))),
          ("Lines", "\(Figures.count(json.finite("lines")))"),
          (
            "In error",
            "\(Figures.count(json.at("statuses", "old", "invalid")?.finite)) under the old, \(Figures.count(json.at("statuses", "new", "invalid")?.finite)) under the new policy"
          ),
          ("Made by", "rouse policy compare --html"),
        ])
      ])
  }
}
