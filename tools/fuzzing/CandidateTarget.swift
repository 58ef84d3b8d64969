import RouseCore

@testable import RouseWire

/// Lines of candidates, the first byte choosing the policy. However they come, the rows are the same, one a line, and
/// strict JSON; nothing traps.
func fuzzCandidate(_ input: [UInt8]) {
  guard let first = input.first else { return }
  check(Offline.all[Int(first) % Offline.all.count], Array(input.dropFirst()))
}

private let extras: [Extras] = [[], [.explain, .validUntil]]

/// - Parameter bytes: lines of anything.
func check(_ offline: Offline, _ bytes: [UInt8]) {
  let lines = bytes.split(separator: 0x0A).map { Array($0) }.filter { !$0.withUnsafeBytes { isBlank($0) } }
  let trees = lines.map { StrictJSON.read($0) }
  let one = offline.score(bytes, isStream: false).rows
  let rows = one.split(separator: 0x0A).map { Array($0) }
  demand(rows.count == lines.count, "\(lines.count) lines have \(rows.count) rows")
  for (tree, (line, row)) in zip(trees, zip(lines, rows)) {
    demand(
      (row + [0x0A] == Offline.refused) == !Offline.isCandidate(tree), "\(shown(line)) is answered with \(shown(row))")
  }
  checkControl(offline, bytes, trees, rows)

  // What may stand in a request: any JSON that is not too deep inside two more.
  let fitting = lines.indices.filter { trees[$0].map { $0.depth <= StrictJSON.deepest - 2 } ?? false }
  let inline = fitting.map { lines[$0] }
  let joined = Array(inline.joined(separator: [0x0A]))
  for extras in extras {
    let all = offline.score(bytes, extras, isStream: false).rows
    demand(offline.score(bytes, extras, isStream: false).rows == all, "scored twice, the rows differ")
    let split = all.split(separator: 0x0A).map { Array($0) }
    for row in split { demand(StrictJSON.read(row) != nil, "a row is no JSON: \(shown(row))") }
    let wanted = Array(fitting.map { split[$0] }.joined(separator: [0x2C]))
    let got = offline.scoreInline(inline, extras)
    demand(got == wanted, "inline \(shown(got ?? [])), as lines \(shown(wanted))")
  }
  for rows in [RankRows.all, .contacts] {
    let whole = offline.rank([joined], rows)
    for row in whole.split(separator: 0x0A) { demand(StrictJSON.read(row) != nil, "a row is no JSON: \(shown(row))") }
    demand(offline.rank(inline, rows) == whole, "ranked line by line, the rows differ")
    let got = offline.rankInline(inline, rows)
    demand(got == whole, "ranked inline \(shown(got ?? [])), as lines \(shown(whole))")
  }
}

/// A stream ends at the first control, and not before.
private func checkControl(_ offline: Offline, _ bytes: [UInt8], _ trees: [StrictJSON?], _ rows: [[UInt8]]) {
  let control = trees.firstIndex { $0?["op"].map { $0.isText("end") || $0.isText("cancel") } ?? false }
  let (streamed, stop) = offline.score(bytes)
  let before: [UInt8] = rows.prefix(control ?? rows.count).flatMap { $0 + [0x0A] }
  demand(streamed == before, "as a stream \(shown(streamed)), else \(shown(before))")
  switch stop {
  case .none: demand(control == nil, "a control is passed over")
  case .lineTooLong: demand(false, "no line is too long")
  case .end: demand(control.map { trees[$0]?["op"]?.isText("end") ?? false } ?? false, "there is no end")
  case .cancel: demand(control.map { trees[$0]?["op"]?.isText("cancel") ?? false } ?? false, "there is no cancel")
  }
}
