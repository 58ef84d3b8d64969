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
    // Chances of very different sizes would all lie in one corner.
    let expected = bands.map(\.expected)
    let isWide = (expected.min() ?? 0) > 0 && (expected.max() ?? 0) > 20 * (expected.min() ?? 1)
    let least = (expected.min() ?? 0) / 5
    let values = bands.flatMap { [$0.expected, $0.low, $0.high, $0.observed] }.filter { !isWide || $0 >= least }
    let y =
      isWide
      ? Scale(logarithmic: values, from: bottom, to: top)
      : Scale(values, including: [0], from: bottom, to: top, ticks: 5)
    let left = min(width * 0.3, Drawing.margin(y, spelled: Figures.axisPercent))
    let right = min(width - 24, left + side)
    let x =
      isWide
      ? Scale(logarithmic: values, from: left, to: right)
      : Scale(expected, including: [0], from: left, to: right, ticks: 4)
    var drawing = Drawing(width: width, height: bottom + 40)
    Legend.row(
      &drawing, at: 12,
      [(.style("whisker-a"), Self.keys[0]), (.style("whisker-b"), Self.keys[1]), (.style("reference"), Self.keys[2])],
      in: width)
    drawing.text(0, top - 10, "↑ \(came)", .start, "tick")
    drawing.axis(left: left, right: x.end, y, spelled: Figures.axisPercent)
    drawing.axis(bottom: bottom, top: bottom, x, title: "\(predicted) →", spelled: Figures.axisPercent)
    let (first, end) = (max(x.low, y.low), min(x.high, y.high))
    drawing.line(x(first), y(first), x(end), y(end), "reference")
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
