/// Something that happened to a user: a contact that was made, or what came of one.
package struct Event: Sendable, Equatable {
  /// The sender's own name for it, 1 to 128 bytes: an event that is sent again is counted once.
  package var key: [UInt8]
  /// 1 to 128 bytes of UTF-8.
  package var userID: [UInt8]
  package var kind: EventKind
  /// Seconds since 1970.
  package var at: Int64
  /// Name of a channel: a contact has one, a delivery or a click may.
  package var channel: String?
  /// Id of the committed plan that it goes back to.
  package var plan: String?
  package var campaign: String?
  /// Micros of money: what was lent, repaid or lost.
  package var amount: Int64?
  /// Micros of money: what the contact cost.
  package var cost: Int64?

  package init(
    key: [UInt8], userID: [UInt8], kind: EventKind, at: Int64, channel: String? = nil, plan: String? = nil,
    campaign: String? = nil, amount: Int64? = nil, cost: Int64? = nil
  ) {
    self.key = key
    self.userID = userID
    self.kind = kind
    self.at = at
    self.channel = channel
    self.plan = plan
    self.campaign = campaign
    self.amount = amount
    self.cost = cost
  }
}

/// What kind of event it is: one that every policy has, or a step of the policy's funnels by its name.
package enum EventKind: Sendable, Hashable {
  case contact, delivered, click, login, disbursed, repaid, defaulted, quit, complaint
  case optOut
  /// Takes an earlier opt-out back.
  case optIn
  case step(String)

  package static let fixed: [EventKind] = [
    .contact, .delivered, .click, .login, .disbursed, .repaid, .defaulted, .quit, .complaint, .optOut, .optIn,
  ]

  package var name: String {
    switch self {
    case .contact: "contact"
    case .delivered: "delivered"
    case .click: "click"
    case .login: "login"
    case .disbursed: "disbursed"
    case .repaid: "repaid"
    case .defaulted: "defaulted"
    case .quit: "quit"
    case .complaint: "complaint"
    case .optOut: "opt_out"
    case .optIn: "opt_in"
    case .step(let name): name
    }
  }

  /// A fixed kind by its name, else a step of that name.
  package init(named name: String) {
    self = Self.fixed.first { $0.name.utf8.elementsEqual(name.utf8) } ?? .step(name)
  }
}

/// The answer for one event.
package enum EventResult: String, Sendable, CaseIterable {
  /// It is durable, and counts.
  case recorded
  /// It was recorded before, by the same key: it counts once.
  case replayed
  /// The user has been erased.
  case gone
  /// The key was used for another event.
  case conflict
  /// It lies ahead by more than the clocks' skew.
  case future
  /// It is older than its kind is kept.
  case tooOld = "too_old"
  /// The policy has no such step, and nothing else is called so.
  case unknownKind = "unknown_kind"
  case unknownChannel = "unknown_channel"
  /// It is no event.
  case invalid
}

/// An event as it is handed to the ledger.
package struct EventEntry: Sendable {
  package var event: Event
  /// What is wrong with it by the policy or the clock. An event that was recorded before is `replayed` all the same.
  package var fault: EventResult?

  package init(_ event: Event, fault: EventResult? = nil) {
    self.event = event
    self.fault = fault
  }
}
