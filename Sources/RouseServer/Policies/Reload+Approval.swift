import Logging
import RouseCore
import RouseLedger
import RousePolicy
import RouseWire

/// Four eyes: what waits for another to approve it, and the way back.
extension Reload {
  // MARK: - Putting forward

  /// What stands in the policy's file waits like a peer's. What stood there before has made room for it.
  func propose(
    _ version: String, _ text: [UInt8], _ format: PolicyFormat, over live: String, by actor: AuditActor
  ) throws(ConfigurationError) {
    forgetFilesProposals(besides: version, by: actor)
    // Whoever put the same text forward stays its author.
    if policies.proposals.contains(where: { $0.text == text && ExactText($0.against) == ExactText(live) }) { return }
    do throws(WireError) {
      _ = try propose(
        PolicyProposal(
          policy: version, text: text, format: format, against: live, author: "\(actor)", at: Session.Time.now().wall),
        by: actor)
    } catch {
      throw ConfigurationError("\(setup.configuration.policyFile): \(error.message)")
    }
  }

  func propose(_ proposal: PolicyProposal, by actor: AuditActor) throws(WireError) -> PolicyOutcome {
    try refuseTwin(proposal.policy, proposal.text)
    let live = policies.versions[0]
    var waiting = policies.proposals
    if let same = waiting.first(where: { ExactText($0.policy) == ExactText(proposal.policy) }),
      ExactText(same.against) == ExactText(live.name)
    {
      guard same.isBy(actor) else {
        throw WireError(
          .conflict, "\(same.author) has put this policy forward already: what it lacks is an approval", at: "/text")
      }
      return PolicyOutcome(policy: same.policy, was: live.name, state: .proposed)
    }
    waiting.removeAll { ExactText($0.policy) == ExactText(proposal.policy) }
    // Those for a policy that is live no more can hardly be approved: the oldest of them make room.
    while waiting.count >= PolicyProposal.most,
      let past = waiting.firstIndex(where: { ExactText($0.against) != ExactText(live.name) })
    {
      waiting.remove(at: past)
    }
    guard waiting.count < PolicyProposal.most else {
      throw WireError(
        .conflict, "\(waiting.count) policies wait for an approval already; have some approved or withdrawn first",
        at: "/text")
    }
    let entry = try keep(
      waiting + [proposal], .policyProposed(from: live.name, to: proposal.policy, by: actor), by: actor)
    logger.info(
      "policy proposed: another identity has to approve it",
      metadata: Self.metadata(["over": "\(live.name)", "policy": "\(proposal.policy)", "by": "\(actor)"], entry))
    return PolicyOutcome(policy: proposal.policy, was: live.name, state: .proposed)
  }

  /// A version's name ends with twelve digits of a hash, for which two texts can be found in a minute. Whoever approves a
  /// name has looked at one text: a name under which another was put forward, or live, is refused.
  func refuseTwin(_ version: String, _ text: [UInt8]) throws(WireError) {
    let kept = policies.text(version)?.text ?? (try? keeping?.ledger.view { try $0.policy(version) })?.text
    let digest = Array(sha256(text))
    let isTwin = texts.withLock { texts in
      if let kept, kept != text { return true }
      if let known = texts[ExactText(version)] { return known != digest }
      // So many are in the audit log.
      if texts.count >= Self.mostTexts { texts.removeAll() }
      texts[ExactText(version)] = digest
      return false
    }
    guard !isTwin else {
      throw WireError(
        .conflict, "another text has this very name, \(version): change something in it, a comment will do", at: "/text"
      )
    }
  }
  private static let mostTexts = 4096

  /// The file says something else by now, or what is live.
  func forgetFilesProposals(besides version: String?, by actor: AuditActor) {
    let waiting = policies.proposals
    let past = waiting.filter { waits in
      waits.isOfFile && version.map { ExactText($0) != ExactText(waits.policy) } ?? true
    }
    guard !past.isEmpty else { return }
    for proposal in past { record(.policyWithdrawn(policy: proposal.policy, by: actor, author: proposal.author)) }
    policies.proposals = waiting.filter { !past.contains($0) }
    saveApprovals()
  }

  // MARK: - Deciding

  func decide(_ verdict: PolicyVerdict) throws(WireError) -> PolicyOutcome {
    let done = turn.withLock { refused in
      Swift.Result { () throws(WireError) in
        let live = policies.versions[0]
        switch verdict.kind {
        case .approve: return try approve(verdict, live)
        case .withdraw: return try withdraw(verdict, live, &refused)
        case .rollback: return try rollBack(verdict, live)
        }
      }
    }
    return try done.get()
  }

