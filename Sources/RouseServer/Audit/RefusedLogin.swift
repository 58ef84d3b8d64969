/// Someone was not let in.
package struct RefusedLogin: Sendable, Equatable {
  package enum Reason: String, Sendable, CaseIterable {
    case badToken = "bad_token"
    /// The connection was closed for it.
    case thirdBadToken = "third_bad_token"
    /// The certificate is good, and the configuration gives nobody its names.
    case certificateWithoutIdentity = "certificate_without_identity"
    /// Expired, revoked, of another authority: the handshake failed for it.
    case certificateRefused = "certificate_refused"
  }

  package var at: LogTime
  /// The peer's address.
  package var peer: String
  package var reason: Reason
  package var detail: String?
  /// Of the certificate that was shown.
  package var subject: String?
  package var fingerprint: String?

  package init(
    at: LogTime = .now(), peer: String, reason: Reason, detail: String? = nil, subject: String? = nil,
    fingerprint: String? = nil
  ) {
    self.at = at
    self.peer = peer
    self.reason = reason
    self.detail = detail
    self.subject = subject
    self.fingerprint = fingerprint
  }
}

/// Refused log-ins that are only counted.
package struct RefusedLoginCount: Sendable, Equatable {
  package private(set) var count = 0
  package private(set) var since: LogTime
  package private(set) var until: LogTime
  package private(set) var reasons: [RefusedLogin.Reason: Int] = [:]

  init(_ first: RefusedLogin) {
    since = first.at
    until = first.at
    add(first)
  }

  mutating func add(_ login: RefusedLogin) {
    count += 1
    until = login.at
    reasons[login.reason, default: 0] += 1
  }

  /// Takes in a count of a later time.
  mutating func add(_ later: RefusedLoginCount) {
    count += later.count
    until = later.until
    reasons.merge(later.reasons, uniquingKeysWith: +)
  }
}
