/// The users a plan chooses among, in input order: tens of bytes each, never the line.
package struct PlanUsers: Sendable {
  package struct User: Sendable {
    /// The first half of the order among equals; `userID` is the other.
    package var tie: UInt64
    /// Where the user_id's bytes stand in `idBytes`.
    package var idStart: Int
    package var idCount: Int32
    /// Index of a tier.
    package var tier: Int32
    package var arm: Experiment.Arm
    /// Where the options start in `options`; they end where the next user's start.
    package var optionStart: Int
    /// The option that was best on its own: for an explore user the forced one. Counted from `optionStart`.
    package var best: Int32
  }

  package private(set) var users: [User] = []
  package private(set) var options: [Option] = []
  package private(set) var idBytes: [UInt8] = []
  /// Bits of the quotas that a user falls under, `quotaWords` words a user.
  package private(set) var quotaBits: [UInt64] = []
  package let quotaWords: Int

  package init(policy: Policy) {
    quotaWords = (policy.quotas.count + 63) / 64
  }

  package var count: Int { users.count }

  /// About the bytes they take while a plan is made.
  package var memory: Int {
    users.count &* (MemoryLayout<User>.stride + MemoryLayout<Plan.Outcome>.stride + 16)
      &+ options.count &* MemoryLayout<Option>.stride &+ idBytes.count &+ quotaBits.count &* 8
  }

  /// Adds a user who is eligible, or held out.
  /// - Parameters:
  ///   - tie: the decision's, which is known by now.
  ///   - quotas: whether the user falls under the quota of that index.
  package mutating func append(
    _ decision: Decision, tie: UInt64, userID: UnsafeRawBufferPointer, quotas: (Int) -> Bool, quotaCount: Int
  ) {
    users.append(
      User(
        tie: tie, idStart: idBytes.count, idCount: Int32(truncatingIfNeeded: userID.count),
        tier: Int32(truncatingIfNeeded: decision.tier), arm: decision.arm, optionStart: options.count,
        best: Int32(truncatingIfNeeded: decision.best)))
    idBytes.append(contentsOf: userID)
    options.append(contentsOf: decision.options)
    for word in 0..<quotaWords {
      var bits: UInt64 = 0
      for index in (word * 64)..<min(quotaCount, word * 64 + 64) where quotas(index) { bits |= 1 << UInt64(index % 64) }
      quotaBits.append(bits)
    }
  }

  /// Adds the users of another part, in their order.
  /// - Parameter refused: those that are left out, rising.
  package mutating func append(_ other: PlanUsers, leavingOut refused: [Int]) {
    var start = 0
    for index in refused + [other.count] {
      append(other, start..<index)
      start = index + 1
    }
  }

  private mutating func append(_ other: PlanUsers, _ range: Range<Int>) {
    guard let first = range.first, let last = range.last else { return }
    let optionRange = other.users[first].optionStart..<other.optionRange(last).upperBound
    let idRange = other.users[first].idStart..<(other.users[last].idStart + Int(other.users[last].idCount))
    let optionShift = options.count - optionRange.lowerBound
    let idShift = idBytes.count - idRange.lowerBound
    options.append(contentsOf: other.options[optionRange])
    idBytes.append(contentsOf: other.idBytes[idRange])
    quotaBits.append(contentsOf: other.quotaBits[(range.lowerBound * quotaWords)..<(range.upperBound * quotaWords)])
    for user in other.users[range] {
      var moved = user
      moved.optionStart += optionShift
      moved.idStart += idShift
      users.append(moved)
    }
  }

  package func optionRange(_ user: Int) -> Range<Int> {
    users[user].optionStart..<(user + 1 < users.count ? users[user + 1].optionStart : options.count)
  }

  func isUnder(_ quota: Int, _ user: Int) -> Bool {
    quotaBits[user * quotaWords + quota / 64] >> UInt64(quota % 64) & 1 == 1
  }

  package func userID(_ user: Int) -> ArraySlice<UInt8> {
    let place = users[user]
    return idBytes[place.idStart..<(place.idStart + Int(place.idCount))]
  }

  /// The order among equals: the hash, then the user_id's bytes.
  func isBefore(_ left: Int, _ right: Int) -> Bool {
    if users[left].tie != users[right].tie { return users[left].tie < users[right].tie }
    return userID(left).lexicographicallyPrecedes(userID(right))
  }
}
