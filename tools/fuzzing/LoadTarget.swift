import RouseCore

@testable import RouseWire

/// Lines of a load, the first byte choosing the policy. A line is what it is as a line of a score, but for `gone`; and the
/// line that is kept of it, without its user_id, is read back as the same candidate.
func fuzzLoad(_ input: [UInt8]) {
  guard let first = input.first else { return }
  let world = Offline.all[Int(first) % Offline.all.count]
  let bytes = Array(input.dropFirst())
  let worker = LoadWorker(tables: world.tables, longestLine: 1 << 22)
  let again = LoadWorker(tables: world.tables, longestLine: 1 << 22)
  var lines = 0
  let block = bytes.withUnsafeBytes { Block($0) }
  _ = worker.read(block) { line, row in
    lines += 1
    switch line {
    case .invalid: break
    case .gone: demand(row.userIDCount > 0, "nobody is gone")
    case .candidate:
      let tree = StrictJSON.read(row.source)
      demand(Offline.isCandidate(tree), "\(shown(row.source)) is loaded")
      let kept = row.sourceWithoutUserID
      let before = Seen(row, world.policy)
      let keptTree = StrictJSON.read(kept)
      demand(keptTree?["user_id"] == .text([]), "\(shown(kept)) is kept of \(shown(row.source))")
      demand(!kept.contains(0x0A) && !kept.contains(0x0D), "what is kept has two lines")
      let copy = kept.withUnsafeBytes { Block($0) }
      var at = 0
      guard let line = copy.nextLine(&at, longest: 1 << 22) else { return demand(false, "nothing is kept") }
      let isRead = again.readKept(line) { other in
        demand(Seen(other, world.policy) == before, "\(shown(kept)) is another candidate than \(shown(row.source))")
      }
      demand(isRead, "what was kept is no candidate: \(shown(kept))")
    }
  }
  let all = bytes.split(separator: 0x0A).filter { line in !line.withUnsafeBytes { isBlank($0) } }
  demand(lines <= all.count, "\(all.count) lines are \(lines)")
}

/// What of a candidate a decision may depend on, but for who it is.
private struct Seen: Equatable {
  private let facts: [[UInt64]]
  private let contacts: [[Int64]]
  private let counts: [Int]
  private let texts: [String]

  init(_ row: CandidateRow, _ policy: Policy) {
    facts = (0..<row.declaredCount).map { slot in
      [UInt64(row.states[slot]), row.isPresent(slot) ? row.bits[slot] : 0]
    }
    contacts = row.contacts.map { [$0.at, Int64($0.channel)] }
    counts = [Int(row.contactsState), row.contactEntries, row.ignored]
    texts = (0..<row.declaredCount).map { slot in
      let isOther =
        policy.fields.declared[slot].kind.type == .text && row.isPresent(slot) && row.bits[slot] == TextTable.other
      return isOther ? row.keptText(slot) : ""
    }
  }
}
