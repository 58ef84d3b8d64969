/// A column a week. More weeks than have room are put together, by sum.
struct ColumnPlot: Plot {
  var title: String
  var description: String
  struct Week {
    var name: String
    /// nil: not yet known.
    var value: Double?
    /// More may come.
    var isOpen = false
  }

  var weeks: [Week]
  var spelled: @Sendable (Double) -> String

  func drawing(width: Double) -> Drawing {
    let (top, bottom) = (34.0, 140.0)
    let columns = gathered(most: width > 500 ? 80 : 40)
    let y = Scale(columns.compactMap(\.value), including: [0], from: bottom, to: top, ticks: 3)
    let left = min(width * 0.4, Drawing.margin(y, spelled: spelled))
    var drawing = Drawing(width: width, height: bottom + 24)
    drawing.text(0, 12, title, .start, "b")
    drawing.axis(left: left, right: width - 4, y, spelled: spelled)
    let step = (width - 8 - left) / Double(max(1, columns.count))
    let thick = min(64, step * 0.72)
    let room = (columns.map { TextWidth.of($0.name, size: 11) }.max() ?? 20) + 8
    let every = max(1, Int((room / step).rounded(.up)))
    for (index, column) in columns.enumerated() {
      let middle = left + 4 + step * (Double(index) + 0.5)
      if let value = column.value {
        drawing.rectangle(
          middle - thick / 2, y(max(0, value)), thick, max(0.5, y(min(0, value)) - y(max(0, value))),
          column.isOpen ? "hatch" : "fa")
      }
      if column.value == nil { drawing.mark(middle, bottom - 7, 0, "hollow", size: min(4, max(1.5, thick / 3))) }
      guard (columns.count - 1 - index) % every == 0 else { continue }
      let half = TextWidth.of(column.name, size: 11) / 2
      if middle - half < 0 { continue }
      drawing.text(min(middle, width - half - 1), bottom + 17, column.name, .middle, "tick")
    }
    return drawing
  }

  private func gathered(most: Int) -> [Week] {
    let every = max(1, (weeks.count + most - 1) / most)
    if every == 1 { return weeks }
    return stride(from: 0, to: weeks.count, by: every).map { start in
      let part = weeks[start..<min(start + every, weeks.count)]
      let known = part.compactMap(\.value)
      return Week(
        name: part.first?.name ?? "", value: known.isEmpty ? nil : known.reduce(0, +),
        isOpen: part.contains(where: \.isOpen))
    }
  }
}
