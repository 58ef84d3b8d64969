/// The users a plan chooses among, in input order: tens of bytes each, never the line.
package struct PlanUsers: Sendable {
  package struct User: Sendable, BitwiseCopyable {
    /// The first half of the order among equals; `userID` is the other.
    package var tie: UInt64
    /// Where the user_id's bytes stand in `idBytes`; they end where the next user's start.
    var idStart: Int
    /// Index of a tier.
    package var tier: Int32
    /// The option that was best on its own: for an explore user the forced one. Counted from the user's first.
    var best: Int32
    package var arm: Experiment.Arm
  }

  package private(set) var users = Column<User>()
  /// Where users' options start in `options`; they end where the next user's start.
  private var optionStarts = Column<UInt32>()
  package private(set) var options = Column<Option>()
  /// Each user's greatest value, in micros: while a contact has a price, most users are ruled out by this alone.
  private var most = Column<Int64>()
  private var idBytes: [UInt8] = []
  /// Bits of the quotas that a user falls under, `quotaWords` words a user.
  private var quotaBits: [UInt64] = []
  private let quotaWords: Int

  package init(policy: Policy) {
    quotaWords = (policy.quotas.count + 63) / 64
  }

  package var count: Int { users.count }

  /// About the bytes they take while a plan is made.
  package var memory: Int {
    users.count &* (MemoryLayout<User>.stride + MemoryLayout<Plan.Outcome>.stride + 32)
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
        tie: tie, idStart: idBytes.count, tier: Int32(truncatingIfNeeded: decision.tier),
        best: Int32(truncatingIfNeeded: decision.best), arm: decision.arm))
    optionStarts.append(UInt32(truncatingIfNeeded: options.count))
    idBytes.append(contentsOf: userID)
    _ = decision.options.withContiguousStorageIfAvailable { options.append(contentsOf: $0) }
    most.append(decision.options.reduce(.min) { max($0, $1.value) })
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
    let optionRange = other.optionRange(first).lowerBound..<other.optionRange(last).upperBound
    let idRange = other.idRange(first).lowerBound..<other.idRange(last).upperBound
    let optionShift = UInt32(truncatingIfNeeded: options.count) &- UInt32(truncatingIfNeeded: optionRange.lowerBound)
    let idShift = idBytes.count - idRange.lowerBound
    other.options.withUnsafeBufferPointer { options.append(contentsOf: UnsafeBufferPointer(rebasing: $0[optionRange])) }
    idBytes.append(contentsOf: other.idBytes[idRange])
    quotaBits.append(contentsOf: other.quotaBits[(range.lowerBound * quotaWords)..<(range.upperBound * quotaWords)])
    other.withView { view in
      for index in range {
        optionStarts.append(view.optionStarts[index] &+ optionShift)
        most.append(view.most[index])
        var moved = view.users[index]
        moved.idStart += idShift
        users.append(moved)
      }
    }
  }

  // MARK: - For a plan in parts

  /// Adds a user as it stood elsewhere, with options that follow by `append(option:)`.
  mutating func append(_ user: User, userID: UnsafeRawBufferPointer, quotaBits bits: (Int) throws(PartFault) -> UInt64)
    throws(PartFault)
  {
    var user = user
    user.idStart = idBytes.count
    users.append(user)
    optionStarts.append(UInt32(truncatingIfNeeded: options.count))
    most.append(.min)
    idBytes.append(contentsOf: userID)
    for word in 0..<quotaWords { quotaBits.append(try bits(word)) }
  }

  /// Adds an option to the last user.
  @inline(__always)
  mutating func append(option: Option) {
    options.append(option)
    most.replaceLast { max($0, option.value) }
  }

  /// Adds one user of another part.
  mutating func append(_ other: PlanUsers, _ user: Int) { append(other, user..<(user + 1)) }

  /// Bits of the quotas that a user falls under.
  func quotaBits(of user: Int) -> ArraySlice<UInt64> {
    quotaBits[(user * quotaWords)..<((user + 1) * quotaWords)]
  }

  static func quotaWords(_ policy: Policy) -> Int { (policy.quotas.count + 63) / 64 }

  package func optionRange(_ user: Int) -> Range<Int> {
    Int(optionStarts[user])..<(user + 1 < users.count ? Int(optionStarts[user + 1]) : options.count)
  }

  /// The option that was best on its own: for an explore user the forced one.
  package func best(_ user: Int) -> Option { options[Int(optionStarts[user]) + Int(users[user].best)] }

  private func idRange(_ user: Int) -> Range<Int> {
    users[user].idStart..<(user + 1 < users.count ? users[user + 1].idStart : idBytes.count)
  }

  package func userID(_ user: Int) -> ArraySlice<UInt8> { idBytes[idRange(user)] }

  /// The order among equals: the hash, then the user_id's bytes.
  func isBefore(_ left: Int, _ right: Int) -> Bool {
    if users[left].tie != users[right].tie { return users[left].tie < users[right].tie }
    return userID(left).lexicographicallyPrecedes(userID(right))
  }

  // MARK: - For a plan

  /// What a plan goes through again and again, in plain memory: valid within `withView`.
  struct View: BitwiseCopyable {
    let users: UnsafeBufferPointer<User>
    let most: UnsafeBufferPointer<Int64>
    fileprivate let optionStarts: UnsafeBufferPointer<UInt32>
    let options: UnsafeBufferPointer<Option>
    fileprivate let quotaBits: UnsafeBufferPointer<UInt64>
    fileprivate let quotaWords: Int

    @inline(__always)
    func optionRange(_ user: Int) -> Range<Int> {
      let end = user + 1 < optionStarts.count ? Int(optionStarts[user + 1]) : options.count
      return Range(uncheckedBounds: (Int(optionStarts[user]), end))
    }

    @inline(__always)
    func isUnder(_ quota: Int, _ user: Int) -> Bool {
      quotaBits[user &* quotaWords &+ quota &>> 6] &>> UInt64(truncatingIfNeeded: quota & 63) & 1 == 1
    }
  }

  func withView<Result>(_ body: (View) -> Result) -> Result {
    users.withUnsafeBufferPointer { users in
      optionStarts.withUnsafeBufferPointer { optionStarts in
        options.withUnsafeBufferPointer { options in
          quotaBits.withUnsafeBufferPointer { quotaBits in
            most.withUnsafeBufferPointer { most in
              body(
                View(
                  users: users, most: most, optionStarts: optionStarts, options: options, quotaBits: quotaBits,
                  quotaWords: quotaWords))
            }
          }
        }
      }
    }
  }
}
