/// What marks and fills mean, in a row that breaks where it must.
enum Legend {
  enum Sample {
    case filled, hatched
    /// A line of that style with its mark.
    case line(Int)
    case style(String)
  }

  /// Rows that `row` takes.
  static func height(_ names: [String], in width: Double) -> Double { Double(places(names, in: width).rows) * 18 }

  static func row(_ drawing: inout Drawing, at y: Double, _ entries: [(Sample, String)], in width: Double) {
    let (places, _) = places(entries.map(\.1), in: width)
    for (entry, place) in zip(entries, places) {
      let line = y + Double(place.row) * 18
      switch entry.0 {
      case .filled: drawing.rectangle(place.x, line - 9, 20, 10, "fa")
      case .hatched: drawing.rectangle(place.x, line - 9, 20, 10, "hatch")
      case .line(let style):
        drawing.line(place.x, line - 4, place.x + 22, line - 4, LineStyle.line(style))
        drawing.mark(place.x + 11, line - 4, style, LineStyle.mark(style), size: 3.5)
      case .style(let style): drawing.line(place.x, line - 4, place.x + 22, line - 4, style)
      }
      drawing.name(place.x + 28, line, entry.1, in: width - 40)
    }
  }

  private static func places(_ names: [String], in width: Double) -> (places: [(x: Double, row: Int)], rows: Int) {
    var places: [(x: Double, row: Int)] = []
    var x = 2.0
    var row = 0
    for name in names {
      let room = min(width - 12, TextWidth.of(Name.cut(name, most: 60), size: 12) + 28)
      if x > 2, x + room > width - 4 {
        x = 2
        row += 1
      }
      places.append((x, row))
      x += room + 18
    }
    return (places, row + 1)
  }
}

/// Lines are told apart by colour, by dashes and by the shape of their marks.
enum LineStyle {
  static let many = 6
  static func line(_ index: Int) -> String { "l l\(index % many)" }
  static func mark(_ index: Int) -> String { "m\(index % many)" }
}
