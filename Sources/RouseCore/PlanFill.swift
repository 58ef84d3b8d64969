/// What prices leave over is spent by the single move (model 9.3). Many millions of moves may fit as a pass begins, and few
/// of them still do once the best have been made: so only the best are put in order, a portion at a time, and of the rest
/// those are dropped that cannot fit any more, whatever else is moved.
extension Plan {
  /// A change of a user's option that gains something.
  private struct Move {
    let user: UInt32
    let option: UInt32
    let gain: Int128
    /// `(cost - gain) * 10^6 // cost`, or -1 where the move costs nothing.
    let key: Int128
  }

  mutating func fill(_ group: PlanGroup, _ members: [UInt32], _ tariff: PlanTariff, _ isAbandoned: () -> Bool) {
    guard !limits.isEmpty else { return }
    var movers = members
    for _ in 0..<50 {
      if isAbandoned() { return }
      let before = left
      let pass = pass(group, moves(group, movers, tariff))
      if !pass.moved { return }
      // With less left of everything, nobody's move fits now that did not as the pass began.
      let isLess = limits.indices.allSatisfy { left[$0] <= before[$0] }
      movers = isLess ? Self.risingOnce(pass.movers) : members
    }
  }

  /// Makes the moves that fit, in their order.
  /// - Returns: whether there was any, and who may have a move in the next pass, if there is not more left by then.
  private mutating func pass(_ group: PlanGroup, _ moves: [Move]) -> (moved: Bool, movers: [UInt32]) {
    var moved = false
    var movers: [UInt32] = []
    var rest = moves
    var size = firstPortion
    while !rest.isEmpty {
      for move in portion(size, of: &rest) {
        movers.append(move.user)
        let held = outcomes[Int(move.user)].taken
        let heldWorth = held < 0 ? 0 : group.worth(group.users.options[held])
        guard group.worth(group.users.options[Int(move.option)]) > heldWorth else { continue }
        if take(Int(move.option), by: Int(move.user), group.users) { moved = true }
      }
      let count = rest.count
      rest = thoseThatMayFit(rest, group)
      if rest.count > count / 2 { size *= 4 }
    }
    return (moved, movers)
  }

  private static func risingOnce(_ users: [UInt32]) -> [UInt32] {
    var rising: [UInt32] = []
    for user in users.sorted() where user != rising.last { rising.append(user) }
    return rising
  }
  static let usualPortion = 4096

  /// Takes about so many moves out, or all if there are hardly more: those that come first, in order.
  private func portion(_ size: Int, of moves: inout [Move]) -> [Move] {
    var first: [Move] = []
    if moves.count <= 2 * size {
      swap(&first, &moves)
    } else {
      // Any of the moves will do for where to cut; one that some dozens in a sample come before cuts about right.
      let drawn = stride(from: 0, to: moves.count, by: max(1, moves.count * 32 / size)).map { moves[$0] }
      let last = drawn.sorted(by: isBefore)[min(32, drawn.count - 1)]
      let parts = crew.parts(of: moves.count) { range in
        var part = (first: [Move](), rest: [Move]())
        for move in moves[range] {
          if isBefore(last, move) { part.rest.append(move) } else { part.first.append(move) }
        }
        return part
      }
      first = parts.flatMap(\.first)
      moves = parts.flatMap(\.rest)
    }
    first.sort(by: isBefore)
    return first
  }

  private func isBefore(_ left: Move, _ right: Move) -> Bool {
    if left.key != right.key { return left.key < right.key }
    if left.gain != right.gain { return left.gain > right.gain }
    if left.user != right.user { return users.isBefore(Int(left.user), Int(right.user)) }
    return left.option < right.option
  }

  /// Drops moves that cannot fit, whichever of the others are made. Only those who hold an option now can ever give back
  /// more than they take: who holds none, may take one and change it for another, and has then still taken something. So
  /// there is never more left than now and what the holders' moves give back; and what such a user's option weighs
  /// must be within that, whether it comes in the place of another or not.
  private func thoseThatMayFit(_ moves: [Move], _ group: PlanGroup) -> [Move] {
    let view = group.users
    let given = crew.parts(of: moves.count) { range in
      var given = [Int128](repeating: 0, count: limits.count)
      for move in moves[range] {
        let held = outcomes[Int(move.user)].taken
        guard held >= 0 else { continue }
        for limit in limits.indices {
          given[limit] -= min(0, change(limit, Int(move.user), from: held, to: Int(move.option), view))
        }
      }
      return given
    }
    let most = limits.indices.map { limit in given.reduce(left[limit]) { $0 + $1[limit] } }
    return crew.parts(of: moves.count) { range in
      moves[range].filter { move in
        outcomes[Int(move.user)].taken >= 0
          || limits.indices.allSatisfy {
            change($0, Int(move.user), from: -1, to: Int(move.option), view) <= most[$0]
          }
      }
    }.flatMap { $0 }
  }

  /// All moves that fit by themselves.
  private func moves(_ group: PlanGroup, _ members: [UInt32], _ tariff: PlanTariff) -> [Move] {
    // A move that fits costs at most this; so one that loses as much in net cannot fit.
    let slack = limits.indices.reduce(Int128(0)) { $0 + tariff.prices[$1] * left[$1] }
    let parts = crew.parts(of: members.count) { range in
      members.withUnsafeBufferPointer { self.moves(group, $0[range], tariff, slack) }
    }
    return parts.count == 1 ? parts[0] : Array(parts.joined())
  }

  private func moves(
    _ group: PlanGroup, _ members: Slice<UnsafeBufferPointer<UInt32>>, _ tariff: PlanTariff, _ slack: Int128
  ) -> [Move] {
    var moves: [Move] = []
    let view = group.users
    for member in members {
      let user = Int(member)
      guard group.admits(user) else { continue }
      let held = outcomes[user].taken
      let own = tariff.price(of: user, view)
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
        // With prices that leave slack, `heldNet - net` is `cost - gain`.
        guard heldNet - group.net(worth, option, user, own, tariff) < slack else { continue }
        guard limits.indices.allSatisfy({ change($0, user, from: held, to: index, view) <= left[$0] }) else {
          continue
        }
        let cost = limits.indices.reduce(Int128(0)) {
          $0 + tariff.prices[$1] * change($1, user, from: held, to: index, view)
        }
        let key = cost <= 0 ? -1 : floorDivide((cost - gain) * Int128(Micros.one), cost)
        moves.append(Move(user: member, option: UInt32(truncatingIfNeeded: index), gain: gain, key: key))
      }
    }
    return moves
  }
}
