import Glibc

/// The points of a card, and of what stands before it, from outcomes: a logistic regression on the card's own attributes
/// within the guardrails, in whole points.
struct CardRegression {
  /// What became of a number.
  enum Verdict: String {
    case changed, same
    /// Fewer outcomes than a change needs.
    case few = "few_events"
    /// It is not written in the text.
    case unwritten = "not_written"
  }

  struct CellResult {
    var old: Int
    var new: Int
    var count = 0
    var events = 0
    /// Standard error in points; nil where nothing was estimated.
    var error: Double?
    var verdict: Verdict
    /// Held at the guardrails' cap, or kept in line with a neighbour.
    var isHeld = false
  }

  struct InterceptResult {
    /// In points, with fractions.
    var old: Double
    var new: Double
    var count = 0
    var events = 0
    var error: Double?
    var isFitted: Bool
    /// It has too few outcomes of its own, and moves with the others like it: by as many points as they together say.
    var isPooled = false
  }

  let cells: CardCells
  let settings: FitSettings
  /// Asked now and then: nobody waits for it any more.
  var isAbandoned: @Sendable () -> Bool = { false }
  /// Cells of each row, one for each row of the card.
  var attributes: [Int32] = []
  /// What stands before the card: a stage, or the base.
  var groups: [Int32] = []
  var offsets: [Double] = []
  var outcomes: [Bool] = []
  /// Whether the row is one of the kind that must have come often enough; the outcome itself, or its opposite.
  var events: [Bool] = []
  var weights: [Double] = []
  var intercepts: [Double] = []

  struct Result {
    var cells: [CellResult]
    var intercepts: [InterceptResult]
    var before: Double
    var after: Double
  }

  private var width: Int { cells.rows.count }

  /// nil: the numbers lead nowhere, such as weights that are no numbers; or nobody waits for them.
  func run() -> Result? {
    var results = cells.cells.map {
      CellResult(old: $0.present, new: $0.present, verdict: $0.node == nil ? .unwritten : .few)
    }
    var groupCounts = [(count: Int, events: Int)](repeating: (0, 0), count: intercepts.count)
    for row in offsets.indices {
      for at in row * width..<(row + 1) * width {
        results[Int(attributes[at])].count += 1
        if events[row] { results[Int(attributes[at])].events += 1 }
      }
      groupCounts[Int(groups[row])].count += 1
      if events[row] { groupCounts[Int(groups[row])].events += 1 }
    }
    let isFree = results.map { $0.verdict != .unwritten && $0.events >= settings.leastEvents }
    let isFitted = groupCounts.map { $0.events >= settings.leastEvents && $0.events < $0.count }
    // What is wrong with the level of all must not come to stand in the attributes that most rows share.
    let rest = groupCounts.indices.filter { !isFitted[$0] }
    let (restEvents, restCount) = rest.reduce((0, 0)) { ($0.0 + groupCounts[$1].events, $0.1 + groupCounts[$1].count) }
    let isPooled = restEvents >= settings.leastEvents && restEvents < restCount

    // Numbers that must be alike share a parameter, and one that has met its cap has none.
    var leader = Array(cells.cells.indices)
    var held: [Int: Double] = [:]
    var found: (layout: Layout, solution: LogisticProblem.Solution)?
    for _ in 0..<200 {
      let layout = layout(isFree, isFitted, isPooled: isPooled, leader, held)
      guard let solution = layout.problem.solve(isAbandoned: isAbandoned) else { return nil }
      found = (layout, solution)
      if !hold(layout, solution, isFree, &leader, &held) { break }
    }
    guard let found else { return nil }

    // Whole points, then what stands before them once more.
    for index in results.indices where isFree[index] {
      let value: Double
      if let held = held[leader[index]] {
        value = held
        results[index].isHeld = true
      } else {
        let parameter = found.layout.parameters[leader[index]]
        value = found.solution.points[parameter]
        results[index].error = found.solution.error(parameter)
      }
      results[index].new = Int(min(max(value, -1000), 1000).rounded())
      results[index].verdict = .same
    }
    keepInLine(&results, isFree)
    for index in results.indices where results[index].new != results[index].old { results[index].verdict = .changed }
    return finish(results, groupCounts, isFitted, isPooled: isPooled, found)
  }

