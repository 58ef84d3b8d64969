import RouseCore
import RouseWire

/// What the audit log tells of. No event has room for a secret, a value of the configuration, or anything of a candidate.
package enum AuditEvent: Sendable, Equatable {
  /// - configuration: SHA-256 of server.yaml, as `sha256sum` prints it.
  case started(server: String, policy: String, configuration: String)
  case stopped
  /// By the op `policy`.
  case policyActivated(from: String, to: String, by: AuditActor)
  /// By a signal or a changed file.
  case policyReloaded(from: String, to: String, by: AuditActor)
  /// Someone wants it live, and another has to approve it.
  case policyProposed(from: String, to: String, by: AuditActor)
  /// It is live now. The author and who approved it, who is another.
  case policyApproved(from: String, to: String, by: AuditActor, author: String)
  /// It no longer waits for anyone.
  case policyWithdrawn(policy: String, by: AuditActor, author: String)
  /// One that was live before is live again.
  case policyRolledBack(from: String, to: String, by: AuditActor)
  /// A server that needs approvals began with a policy of which it knows no approval.
  case policyUnapproved(from: String, to: String)
  /// A policy decides beside the live one, and is heard by nobody.
  case policyShadowed(live: String, shadow: String, by: AuditActor)
  case policyShadowEnded(shadow: String, by: AuditActor)
  /// By the op `erase`: how many users were known, and how many not.
  /// - users: their pseudonyms of the log, where it has a key; the first of them.
  case usersErased(known: Int, unknown: Int, users: [String], by: AuditActor)
  /// - sha256: of the text that was refused.
  case policyRejected(by: AuditActor, diagnostics: Int, first: String, sha256: String)
  /// - keys: the names of what changed, dotted; never the values.
  case configurationReloaded(from: String, to: String, by: AuditActor, keys: [String])
  /// - keys: empty when the text cannot even be read as a configuration.
  case configurationRejected(from: String, to: String, by: AuditActor, keys: [String], diagnostics: Int)
  /// - notAfter: seconds since 1970.
  case certificateReloaded(fingerprint: String, notAfter: Int64, by: AuditActor)
  case tokenAdded(name: String, roles: [String], by: AuditActor)
  case tokenRemoved(name: String, roles: [String], by: AuditActor)
  case loginRefused(RefusedLogin)
  /// More than are written one by one.
  case loginsRefused(RefusedLoginCount)
  /// A write had been cut off; what there was of its line has been taken out of the file.
  case recovered(bytes: Int, text: String)
  /// The file is not the one that this process has written to: it was moved away or cut.
  case fileReplaced(last: AuditPosition)

  /// Texts of a list that are written.
  static let mostNamed = 64

  package var name: String {
    switch self {
    case .started: "started"
    case .stopped: "stopped"
    case .policyActivated: "policy_activated"
    case .policyReloaded: "policy_reloaded"
    case .policyProposed: "policy_proposed"
    case .policyApproved: "policy_approved"
    case .policyWithdrawn: "policy_withdrawn"
    case .policyRolledBack: "policy_rolled_back"
    case .policyUnapproved: "policy_unapproved"
    case .policyShadowed: "policy_shadowed"
    case .policyShadowEnded: "policy_shadow_ended"
    case .usersErased: "users_erased"
    case .policyRejected: "policy_rejected"
    case .configurationReloaded: "configuration_reloaded"
    case .configurationRejected: "configuration_rejected"
    case .certificateReloaded: "certificate_reloaded"
    case .tokenAdded: "token_added"
    case .tokenRemoved: "token_removed"
    case .loginRefused: "login_refused"
    case .loginsRefused: "logins_refused"
    case .recovered: "recovered"
    case .fileReplaced: "file_replaced"
    }
  }

  /// What an event has beside what all have, each after a comma.
  func writeMembers(into out: inout ByteWriter) {
    switch self {
    case .started(let server, let policy, let configuration):
      out.member("server", server)
      out.member("policy", policy)
      out.member("configuration", configuration)
    case .stopped: break
    case .policyActivated(let from, let to, let by), .policyReloaded(let from, let to, let by),
      .policyProposed(let from, let to, let by), .policyRolledBack(let from, let to, let by):
      out.member("from", from)
      out.member("to", to)
      out.member("by", by.description)
    case .policyApproved(let from, let to, let by, let author):
      out.member("from", from)
      out.member("to", to)
      out.member("author", author)
      out.member("by", by.description)
    case .policyWithdrawn(let policy, let by, let author):
      out.member("policy", policy)
      out.member("author", author)
      out.member("by", by.description)
    case .policyUnapproved(let from, let to):
      out.member("from", from)
      out.member("to", to)
    case .policyShadowed(let live, let shadow, let by):
      out.member("live", live)
      out.member("shadow", shadow)
      out.member("by", by.description)
    case .policyShadowEnded(let shadow, let by):
      out.member("shadow", shadow)
      out.member("by", by.description)
    case .usersErased(let known, let unknown, let users, let by):
      out.member("erased", known)
      out.member("unknown", unknown)
      if !users.isEmpty { out.member("users", users) }
      out.member("by", by.description)
    case .policyRejected(let by, let diagnostics, let first, let sha256):
      out.member("by", by.description)
      out.member("diagnostics", diagnostics)
      out.member("first", first)
      out.member("sha256", sha256)
    case .configurationReloaded(let from, let to, let by, let keys):
      out.member("from", from)
      out.member("to", to)
      out.member("by", by.description)
      out.member("keys", keys)
    case .configurationRejected(let from, let to, let by, let keys, let diagnostics):
      out.member("from", from)
      out.member("to", to)
      out.member("by", by.description)
      out.member("keys", keys)
      out.member("diagnostics", diagnostics)
    case .certificateReloaded(let fingerprint, let notAfter, let by):
      out.member("fingerprint", fingerprint)
      out.member("not_after", Moment.format(min(max(notAfter, Moment.first), Moment.last)))
      out.member("by", by.description)
    case .tokenAdded(let name, let roles, let by), .tokenRemoved(let name, let roles, let by):
      out.member("name", name)
      out.member("roles", roles)
      out.member("by", by.description)
    case .loginRefused(let login):
      out.member("tried_at", login.at.text)
      out.member("peer", login.peer)
      out.member("reason", login.reason.rawValue)
      if let detail = login.detail { out.member("detail", detail) }
      if let subject = login.subject { out.member("subject", subject) }
      if let fingerprint = login.fingerprint { out.member("fingerprint", fingerprint) }
    case .loginsRefused(let some):
      out.member("count", some.count)
      out.member("since", some.since.text)
      out.member("until", some.until.text)
      out.write(",\"reasons\":{")
      for (index, reason) in RefusedLogin.Reason.allCases.filter({ some.reasons[$0] != nil }).enumerated() {
        if index > 0 { out.put(0x2C) }
        out.writeQuoted(reason.rawValue)
        out.put(0x3A)
        out.write(some.reasons[reason] ?? 0)
      }
      out.put(0x7D)
    case .recovered(let bytes, let text):
      out.member("bytes", bytes)
      out.member("text", text)
    case .fileReplaced(let last):
      out.member("last_seq", last.seq)
      out.member("last_hash", last.hash)
    }
  }
}

extension ByteWriter {
  /// A text from outside may not make a line of any length.
  private static let roomForText = 1024
  private static let roomForItem = 128
  private static let mostItems = AuditEvent.mostNamed

  fileprivate mutating func member(_ name: StaticString, _ text: String) {
    begin(name)
    writeLogged(text, room: Self.roomForText)
  }

  fileprivate mutating func member(_ name: StaticString, _ value: Int) {
    begin(name)
    write(value)
  }

  fileprivate mutating func member(_ name: StaticString, _ texts: [String]) {
    begin(name)
    put(0x5B)
    for (index, text) in texts.prefix(Self.mostItems).enumerated() {
      if index > 0 { put(0x2C) }
      writeLogged(text, room: Self.roomForItem)
    }
    if texts.count > Self.mostItems { write(",\"…\"") }
    put(0x5D)
  }

  private mutating func begin(_ name: StaticString) {
    write(",\"")
    write(name)
    write("\":")
  }
}
