import RouseCore
import RouseWire

/// A policy that someone wants live, and that another has to approve.
struct PolicyProposal: Sendable, Equatable {
  /// How many can wait at once.
  static let most = 16

  /// Its version.
  let policy: String
  let text: [UInt8]
  let format: PolicyFormat
  /// The version that was live when it was put forward: it is to replace that one and no other.
  let against: String
  /// Who put it forward: `identity:` and a name, `file` or `SIGHUP`.
  let author: String
  /// Seconds since 1970.
  let at: Int64

  /// It is what stands in the policy's file on the server.
  var isOfFile: Bool { [AuditActor.file, .signal].contains { $0.description.utf8.elementsEqual(author.utf8) } }

  /// The same person, as far as a server can tell: the same name.
  func isBy(_ actor: AuditActor) -> Bool { ExactText(author) == ExactText(actor.description) }
}

/// What is to be done about a version that the server has.
struct PolicyVerdict: Sendable {
  enum Kind: Sendable {
    case approve, withdraw, rollback
  }
  let kind: Kind
  let policy: String
  /// The version that is to be live until then; nil: whichever is.
  let against: String?
  /// The identity that wants it.
  let by: String
}

/// What came of a change.
struct PolicyOutcome: Sendable {
  enum State: String, Sendable {
    case live, proposed, withdrawn
  }
  let policy: String
  /// What was live before; what is live, when nothing has become live.
  let was: String
  let state: State
  /// Who put it forward, where that is another.
  var author: String?
}
