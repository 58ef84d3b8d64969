import Glibc

/// What a ledger's memory is at the start, read from its engine.
struct Restored {
  let secret: LedgerSecret
  let names: Names
  let hasErased: Bool
  let standing: Standing

  private static let secretName = "secret"

  /// - Parameter sweeps: passes over what is kept will be made by the system's clock: the first counts from now, however
  ///   the clock jumps.
  init(_ store: any LedgerStore, sweeps: Bool) throws {
    secret = try store.write { writing in
      if let bytes = try writing.meta(Self.secretName) {
        guard let secret = LedgerSecret(bytes) else { throw StoreError.damaged("its secret is cut off") }
        return secret
      }
      // Without the one that they were made with, keys and erased users would count as new.
      try writing.eachUser { _, _ in throw StoreError.damaged("its secret is not there") }
      let secret = LedgerSecret()
      try writing.set(meta: Self.secretName, to: secret.bytes)
      if sweeps { try writing.set(meta: Sweep.meta, to: Int64(time(nil)).bytes) }
      return secret
    }
    (names, hasErased, standing) = try store.read { reading in
      let names = try Names(reading)
      let standing = Standing()
      standing.channels = names.channels
      try reading.eachUser { _, id in standing.addUser(id) }
      try Self.restore(standing, names, reading)
      return (names, try reading.erasedCount() > 0, standing)
    }
  }

  private static func restore(_ standing: Standing, _ names: Names, _ reading: any LedgerReading) throws {
    func known(_ user: Int) throws {
      guard user >= 0, user < standing.userCount, !standing.userID(user).isEmpty else {
        throw StoreError.damaged("something is kept of user \(user), who is not there")
      }
    }
    let all = Int64.min
    try reading.eachEvent(of: Names.contact, from: all) { user, at, channel in
      try known(user)
      guard channel.map({ $0 >= 0 && $0 < names.channels.count }) ?? true else {
        throw StoreError.damaged("a contact has channel \(channel ?? -1), which is not there")
      }
      standing.addContact(user, at: at, channel: channel ?? ContactFact.noChannel)
    }
    for (kind, fact) in [
      (Names.optOut, Fact.Kind.optOut), (Names.optIn, Fact.Kind.optIn), (Names.complaint, Fact.Kind.complaint),
    ] {
      try reading.eachEvent(of: kind, from: all) { user, at, _ in
        try known(user)
        standing.note(user, fact, at: at)
      }
    }
    let ended = try reading.meta(Sweep.meta).flatMap { Int64($0) } ?? .min
    try reading.eachLease(after: ended) { user, plan, until in
      try known(user)
      standing.lease(user, plan: plan, until: until)
    }
  }
}