  private func proposal(_ verdict: PolicyVerdict) throws(WireError) -> PolicyProposal {
    let found = policies.proposals.first { ExactText($0.policy) == ExactText(verdict.policy) }
    guard let found else {
      throw WireError(.notFound, "no such policy waits for an approval; history tells which do", at: "/policy")
    }
    return found
  }

  private func approve(_ verdict: PolicyVerdict, _ live: PolicyStore.Version) throws(WireError) -> PolicyOutcome {
    let actor = AuditActor.identity(verdict.by)
    let proposal = try proposal(verdict)
    guard !proposal.isBy(actor) else {
      throw WireError(.forbidden, "\(verdict.by) has put this policy forward: another identity has to approve it")
    }
    try check(verdict.against, isLive: live)
    guard ExactText(proposal.against) == ExactText(live.name) else {
      throw WireError(
        .conflict,
        "this was to replace \(proposal.against), and \(live.name) is live: have it withdrawn, and put forward anew",
        at: "/policy")
    }
    let next = try make(proposal.policy, proposal.text, proposal.format)
    return try makeLive(
      .init(
        live: next, text: proposal.text, format: proposal.format, since: Session.Time.now().wall, by: "\(actor)",
        author: proposal.author),
      by: actor,
      event: .policyApproved(from: live.name, to: proposal.policy, by: actor, author: proposal.author),
      isInFile: true, at: "/policy")
  }

  /// Of a version that the server has kept; an older server may have taken what this one does not.
  private func make(_ version: String, _ text: [UInt8], _ format: PolicyFormat) throws(WireError) -> LivePolicy {
    guard format == policies.fileFormat else {
      throw WireError(
        .conflict,
        "this policy is \(format.rawValue), and the server's is a \(policies.fileFormat.rawValue) file by now",
        at: "/policy")
    }
    do throws(PolicyDiagnostics) {
      return try LivePolicy.make(text, format: format.document)
    } catch {
      throw Self.refusal(error, at: "/policy")
    }
  }

  private func withdraw(
    _ verdict: PolicyVerdict, _ live: PolicyStore.Version, _ refused: inout Refused
  ) throws(WireError) -> PolicyOutcome {
    let actor = AuditActor.identity(verdict.by)
    let proposal = try proposal(verdict)
    let file = setup.configuration.policyFile
    let saved = try? readFile(file, what: "", remedy: "")
    let putsBack = proposal.isOfFile && saved == proposal.text
    if putsBack {
      // Whoever wrote it loses nothing.
      do {
        try FileReplacement(file + ".withdrawn", proposal.text).commit()
      } catch {
        throw unsaved(error, by: actor)
      }
    }
    let entry = try keep(
      policies.proposals.filter { $0 != proposal },
      .policyWithdrawn(policy: proposal.policy, by: actor, author: proposal.author), by: actor)
    if putsBack {
      do {
        try FileReplacement(file, live.text).commit()
        refused.policy = nil
      } catch {
        logger.error("the policy's file could not be put back", metadata: ["reason": "\(error)"])
      }
    }
    logger.info(
      putsBack ? "proposed policy withdrawn, and the live one put back in its file" : "proposed policy withdrawn",
      metadata: Self.metadata(
        ["policy": "\(proposal.policy)", "author": "\(proposal.author)", "by": "\(actor)"], entry))
    return PolicyOutcome(policy: proposal.policy, was: live.name, state: .withdrawn, author: proposal.author)
  }

  /// A version that was live is live again. It takes no second person: it has been live, and what is live harms now.
  private func rollBack(_ verdict: PolicyVerdict, _ live: PolicyStore.Version) throws(WireError) -> PolicyOutcome {
    let actor = AuditActor.identity(verdict.by)
    try check(verdict.against, isLive: live)
    if ExactText(live.name) == ExactText(verdict.policy) {
      return PolicyOutcome(policy: live.name, was: live.name, state: .live)
    }
    let former: (text: [UInt8], format: PolicyFormat)
    if let version = policies.version(verdict.policy) {
      former = (version.text, version.format)
    } else if let kept = try keeping?.policy(verdict.policy) {
      former = (kept.text, kept.format)
    } else {
      throw WireError(.notFound, "no such policy is known to have been live; history tells which were", at: "/policy")
    }
    let next = try make(verdict.policy, former.text, former.format)
    return try makeLive(
      .init(
        live: next, text: former.text, format: former.format, since: Session.Time.now().wall, by: "\(actor)"),
      by: actor, event: .policyRolledBack(from: live.name, to: next.policy.version, by: actor), at: "/policy")
  }

