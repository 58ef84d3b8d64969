import RouseWire

/// What the members of answers are called on a page.
enum ReportWords {
  static func status(_ name: String?) -> String {
    switch name {
    case "contact": "contacted"
    case "waitlist": "waiting list"
    case "unprofitable": "not worth a contact"
    case "holdout": "held out"
    case "declined": "declined for risk"
    case "active": "active anyway"
    case "suppressed": "suppressed"
    case "resting": "resting"
    case "invalid": "invalid line"
    case .some(let name): name
    case nil: "not known"
    }
  }

  static func verdict(_ name: String?) -> Markup {
    switch name {
    case "met": "✓ met"
    case "below": "▼ below"
    case "above": "▲ above"
    case "stable": "✓ stable"
    case "look": "◆ look"
    case "act": "▲ act"
    case "adds": "✓ adds"
    case "takes_away": "▼ takes away"
    case "not_known": "○ not yet known"
    case .some(let name): "\(name)"
    case nil: "–"
    }
  }

  static func dimension(_ name: String) -> String {
    switch name {
    case "region_group": "region group"
    default: name
    }
  }

  /// A group's name as text.
  static func group(_ json: JSONValue) -> String { json.words("name") ?? "not known" }

  /// The day of a moment.
  static func day(_ moment: String?) -> String {
    moment.map { Name.cut(String($0.prefix(10)), most: 10) } ?? "not known"
  }

  /// A day on one line; what is no day may break anywhere.
  static func unbroken(_ day: String) -> Markup {
    let isDay = day.utf8.count == 10 && day.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 || $0 == 0x2D }
    return isDay ? "<span class=\"n\">\(day)</span>" : "<bdi>\(day)</bdi>"
  }

  /// A day as an axis has room for it: 02-08.
  static func week(_ moment: String?) -> String {
    guard let moment, moment.utf8.count >= 10, moment.utf8.allSatisfy({ $0 < 0x80 }) else {
      return moment.map { Name.cut($0, most: 10) } ?? "?"
    }
    return String(moment.prefix(10).dropFirst(5))
  }

  /// Without days: the moment as it stands.
  static func moment(_ text: String?) -> Markup { text.map { Markup.name($0, most: 40) } ?? "not known" }

  static func share(_ rate: RateFigure?) -> Markup {
    guard let rate, rate.share != nil else { return "not yet known" }
    return "\(Figures.percent(rate.share))"
  }

  static func shareAndRange(_ rate: RateFigure?) -> Markup {
    guard let rate, rate.share != nil else { return "not yet known" }
    return "\(Figures.percent(rate.share)) <span class=\"soft\">(\(rate.range))</span>"
  }

  static func list(_ names: [String], most: Int = 6) -> Markup {
    let shown = names.prefix(most).map { Markup.name($0) }
    let rest = names.count - shown.count
    if rest > 0 { return "\(Markup(shown, separator: ", ")) and \(rest) more" }
    if shown.count < 2 { return shown.first ?? "" }
    return "\(Markup(Array(shown.dropLast()), separator: ", ")) and \(shown[shown.count - 1])"
  }
}

extension Page.Section {
  /// A section whose figures the answer does not have.
  static func unknown(_ id: String, _ title: String, _ why: Markup) -> Page.Section {
    Page.Section(id: id, title: title, headline: "Not yet known.", body: ["<p>\(why)</p>"])
  }
}
