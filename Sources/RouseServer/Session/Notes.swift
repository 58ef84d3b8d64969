import Logging
import RouseTLS
import RouseWire

/// What sessions tell, on its way to the log and the audit log.
struct Notes: Sendable {
  let logger: Logger
  let refusedLogins: RefusedLogins?
  let pseudonyms: @Sendable () -> Pseudonyms?

  /// - Parameter peer: its address.
  func note(_ notice: Session.Notice, _ peer: String) {
    switch notice {
    case .unknownCertificate(let identity):
      logger.warning(
        "log-in refused: the certificate is nobody's",
        metadata: ["peer": "\(peer)", "subject": "\(identity.subject)", "fingerprint": "\(identity.sha256Fingerprint)"])
      refusedLogins?.note(
        RefusedLogin(
          peer: peer, reason: .certificateWithoutIdentity, subject: identity.subject,
          fingerprint: identity.sha256Fingerprint))
    case .unknownToken(let count):
      logger.warning("log-in refused: the token is nobody's", metadata: ["peer": "\(peer)", "count": "\(count)"])
      refusedLogins?.note(
        RefusedLogin(peer: peer, reason: count >= Session.mostBadTokens ? .thirdBadToken : .badToken))
    case .refusedCertificate(let reason):
      logger.warning(
        "log-in refused: the certificate is not accepted", metadata: ["peer": "\(peer)", "reason": "\(reason)"])
      refusedLogins?.note(RefusedLogin(peer: peer, reason: .certificateRefused, detail: reason))
    case .gaveUp(let code):
      logger.debug("connection given up", metadata: ["peer": "\(peer)", "code": "\(code.rawValue)"])
    case .answered(let answer):
      let now = Session.Time.now().monotonic
      var metadata: Logger.Metadata = [
        "peer": "\(peer)", "op": "\(answer.operation?.rawValue ?? "")", "code": "\(answer.code?.rawValue ?? "ok")",
        "microseconds": "\(now > answer.began ? (now - answer.began) / 1000 : 0)",
      ]
      if let identity = answer.identity { metadata["identity"] = "\(identity)" }
      if let userID = answer.userID, let pseudonyms = pseudonyms() {
        metadata["user"] = "\(pseudonyms.pseudonym(of: userID))"
      }
      logger.debug("answered", metadata: metadata)
    }
  }
}
