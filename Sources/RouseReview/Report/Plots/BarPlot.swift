/// Bars from a base line: one or two a row, the first (then) hatched and the second (now) filled.
struct BarPlot: Plot {
  struct Row {
    var name: String
    var told: String
    /// As the keys are.
    var values: [Double?]
  }

  var title: String
  var description: String
  var rows: [Row]
  /// One or two; nothing is said of one.
  var keys: [String] = []
  /// Lines from top to bottom, and what they are.
  var reference: (value: Double, name: String)?
  /// Of one bar a row: those below zero look otherwise.
  var isSigned = false
  var spelled: @Sendable (Double) -> String

  func drawing(width: Double) -> Drawing {
    let isWide = width > 500
    let bars = max(1, rows.map(\.values.count).max() ?? 1)
    let thick = bars > 1 ? 9.0 : 14.0
    let body = Double(bars) * thick + 4
    let row = isWide ? body + 14 : body + 26
    let nameRoom =
      isWide ? min(180, (rows.map { TextWidth.of(Name.cut($0.name, most: 40), size: 12) }.max() ?? 0) + 12) : 0
    let toldRoom = isWide ? min(260, (rows.map { TextWidth.of($0.told, size: 12) }.max() ?? 0) + 12) : 0
    let top = (keys.count > 1 ? 24.0 : 0) + (reference == nil ? 0 : 20)
    let scale = Scale(
      rows.flatMap { $0.values.compactMap { $0 } }, including: [0] + (reference.map { [$0.value] } ?? []),
      from: nameRoom + 4, to: width - toldRoom - 12, ticks: isWide ? 6 : 4)
    let bottom = top + Double(rows.count) * row + 4
    var drawing = Drawing(width: width, height: bottom + 22)
    if keys.count > 1 { Legend.row(&drawing, at: 12, [(.hatched, keys[0]), (.filled, keys[1])], in: width) }
    drawing.axis(bottom: bottom, top: top, scale, spelled: spelled)
    for (index, one) in rows.enumerated() {
      let y = top + Double(index) * row
      var first = y + (row - body) / 2 + 2
      if isWide {
        drawing.name(0, y + row / 2 + 4, one.name, in: nameRoom - 8)
        drawing.name(width - 2, y + row / 2 + 4, one.told, in: toldRoom, .end, "num")
      } else {
        let told = TextWidth.fit(one.told, in: width * 0.72, size: 12)
        drawing.rectangle(0, y + 2, width, 16, "paper")
        drawing.name(2, y + 14, one.name, in: width - TextWidth.of(told, size: 12) - 16, .start, "b")
        drawing.text(width - 2, y + 14, told, .end, "num", whole: one.told)
        first = y + 21
      }
      for (at, value) in one.values.enumerated() {
        guard let value else { continue }
        let (start, end) = (scale(min(0, value)), scale(max(0, value)))
        let style = bars > 1 ? (at == 0 ? "hatch" : "fa") : isSigned && value < 0 ? "hatch-b" : "fa"
        // Nothing is a hair, not nowhere.
        drawing.rectangle(start, first + Double(at) * thick, max(1, end - start), thick - 1, style)
      }
    }
    if let reference {
      let x = scale(reference.value)
      if isWide {
        drawing.line(x, top - 4, x, bottom, "reference")
      } else {
        // Not through the words above the bars.
        for index in rows.indices {
          let y = top + Double(index) * row + 18
          drawing.line(x, y, x, y + body + 4, "reference")
        }
      }
      let half = TextWidth.of(reference.name, size: 11) / 2
      drawing.text(min(max(x, half + 2), width - half - 2), top - 8, reference.name, .middle, "tick")
    }
    return drawing
  }
}
