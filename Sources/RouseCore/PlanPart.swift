/// What a plan needs to know of one part of its candidates: the users it may choose among, and what was counted of all.
/// The parts of a plan may stand on many machines; whoever makes the plan asks them, and never sees their lines.
package struct PlanPart: Sendable {
  /// What part of what it is: parts go together when all but the number is equal.
  package struct Origin: Sendable, Equatable {
    /// Version of the policy.
    package let policy: String
    /// Seconds since 1970.
    package let now: Int64
    /// Every line is kept, or the users alone.
    package let keepsAll: Bool

    package init(policy: String, now: Int64, keepsAll: Bool) {
      self.policy = policy
      self.now = now
      self.keepsAll = keepsAll
    }
  }

  package let origin: Origin
  /// No other part of the plan has it.
  package let number: Int
  /// Lines, lines by status, ignored members.
  package var counts: [Int]
  package var users: PlanUsers

  /// How many counts there are.
  package static let countCount = Status.allCases.count + 2

  package init(origin: Origin, number: Int, counts: [Int], users: PlanUsers) {
    self.origin = origin
    self.number = number
    self.counts = counts
    self.users = users
  }

  // MARK: - As bytes

  package func sealed() -> [UInt8] {
    var out = PartWriter(.options)
    out.put(origin.policy.utf8)
    out.put(origin.now)
    out.put(origin.keepsAll)
    out.put(number)
    out.put(counts)
    out.put(users.count)
    for user in 0..<users.count { out.put(users, user) }
    return out.sealed()
  }

  /// Reads a part, of a policy that must be the one it was made with.
  package init(_ bytes: UnsafeRawBufferPointer, policy: Policy) throws(PartFault) {
    var reader = try PartReader(bytes, .options)
    origin = try reader.origin()
    guard origin.policy == policy.version else {
      throw PartFault("it was made with the policy \(origin.policy), and this is \(policy.version)")
    }
    number = try reader.int()
    counts = try reader.tallies(Self.countCount)
    users = PlanUsers(policy: policy)
    for _ in 0..<(try reader.count()) { try reader.user(into: &users, policy) }
    try reader.end()
  }
}

extension PartWriter {
  /// A user, with all options.
  mutating func put(_ users: PlanUsers, _ index: Int) {
    let user = users.users[index]
    put(fixed: user.tie)
    put(user.arm.rawValue)
    put(Int(user.tier))
    put(Int(user.best))
    put(users.userID(index))
    for bits in users.quotaBits(of: index) { put(fixed: bits) }
    let range = users.optionRange(index)
    put(range.count)
    for option in users.options[range] {
      put(Int64(option.channel))
      put(option.value)
      put(option.spend)
      put(option.capital)
      put(Int64(option.p))
    }
  }
}

extension PartReader {
  /// What names the policy goes into messages: it is what a version can be, or damage.
  mutating func origin() throws(PartFault) -> PlanPart.Origin {
    let bytes = try text()
    guard bytes.count <= 256, bytes.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }),
      let policy = String(validating: bytes, as: UTF8.self),
      policy.unicodeScalars.allSatisfy({ !(0x80..<0xA0).contains($0.value) })
    else { throw PartFault.damaged }
    let now = try int64()
    guard (Moment.first...Moment.last).contains(now) else { throw PartFault.damaged }
    return PlanPart.Origin(policy: policy, now: now, keepsAll: try flag())
  }

  /// Amounts beyond it are no policy's: sums of them stay within what plans reckon with.
  private static var mostMicros: Int64 { 1 << 60 }

  mutating func user(into users: inout PlanUsers, _ policy: Policy) throws(PartFault) {
    let tie = try fixed()
    guard let arm = Experiment.Arm(rawValue: try byte()) else { throw PartFault.damaged }
    let tier = try int(0..<(policy.tiers.count + 1))
    let best = try int(0..<max(1, policy.channels.count))
    let userID = try text()
    guard (1...255).contains(userID.count) else { throw PartFault.damaged }
    try users.append(
      PlanUsers.User(
        tie: tie, idStart: 0, tier: Int32(truncatingIfNeeded: tier), best: Int32(truncatingIfNeeded: best), arm: arm),
      userID: userID
    ) { (_) throws(PartFault) in try fixed() }
    let count = try int(0..<(policy.channels.count + 1))
    guard best < count else { throw PartFault.damaged }
    for _ in 0..<count {
      let channel = try int(0..<policy.channels.count)
      let (value, spend, capital) = (try int64(), try int64(), try int64())
      let p = try int(0..<(1 << 31))
      guard (-Self.mostMicros..<Self.mostMicros).contains(value), (0..<Self.mostMicros).contains(spend),
        (0..<Self.mostMicros).contains(capital)
      else { throw PartFault.damaged }
      users.append(
        option: Option(
          value: value, spend: spend, capital: capital, p: Int32(truncatingIfNeeded: p),
          channel: Int32(truncatingIfNeeded: channel)))
    }
  }
}
