/// What prices leave over is spent by the single move (model 9.3). Many millions of moves may fit as a pass begins, and few
/// of them still do once the best have been made: so only the best are put in order, a portion at a time, and of the rest
/// those are dropped that cannot fit any more, whatever else is moved.
extension Plan {
  /// A change of a user's option that gains something, as it waits for its turn.
  struct Move: BitwiseCopyable {
    /// Of two moves the one with less comes first; of two with the same only `Turn` can tell.
    let rough: UInt64
    let user: UInt32
    let option: UInt32
  }

  /// Where a move stands in their order.
  struct Turn {
    let gain: Int128
    /// `(cost - gain) * 10^6 // cost`, or -1 where the move costs nothing.
    let key: Int128

    /// The key as far as 32 bits hold it, and where they hold it all, the gain to 25 bits: the greater, the less.
    var rough: UInt64 {
      let short = Int32(clamping: key)
      let head = UInt64(UInt32(bitPattern: short) ^ 1 << 31) << 32
      guard short > .min, short < .max else { return head }
      // As a floating-point number is laid out; the library's conversion from 128 bits is generic, and takes longer than all
      // the rest.
      let zeros = UInt64(gain.leadingZeroBitCount)
      let digits = UInt64(truncatingIfNeeded: (gain << Int128(zeros)) >> 102) & (1 << 25 - 1)
      return head | UInt64(UInt32.max) - ((127 - zeros) << 25 | digits)
    }
  }

  private struct Next {
    let move: Move
    let turn: Turn
  }

  /// Moves of one range of users: put in order by nobody, and taken out where they stand.
  private final class Waiting: @unchecked Sendable {
    // Sendable because one thread at a time has a range.
    var moves = Column<Move>()

    /// Takes out those up to a place in the order.
    func take(upTo last: UInt64) -> [Move] {
      var taken: [Move] = []
      moves.keep { move in
        if move.rough <= last { taken.append(move) }
        return move.rough > last
      }
      return taken
    }
  }

  mutating func fill(_ group: PlanGroup, _ members: [UInt32], _ tariff: PlanTariff, _ isAbandoned: () -> Bool) {
    guard !limits.isEmpty else { return }
    var movers = members
    for _ in 0..<50 {
      if isAbandoned() { return }
      let before = left
      let pass = pass(group, moves(group, movers, tariff), tariff)
      if !pass.moved { return }
      // With less left of everything, nobody's move fits now that did not as the pass began.
      let isLess = limits.indices.allSatisfy { left[$0] <= before[$0] }
      movers = isLess ? Self.risingOnce(pass.movers) : members
    }
  }

  /// Makes the moves that fit, in their order.
  /// - Returns: whether there was any, and who may have a move in the next pass, if there is not more left by then.
  private mutating func pass(
    _ group: PlanGroup, _ waiting: [Waiting], _ tariff: PlanTariff
  ) -> (moved: Bool, movers: [UInt32]) {
    // Whose option has changed in this pass, and what it was: the order of moves is that of its beginning.
    var began: [UInt32: Int] = [:]
    var movers: [UInt32] = []
    var size = firstPortion
    var count = Self.count(waiting)
    while count > 0 {
      for move in portion(size, of: waiting, count, group, tariff, began) {
        movers.append(move.user)
        let held = outcomes[Int(move.user)].taken
        let heldWorth = held < 0 ? 0 : group.worth(group.users.options[held])
        guard group.worth(group.users.options[Int(move.option)]) > heldWorth else { continue }
        guard take(Int(move.option), by: Int(move.user), group.users) else { continue }
        if began[move.user] == nil { began[move.user] = held }
      }
      count = Self.count(waiting)
      dropThoseThatCannotFit(waiting, count, group)
      let left = Self.count(waiting)
      if left > count / 2 { size *= 4 }
      count = left
    }
    return (!began.isEmpty, movers)
  }

  private static func count(_ waiting: [Waiting]) -> Int { waiting.reduce(0) { $0 + $1.moves.count } }

  private static func risingOnce(_ users: [UInt32]) -> [UInt32] {
    var rising: [UInt32] = []
    for user in users.sorted() where user != rising.last { rising.append(user) }
    return rising
  }
  static let usualPortion = 4096

