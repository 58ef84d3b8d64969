import RouseCore
import RouseWire

package struct FittedStep: Sendable {
  package var name: String
  package var old: Double
  package var new: Double
  /// Users that the belief counts as.
  package var weight: Double
  package var seen: Rate
}

struct FittedRisk {
  var loans: Int
  var bad: Int
  var odds: Double
  var cells: CardCells?
  /// nil: too few went bad.
  var result: CardRegression.Result?
}

struct FittedResponse {
  var cells: CardCells
  var result: CardRegression.Result
}

/// A policy and what outcomes have made of it.
package struct FittedPolicy {
  package let old: PolicyText
  package let new: PolicyText
  let set: TrainingSet
  let settings: FitSettings
  let risk: FittedRisk?
  let steps: [FittedStep]
  let response: FittedResponse

  /// How many numbers are others than before.
  package var changes: Int {
    let cards = [risk?.result?.cells ?? [], response.result.cells].joined().count { $0.verdict == .changed }
    return cards + stages.count { $0.old != $0.new } + steps.count { $0.old != $0.new }
      + (risk.map { $0.odds != old.policy.definition.risk.baseOdds ? 1 : 0 } ?? 0)
  }

  /// Points and rates that the response is made of: what a person has to read.
  package var numbers: Int {
    response.cells.cells.count { $0.node != nil } + stages.count + steps.count
  }

  private var stages: [(name: String, old: Int, new: Int, result: CardRegression.InterceptResult)] {
    zip(old.policy.stages, new.policy.stages).enumerated().compactMap { index, pair in
      guard let before = pair.0.recall, let after = pair.1.recall else { return nil }
      return (pair.0.name, before.points, after.points, response.result.intercepts[index])
    }
  }

  // MARK: - The report

  /// What was done and why, without the text (proto-spec/fit.md).
  var report: [(String, JSONTree)] {
    var members: [(String, JSONTree)] = [
      ("policy", .text(old.policy.version)), ("fitted", .text(new.policy.version)), ("rows", .whole(set.count)),
      ("outcomes", .rate(Rate(set.outcomes, of: set.count))), ("effective_rows", .number(set.effective)),
      (
        "left_out",
        .object(TrainingSet.Skip.allCases.compactMap { why in set.skipped[why].map { (why.rawValue, .whole($0)) } })
      ),
      ("prior_sd", .number(settings.priorSD)), ("least_events", .whole(settings.leastEvents)),
      ("changes", .whole(changes)), ("numbers", .whole(numbers)),
      (
        "log_likelihood",
        .object([("old", .number(response.result.before)), ("new", .number(response.result.after))])
      ),
    ]
    members.append(
      (
        "stages",
        .list(
          stages.map { stage in
            .object([
              ("name", .text(stage.name)), ("old", .whole(stage.old)), ("new", .whole(stage.new)),
              ("rows", .whole(stage.result.count)), ("events", .whole(stage.result.events)),
              ("se", .optional(stage.result.error)), ("pooled", .flag(stage.result.isPooled)),
              ("verdict", .text(verdict(stage.result.isFitted, stage.old != stage.new))),
            ])
          })
      ))
    members.append(
      (
        "steps",
        .list(
          steps.map { step in
            .object([
              ("name", .text(step.name)), ("old", .number(step.old)), ("new", .number(step.new)),
              ("weight", .number(step.weight)), ("seen", .rate(step.seen)),
              ("verdict", .text(verdict(step.seen.count >= settings.leastEvents, step.old != step.new))),
            ])
          })
      ))
    members.append(("response", Self.card(response.cells, response.result)))
    members.append(("risk", riskReport))
    return members
  }

  private func verdict(_ isFitted: Bool, _ isChanged: Bool) -> String {
    let verdict: CardRegression.Verdict = isChanged ? .changed : isFitted ? .same : .few
    return verdict.rawValue
  }

  private var riskReport: JSONTree {
    guard let risk else { return .null }
    let odds = old.policy.definition.risk.baseOdds
    var card = JSONTree.list([])
    if let cells = risk.cells, let result = risk.result { card = Self.card(cells, result) }
    return .object([
      ("loans", .whole(risk.loans)), ("bad", .rate(Rate(risk.bad, of: risk.loans))),
      (
        "odds",
        .object([
          ("old", .number(odds)), ("new", .number(risk.odds)),
          ("verdict", .text(verdict(risk.result != nil, risk.odds != odds))),
        ])
      ), ("card", card),
    ])
  }

  private static func card(_ cells: CardCells, _ result: CardRegression.Result) -> JSONTree {
    .list(
      cells.rows.map { row in
        // Of a number's row `other` says nothing, and of any row what is not written and met nobody.
        let indices = [Array(row.first + 2..<max(row.first + 2, row.first + row.count)), [row.first, row.first + 1]]
          .joined()
        let shown = indices.filter { cells.cells[$0].node != nil || result.cells[$0].count > 0 }
        return .object([
          ("name", .text(row.name)),
          (
            "bins",
            .list(
              shown.map { index in
                let cell = result.cells[index]
                return .object([
                  ("bin", .text(cells.cells[index].name)), ("old", .whole(cell.old)), ("new", .whole(cell.new)),
                  ("rows", .whole(cell.count)), ("events", .whole(cell.events)), ("se", .optional(cell.error)),
                  ("verdict", .text(cell.verdict.rawValue)), ("held", .flag(cell.isHeld)),
                ])
              })
          ),
        ])
      })
  }
}
