/// What whoever makes a plan asks each of its parts. The answers are put together in any order.
enum PartQuestion: Sendable {
  /// What was counted of all lines, and how many users there are to choose among.
  case facts
  /// What the forced options of all explorers add up to.
  case explorers
  /// The next explorers in tie order whose forced options each fit into what is left.
  case nextExplorers(left: [Int128], after: PartTie?, most: Int)
  /// What the choices add up to, at each of some prices.
  case sums(PartState.Group, prices: [[Int128]])
  /// One user in so many.
  case sample(PartState.Group, one: Int)
  /// What the choices of those add up to who choose the same at all prices within a box, and, if they are not too many,
  /// the users who may not.
  case pool(PartState.Group, low: [Int128], high: [Int128], most: Int)
  /// What the choices with a net above each of some bars add up to.
  case above(PartState.Group, bars: [Int128])
  /// Users whose choice has a net above one bar and not above another.
  case between(PartState.Group, low: Int128, high: Int128)
  /// The next moves of a pass of the fill.
  case moves(PartState.Group, PartPass)
}

/// A question with the limits it is asked under.
package struct PartInquiry: Sendable {
  let limits: PlanLimits
  let question: PartQuestion
}

/// A place in tie order.
struct PartTie: Sendable {
  let tie: UInt64
  let userID: [UInt8]

  func isBefore(_ users: PlanUsers, _ user: Int) -> Bool {
    let other = users.users[user].tie
    return tie != other ? tie < other : userID.lexicographicallyPrecedes(users.userID(user))
  }
}

/// A pass of the fill, as far as it has come.
struct PartPass: Sendable {
  /// What a move may lose in net at most, as the pass began.
  let slack: Int128
  /// Micros of each limit, as the pass began.
  let left: [Int128]
  /// What users hold by now who hold something else than when the pass began; the group says what they held then.
  let now: PartChanges
  /// What is left by now, and some more. Who has no move that fits into it is left out.
  let room: [Int128]
  let after: PartMove.Rank?
  /// How many moves at most.
  let most: Int
}

/// A change of a user's option that gains something.
struct PartMove: Sendable {
  /// The order in which moves are made.
  struct Rank: Sendable {
    let key: Int128
    let gain: Int128
    let tie: PartTie
    /// Among the user's.
    let option: Int

    func isBefore(_ other: Rank) -> Bool {
      if key != other.key { return key < other.key }
      if gain != other.gain { return gain > other.gain }
      if tie.tie != other.tie.tie { return tie.tie < other.tie.tie }
      if tie.userID != other.tie.userID { return tie.userID.lexicographicallyPrecedes(other.tie.userID) }
      return option < other.option
    }
  }

  /// Index among the users of the answer.
  let user: Int
  let rank: Rank
}

// MARK: - As bytes

extension PartWriter {
  mutating func put(_ tie: PartTie) {
    put(fixed: tie.tie)
    put(tie.userID)
  }

  mutating func put(_ rank: PartMove.Rank) {
    put(rank.key)
    put(rank.gain)
    put(rank.tie)
    put(rank.option)
  }

  mutating func put(_ pass: PartPass) {
    put(pass.slack)
    put(pass.left)
    put(pass.now)
    put(pass.room)
    put(pass.after != nil)
    if let after = pass.after { put(after) }
    put(pass.most)
  }
}

extension PartReader {
  mutating func tie() throws(PartFault) -> PartTie { PartTie(tie: try fixed(), userID: Array(try text())) }

  mutating func rank() throws(PartFault) -> PartMove.Rank {
    PartMove.Rank(key: try int128(), gain: try int128(), tie: try tie(), option: try int(0..<(1 << 20)))
  }

  mutating func pass(_ limitCount: Int) throws(PartFault) -> PartPass {
    PartPass(
      slack: try int128(), left: try amounts(limitCount), now: try changes(), room: try amounts(limitCount),
      after: try flag() ? try rank() : nil, most: try int(0..<(1 << 40)))
  }
}

extension PartInquiry {
  package func sealed() -> [UInt8] {
    var out = PartWriter(.question)
    out.put(limits)
    switch question {
    case .facts:
      out.put(0)
    case .explorers:
      out.put(1)
    case .nextExplorers(let left, let after, let most):
      out.put(2)
      out.put(left)
      out.put(after != nil)
      if let after { out.put(after) }
      out.put(most)
    case .sums(let group, let prices):
      out.put(3)
      out.put(group)
      out.put(prices.count)
      for prices in prices { out.put(prices) }
    case .sample(let group, let one):
      out.put(4)
      out.put(group)
      out.put(one)
    case .pool(let group, let low, let high, let most):
      out.put(5)
      out.put(group)
      out.put(low)
      out.put(high)
      out.put(most)
    case .above(let group, let bars):
      out.put(6)
      out.put(group)
      out.put(bars)
    case .between(let group, let low, let high):
      out.put(7)
      out.put(group)
      out.put(low)
      out.put(high)
    case .moves(let group, let pass):
      out.put(8)
      out.put(group)
      out.put(pass)
    }
    return out.sealed()
  }

  package init(_ bytes: UnsafeRawBufferPointer, policy: Policy) throws(PartFault) {
    var reader = try PartReader(bytes, .question)
    limits = try reader.limits(policy)
    let count = Limit.all(limits, policy: policy).count
    switch try reader.int() {
    case 0: question = .facts
    case 1: question = .explorers
    case 2:
      question = .nextExplorers(
        left: try reader.amounts(count), after: try reader.flag() ? try reader.tie() : nil,
        most: try reader.int(0..<(1 << 40)))
    case 3:
      let group = try reader.group(count, policy)
      var prices: [[Int128]] = []
      for _ in 0..<(try reader.count()) { prices.append(try reader.amounts(count)) }
      question = .sums(group, prices: prices)
    case 4: question = .sample(try reader.group(count, policy), one: try reader.int(1..<(1 << 60)))
    case 5:
      question = .pool(
        try reader.group(count, policy), low: try reader.amounts(count), high: try reader.amounts(count),
        most: try reader.int(0..<(1 << 40)))
    case 6: question = .above(try reader.group(count, policy), bars: try reader.list128())
    case 7:
      question = .between(try reader.group(count, policy), low: try reader.int128(), high: try reader.int128())
    case 8: question = .moves(try reader.group(count, policy), try reader.pass(count))
    default: throw PartFault.damaged
    }
    try reader.end()
  }
}

extension PartInquiry {
  /// A word on what is asked, for people who watch.
  package var about: String {
    switch question {
    case .facts: "what was counted"
    case .explorers, .nextExplorers: "explorers"
    case .sums: "sums at some prices"
    case .sample: "a sample"
    case .pool: "choices between two prices"
    case .above, .between: "choices by net value"
    case .moves: "moves that may fit"
    }
  }
}
