/// Some users of parts, on their way to whoever makes the plan.
package struct PartUsers: Sendable {
  /// Where a user stands.
  package struct Place: Sendable, Hashable {
    let part: Int
    /// Among the part's users.
    let index: UInt32
  }

  private(set) var users: PlanUsers
  private(set) var places: [Place] = []

  init(_ policy: Policy) { users = PlanUsers(policy: policy) }

  mutating func append(_ other: PlanUsers, _ user: Int, at place: Place) {
    users.append(other, user)
    places.append(place)
  }

  mutating func append(_ other: PartUsers) {
    users.append(other.users, leavingOut: [])
    places += other.places
  }
}

extension PartWriter {
  mutating func put(_ users: PartUsers) {
    put(users.places.count)
    for (index, place) in users.places.enumerated() {
      put(Int(place.index))
      put(users.users, index)
    }
  }
}

extension PartUsers {
  init(_ reader: inout PartReader, part: Int, _ policy: Policy) throws(PartFault) {
    self.init(policy)
    for _ in 0..<(try reader.count()) {
      places.append(Place(part: part, index: UInt32(try reader.int(0..<(1 << 31)))))
      try reader.user(into: &users, policy)
    }
  }
}
