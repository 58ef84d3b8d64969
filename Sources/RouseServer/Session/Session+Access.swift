import RouseTLS
import RouseWire

/// Who the peer is, and what it may do.
extension Session {
  /// Wrong tokens a connection may show; the last of them is answered, and ends it.
  static let mostBadTokens = 3

  /// A verified certificate.
  func identify(_ peer: PeerIdentity) {
    let proof = Access.Proof.certificate(peer)
    guard let known = access.identity(proof) else { return notices.append(.unknownCertificate(peer)) }
    self.proof = proof
    identity = known
  }

  /// A token in place of a certificate, or of another token. A wrong one changes nothing.
  func authenticate(_ request: Request) {
    refreshIdentity()
    guard let proof = access.proof(token: request.token ?? ""), let known = access.identity(proof) else {
      badTokens += 1
      notices.append(.unknownToken(count: badTokens))
      refuse(WireError(.unauthenticated, "the server knows no such token"), id: request.id)
      if badTokens >= Self.mostBadTokens { close() }
      return
    }
    self.proof = proof
    identity = known
    Reply.begin(request.id, into: &output)
    writeIdentity(into: &output)
    Reply.end(into: &output)
  }

  /// What a reload has taken away is gone from the next request on.
  private func refreshIdentity() {
    let now = shared.access()
    guard now !== access else { return }
    access = now
    identity = proof.flatMap { now.identity($0) }
    // An identity that went and came back is counted anew.
    identityMeters = nil
  }

  /// Setup or lists have changed: who is nobody any more, or whose certificate is revoked, is told so, and goes.
  /// - Returns: whether it goes.
  func recheck(isRevoked: Bool, at time: Time) -> Bool {
    self.time = time
    switch state {
    case .connecting, .closed: return false
    case .waiting, .busy, .streaming, .discarding: break
    }
    if isRevoked {
      giveUp(WireError(.unauthenticated, "the certificate has been revoked"))
      return true
    }
    guard let proof, shared.access().identity(proof) == nil else { return false }
    giveUp(WireError(.unauthenticated, "the server no longer knows this certificate or token"))
    return true
  }

  /// - Parameter commits: a rank whose plan is to be kept needs the role of those who record.
  func authorize(_ operation: Operation, commits: Bool) throws(WireError) {
    if operation == .ping || operation == .auth { return }
    refreshIdentity()
    guard let identity else {
      throw WireError(.unauthenticated, "this needs a client certificate or a token that the server knows")
    }
    let role: Configuration.Role? =
      switch operation {
      case .score, .rank, .user, .plans, .plan: .score
      case .record, .load: .record
      case .erase: .admin
      case .policy, .review: .tune
      case .ping, .auth, .info, .fields, .stats, .end, .cancel: nil
      }
    let needed = [role, commits ? .record : nil].compactMap { $0 }
    guard let lacking = needed.first(where: { !identity.roles.contains($0) }) else { return }
    throw WireError(.forbidden, "this needs the role \(lacking.rawValue), which the identity lacks")
  }

  /// One request of the identity's rate.
  func takeFromRate() throws(WireError) {
    // It was taken when the ledger was asked for the policies that the request names.
    if hasPaid {
      hasPaid = false
      return
    }
    guard let wait = identity?.bucket?.take(now: time.monotonic) else { return }
    throw WireError(
      .rateLimited, "the identity's requests come faster than its rate allows", retryAfterMS: wait)
  }

  /// `,"identity":..,"roles":[..]`.
  func writeIdentity(into out: inout ByteWriter) {
    out.write(",\"identity\":")
    out.writeQuoted(identity?.name ?? "")
    out.write(",\"roles\":[")
    let roles = Configuration.Role.allCases.filter { identity?.roles.contains($0) ?? false }
    for (index, role) in roles.enumerated() {
      if index > 0 { out.put(0x2C) }
      out.writeQuoted(role.rawValue)
    }
    out.put(0x5D)
  }
}
