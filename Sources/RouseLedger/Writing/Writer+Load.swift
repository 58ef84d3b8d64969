extension Writer {
  func load(
    _ candidates: [Ledger.Candidate], _ writing: any LedgerWriting, _ apply: @escaping @Sendable ([Int]) -> Void,
    _ done: @escaping Ledger.Done<Ledger.LoadCounts>
  ) throws -> Outcome {
    var counts = Ledger.LoadCounts()
    var users: [Int] = []
    users.reserveCapacity(candidates.count)
    for candidate in candidates {
      let whom = try whom(candidate.userID, writing)
      guard candidate.line != nil else {
        counts.removed += 1
        if case .known(let user) = whom { users.append(user) } else { users.append(-1) }
        continue
      }
      switch whom {
      case .known(let user): users.append(user)
      case .unknown: users.append(try add(candidate.userID, writing))
      case .erased, .nobody:
        counts.gone += 1
        users.append(-1)
        continue
      }
      counts.loaded += 1
    }
    // In the order in which they stand in the file, and of a user's lines the last.
    let order = candidates.indices.filter { users[$0] >= 0 }.sorted { (users[$0], $0) < (users[$1], $1) }
    for (place, index) in order.enumerated() {
      if place + 1 < order.count, users[order[place + 1]] == users[index] { continue }
      if let line = candidates[index].line {
        try writing.put(candidate: users[index], line: line)
      } else {
        try writing.remove(candidate: users[index])
      }
    }
    var outcome = Outcome()
    let (all, answer) = (users, counts)
    outcome.apply = { apply(all) }
    outcome.answer = { done(.success(answer)) }
    return outcome
  }
}
