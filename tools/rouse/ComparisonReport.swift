import Foundation
import RouseWire

/// A comparison of two policies for a terminal: sentences, and the tables that they are taken from.
struct ComparisonReport {
  private let comparison: JSONValue

  init(_ comparison: JSONValue) { self.comparison = comparison }

  var text: String {
    let head = titled([
      (isShadow ? "Shadow" : "New", policy("new")), (isShadow ? "Live" : "Old", policy("old")),
      (
        "On",
        "\(whole(comparison["lines"])) \(isShadow ? "decisions, the last" : "candidates,") as of "
          + harmless(shownMoment(comparison["as_of"]?.text))
      ),
    ])
    let say = (comparison["say"]?.items ?? []).map { sentence(harmless($0.text ?? "")) }.joined()
    let parts = [
      head, say, totals, swap, flips, prices, groups("Stage", "stage"), groups("Tier", "tier"),
      groups("Region group", "region_group"), groups("Channel", "channel"), parity, ranking, movers("up", "Up most"),
      movers("down", "Down most"), errors,
    ]
    return parts.filter { !$0.isEmpty }.joined(separator: "\n")
  }

  /// No plans were made: whoever is eligible counts as contacted.
  private var isShadow: Bool { comparison["curves"]?.isNull == true }

  private func policy(_ side: String) -> String { word(comparison[side]?["policy"]) }

  // MARK: - Numbers

  private func whole(_ value: JSONValue?) -> String { value?.whole.map(grouped) ?? "-" }
  private func money(_ value: JSONValue?) -> String { value?.number.map(shownMoney) ?? "-" }
  private func share(_ value: JSONValue?) -> String {
    value?.number.map { String(format: "%.1f %%", $0 * 100) } ?? "-"
  }

  private func change(_ old: JSONValue?, _ new: JSONValue?, isMoney: Bool) -> String {
    let change = (new?.number ?? 0) - (old?.number ?? 0)
    let text = isMoney ? shownMoney(abs(change)) : Int(exactly: abs(change).rounded()).map(grouped) ?? "-"
    return change == 0 ? "0" : (change > 0 ? "+" : "-") + text
  }

  /// - Parameter columns: the first is of words, the others are of numbers.
  private func table(_ title: String, _ columns: [String], _ rows: [[String]], words: Int = 1) -> String {
    if rows.isEmpty { return "" }
    let table = Table.folded(
      columns.enumerated().map { index, title in
        Table.Column(
          title: title, isNumber: index >= words, isElastic: index < words,
          // What belongs to one thing stays together: `spend` and its `new`.
          joins: index > words && Self.seconds.contains(title))
      }, rows, width: Terminal.width.map { $0 - 2 })
    return sentence(title) + table.map { $0.isEmpty ? "\n" : "  " + $0 + "\n" }.joined()
  }

  private static let seconds: Set = ["new", "change", "price", "ratio", "value, new", "mean PD, new"]

  /// Words in lines of the terminal's width.
  private func sentence(_ text: String) -> String {
    (Terminal.width.map { wordLines(text, $0) } ?? [text]).map { $0 + "\n" }.joined()
  }

  // MARK: - Parts

  private var totals: String {
    let names = [
      ("contacts", isShadow ? "Eligible" : "Contacts", false), ("spend", "Spend", true), ("value", "Value", true),
      ("net_value", "Net value", true), ("capital", "Paid out", true),
    ]
    let (old, new) = (comparison["totals"]?["old"], comparison["totals"]?["new"])
    var rows = names.map { name, title, isMoney in
      let show = isMoney ? money : whole
      return [title, show(old?[name]), show(new?[name]), change(old?[name], new?[name], isMoney: isMoney)]
    }
    let roi = { (value: JSONValue?) in value?.number.map { String(format: "%.4f", $0) } ?? "-" }
    rows.append(["Value over spend", roi(old?["roi"]), roi(new?["roi"]), ""])
    return table("Totals", ["", "old", "new", "change"], rows)
  }

  private var swap: String {
    let names = [
      ("in_in", isShadow ? "eligible under both" : "on both lists"), ("out_in", "come in"), ("in_out", "go out"),
      ("out_out", isShadow ? "under neither" : "on neither"),
    ]
    let rows = names.map { name, title in
      let swap = comparison["swap"]?[name]
      return [
        title, whole(swap?["count"]), money(swap?["value_old"]), money(swap?["value_new"]), share(swap?["pd_old"]),
        share(swap?["pd_new"]),
      ]
    }
    return table("Swap set", ["", "users", "value, old", "value, new", "mean PD, old", "mean PD, new"], rows)
  }

  private var flips: String {
    let all = comparison["flips"]?.items ?? []
    let shown = all.prefix(Self.mostFlips).map { flip in
      [
        status(flip["from"], flip["from_code"]), status(flip["to"], flip["to_code"]), word(flip["say"]),
        whole(flip["count"]),
      ]
    }
    let rest = all.count - shown.count
    return table("What becomes of whom", ["from", "to", "", "users"], Array(shown), words: 3)
      + (rest > 0 ? "  and \(rest) more kinds of change; --json has them all\n" : "")
  }
  private static let mostFlips = 12

