/// A table with its caption, and a name at each row. On a phone one of many columns becomes a card a row, each figure
/// with its column's name before it; a long one is folded.
struct ReportTable {
  struct Column {
    var name: String
    var isNumber = true
    /// Long words: a line of its own on a phone.
    var isLong = false

    static func number(_ name: String) -> Column { Column(name: name) }
    static func words(_ name: String) -> Column { Column(name: name, isNumber: false) }
    static func long(_ name: String) -> Column { Column(name: name, isNumber: false, isLong: true) }
  }

  var caption: String
  /// The first is of the rows' names.
  var columns: [Column]
  /// A cell a column, the name first.
  var rows: [[Markup]]
  /// Rows that are shown without being asked for.
  var most = 14

  var html: Markup {
    if rows.isEmpty { return "" }
    let heads = columns.map { column in
      "<th scope=\"col\" role=\"columnheader\"\(column.isNumber ? " class=\"r\"" : "" as Markup)>\(column.name)</th>"
        as Markup
    }
    let style: Markup = columns.count > 7 ? " class=\"many wider\"" : columns.count > 3 ? " class=\"many\"" : ""
    let table: Markup = """
      <table role="table"\(style)><caption>\(caption)</caption>
      <thead role="rowgroup"><tr role="row">\(heads)</tr></thead>
      <tbody role="rowgroup">
      \(Markup(rows.map(row)))
      </tbody></table>

      """
    let isLong = rows.count > most
    if !isLong, columns.count < 4 || rows.count * columns.count <= 32 { return table }
    let fold: Markup = isLong ? "long" : "fold"
    return """
      <details class="\(fold)"><summary>Table: \(caption) (\(Figures.counted(Double(rows.count), "row", "rows")))</summary>
      \(table)</details>

      """
  }

  private func row(_ cells: [Markup]) -> Markup {
    let rest = zip(columns, cells).dropFirst().map { column, cell in
      var styles = column.isNumber ? ["r"] : column.isLong ? ["w"] : []
      if isTight(cell) { styles.append("x") }
      let style: Markup = styles.isEmpty ? "" : " class=\"\(styles.joined(separator: " "))\""
      return "<td role=\"cell\" data-label=\"\(column.name)\"\(style)><span>\(cell)</span></td>" as Markup
    }
    let name = cells.first ?? ""
    return
      "<tr role=\"row\"><th scope=\"row\" role=\"rowheader\"\(isTight(name) ? " class=\"x\"" : "" as Markup)>\(name)</th>\(rest)</tr>"
  }

  /// It holds a word for which its column may have no room, and which may be broken anywhere.
  private func isTight(_ cell: Markup) -> Bool {
    let room = columns.count < 4 ? 11 : 84 / columns.count
    var word = 0
    for byte in cell.html.utf8 {
      word = byte == 0x20 || byte == 0x3E || byte == 0x3C ? 0 : word + 1
      if word > room { return true }
    }
    return false
  }
}

/// A few figures that matter most, beside one another.
struct Cards {
  struct Card {
    var name: String
    var value: String
    var was: String
  }

  var cards: [Card]

  var html: Markup {
    let all = cards.map { card in
      "<div><dt>\(card.name)</dt><dd><span class=\"\(card.value.count > 9 ? "big long" : "big")\">\(card.value)</span><br /><span class=\"was\">\(card.was)</span></dd></div>"
        as Markup
    }
    return "<dl class=\"\(cards.count % 3 == 0 ? "cards three" : "cards")\">\(all)</dl>"
  }
}

/// What to look at, and what is well.
enum Remarks {
  static func look(_ lines: [Markup]) -> Markup { box("look", "To look at", lines) }
  static func well(_ lines: [Markup]) -> Markup { box("well", "Well", lines) }

  static func box(_ style: String, _ title: String, _ lines: [Markup]) -> Markup {
    if lines.isEmpty { return "" }
    let items = lines.map { "<li>\($0)</li>" as Markup }
    return "<div class=\"\(style)\"><p><strong>\(title)</strong></p><ul>\(items)</ul></div>\n"
  }
}

/// Where the figures come from.
enum Facts {
  static func html(_ facts: [(String, Markup)]) -> Markup {
    "<dl class=\"facts\">\(facts.map { "<dt>\($0.0)</dt><dd>\($0.1)</dd>" as Markup })</dl>"
  }
}
