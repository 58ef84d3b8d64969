import Foundation
import RouseWire

/// One decision as the cells of a table.
struct DecisionRow {
  private let row: JSONValue

  init(_ row: JSONValue) { self.row = row }

  static func columns(_ kind: TableSink.Kind) -> [Table.Column] {
    var columns: [Table.Column] = []
    if kind.withRank { columns.append(Table.Column(title: "rank", isNumber: true)) }
    columns.append(Table.Column(title: "user", isElastic: true))
    if kind.withStatus { columns.append(Table.Column(title: "status")) }
    columns += [
      Table.Column(title: "stage"), Table.Column(title: "channel"), Table.Column(title: "when"),
      Table.Column(title: "p", isNumber: true), Table.Column(title: "value", isNumber: true),
    ]
    if kind.withValidUntil { columns.append(Table.Column(title: "valid until")) }
    columns.append(Table.Column(title: "reasons", isElastic: true))
    return columns
  }

  func cells(_ kind: TableSink.Kind) -> [String] {
    var cells: [String] = []
    if kind.withRank { cells.append(row["rank"]?.whole.map(String.init) ?? "") }
    cells.append(row["user_id"]?.text.map(harmless) ?? "-")
    if kind.withStatus { cells.append(row["status"]?.text.map(harmless) ?? "") }
    let best = row["best"]
    cells.append(row["stage"]?.text.map(harmless) ?? "")
    cells.append(best?["channel"]?.text.map(harmless) ?? "")
    cells.append(harmless(shownMoment(best?["send_at"]?.text ?? row["until"]?.text)))
    cells.append(best?["p"]?.number.map { String(format: "%.6f", $0) } ?? "")
    cells.append(best?["value"]?.number.map { String(format: "%.2f", $0) } ?? "")
    if kind.withValidUntil { cells.append(harmless(shownMoment(row["valid_until"]?.text))) }
    cells.append(harmless(reasons))
    return cells
  }

  /// The codes; where there are none, what moved the odds, the heaviest first.
  private var reasons: String {
    var parts: [String] = []
    let codes = row["reasons"]?.items.compactMap(\.text) ?? []
    if codes.isEmpty {
      let why = row["why"]?.items.map(\.items).filter { $0.count == 3 } ?? []
      let sorted = why.enumerated().sorted {
        let (left, right) = (abs($0.element[2].whole ?? 0), abs($1.element[2].whole ?? 0))
        return (right, $0.offset) < (left, $1.offset)
      }
      parts += sorted.map { _, part in
        "\(part[0].text ?? "") \(part[1].text ?? "") \(signed(part[2].whole ?? 0))"
      }
    } else {
      parts.append(codes.joined(separator: " "))
    }
    if row["arm"]?.text == "explore" { parts.append("exploring") }
    parts += row["issues"]?.items.compactMap(\.text) ?? []
    return parts.joined(separator: ", ")
  }
}

/// `+6`, `-14`.
func signed(_ points: Int) -> String { points > 0 ? "+\(points)" : String(points) }

/// `2026-03-01 11:00 +08:00` of an RFC 3339 text.
func shownMoment(_ text: String?) -> String {
  guard let text, text.utf8.count >= 20 else { return text ?? "" }
  let date = text.prefix(10)
  let minutes = text.dropFirst(11).prefix(5)
  let offset = text.drop { $0 != "T" }.dropFirst().drop { $0 != "Z" && $0 != "+" && $0 != "-" }
  return "\(date) \(minutes) \(offset == "Z" ? "UTC" : String(offset))"
}
