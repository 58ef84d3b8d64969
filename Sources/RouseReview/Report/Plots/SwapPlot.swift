/// One strip of all whom either policy contacts: those who go out, those who stay, those who come in. The old policy's
/// list is the first two, the new one's the last two.
struct SwapPlot: Plot {
  struct Part {
    var name: String
    var count: Double
    var money: String
  }

  var title: String
  var description: String
  var out: Part
  var stay: Part
  var come: Part

  func drawing(width: Double) -> Drawing {
    let total = out.count + stay.count + come.count
    let isWide = width > 500
    var drawing = Drawing(width: width, height: isWide ? 182 : 262)
    let (left, right) = (4.0, width - 4)
    func x(_ count: Double) -> Double { left + (right - left) * (total > 0 ? count / total : 0) }
    let (a, b) = (x(out.count), x(out.count + stay.count))
    let (top, height) = (50.0, 54.0)
    bracket(
      &drawing, from: left, to: b, y: top - 12, up: true, "Old list: \(Figures.count(out.count + stay.count))", .start)
    drawing.rectangle(left, top, a - left, height, "hatch-b")
    drawing.rectangle(a, top, b - a, height, "fa")
    drawing.rectangle(b, top, right - b, height, "dots-c")
    bracket(
      &drawing, from: a, to: right, y: top + height + 12, up: false,
      "New list: \(Figures.count(stay.count + come.count))", .end)
    let line = top + height + 56
    let parts = [(out, "hatch-b"), (stay, "fa"), (come, "dots-c")]
    for (index, part) in parts.enumerated() {
      let place = isWide ? left + Double(index) * width / 3 : left
      let y = isWide ? line : line + Double(index) * 40
      let room = isWide ? width / 3 - 34 : width - 34
      drawing.rectangle(place, y - 10, 16, 12, part.1)
      drawing.name(place + 24, y, "\(part.0.name): \(Figures.count(part.0.count))", in: room, .start, "b")
      drawing.name(place + 24, y + 17, part.0.money, in: room, .start, "tick")
    }
    return drawing
  }

  private func bracket(
    _ drawing: inout Drawing, from x1: Double, to x2: Double, y: Double, up: Bool, _ name: String,
    _ anchor: Drawing.Anchor
  ) {
    let end = up ? y + 8 : y - 8
    drawing.path([(x1 + 0.5, end), (x1 + 0.5, y), (x2 - 0.5, y), (x2 - 0.5, end)], "bracket")
    drawing.text(anchor == .start ? 4 : drawing.width - 4, up ? y - 7 : y + 16, name, anchor, "b")
  }
}
