import Logging
import RouseCore
import RousePolicy
import RouseWire

/// What the risk team decides: by the policy's file, or as peers.
extension Reload {
  // MARK: - The file

  func reloadPolicy(by actor: AuditActor, _ refused: inout Refused) {
    let file = setup.configuration.policyFile
    let live = policies.versions[0]
    do throws(ConfigurationError) {
      let text = try readFile(file, what: "the policy", remedy: "put it back")
      if text == live.text {
        policies.clearRejection()
        refused.policy = nil
        return forgetFilesProposals(besides: nil, by: actor)
      }
      if text == refused.policy, actor != .signal { return }
      refused.policy = text
      let format = policies.fileFormat
      let next = try make(text, format, file: file, by: actor)
      if policies.needsApproval {
        return try propose(next.policy.version, text, format, over: live.name, by: actor)
      }
      let entry: AuditPosition?
      do throws(AuditError) {
        entry = try audit?.append(.policyReloaded(from: live.name, to: next.policy.version, by: actor))
      } catch {
        throw ConfigurationError("\(error)")
      }
      activate(
        .init(live: next, text: text, format: format, since: Session.Time.now().wall, by: "\(actor)"), by: actor, entry)
      refused.policy = nil
    } catch {
      for line in error.lines {
        logger.error("policy refused; the old one stays", metadata: ["by": "\(actor)", "reason": "\(line)"])
      }
    }
  }

  private func make(
    _ text: [UInt8], _ format: PolicyFormat, file: String, by actor: AuditActor
  ) throws(ConfigurationError) -> LivePolicy {
    do throws(PolicyDiagnostics) {
      return try LivePolicy.make(text, format: format.document)
    } catch {
      policies.reject(
        .init(at: Session.Time.now().wall, by: "\(actor)", findings: error.all.map { PolicyFinding($0) }))
      reject(text, error, by: actor)
      throw ConfigurationError(error, file: file)
    }
  }

  private func reject(_ text: [UInt8], _ diagnostics: PolicyDiagnostics, by actor: AuditActor) {
    record(
      .policyRejected(
        by: actor, diagnostics: diagnostics.all.count, first: diagnostics.all.first?.line(file: "policy") ?? "",
        sha256: digest(text)))
  }

  // MARK: - Peers

  /// Makes a policy live because a peer asks for it, and saves it where the server reads it when it starts; or has it
  /// wait for another to approve it.
  func activate(_ change: PolicyChange) throws(WireError) -> PolicyOutcome {
    let done = turn.withLock { _ in
      Swift.Result { () throws(WireError) in try activateNow(change) }
    }
    return try done.get()
  }

  private func activateNow(_ change: PolicyChange) throws(WireError) -> PolicyOutcome {
    let live = policies.versions[0]
    let actor = AuditActor.identity(change.by)
    guard change.format == policies.fileFormat else {
      throw WireError(
        .badRequest, "the server's policy is a \(policies.fileFormat.rawValue) file, so that is what it takes",
        at: "/format")
    }
    let next: LivePolicy
    do throws(PolicyDiagnostics) {
      next = try LivePolicy.make(change.text, format: change.format.document)
    } catch {
      reject(change.text, error, by: actor)
      throw Self.refusal(error, at: "/text")
    }
    try check(change.against, isLive: live)
    if change.text == live.text { return PolicyOutcome(policy: live.name, was: live.name, state: .live) }
    try refuseTwin(next.policy.version, change.text)
    if policies.needsApproval {
      return try propose(
        PolicyProposal(
          policy: next.policy.version, text: change.text, format: change.format, against: live.name,
          author: "\(actor)", at: Session.Time.now().wall), by: actor)
    }
    return try makeLive(
      .init(
        live: next, text: change.text, format: change.format, since: Session.Time.now().wall, by: "\(actor)"),
      by: actor, event: .policyActivated(from: live.name, to: next.policy.version, by: actor))
  }

  static func refusal(_ diagnostics: PolicyDiagnostics, at: String) -> WireError {
    var refusal = WireError(.badRequest, "the policy has faults, so the old one stays", at: at)
    refusal.diagnostics = diagnostics.all.map { PolicyFinding($0) }
    return refusal
  }

  func check(_ against: String?, isLive live: PolicyStore.Version) throws(WireError) {
    guard let against, ExactText(live.name) != ExactText(against) else { return }
    throw WireError(
      .conflict, "the live policy is \(live.name), not the one that this is to replace; look at it, and decide anew",
      at: "/against")
  }

  /// Saves a policy in its file, and has requests answered by it from then on.
  /// - Parameter isInFile: what stands in the file may be the policy itself.
  func makeLive(
    _ version: PolicyStore.Version, by actor: AuditActor, event: AuditEvent, isInFile: Bool = false,
    at: String = "/against"
  ) throws(WireError) -> PolicyOutcome {
    let live = policies.versions[0]
    let saved = try? readFile(setup.configuration.policyFile, what: "", remedy: "")
    guard saved == nil || saved == live.text || isInFile && saved == version.text else {
      throw WireError(
        .conflict,
        "the policy's file on the server has been changed, and what stands in it is not live; have that \(policies.needsApproval ? "approved or withdrawn" : "reloaded or undone") first",
        at: at)
    }
    let entry: AuditPosition?
    do {
      let replacement = try FileReplacement(setup.configuration.policyFile, version.text)
      entry = try audit?.append(event)
      try replacement.commit()
    } catch {
      logger.error("policy not activated: it could not be saved", metadata: ["by": "\(actor)", "reason": "\(error)"])
      throw WireError(.storageFailed, "the policy could not be saved on the server, so the old one stays")
    }
    activate(version, by: actor, entry)
    return PolicyOutcome(policy: version.name, was: live.name, state: .live, author: version.author)
  }

  private func activate(_ version: PolicyStore.Version, by actor: AuditActor, _ entry: AuditPosition?) {
    let former = policies.live.policy.version
    policies.activate(version)
    saveApprovals()
    keeping?.hasChanged(policies)
    logger.info(
      "policy activated",
      metadata: Self.metadata(["from": "\(former)", "to": "\(version.name)", "by": "\(actor)"], entry))
  }
}