  // MARK: - What lasts

  private func keep(
    _ proposals: [PolicyProposal], _ event: AuditEvent, by actor: AuditActor
  ) throws(WireError) -> AuditPosition? {
    var record = self.record
    record.proposals = proposals
    let entry: AuditPosition?
    do {
      entry = try audit?.append(event)
      try record.write(ApprovalFile.path(setup.configuration.policyFile))
    } catch {
      throw unsaved(error, by: actor)
    }
    policies.proposals = proposals
    return entry
  }

  private func unsaved(_ error: any Error, by actor: AuditActor) -> WireError {
    logger.error("proposals cannot be saved", metadata: ["by": "\(actor)", "reason": "\(error)"])
    return WireError(.storageFailed, "it could not be saved on the server, so nothing was changed")
  }

  /// As it stands now.
  private var record: ApprovalFile {
    let (versions, proposals, needsApproval) = policies.overview
    let live = versions[0]
    return ApprovalFile(
      live: needsApproval ? .init(policy: live.name, text: live.text, format: live.format) : nil, proposals: proposals)
  }

  /// For what has happened anyway.
  func saveApprovals() {
    do throws(FileReplacement.Failed) {
      try record.write(ApprovalFile.path(setup.configuration.policyFile))
    } catch {
      logger.error(
        "the record of approvals cannot be written: a restart takes the policy's file for a change",
        metadata: ["reason": "\(error)"])
    }
  }

  /// After the configuration: approvals are needed by now, or no more, or the policy's file is another.
  func approvalHasChanged(from former: Configuration) {
    let configuration = setup.configuration
    policies.needsApproval = configuration.policyApproval == .required
    saveApprovals()
    if configuration.policyFile != former.policyFile {
      do throws(FileReplacement.Failed) {
        try ApprovalFile().write(ApprovalFile.path(former.policyFile))
      } catch {
        logger.error("the former record of approvals stays", metadata: ["reason": "\(error)"])
      }
    }
    for line in setup.configuration.approvalWarnings { logger.warning("\(line)") }
  }

  /// Once the server's start is told of: what it found otherwise than it left it.
  /// - Parameter lastLive: the version that was live when the ledger last heard of one.
  func beginApprovals(lastLive: String?) {
    turn.withLock { refused in
      let live = policies.versions[0]
      if policies.needsApproval, let lastLive, ExactText(lastLive) != ExactText(live.name) {
        logger.warning(
          "the policy is another than the one that was live last, and nobody is known to have approved it",
          metadata: ["last": "\(lastLive)", "live": "\(live.name)"])
        record(.policyUnapproved(from: lastLive, to: live.name))
      }
      saveApprovals()
      for line in setup.configuration.approvalWarnings { logger.warning("\(line)") }
      if policies.needsApproval { reloadPolicy(by: .file, &refused) }
    }
  }
}

extension Configuration {
  /// Approvals that nobody could give.
  package var approvalWarnings: [String] {
    guard policyApproval == .required else { return [] }
    let people =
      identities.filter { $0.roles.contains(.tune) }.count + tokens.all.filter { $0.roles.contains(.tune) }.count
    return people > 1
      ? []
      : [
        "policy_approval is required, and "
          + (people == 0 ? "no identity has" : "only one identity has")
          + " the role tune: nobody can approve what it puts forward; give the role to another"
      ]
  }
}

extension Keeping {
  /// How far back the ledger is asked.
  static let mostPolicies = 1000

  /// A version that was live, however long ago; nil when the ledger does not have it.
  func policy(_ version: String) throws(WireError) -> (text: [UInt8], format: PolicyFormat)? {
    try policies().first { ExactText($0.version) == ExactText(version) }.map {
      ($0.text, PolicyFormat(rawValue: $0.format) ?? .yaml)
    }
  }

  /// The one made live last first.
  func policies() throws(WireError) -> [(version: String, text: [UInt8], format: String, at: Int64, by: String)] {
    do throws(LedgerError) {
      return try ledger.policies(most: Self.mostPolicies)
    } catch {
      throw WireError(.storageFailed, "the ledger cannot be read")
    }
  }
}
