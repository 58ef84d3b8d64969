import RouseReview
import RouseWire

/// A fit's report for the eye, made of its JSON alone.
struct FitTable {
  private let report: JSONValue

  init(_ report: JSONValue) { self.report = report }

  var text: String {
    let outcomes = report["outcomes"]
    var out = "\(report["policy"]?.text ?? "") → \(report["fitted"]?.text ?? "")\n"
    out +=
      "\(whole(report["rows"])) rows, \(whole(outcomes?["count"])) with the outcome (\(percent(outcomes?["rate"])))"
    if let effective = report["effective_rows"]?.number, let rows = report["rows"]?.number, effective < rows * 0.999 {
      out += ", worth \(FieldNames.decimals(effective, 0)) of equal weight"
    }
    out += "; \(whole(report["changes"])) numbers changed, \(whole(report["numbers"])) to read\n"
    for member in report["left_out"]?.members ?? [] {
      let say = TrainingSet.Skip(rawValue: member.name)?.say ?? member.name
      out += "left out: \(whole(member.value)) \(say)\n"
    }
    out += "\n" + card
    if let risk = report["risk"], !risk.isNull { out += "\n" + self.risk(risk) }
    if let holdout = report["holdout"], !holdout.isNull { out += "\n" + self.holdout(holdout) }
    return out
  }

  // MARK: - Numbers

  private static let columns: [Table.Column] = [
    .init(title: "number"), .init(title: "bin", isElastic: true), .init(title: "old", isNumber: true),
    .init(title: "new", isNumber: true), .init(title: "se", isNumber: true), .init(title: "rows", isNumber: true),
    .init(title: "events", isNumber: true), .init(title: ""),
  ]

  private var card: String {
    var rows: [[String]] = []
    for step in report["steps"]?.items ?? [] {
      rows.append(
        line("rate", step["name"]?.text, step, rows: step["seen"]?["of"], events: step["seen"]?["count"]))
    }
    for stage in report["stages"]?.items ?? [] { rows.append(line("stage", stage["name"]?.text, stage)) }
    rows += Self.bins(report["response"]?.items ?? [], line)
    return table(rows)
  }

  private func risk(_ risk: JSONValue) -> String {
    var out =
      "risk: \(whole(risk["loans"])) loans, \(whole(risk["bad"]?["count"])) went bad (\(percent(risk["bad"]?["rate"])))\n"
    guard let odds = risk["odds"] else { return out }
    out += table([line("base", "odds", odds)] + Self.bins(risk["card"]?.items ?? [], line))
    return out
  }

  private static func bins(
    _ rows: [JSONValue], _ line: (String, String?, JSONValue, JSONValue?, JSONValue?) -> [String]
  ) -> [[String]] {
    rows.flatMap { row in
      (row["bins"]?.items ?? []).enumerated().map { index, bin in
        line(index == 0 ? row["name"]?.text ?? "" : "", bin["bin"]?.text, bin, nil, nil)
      }
    }
  }

  private func line(
    _ name: String, _ bin: String?, _ value: JSONValue, rows: JSONValue? = nil, events: JSONValue? = nil
  ) -> [String] {
    [
      harmless(name), harmless(bin ?? ""), value["old"]?.json ?? "", value["new"]?.json ?? "",
      value["se"]?.number.map { FieldNames.decimals($0, 1) } ?? "", whole(rows ?? value["rows"]),
      whole(events ?? value["events"]), Self.verdict(value),
    ]
  }

  private static func verdict(_ value: JSONValue) -> String {
    let held = value["held"]?.boolean == true ? ", held by the guardrails" : ""
    switch value["verdict"]?.text {
    case "changed": return "changed" + held
    case "same": return "as it was" + held
    case "few_events": return "left: too few outcomes"
    case "not_written": return "left: not in the file"
    default: return ""
    }
  }

  private func table(_ rows: [[String]]) -> String {
    var table = Table(Self.columns)
    table.fit(rows, width: nil)
    return ([table.header] + rows.map(table.line)).joined(separator: "\n") + "\n"
  }

  // MARK: - On rows that were not learned from

  private func holdout(_ holdout: JSONValue) -> String {
    let since = holdout["since"]?.text.map { " from \($0) on" } ?? ", chosen by their hash since they have no times"
    var out =
      "On \(whole(holdout["rows"])) rows that were not learned from\(since); \(percent(holdout["outcomes"]?["rate"])) have the outcome\n"
    var table = Table([
      .init(title: ""), .init(title: "old", isNumber: true), .init(title: "new", isNumber: true),
    ])
    let (old, new) = (holdout["old"], holdout["new"])
    func row(_ title: String, _ path: String, _ digits: Int) -> [String] {
      [title, decimals(old?[path], digits), decimals(new?[path], digits)]
    }
    let rows = [
      row("AUC", "auc", 4), row("KS", "ks", 4), row("log-loss", "log_loss", 5), row("lift at 10 %", "lift_10", 3),
      row("lift at 20 %", "lift_20", 3), row("mean p", "mean_p", 5), row("contacts it would make", "contacts", 0),
      row("their profit", "profit", 2), row("profit of contacting all", "profit_all", 2),
    ]
    table.fit(rows, width: nil)
    out += ([table.header] + rows.map(table.line)).joined(separator: "\n") + "\n\n"
    out += "Calibration of the new policy, tenths of the rows by p\n"
    var bands = Table([
      .init(title: "expected", isNumber: true), .init(title: "observed", isNumber: true), .init(title: "95 %"),
      .init(title: "rows", isNumber: true), .init(title: "points off", isNumber: true),
    ])
    let lines = (new?["calibration"]?.items ?? []).map { band in
      [
        percent(band["expected"]), percent(band["observed"]?["rate"]),
        percent(band["observed"]?["low"]) + " to " + percent(band["observed"]?["high"]), whole(band["observed"]?["of"]),
        band["shift"]?.json ?? "",
      ]
    }
    bands.fit(lines, width: nil)
    out += ([bands.header] + lines.map(bands.line)).joined(separator: "\n") + "\n\nProfit by share contacted\n"
    var curve = Table([
      .init(title: "contacted", isNumber: true), .init(title: "old", isNumber: true),
      .init(title: "new", isNumber: true),
    ])
    let points = zip(old?["profit_curve"]?.items ?? [], new?["profit_curve"]?.items ?? []).map { before, after in
      [percent(after["share"], 0), decimals(before["profit"], 2), decimals(after["profit"], 2)]
    }
    curve.fit(points, width: nil)
    return out + ([curve.header] + points.map(curve.line)).joined(separator: "\n") + "\n"
  }

  private func whole(_ value: JSONValue?) -> String { value?.whole.map(grouped) ?? "" }
  private func decimals(_ value: JSONValue?, _ digits: Int) -> String {
    value?.number.map { FieldNames.decimals($0, digits) } ?? "–"
  }
  private func percent(_ value: JSONValue?, _ digits: Int = 2) -> String {
    value?.number.map { FieldNames.decimals($0 * 100, digits) + " %" } ?? "–"
  }
}
