/// A row each: a value with its interval on one axis, beside a line of reference (a forest plot).
struct IntervalPlot: Plot {
  struct Row {
    var name: String
    /// The figure in words; what stands where it is not known.
    var told: String
    var value: Double?
    var low: Double?
    var high: Double?
    var target: Double? = nil
    /// Filled: it tells something.
    var isTelling = true
  }

  var title: String
  var description: String
  var rows: [Row]
  /// A line from top to bottom.
  var reference: Double?
  var axisTitle: String?
  var spelled: @Sendable (Double) -> String

  func drawing(width: Double) -> Drawing {
    let isWide = width > 500
    let row = isWide ? 28.0 : 46.0
    let nameRoom =
      isWide ? min(190, (rows.map { TextWidth.of(Name.cut($0.name, most: 40), size: 12) }.max() ?? 0) + 12) : 0
    let toldRoom = isWide ? min(250, (rows.map { TextWidth.of($0.told, size: 12) }.max() ?? 0) + 12) : 0
    let values = rows.flatMap { [$0.value, $0.low, $0.high, $0.target].compactMap { $0 } }
    let scale = Scale(
      values, including: reference.map { [$0] } ?? [], from: nameRoom + 10, to: width - toldRoom - 12,
      ticks: isWide ? 6 : 4)
    let bottom = Double(rows.count) * row + 6
    var drawing = Drawing(width: width, height: bottom + (axisTitle == nil ? 22 : 38))
    drawing.axis(bottom: bottom, top: 0, scale, title: axisTitle, spelled: spelled)
    if let reference { drawing.line(scale(reference), 0, scale(reference), bottom, "reference") }
    for (index, one) in rows.enumerated() {
      let y = Double(index) * row
      var middle = y + row / 2
      if isWide {
        drawing.name(0, middle + 4, one.name, in: nameRoom - 8)
        drawing.name(width - 2, middle + 4, one.told, in: toldRoom, .end, "num")
      } else {
        let told = TextWidth.fit(one.told, in: width * 0.7, size: 12)
        drawing.rectangle(0, y + 2, width, 16, "paper")
        drawing.name(2, y + 14, one.name, in: width - TextWidth.of(told, size: 12) - 16, .start, "b")
        drawing.text(width - 2, y + 14, told, .end, "num", whole: one.told)
        middle = y + 31
      }
      if let low = one.low, let high = one.high {
        drawing.whisker(from: scale(low), to: scale(high), y: middle, "whisker-a")
      }
      if let target = one.target {
        drawing.line(scale(target), middle - 9, scale(target), middle + 9, "goal")
        drawing.mark(scale(target), middle - 9, 4, "goal-mark", size: 4)
      }
      if let value = one.value {
        drawing.mark(scale(value), middle, one.isTelling ? 1 : 0, one.isTelling ? "ma" : "hollow", size: 5)
      }
    }
    return drawing
  }
}