  private func status(_ status: JSONValue?, _ code: JSONValue?) -> String {
    word(status) + (code?.text.map { " " + harmless($0) } ?? "")
  }

  private var prices: String {
    func side(_ cut: JSONValue?) -> [String] {
      guard let cut, !cut.isNull else { return ["does not bind", ""] }
      return ["\(amount(cut["used"])) of \(amount(cut["max"]))", cut["price"]?.number.map { "\($0)" } ?? "-"]
    }
    let rows = (comparison["prices"]?.items ?? []).map { [word($0["limit"])] + side($0["old"]) + side($0["new"]) }
    return table("Limits: what one more unit would add", ["", "old", "price", "new", "price"], rows)
  }

  private func amount(_ value: JSONValue?) -> String {
    value?.whole.map(grouped) ?? value?.number.map(shownMoney) ?? ""
  }

  private func groups(_ title: String, _ name: String) -> String {
    let rows = (comparison["by"]?[name]?.items ?? []).compactMap { group -> [String]? in
      let (old, new) = (group["old"], group["new"])
      // Where nothing happens on either side nothing is to be seen.
      if (old?["contacts"]?.whole ?? 0) + (new?["contacts"]?.whole ?? 0) == 0 { return nil }
      return [
        group["name"]?.text.map(harmless) ?? "(none)", whole(old?["contacts"]), whole(new?["contacts"]),
        money(old?["spend"]), money(new?["spend"]), money(old?["net_value"]), money(new?["net_value"]),
        change(old?["net_value"], new?["net_value"], isMoney: true),
      ]
    }
    return table(
      title, ["", isShadow ? "eligible" : "contacts", "new", "spend", "new", "net value", "new", "change"], rows)
  }

  private var parity: String {
    func side(_ side: JSONValue?) -> [String] {
      guard let side, !side.isNull else { return ["-", ""] }
      let ratio = side["ratio"]?.number.map { String(format: "%.2f", $0) } ?? "-"
      return [share(side["selected"]?["rate"]), ratio + (side["below"]?.boolean == true ? " low" : "")]
    }
    let rows = (comparison["parity"]?["groups"]?.items ?? []).map { group in
      [group["name"]?.text.map(harmless) ?? "(none)"] + side(group["old"]) + side(group["new"])
    }
    let floor = comparison["parity"]?["floor"]?["new"]?.number.map { "; the floor is \($0)" } ?? ""
    return table(
      "Selected of those who pass the gate, and against the best group\(floor)",
      ["", "old", "ratio", "new", "ratio"], rows)
  }

  private var ranking: String {
    var lines: [(String, String)] = []
    if let rho = comparison["spearman"]?["rho"]?.number {
      lines.append(
        (
          "Same order",
          String(format: "%.4f", rho) + " (Spearman, over \(whole(comparison["spearman"]?["users"])) users)"
        ))
    }
    let overlap = (comparison["overlap"]?.items ?? []).map { look in
      "\(whole(look["both"])) of the first \(whole(look["k"]))"
    }
    if !overlap.isEmpty { lines.append(("Same users", overlap.joined(separator: ", "))) }
    return titled(lines)
  }

  private func movers(_ way: String, _ title: String) -> String {
    let all = comparison["movers"]?[way]?.items ?? []
    let rows = all.prefix(Self.mostMovers).map { mover in
      [
        word(mover["user_id"]), side(mover["old"]), side(mover["new"]), reasons(mover),
        (mover["change"]?.number ?? 0) > 0 ? "+" + money(mover["change"]) : money(mover["change"]),
      ]
    }
    let rest = all.count - rows.count
    return table(title, ["user", "old", "new", "what moved it", "net value"], Array(rows), words: 4)
      + (rest > 0 ? "  and \(rest) more; --json has them all, with every number\n" : "")
  }
  private static let mostMovers = 8

  private func side(_ side: JSONValue?) -> String {
    status(side?["status"], side?["code"]) + (side?["channel"]?.text.map { ", " + harmless($0) } ?? "")
  }

  private func reasons(_ mover: JSONValue) -> String {
    let rows = (mover["moved"]?.items ?? []).prefix(3).map { row in
      let change = row["change"]?.whole ?? 0
      return "\(word(row["row"])) \(change > 0 ? "+" : "")\(change)"
    }
    if !rows.isEmpty { return rows.joined(separator: ", ") }
    let numbers = (mover["numbers"]?.items ?? []).filter { $0["old"]?.number != nil && $0["new"]?.number != nil }
    if numbers.isEmpty {
      return mover["new"]?["points"]?.number == nil ? "stopped at the gate" : "passes the gate"
    }
    return numbers.prefix(3).map { "\(word($0["name"])) \(word($0["old"])) to \(word($0["new"]))" }
      .joined(separator: ", ")
  }

  private var errors: String {
    let rows = (comparison["errors"]?.items ?? []).compactMap { error -> [String]? in
      if (error["old"]?.whole ?? 0) + (error["new"]?.whole ?? 0) == 0 { return nil }
      return [word(error["code"]), word(error["say"]), whole(error["old"]), whole(error["new"])]
    }
    return table("Lines that are no usable candidates", ["", "", "old", "new"], rows, words: 2)
  }
}
