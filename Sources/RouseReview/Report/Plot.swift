/// Something to be drawn at any width. A page holds each twice, for a phone and for a screen or paper, and shows one:
/// so its letters have the size of the page's at both.
protocol Plot {
  /// What it shows, in a few words.
  var title: String { get }
  /// What is to be seen in it, for whoever cannot see it.
  var description: String { get }
  func drawing(width: Double) -> Drawing
}

extension Plot {
  /// - Parameter id: its own on the page.
  func figure(_ id: String, caption: Markup) -> Markup {
    let wide = drawing(width: PlotWidth.wide).svg("\(id)-w", title: title, description: description)
    let narrow = drawing(width: PlotWidth.narrow).svg("\(id)-n", title: title, description: description)
    return """
      <figure id="\(id)"><div class="wide">\(wide)</div><div class="narrow">\(narrow)</div>
      <figcaption>\(caption)</figcaption></figure>
      """
  }
}

enum PlotWidth {
  static let wide = 750.0
  static let narrow = 326.0
}
