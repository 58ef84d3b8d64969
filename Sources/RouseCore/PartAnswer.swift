/// What parts say, one of them or several put together: only what was asked for is there.
package struct PartAnswer: Sendable {
  /// The parts that have answered.
  private(set) var parts: [Int: PlanPart.Origin] = [:]
  var counts = [Int](repeating: 0, count: PlanPart.countCount)
  /// Users who are planned, and explorers, by tier.
  var members: [Int]
  var explorers = 0
  var sums: [PartSum] = []
  /// How many users there would have been.
  var open = 0
  var users: PartUsers
  var moves: [PartMove] = []
  /// Beyond these each part has more: the last of what it gave.
  var explorersEnd: [PartTie] = []
  var movesEnd: [PartMove.Rank] = []

  /// Of nobody so far.
  package init(_ policy: Policy) {
    members = [Int](repeating: 0, count: policy.tiers.count + 1)
    users = PartUsers(policy)
  }

  init(of part: PlanPart, _ policy: Policy) {
    self.init(policy)
    parts[part.number] = part.origin
  }

  /// Puts another's answer to the same question to it.
  package mutating func add(_ other: PartAnswer) throws(PartFault) {
    for (number, origin) in other.parts {
      if let known = parts.first, known.value != origin {
        throw PartFault("parts \(known.key) and \(number) were made with different policies, moments or rows")
      }
      guard parts[number] == nil else { throw PartFault("two parts have the number \(number); each needs its own") }
      parts[number] = origin
    }
    for index in counts.indices { counts[index] &+= other.counts[index] }
    for index in members.indices { members[index] &+= other.members[index] }
    explorers &+= other.explorers
    if sums.isEmpty {
      sums = other.sums
    } else {
      guard other.sums.count == sums.count else { throw PartFault("parts have answered different questions") }
      for index in sums.indices { sums[index].add(other.sums[index]) }
    }
    open &+= other.open
    let shift = users.places.count
    users.append(other.users)
    moves += other.moves.map { PartMove(user: $0.user + shift, rank: $0.rank) }
    explorersEnd += other.explorersEnd
    movesEnd += other.movesEnd
  }

  // MARK: - As bytes

  /// Of one part.
  package func sealed() -> [UInt8] {
    var out = PartWriter(.answer)
    let (number, origin) =
      parts.first.map { ($0.key, $0.value) } ?? (0, PlanPart.Origin(policy: "", now: 0, keepsAll: false))
    out.put(number)
    out.put(origin.policy.utf8)
    out.put(origin.now)
    out.put(origin.keepsAll)
    out.put(counts)
    out.put(members)
    out.put(explorers)
    out.put(sums.count)
    for sum in sums { out.put(sum) }
    out.put(open)
    out.put(users)
    out.put(moves.count)
    for move in moves {
      out.put(move.user)
      out.put(move.rank)
    }
    out.put(explorersEnd.count)
    for end in explorersEnd { out.put(end) }
    out.put(movesEnd.count)
    for end in movesEnd { out.put(end) }
    return out.sealed()
  }

  package init(_ bytes: UnsafeRawBufferPointer, policy: Policy) throws(PartFault) {
    var reader = try PartReader(bytes, .answer)
    self.init(policy)
    let number = try reader.int()
    parts[number] = try reader.origin()
    counts = try reader.tallies(PlanPart.countCount)
    members = try reader.tallies(policy.tiers.count + 1)
    explorers = try reader.int(0..<(1 << 40))
    for _ in 0..<(try reader.count()) { sums.append(try reader.sum(policy)) }
    open = try reader.int(0..<(1 << 40))
    users = try PartUsers(&reader, part: number, policy)
    for _ in 0..<(try reader.count()) {
      let user = try reader.int(0..<max(1, users.places.count))
      let move = PartMove(user: user, rank: try reader.rank())
      guard user < users.places.count, move.rank.option < users.users.optionRange(user).count else {
        throw PartFault.damaged
      }
      moves.append(move)
    }
    for _ in 0..<(try reader.count()) { explorersEnd.append(try reader.tie()) }
    for _ in 0..<(try reader.count()) { movesEnd.append(try reader.rank()) }
    try reader.end()
  }
}
