/// Lines over a number or over weeks, with lines across for thresholds and up for cuts.
struct LinePlot: Plot {
  struct Series {
    var name: String
    /// nil: a gap.
    var points: [(x: Double, y: Double?)]
    /// Of `LineStyle`; nil: one of the many in the background.
    var style: Int?
  }
  struct Threshold {
    var value: Double
    var name: String
  }
  struct Cut {
    var x: Double
    var y: Double?
    var name: String
    var style: Int
  }

  var title: String
  var description: String
  var series: [Series]
  var thresholds: [Threshold] = []
  var cuts: [Cut] = []
  /// Names of whole places on the axis, from 0 (weeks); empty: the axis has numbers.
  var places: [String] = []
  var axisTitle: String?
  var includesZero = true
  var spelledX: @Sendable (Double) -> String = { Figures.axis($0) }
  var spelledY: @Sendable (Double) -> String

  func drawing(width: Double) -> Drawing {
    let isWide = width > 500
    let named = series.filter { $0.style != nil }
    let names = named.map(\.name) + thresholds.map(\.name)
    let legend = names.isEmpty ? 0 : Legend.height(names, in: width) + 4
    let top = legend + (cuts.isEmpty ? 8 : 26 + Double(cuts.count) * 15)
    let body = isWide ? 260.0 : 210.0
    let bottom = top + body
    let ys = series.flatMap { $0.points.compactMap(\.y) } + thresholds.map(\.value) + cuts.compactMap(\.y)
    let y = Scale(ys, including: includesZero ? [0] : [], from: bottom, to: top, ticks: 5)
    let left = min(width * 0.4, Drawing.margin(y, spelled: spelledY))
    let xs = series.flatMap { $0.points.map(\.x) } + cuts.map(\.x)
    let right = width - 14
    let x =
      places.isEmpty
      ? Scale(xs, from: left, to: right, ticks: isWide ? 6 : 3, isTight: true)
      : Scale([0, Double(max(1, places.count - 1))], from: left + 10, to: right - 6, ticks: 1, isTight: true)
    var drawing = Drawing(width: width, height: bottom + (axisTitle == nil ? 24 : 40))
    drawing.axis(left: left, right: right, y, spelled: spelledY)
    if places.isEmpty {
      drawing.axis(bottom: bottom, top: bottom, x, title: axisTitle, spelled: spelledX)
    } else {
      weeks(&drawing, x, bottom)
      if let axisTitle { drawing.text((left + right) / 2, bottom + 32, axisTitle, .middle, "tick") }
    }
    for (index, threshold) in thresholds.enumerated() {
      drawing.line(left, y(threshold.value), right, y(threshold.value), "t t\(index % 3)")
    }
    for one in series.sorted(by: { ($0.style == nil ? 0 : 1) < ($1.style == nil ? 0 : 1) }) {
      draw(one, x, y, &drawing)
    }
    for (index, cut) in cuts.enumerated() { draw(cut, index, x, y, top, bottom, &drawing) }
    Legend.row(
      &drawing, at: 12,
      named.map { (.line($0.style ?? 0), $0.name) }
        + thresholds.enumerated().map { (.style("t t\($0.offset % 3)"), $0.element.name) }, in: width)
    return drawing
  }

  private func draw(_ one: Series, _ x: Scale, _ y: Scale, _ drawing: inout Drawing) {
    let style = one.style.map(LineStyle.line) ?? "l faint"
    var run: [(x: Double, y: Double)] = []
    var all: [(x: Double, y: Double)] = []
    for point in one.points {
      if let value = point.y {
        run.append((x(point.x), y(value)))
        all.append((x(point.x), y(value)))
      } else {
        drawing.path(run, style)
        run = []
      }
    }
    drawing.path(run, style)
    guard let mark = one.style else { return }
    // No more marks than can be told apart.
    let every = max(1, all.count / 14 + (all.count % 14 == 0 ? 0 : 1))
    for (index, point) in all.enumerated() where index % every == every / 2 || all.count <= 14 {
      drawing.mark(point.x, point.y, mark, LineStyle.mark(mark), size: 3.5)
    }
  }

  private func draw(
    _ cut: Cut, _ index: Int, _ x: Scale, _ y: Scale, _ top: Double, _ bottom: Double, _ drawing: inout Drawing
  ) {
    let at = x(cut.x)
    let line = top - 14 - Double(cuts.count - 1 - index) * 15
    drawing.line(at, line + 3, at, bottom, "cut l\(cut.style % LineStyle.many)")
    if let value = cut.y { drawing.mark(at, y(value), cut.style, LineStyle.mark(cut.style), size: 6) }
    let half = TextWidth.of(cut.name, size: 12) / 2
    drawing.text(min(max(at, half + 2), drawing.width - half - 2), line, cut.name, .middle)
  }

  /// Names of the weeks that have room, the last among them.
  private func weeks(_ drawing: inout Drawing, _ x: Scale, _ bottom: Double) {
    let room = (places.map { TextWidth.of($0, size: 11) }.max() ?? 20) + 10
    let fit = max(2, Int((x.end - x.start + room) / room))
    let every = max(1, (places.count + fit - 1) / fit)
    for index in places.indices where (places.count - 1 - index) % every == 0 {
      let at = x(Double(index))
      let half = TextWidth.of(places[index], size: 11) / 2
      drawing.line(at, bottom, at, bottom + 4, "base")
      drawing.text(min(max(at, half + 1), drawing.width - half - 1), bottom + 17, places[index], .middle, "tick")
    }
  }
}
