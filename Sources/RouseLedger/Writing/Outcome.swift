/// What a piece of work has brought, to be carried into the memory once it is durable.
struct Outcome {
  enum Effect {
    case contact(user: Int, at: Int64, channel: Int)
    case note(user: Int, kind: UInt8, at: Int64)
    case lease(user: Int, plan: Int, until: Int64)
    case endLease(user: Int, plan: Int)
    case erase(user: Int)

    var user: Int {
      switch self {
      case .contact(let user, _, _), .note(let user, _, _), .lease(let user, _, _), .endLease(let user, _),
        .erase(let user):
        user
      }
    }
  }

  /// Of users who are new, in the order of their numbers.
  var ids: ArraySlice<[UInt8]> = []
  var effects: [Effect] = []
  /// Called with the memory locked for writing.
  var apply: () -> Void = {}
  /// Called when all is done.
  var answer: () -> Void = {}
  var isErasure = false
  /// Called instead of `answer` when an erasure is durable, and yet not done.
  var fail: (LedgerError) -> Void = { _ in }
}

extension Standing {
  /// Carries out what is durable, as the ledger's change of that number.
  func apply(_ outcome: Outcome, channels names: [String], sequence: UInt64) {
    if names.count > channels.count { channels = names }
    for id in outcome.ids { id.withUnsafeBytes { addUser($0) } }
    for effect in outcome.effects {
      switch effect {
      case .contact(let user, let at, let channel): addContact(user, at: at, channel: channel)
      case .note(let user, let kind, let at): note(user, kind, at: at)
      case .lease(let user, let plan, let until): lease(user, plan: plan, until: until)
      case .endLease(let user, let plan): endLease(user, plan: plan)
      case .erase(let user):
        erase(user)
        continue
      }
      changed(effect.user, at: sequence)
    }
    outcome.apply()
  }
}
