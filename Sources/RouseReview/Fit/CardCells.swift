import RouseCore
import RousePolicy

/// The numbers of a card as they stand in a policy's text: which may be changed, and within what.
struct CardCells {
  struct Cell {
    let row: Int
    /// As `TrainingSet` counts: 0 other, 1 missing, then the bins.
    let place: Int
    /// As the text names it: a bin's key, `missing` or `other`.
    let name: String
    let present: Int
    /// nil: it is not written, and so 0.
    let node: Document.Node?
  }

  struct Row {
    let name: String
    /// Index of the first cell; the others follow by place.
    let first: Int
    let count: Int
    let cap: Int
    /// 1: never falls, -1: never rises, 0: as it comes.
    let direction: Int
  }

  private(set) var cells: [Cell] = []
  private(set) var rows: [Row] = []

  /// - Parameters:
  ///   - card: `risk` or `response`.
  init(_ card: Scorecard, named part: String, in document: Document) {
    let guardrails = document.root["guardrails"]
    for (index, row) in card.rows.enumerated() {
      let node = document.root[part]?["card"]?[row.name]
      let bins = node?["at_least"] ?? node?["is"]
      var entries: [Document.Entry] = []
      if case .map(let found)? = bins?.content { entries = found }
      let first = cells.count
      cells.append(Cell(row: index, place: 0, name: "other", present: row.other, node: node?["other"]))
      cells.append(Cell(row: index, place: 1, name: "missing", present: row.missing, node: node?["missing"]))
      for (bin, points) in row.points.enumerated() {
        let entry = bin < entries.count ? entries[bin] : nil
        cells.append(
          Cell(
            row: index, place: bin + 2, name: entry?.key ?? row.binNames[bin], present: points, node: entry?.value))
      }
      var cap = 1000
      if case .scalar(let scalar)? = guardrails?["max_points"]?[row.name]?.content,
        case .whole(let most) = scalar.reading
      {
        cap = min(cap, max(0, Int(clamping: most)))
      }
      var direction = 0
      if case .scalar(let scalar)? = guardrails?["monotone"]?[row.name]?.content, node?["at_least"] != nil {
        direction = scalar.text == "up" ? 1 : scalar.text == "down" ? -1 : 0
      }
      rows.append(Row(name: row.name, first: first, count: cells.count - first, cap: cap, direction: direction))
    }
  }

  @inline(__always)
  func index(_ row: Int, _ place: Int) -> Int { rows[row].first + place }
}