  // MARK: -

  struct Layout {
    var problem: LogisticProblem
    /// The parameter of a cell; -1 without.
    var parameters: [Int]
    var groupParameters: [Int]
  }

  /// Adds a parameter for what stands before the card in each group that has outcomes enough, and one that all others share:
  /// their common shift. Returns the parameter of each group; -1 without.
  private func addIntercepts(_ isFitted: [Bool], isPooled: Bool, to problem: inout LogisticProblem) -> [Int] {
    let wide = settings.priorSD * FitSettings.interceptFactor
    var shared = -1
    return intercepts.indices.map { group in
      if !isFitted[group] {
        guard isPooled else { return -1 }
        if shared >= 0 { return shared }
        shared = problem.prior.count
      }
      problem.prior.append(isFitted[group] ? intercepts[group] : 0)
      problem.precision.append(1 / (wide * wide))
      return problem.prior.count - 1
    }
  }

  private func layout(
    _ isFree: [Bool], _ isFitted: [Bool], isPooled: Bool, _ leader: [Int], _ held: [Int: Double]
  ) -> Layout {
    var problem = LogisticProblem(width: width + 1)
    var parameters = [Int](repeating: -1, count: cells.cells.count)
    let precision = 1 / (settings.priorSD * settings.priorSD)
    for index in cells.cells.indices where isFree[index] && held[leader[index]] == nil {
      let first = leader[index]
      let present = Double(cells.cells[index].present)
      if parameters[first] < 0 {
        parameters[first] = problem.prior.count
        problem.prior.append(present)
        problem.precision.append(precision)
      } else {
        // Beliefs about numbers that must be alike are pooled.
        let at = parameters[first]
        let sum = problem.precision[at] + precision
        problem.prior[at] += (present - problem.prior[at]) * precision / sum
        problem.precision[at] = sum
      }
      parameters[index] = parameters[first]
    }
    let groupParameters = addIntercepts(isFitted, isPooled: isPooled, to: &problem)
    problem.outcomes = outcomes
    problem.weights = weights
    problem.offsets.reserveCapacity(offsets.count)
    problem.active.reserveCapacity(offsets.count * (width + 1))
    for row in offsets.indices {
      var known = 0.0
      for at in row * width..<(row + 1) * width {
        let cell = Int(attributes[at])
        problem.active.append(Int32(parameters[cell]))
        if parameters[cell] < 0 {
          known += isFree[cell] ? held[leader[cell]] ?? 0 : Double(cells.cells[cell].present)
        }
      }
      let group = Int(groups[row])
      problem.active.append(Int32(groupParameters[group]))
      if !isFitted[group] { known += intercepts[group] }
      problem.offsets.append(offsets[row] + LogisticProblem.unit * known)
    }
    return Layout(problem: problem, parameters: parameters, groupParameters: groupParameters)
  }

