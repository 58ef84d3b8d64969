/// An SVG that is being drawn, in its own pixels. Colours are the page's, by class, so that they follow light and dark.
struct Drawing {
  enum Anchor: String { case start, middle, end }

  let width: Double
  var height: Double
  private var body = Markup()

  init(width: Double, height: Double) {
    self.width = width
    self.height = height
  }

  /// - Parameter name: in front of the ids of its title and description; its own on the page.
  func svg(_ name: String, title: String, description: String) -> Markup {
    """
    <svg viewBox="0 0 \(Self.place(width)) \(Self.place(height))" width="\(Self.place(width))" height="\(Self.place(height))" \
    role="img" aria-labelledby="\(name)-t \(name)-d"><title id="\(name)-t">\(title)</title><desc id="\(name)-d">\(description)</desc>\
    \(body)</svg>
    """
  }

  mutating func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ style: String) {
    body.append(
      "<line x1=\"\(Self.place(x1))\" y1=\"\(Self.place(y1))\" x2=\"\(Self.place(x2))\" y2=\"\(Self.place(y2))\" class=\"\(style)\" />"
    )
  }

  mutating func rectangle(
    _ x: Double, _ y: Double, _ width: Double, _ height: Double, _ style: String, round: Double = 0
  ) {
    let corner: Markup = round > 0 ? " rx=\"\(Self.place(round))\"" : ""
    body.append(
      """
      <rect x="\(Self.place(x))" y="\(Self.place(y))" width="\(Self.place(max(0, width)))" \
      height="\(Self.place(max(0, height)))"\(corner) class="\(style)" />
      """)
  }

  /// - Parameter whole: what is to be seen by whoever points at it, where the text was cut.
  mutating func text(
    _ x: Double, _ y: Double, _ text: String, _ anchor: Anchor = .start, _ style: String = "", whole: String? = nil
  ) {
    if text.isEmpty { return }
    let anchorText: Markup = anchor == .start ? "" : " text-anchor=\"\(anchor.rawValue)\""
    let styleText: Markup = style.isEmpty ? "" : " class=\"\(style)\""
    let title: Markup = whole.map { $0 == text ? "" : "<title>\(Name.cut($0, most: 160))</title>" } ?? ""
    body.append("<text x=\"\(Self.place(x))\" y=\"\(Self.place(y))\"\(anchorText)\(styleText)>\(title)\(text)</text>")
  }

  /// A name from outside, cut to its room.
  mutating func name(
    _ x: Double, _ y: Double, _ name: String, in room: Double, _ anchor: Anchor = .start, _ style: String = "",
    size: Double = 12
  ) {
    let isBold = style.split(separator: " ").contains("b")
    text(x, y, TextWidth.fit(name, in: room, size: size, isBold: isBold), anchor, style, whole: name)
  }

  mutating func path(_ points: [(x: Double, y: Double)], _ style: String, isClosed: Bool = false) {
    guard let first = points.first else { return }
    var data = "M\(Self.place(first.x)) \(Self.place(first.y))"
    for point in points.dropFirst() { data += "L\(Self.place(point.x)) \(Self.place(point.y))" }
    body.append("<path d=\"\(data)\(isClosed ? "Z" : "")\" class=\"\(style)\" />")
  }

  /// A mark of one of six shapes: the shape tells as much as the colour.
  mutating func mark(_ x: Double, _ y: Double, _ shape: Int, _ style: String, size: Double = 4) {
    let r = size
    switch ((shape % 6) + 6) % 6 {
    case 0:
      body.append(
        "<circle cx=\"\(Self.place(x))\" cy=\"\(Self.place(y))\" r=\"\(Self.place(r))\" class=\"\(style)\" />")
    case 1: rectangle(x - r * 0.9, y - r * 0.9, r * 1.8, r * 1.8, style)
    case 2: path([(x, y - r * 1.2), (x + r * 1.1, y + r * 0.8), (x - r * 1.1, y + r * 0.8)], style, isClosed: true)
    case 3: path([(x, y - r * 1.3), (x + r * 1.3, y), (x, y + r * 1.3), (x - r * 1.3, y)], style, isClosed: true)
    case 4: path([(x, y + r * 1.2), (x + r * 1.1, y - r * 0.8), (x - r * 1.1, y - r * 0.8)], style, isClosed: true)
    default:
      let a = r * 0.4
      path(
        [
          (x - a, y - r * 1.2), (x + a, y - r * 1.2), (x + a, y - a), (x + r * 1.2, y - a), (x + r * 1.2, y + a),
          (x + a, y + a), (x + a, y + r * 1.2), (x - a, y + r * 1.2), (x - a, y + a), (x - r * 1.2, y + a),
          (x - r * 1.2, y - a), (x - a, y - a),
        ], style, isClosed: true)
    }
  }

  /// An interval with its ends, lying.
  mutating func whisker(from x1: Double, to x2: Double, y: Double, _ style: String = "whisker", cap: Double = 4) {
    line(x1, y, x2, y, style)
    line(x1, y - cap, x1, y + cap, style)
    line(x2, y - cap, x2, y + cap, style)
  }

  /// Ticks under a plot, with a line up through it at each; those that would touch their neighbours are left out.
  mutating func axis(bottom y: Double, top: Double, _ scale: Scale, title: String? = nil, spelled: (Double) -> String) {
    var right = -Double.infinity
    for tick in scale.ticks {
      let x = scale(tick)
      line(x, top, x, y, tick == 0 ? "base" : "grid")
      let label = spelled(tick)
      let half = TextWidth.of(label, size: 11) / 2
      let middle = min(max(x, half + 1), width - half - 1)
      if middle - half < right + 6 { continue }
      text(middle, y + 17, label, .middle, "tick")
      right = middle + half
    }
    if let title {
      text((scale.start + scale.end) / 2, y + 33, title, .middle, "tick")
    }
  }

  /// Ticks left of a plot, with a line across at each.
  mutating func axis(left x: Double, right: Double, _ scale: Scale, spelled: (Double) -> String) {
    var last = Double.infinity
    for tick in scale.ticks {
      let y = scale(tick)
      line(x, y, right, y, tick == 0 ? "base" : "grid")
      if last - y < 14 { continue }
      text(x - 6, y + 4, spelled(tick), .end, "tick")
      last = y
    }
  }

  /// The room that ticks left of a plot need.
  static func margin(_ scale: Scale, spelled: (Double) -> String) -> Double {
    (scale.ticks.map { TextWidth.of(spelled($0), size: 11) }.max() ?? 20) + 8
  }

  /// To a tenth of a pixel, and never anything that is no number.
  static func place(_ value: Double) -> String {
    guard value.isFinite else { return "0" }
    let tenths = (min(max(value, -1e6), 1e6) * 10).rounded()
    let all = Int(abs(tenths))
    let front = (tenths < 0 ? "-" : "") + String(all / 10)
    return all % 10 == 0 ? front : front + "." + String(all % 10)
  }
}
