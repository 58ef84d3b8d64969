import RouseCore

/// What the first n contacts bring, for some n: those of the plan in rank order, and then the waitlist.
struct ValueCurve {
  struct Point: Equatable {
    let contacts: Int
    /// Micros, and 1e-12 for what they are worth.
    let value: Int128
    let spend: Int128
    let worth: Int128
  }

  /// How many points are kept.
  static let most = 200

  /// Where the plan's contacts end.
  let cut: Int
  /// From 0 contacts on; one of them is at the cut.
  let points: [Point]

  /// - Parameter plan: with its waitlist ranked.
  init(_ plan: Plan, _ users: PlanUsers, _ policy: Policy) {
    cut = plan.contacts
    let count = plan.order.count
    var wanted: [Int] = [0, plan.contacts, count]
    // Three are taken; the others stand at equal distances.
    for step in 0..<(Self.most - 3) { wanted.append(step * count / (Self.most - 3)) }
    wanted = Set(wanted).sorted()
    var next = wanted[...]
    var points: [Point] = []
    var (value, spend, worth) = (Int128(0), Int128(0), Int128(0))
    for contacts in 0...count {
      if next.first == contacts {
        next.removeFirst()
        points.append(Point(contacts: contacts, value: value, spend: spend, worth: worth))
      }
      guard contacts < count else { break }
      let user = plan.order[contacts]
      let taken = plan.outcomes[user].taken
      // Who waits would be contacted by what is best for him alone: what the limits' prices favour is no matter then.
      let option = taken >= 0 ? users.options[taken] : users.best(user)
      value += Int128(option.value)
      spend += Int128(option.spend)
      worth += policy.worth(value: option.value, spend: option.spend)
    }
    self.points = points
  }
}