  /// Ties neighbours that break the guardrails' direction (pool adjacent violators), then holds what exceeds its cap.
  /// - Returns: whether anything was; the rest must be fitted anew then.
  private func hold(
    _ layout: Layout, _ solution: LogisticProblem.Solution, _ isFree: [Bool], _ leader: inout [Int],
    _ held: inout [Int: Double]
  ) -> Bool {
    var hasChanged = false
    func value(_ cell: Int) -> Double {
      held[leader[cell]] ?? solution.points[layout.parameters[leader[cell]]]
    }
    for row in cells.rows {
      let free = (row.first + 2..<max(row.first + 2, row.first + row.count)).filter { isFree[$0] }
      if row.direction != 0 {
        var pools: [(value: Double, weight: Double, cells: [Int])] = []
        for cell in free {
          let isTied = pools.last.map { leader[$0.cells[0]] == leader[cell] } ?? false
          let parameter = layout.parameters[leader[cell]]
          let weight = parameter < 0 ? 1e6 : solution.information[parameter] + 1e-9
          if isTied, let last = pools.indices.last {
            pools[last].cells.append(cell)
          } else {
            pools.append((value(cell), weight, [cell]))
          }
          while pools.count > 1,
            Double(row.direction) * (pools[pools.count - 1].value - pools[pools.count - 2].value) < -1e-9
          {
            let last = pools.removeLast()
            let before = pools.removeLast()
            let weight = before.weight + last.weight
            pools.append(
              ((before.value * before.weight + last.value * last.weight) / weight, weight, before.cells + last.cells))
            hasChanged = true
          }
        }
        for pool in pools {
          for cell in pool.cells where leader[cell] != pool.cells[0] {
            held[leader[cell]] = nil
            leader[cell] = pool.cells[0]
          }
        }
      }
      if hasChanged { continue }
      let cap = Double(row.cap)
      for cell in row.first..<row.first + row.count where isFree[cell] && held[leader[cell]] == nil {
        let value = solution.points[layout.parameters[leader[cell]]]
        if abs(value) > cap + 0.5 {
          held[leader[cell]] = value < 0 ? -cap : cap
          hasChanged = true
        }
      }
    }
    return hasChanged
  }

  /// Caps and directions hold for whole points too, and for numbers that had too few outcomes of their own.
  private func keepInLine(_ results: inout [CellResult], _ isFree: [Bool]) {
    for row in cells.rows {
      for index in row.first..<row.first + row.count where isFree[index] {
        results[index].new = min(max(results[index].new, -row.cap), row.cap)
      }
      guard row.direction != 0, row.count > 2 else { continue }
      let bins = row.first + 2..<row.first + row.count
      for index in bins where !isFree[index] {
        let before = bins.last { $0 < index && isFree[$0] }.map { results[$0].new * row.direction }
        let after = bins.first { $0 > index && isFree[$0] }.map { results[$0].new * row.direction }
        let value = min(max(results[index].new * row.direction, before ?? .min), after ?? .max) * row.direction
        if value != results[index].new {
          results[index].new = value
          results[index].isHeld = true
        }
      }
    }
  }

  private func finish(
    _ results: [CellResult], _ groupCounts: [(count: Int, events: Int)], _ isFitted: [Bool], isPooled: Bool,
    _ found: (layout: Layout, solution: LogisticProblem.Solution)
  ) -> Result? {
    func known(_ points: (CellResult) -> Int) -> LogisticProblem {
      var problem = LogisticProblem(width: 1)
      problem.outcomes = outcomes
      problem.weights = weights
      for row in offsets.indices {
        let sum = attributes[row * width..<(row + 1) * width].reduce(0) { $0 + points(results[Int($1)]) }
        problem.offsets.append(offsets[row] + LogisticProblem.unit * Double(sum))
      }
      return problem
    }
    var before = known(\.old)
    before.active = groups
    before.prior = intercepts
    before.precision = intercepts.map { _ in 1 }
    let likelihoodBefore = before.likelihood(intercepts)

    var problem = known(\.new)
    let parameters = addIntercepts(isFitted, isPooled: isPooled, to: &problem)
    for row in offsets.indices {
      let group = Int(groups[row])
      problem.active.append(Int32(parameters[group]))
      if !isFitted[group] { problem.offsets[row] += LogisticProblem.unit * intercepts[group] }
    }
    guard let solution = problem.solve(isAbandoned: isAbandoned) else { return nil }
    let intercepts = self.intercepts.indices.map { group in
      let own = self.intercepts[group]
      return InterceptResult(
        old: own,
        new: parameters[group] < 0 ? own : solution.points[parameters[group]] + (isFitted[group] ? 0 : own),
        count: groupCounts[group].count, events: groupCounts[group].events,
        error: found.layout.groupParameters[group] < 0
          ? nil : found.solution.error(found.layout.groupParameters[group]),
        isFitted: isFitted[group] || isPooled, isPooled: isPooled && !isFitted[group])
    }
    return Result(cells: results, intercepts: intercepts, before: likelihoodBefore, after: solution.logLikelihood)
  }
}
