/// What came, with its interval, over what was predicted; on the diagonal they are the same.
struct CalibrationPlot: Plot {
  struct Band {
    var expected: Double
    var observed: Double
    var low: Double
    var high: Double
    /// The prediction lies within the interval.
    var isSound: Bool
  }

  var title: String
  var description: String
  var bands: [Band]
  var predicted: String
  var came: String

  func drawing(width: Double) -> Drawing {
    let side = min(width - 60, 340)
    let top = Legend.height(Self.keys, in: width) + 28
    let bottom = top + side * 0.85
    let y = Scale(
      bands.flatMap { [$0.expected, $0.low, $0.high, $0.observed] }, including: [0], from: bottom, to: top, ticks: 5)
    let left = min(width * 0.3, Drawing.margin(y, spelled: Figures.axisPercent))
    // A point where nothing but the diagonal is may be cut off at the right, so the width holds what was predicted.
    let x = Scale(bands.map(\.expected), including: [0], from: left, to: min(width - 20, left + side), ticks: 4)
    var drawing = Drawing(width: width, height: bottom + 40)
    Legend.row(
      &drawing, at: 12,
      [(.style("whisker-a"), Self.keys[0]), (.style("whisker-b"), Self.keys[1]), (.style("reference"), Self.keys[2])],
      in: width)
    drawing.text(0, top - 10, "↑ \(came)", .start, "tick")
    drawing.axis(left: left, right: x.end, y, spelled: Figures.axisPercent)
    drawing.axis(bottom: bottom, top: bottom, x, title: "\(predicted) →", spelled: Figures.axisPercent)
    let end = min(x.high, y.high)
    drawing.line(x(0), y(0), x(end), y(end), "reference")
    for band in bands {
      let at = x(band.expected)
      let style = band.isSound ? "whisker-a" : "whisker-b"
      drawing.line(at, y(band.low), at, y(band.high), style)
      drawing.line(at - 4, y(band.low), at + 4, y(band.low), style)
      drawing.line(at - 4, y(band.high), at + 4, y(band.high), style)
      drawing.mark(at, y(band.observed), band.isSound ? 0 : 3, band.isSound ? "ma" : "mb", size: 5)
    }
    return drawing
  }

  private static let keys = ["● prediction within the interval", "◆ outside it", "prediction = outcome"]
}
