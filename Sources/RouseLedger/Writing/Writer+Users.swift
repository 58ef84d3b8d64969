extension Writer {
  enum Whom {
    case known(Int)
    case unknown
    case erased
    /// No id at all: empty, or too long.
    case nobody
  }

  func whom(_ id: [UInt8], _ reading: any LedgerReading) throws -> Whom {
    guard !id.isEmpty, id.count <= UserBlock.longestID else { return .nobody }
    if let user = group.number(of: id) { return .known(user) }
    if let user = memory.standing.number(of: id) { return group.isErased(user) ? .erased : .known(user) }
    guard hasErased else { return .unknown }
    let hash = secret.hash(.user, id)
    return try group.isErased(hash) || reading.isErased(hash) ? .erased : .unknown
  }

  /// The number of a user who is new.
  func add(_ id: [UInt8], _ writing: any LedgerWriting) throws -> Int {
    let user = group.next
    guard user < Int(UInt32.max) else { throw StoreError.refused("no number is left for a user") }
    try writing.insert(user: user, id: id)
    group.add(id)
    return user
  }

  func erase(
    _ ids: [[UInt8]], _ writing: any LedgerWriting, _ apply: @escaping @Sendable ([Int]) -> Void,
    _ done: @escaping Ledger.Done<Int>
  ) throws -> Outcome {
    var outcome = Outcome()
    var users: [Int] = []
    users.reserveCapacity(ids.count)
    // Those of a group that has been taken back are found again, and do no harm.
    hasErased = true
    for id in ids {
      let whom = try whom(id, writing)
      if case .nobody = whom {
        users.append(-1)
        continue
      }
      let hash = secret.hash(.user, id)
      var user: Int?
      if case .known(let number) = whom {
        user = number
        try writing.erase(user: number)
        outcome.effects.append(.erase(user: number))
        group.changed.insert(number)
      }
      try writing.insert(erased: hash)
      group.erase(user, id, hash)
      users.append(user ?? -1)
    }
    let all = users
    outcome.isErasure = true
    outcome.fail = { done(.failure($0)) }
    outcome.apply = { apply(all) }
    outcome.answer = { done(.success(all.count { $0 >= 0 })) }
    return outcome
  }
}
