/// What changes in the memory once it is durable.
extension Standing {
  func addContact(_ user: Int, at: Int64, channel: Int) {
    change(user) { block, index in
      let contact = ContactFact(user: index, at: at, channel: channel)
      block.contacts.insert(contact, at: block.contacts.firstIndex { $0.bits < contact.bits })
      let range = block.contactRange(index)
      if range.count > Self.mostContacts { block.contacts.remove(range.prefix(range.count - Self.mostContacts)) }
      block.told.insert(index)
    }
  }

  /// Keeps the latest opt-out, opt-in or complaint.
  func note(_ user: Int, _ kind: UInt8, at: Int64) {
    put(user, Fact(user: user, kind: kind, value: at)) { max($0, at) }
  }

  func lease(_ user: Int, plan: Int, until: Int64) {
    put(user, Fact(user: user, kind: Fact.Kind.lease, number: plan, value: until)) { _ in until }
  }

  func endLease(_ user: Int, plan: Int) {
    remove(user, Fact(user: user, kind: Fact.Kind.lease, number: plan, value: 0))
  }

  func changed(_ user: Int, at sequence: UInt64) {
    let value = Int64(clamping: sequence)
    put(user, Fact(user: user, kind: Fact.Kind.changed, value: value)) { _ in value }
  }

  private func put(_ user: Int, _ fact: Fact, _ newer: (Int64) -> Int64) {
    change(user) { block, index in
      let place = block.facts.firstIndex { $0.bits < fact.bits }
      if place < block.facts.count, block.facts[place].bits == fact.bits {
        var known = block.facts[place]
        known.value = newer(known.value)
        block.facts.replace(place, with: known)
      } else {
        block.facts.insert(fact, at: place)
      }
      if fact.kind != Fact.Kind.changed { block.told.insert(index) }
    }
  }

  private func remove(_ user: Int, _ fact: Fact) {
    change(user) { block, index in
      let place = block.facts.firstIndex { $0.bits < fact.bits }
      guard place < block.facts.count, block.facts[place].bits == fact.bits else { return }
      block.facts.remove(place..<(place + 1))
      block.tellAgain(index)
    }
  }

  /// When a user's lease by a plan ends; nil: there is none.
  func lease(_ user: Int, plan: Int) -> Int64? {
    look(user) { block, index -> Int64? in
      let wanted = Fact(user: index, kind: Fact.Kind.lease, number: plan, value: 0)
      let place = block.facts.firstIndex { $0.bits < wanted.bits }
      return place < block.facts.count && block.facts[place].bits == wanted.bits ? block.facts[place].value : nil
    } ?? nil
  }

  /// The ledger's sequence at which what is known of the user last changed, as far back as that is kept.
  func sequence(of user: Int) -> UInt64 {
    look(user) { block, index -> UInt64 in
      let wanted = Fact(user: index, kind: Fact.Kind.changed, value: 0)
      let place = block.facts.firstIndex { $0.bits < wanted.bits }
      guard place < block.facts.count, block.facts[place].bits == wanted.bits else { return 0 }
      return UInt64(clamping: block.facts[place].value)
    } ?? 0
  }

  /// Forgets what has aged out, in some of the blocks.
  /// - Parameters:
  ///   - contactsBefore: contacts before this fall away; nil: none does.
  ///   - factsBefore: facts of a kind whose value lies below this do.
  func forget(
    blocks range: Range<Int>, contactsBefore: Int64?, factsBefore: (_ kind: UInt8) -> Int64?
  ) {
    for number in range.clamped(to: 0..<blockCount) {
      change(number << 8) { block, _ in block.forget(contactsBefore, factsBefore) }
    }
  }
}

extension UserBlock {
  /// Whether anything is left to be told of a user.
  mutating func tellAgain(_ index: Int) {
    let hasFact = factRange(index).contains { facts[$0].kind != Fact.Kind.changed }
    if hasFact || !contactRange(index).isEmpty { told.insert(index) } else { told.remove(index) }
  }

  fileprivate mutating func forget(_ contactsBefore: Int64?, _ factsBefore: (_ kind: UInt8) -> Int64?) {
    let hasFewerContacts = contactsBefore.map { limit in contacts.removeAll { $0.at < limit } } ?? false
    let hasFewerFacts = facts.removeAll { fact in factsBefore(fact.kind).map { fact.value < $0 } ?? false }
    guard hasFewerContacts || hasFewerFacts else { return }
    for index in 0..<count { tellAgain(index) }
  }
}
