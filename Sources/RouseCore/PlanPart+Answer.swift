extension PlanPart {
  /// Answers a question about this part alone.
  package func answer(_ inquiry: PartInquiry, policy: Policy) throws(PartFault) -> PartAnswer {
    let limits = Limit.all(inquiry.limits, policy: policy)
    return users.withView { view in
      PartAnswering(part: self, view: view, policy: policy, limits: limits).answer(inquiry.question)
    }
  }
}

/// A part while it answers a question.
struct PartAnswering {
  let part: PlanPart
  let view: PlanUsers.View
  let policy: Policy
  let limits: [Limit]

  func answer(_ question: PartQuestion) -> PartAnswer {
    var answer = PartAnswer(of: part, policy)
    switch question {
    case .facts: facts(&answer)
    case .explorers:
      let group = group(left: limits.map { _ in 0 })
      var sum = PartSum(policy)
      for user in view.users.indices where view.users[user].arm == .explore {
        sum.add(view.options[forced(user)], of: user, group)
      }
      answer.sums = [sum]
    case .nextExplorers(let left, let after, let most): explorers(left, after, most, &answer)
    case .sums(let asked, let prices):
      let group = group(left: asked.left)
      answer.sums = prices.map { sum(of: members(asked), group, at: group.tariff($0)) }
    case .sample(let asked, let one):
      for user in members(asked) where view.users[user].tie % UInt64(one) == 0 { add(user, &answer) }
    case .pool(let asked, let low, let high, let most): pool(asked, low, high, most, &answer)
    case .above(let asked, let bars): above(asked, bars, &answer)
    case .between(let asked, let low, let high):
      let group = group(left: asked.left)
      let tariff = group.tariff(asked.prices)
      for user in members(asked) {
        let choice = group.choice(user, at: tariff)
        if choice.option >= 0, choice.net > low, choice.net <= high { add(user, &answer) }
      }
    case .moves(let asked, let pass): moves(asked, pass, &answer)
    }
    return answer
  }

  // MARK: - Users

  private func group(left: [Int128]) -> PlanGroup {
    PlanGroup(users: view, policy: policy, limits: limits, left: left, crew: .alone)
  }

  /// Those of the policy arm.
  private func members(_ group: PartState.Group) -> some Sequence<Int> {
    view.users.indices.lazy.filter { [users = view.users] in
      users[$0].arm == .policy && (group.tier == nil || Int(users[$0].tier) == group.tier)
    }
  }

  private func forced(_ user: Int) -> Int { view.optionRange(user).lowerBound + Int(view.users[user].best) }

  private func place(_ user: Int) -> PartUsers.Place {
    PartUsers.Place(part: part.number, index: UInt32(truncatingIfNeeded: user))
  }

  private func add(_ user: Int, _ answer: inout PartAnswer) { answer.users.append(part.users, user, at: place(user)) }

  private func tie(_ user: Int) -> PartTie {
    PartTie(tie: view.users[user].tie, userID: Array(part.users.userID(user)))
  }

  private func facts(_ answer: inout PartAnswer) {
    answer.counts = part.counts
    for user in view.users {
      switch user.arm {
      case .policy: answer.members[Int(user.tier)] += 1
      case .explore: answer.explorers += 1
      case .holdout: break
      }
    }
  }

  private func explorers(_ left: [Int128], _ after: PartTie?, _ most: Int, _ answer: inout PartAnswer) {
    var found = view.users.indices.filter { user in
      guard view.users[user].arm == .explore, after?.isBefore(part.users, user) ?? true else { return false }
      let option = view.options[forced(user)]
      return limits.indices.allSatisfy { Int128(limits[$0].weight(of: option, user, view)) <= left[$0] }
    }
    found.sort(by: part.users.isBefore)
    if found.count > most {
      found.removeLast(found.count - most)
      // Where none may be given, none is beyond the first.
      answer.explorersEnd = [found.last.map(tie) ?? PartTie(tie: 0, userID: [])]
    }
    for user in found { add(user, &answer) }
  }

  // MARK: - Prices

  private func sum(of members: some Sequence<Int>, _ group: PlanGroup, at tariff: PlanTariff) -> PartSum {
    var sum = PartSum(policy)
    for user in members {
      let choice = group.choice(user, at: tariff)
      if choice.option >= 0 { sum.add(view.options[choice.option], of: user, group) }
    }
    return sum
  }

  private func pool(
    _ asked: PartState.Group, _ low: [Int128], _ high: [Int128], _ most: Int, _ answer: inout PartAnswer
  ) {
    let group = group(left: asked.left)
    var pool = PartPool(open: Array(members(asked)), PartSum(policy), low: low, high: high)
    pool.settle(group)
    answer.sums = [pool.settled]
    answer.open = pool.open.count
    if pool.open.count <= most { for user in pool.open { add(user, &answer) } }
  }

