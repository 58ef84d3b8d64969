/// Steps under one another: a bar for the share that came so far, with its interval, and k of n in words.
struct FunnelPlot: Plot {
  struct Step {
    var name: String
    /// More of the name, where there is room.
    var more = ""
    var rate: RateFigure
    /// What the policy aims at; nil without a target.
    var target: Double? = nil

    fileprivate var told: String {
      rate.share == nil ? Figures.unknown : "\(Figures.percent(rate.share)) · \(rate.kOfN)"
    }
  }

  var title: String
  var description: String
  var steps: [Step]

  func drawing(width: Double) -> Drawing {
    let isWide = width > 500
    let row = isWide ? 30.0 : 46.0
    let nameRoom =
      isWide ? min(210, (steps.map { TextWidth.of($0.name + $0.more, size: 12, isBold: true) }.max() ?? 0) + 14) : 0
    let toldRoom = isWide ? min(240, (steps.map { TextWidth.of($0.told, size: 12) }.max() ?? 0) + 12) : 0
    let most = steps.flatMap { [$0.rate.high ?? $0.rate.share ?? 0, $0.target ?? 0] }.max() ?? 1
    let scale = Scale(
      [0, min(1, max(most, 0.0001))], from: nameRoom + 4, to: width - toldRoom - 10, ticks: isWide ? 5 : 4)
    let bottom = Double(steps.count) * row + 4
    var drawing = Drawing(width: width, height: bottom + 22)
    drawing.axis(bottom: bottom, top: 0, scale, spelled: Figures.axisPercent)
    for (index, step) in steps.enumerated() {
      let y = Double(index) * row
      var middle = y + row / 2
      if isWide {
        let name = TextWidth.fit(step.name, in: nameRoom - 8, size: 12, isBold: true)
        let used = TextWidth.of(name, size: 12, isBold: true)
        drawing.text(0, middle + 4, name, .start, "b", whole: step.name)
        if used + TextWidth.of(step.more, size: 11) < nameRoom {
          drawing.text(nameRoom - 8, middle + 4, step.more, .end, "tick")
        }
        drawing.name(width - 2, middle + 4, step.told, in: toldRoom, .end, "num")
      } else {
        drawing.rectangle(0, y + 2, width, 16, "paper")
        let words = TextWidth.fit(step.told, in: width * 0.75, size: 12)
        let told = TextWidth.of(words, size: 12)
        let name = TextWidth.fit(step.name, in: width - told - 18, size: 12, isBold: true)
        let used = TextWidth.of(name, size: 12, isBold: true)
        drawing.text(2, y + 14, name, .start, "b", whole: step.name)
        if used + TextWidth.of(step.more, size: 11) + told + 24 < width {
          drawing.text(8 + used, y + 14, step.more, .start, "tick")
        }
        drawing.text(width - 2, y + 14, words, .end, "num", whole: step.told)
        middle = y + 31
      }
      drawing.rectangle(scale(0), middle - 8, scale(step.rate.share ?? 0) - scale(0), 16, "fa")
      if let low = step.rate.low, let high = step.rate.high, step.rate.share != nil {
        drawing.whisker(from: scale(low), to: scale(high), y: middle)
      }
      if let target = step.target {
        drawing.line(scale(target), middle - 10, scale(target), middle + 10, "goal")
        drawing.mark(scale(target), middle - 10, 4, "goal-mark", size: 4)
      }
    }
    return drawing
  }
}
