/// Steps under one another: a bar for the share that came so far, with its interval, and k of n in words.
struct FunnelPlot: Plot {
  struct Step {
    var name: String
    var rate: RateFigure
    /// What the policy aims at; nil without a target.
    var target: Double? = nil
  }

  var title: String
  var description: String
  var steps: [Step]

  func drawing(width: Double) -> Drawing {
    let row = 46.0
    let right = width - 10
    let most = steps.flatMap { [$0.rate.high ?? $0.rate.share ?? 0, $0.target ?? 0] }.max() ?? 1
    let scale = Scale([0, min(1, max(most, 0.0001))], from: 4, to: right, ticks: width > 500 ? 8 : 4)
    var drawing = Drawing(width: width, height: Double(steps.count) * row + 26)
    let bottom = Double(steps.count) * row + 4
    drawing.axis(bottom: bottom, top: 0, scale, spelled: Figures.axisPercent)
    for (index, step) in steps.enumerated() {
      let y = Double(index) * row
      let figure =
        "\(Figures.percent(step.rate.share)) · \(Figures.count(step.rate.count)) of \(Figures.count(step.rate.of))"
      let told = step.rate.share == nil ? "not yet known" : figure
      let room = TextWidth.of(told, size: 12)
      drawing.rectangle(0, y + 2, width, 16, "paper")
      drawing.name(4, y + 14, step.name, in: width - room - 24, .start, "b")
      drawing.text(right, y + 14, told, .end, "num")
      let middle = y + 31
      drawing.rectangle(scale(0), middle - 8, scale(step.rate.share ?? 0) - scale(0), 16, "fa")
      if let low = step.rate.low, let high = step.rate.high, step.rate.share != nil {
        drawing.whisker(from: scale(low), to: scale(high), y: middle)
      }
      if let target = step.target {
        drawing.line(scale(target), middle - 11, scale(target), middle + 11, "goal")
        drawing.mark(scale(target), middle - 11, 4, "goal-mark", size: 4)
      }
    }
    return drawing
  }
}