  private func above(_ asked: PartState.Group, _ bars: [Int128], _ answer: inout PartAnswer) {
    let group = group(left: asked.left)
    let tariff = group.tariff(asked.prices)
    var sums = bars.map { _ in PartSum(policy) }
    for user in members(asked) {
      let choice = group.choice(user, at: tariff)
      guard choice.option >= 0 else { continue }
      for (index, bar) in bars.enumerated() where choice.net > bar {
        sums[index].add(view.options[choice.option], of: user, group)
      }
    }
    answer.sums = sums
  }

  // MARK: - Fill

  private func moves(_ asked: PartState.Group, _ pass: PartPass, _ answer: inout PartAnswer) {
    let group = group(left: asked.left)
    let tariff = group.tariff(asked.prices)
    let filling = PartFilling(group: group, limits: limits, tariff: tariff, pass: pass)
    let then = asked.changes.of(part.number)
    let now = pass.now.of(part.number)
    var found: [(user: Int, rank: PartMove.Rank)] = []
    for user in members(asked) where group.admits(user) {
      let index = UInt32(truncatingIfNeeded: user)
      let held = filling.held(user, then[index])
      let moves = filling.moves(user, from: held)
      if moves.isEmpty { continue }
      let current = now[index].map { $0 < 0 ? -1 : view.optionRange(user).lowerBound + $0 } ?? held
      // A user moves only by moves of the own: who has none that fits will not hold anything else.
      guard moves.contains(where: { filling.fits($0.option, user, from: current, into: pass.room) }) else { continue }
      let tie = tie(user)
      for move in moves {
        let rank = PartMove.Rank(
          key: move.key, gain: move.gain, tie: tie, option: move.option - view.optionRange(user).lowerBound)
        if pass.after?.isBefore(rank) ?? true { found.append((user, rank)) }
      }
    }
    found.sort { $0.rank.isBefore($1.rank) }
    if found.count > pass.most {
      found.removeLast(found.count - pass.most)
      if let last = found.last { answer.movesEnd = [last.rank] }
    }
    var given: [Int: Int] = [:]
    for (user, rank) in found {
      if given[user] == nil {
        given[user] = answer.users.places.count
        add(user, &answer)
      }
      answer.moves.append(PartMove(user: given[user] ?? 0, rank: rank))
    }
  }
}

/// Moves of single users in a pass of the fill (model 10.3).
struct PartFilling {
  let group: PlanGroup
  let limits: [Limit]
  let tariff: PlanTariff
  let pass: PartPass

  struct Move {
    /// Index into the options.
    let option: Int
    let gain: Int128
    let key: Int128
  }

  /// What a user holds: the choice at the prices, unless it has changed.
  func held(_ user: Int, _ changed: Int?) -> Int {
    let range = group.users.optionRange(user)
    guard let changed else { return group.choice(user, at: tariff).option }
    return changed < 0 || changed >= range.count ? -1 : range.lowerBound + changed
  }

  func change(_ limit: Limit, _ user: Int, from held: Int, to option: Int) -> Int128 {
    let view = group.users
    let weight = Int128(limit.weight(of: view.options[option], user, view))
    return weight - (held < 0 ? 0 : Int128(limit.weight(of: view.options[held], user, view)))
  }

  func fits(_ option: Int, _ user: Int, from held: Int, into left: [Int128]) -> Bool {
    limits.indices.allSatisfy { change(limits[$0], user, from: held, to: option) <= left[$0] }
  }

  /// Of a user who is admitted: every move as the pass begins.
  func moves(_ user: Int, from held: Int) -> [Move] {
    let view = group.users
    let own = tariff.price(of: user, view)
    var moves: [Move] = []
    var heldWorth: Int128 = 0
    var heldNet: Int128 = 0
    if held >= 0 {
      heldWorth = group.worth(view.options[held])
      heldNet = group.net(heldWorth, view.options[held], user, own, tariff)
    }
    for index in view.optionRange(user) {
      let option = view.options[index]
      let worth = group.worth(option)
      let gain = worth - heldWorth
      guard gain > 0, group.isUsable(option, worth: worth) else { continue }
      guard heldNet - group.net(worth, option, user, own, tariff) < pass.slack else { continue }
      guard fits(index, user, from: held, into: pass.left) else { continue }
      let cost = limits.indices.reduce(Int128(0)) {
        $0 &+ tariff.prices[$1] &* change(limits[$1], user, from: held, to: index)
      }
      // Of a move that fits, at prices that were found, nothing leaves 128 bits; elsewhere nothing is promised but no trap.
      moves.append(
        Move(option: index, gain: gain, key: cost <= 0 ? -1 : floorDivide((cost &- gain) &* Int128(Micros.one), cost)))
    }
    return moves
  }
}