  /// Takes about so many moves out, or all if there are hardly more: those that come first, in order.
  private func portion(
    _ size: Int, of waiting: [Waiting], _ count: Int, _ group: PlanGroup, _ tariff: PlanTariff, _ began: [UInt32: Int]
  ) -> [Move] {
    // Any of the moves will do for where to cut; one that some dozens in a sample come before cuts about right.
    let step = max(1, size / 32)
    var last = UInt64.max
    if count > 2 * size {
      var drawn: [UInt64] = []
      var index = 0
      for range in waiting {
        while index < range.moves.count {
          drawn.append(range.moves[index].rough)
          index += step
        }
        index -= range.moves.count
      }
      last = drawn.sorted()[min(size / step, drawn.count - 1)]
    }
    let taken = crew.each(waiting, size: count) { $0.take(upTo: last) }
    var first = taken.flatMap { moves in
      moves.map { move in
        let held = began[move.user] ?? outcomes[Int(move.user)].taken
        return Next(move: move, turn: turn(move, held: held, group, tariff))
      }
    }
    // Many may have the same rough place: where values are coarse, or all offers are alike.
    if first.count > 4 * size {
      let drawn = stride(from: 0, to: first.count, by: step).map { first[$0] }.sorted(by: isBefore)
      let last = drawn[min(size / step, drawn.count - 1)]
      for next in first where isBefore(last, next) { waiting[0].moves.append(next.move) }
      first.removeAll { isBefore(last, $0) }
    }
    first.sort(by: isBefore)
    return first.map(\.move)
  }

  private func isBefore(_ left: Next, _ right: Next) -> Bool {
    if left.turn.key != right.turn.key { return left.turn.key < right.turn.key }
    if left.turn.gain != right.turn.gain { return left.turn.gain > right.turn.gain }
    if left.move.user != right.move.user { return users.isBefore(Int(left.move.user), Int(right.move.user)) }
    return left.move.option < right.move.option
  }

  private func turn(_ move: Move, held: Int, _ group: PlanGroup, _ tariff: PlanTariff) -> Turn {
    let view = group.users
    let user = Int(move.user)
    let gain =
      group.worth(view.options[Int(move.option)]) - (held < 0 ? 0 : group.worth(view.options[held]))
    return turn(of: gain, user, from: held, to: Int(move.option), tariff, view)
  }

  @inline(__always)
  private func turn(
    of gain: Int128, _ user: Int, from held: Int, to option: Int, _ tariff: PlanTariff, _ view: PlanUsers.View
  ) -> Turn {
    let cost: Int128
    if tariff.isPlain {
      let own = tariff.price(of: user, view)
      cost = tariff.cost(view.options[option], own) - (held < 0 ? 0 : tariff.cost(view.options[held], own))
    } else {
      cost = limits.indices.reduce(Int128(0)) {
        $0 + tariff.prices[$1] * change($1, user, from: held, to: option, view)
      }
    }
    let key = cost <= 0 ? -1 : floorDivide((cost - gain) * Int128(Micros.one), cost)
    return Turn(gain: gain, key: key)
  }

  /// Drops moves that cannot fit, whichever of the others are made. Only those who hold an option now can ever give back
  /// more than they take: who holds none, may take one and change it for another, and has then still taken something. So
  /// there is never more left than now and what the holders' moves give back; and what such a user's option weighs
  /// must be within that, whether it comes in the place of another or not.
  private func dropThoseThatCannotFit(_ waiting: [Waiting], _ count: Int, _ group: PlanGroup) {
    let view = group.users
    let given = crew.each(waiting, size: count) { range in
      var given = [Int128](repeating: 0, count: limits.count)
      for move in range.moves {
        let held = outcomes[Int(move.user)].taken
        guard held >= 0 else { continue }
        for limit in limits.indices {
          given[limit] -= min(0, change(limit, Int(move.user), from: held, to: Int(move.option), view))
        }
      }
      return given
    }
    let most = limits.indices.map { limit in given.reduce(left[limit]) { $0 + $1[limit] } }
    _ = crew.each(waiting, size: count) { range in
      range.moves.keep { move in
        outcomes[Int(move.user)].taken >= 0
          || limits.indices.allSatisfy {
            change($0, Int(move.user), from: -1, to: Int(move.option), view) <= most[$0]
          }
      }
    }
  }

  /// All moves that fit by themselves.
  private func moves(_ group: PlanGroup, _ members: [UInt32], _ tariff: PlanTariff) -> [Waiting] {
    // A move that fits costs at most this; so one that loses as much in net cannot fit.
    let slack = limits.indices.reduce(Int128(0)) { $0 + tariff.prices[$1] * left[$1] }
    return crew.parts(of: members.count) { range in
      let waiting = Waiting()
      members.withUnsafeBufferPointer { self.addMoves(group, $0[range], tariff, slack, to: waiting) }
      return waiting
    }
  }

  private func addMoves(
    _ group: PlanGroup, _ members: Slice<UnsafeBufferPointer<UInt32>>, _ tariff: PlanTariff, _ slack: Int128,
    to waiting: Waiting
  ) {
    var moves = Column<Move>()
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
        let turn = turn(of: gain, user, from: held, to: index, tariff, view)
        moves.append(Move(rough: turn.rough, user: member, option: UInt32(truncatingIfNeeded: index)))
      }
    }
    waiting.moves = moves
  }
}
