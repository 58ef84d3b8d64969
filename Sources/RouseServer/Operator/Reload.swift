import Foundation
import Logging
import RouseCore
import RousePolicy
import RouseTLS
import RouseWire
import Synchronization

/// Brings what the operator and the risk team have changed into force: whole, or not at all. One change at a time, and off
/// the event loops, for it reads and writes files.
package final class Reload: Sendable {
  private let configurationFile: String
  let policies: PolicyStore
  let audit: AuditLog?
  private let keeping: Keeping?
  private let threshold: LogThreshold
  private let logger: Logger
  private let current: Mutex<Setup>
  /// Held for the length of a change.
  private let turn = Mutex(Refused())

  /// What was refused last: a file that stays faulty is spoken of once.
  private struct Refused {
    var setup: [String] = []
    var policy: [UInt8]?
  }

  init(
    _ setup: Setup, configurationFile: String, policies: PolicyStore, audit: AuditLog?, keeping: Keeping?,
    threshold: LogThreshold, logger: Logger
  ) {
    self.configurationFile = configurationFile
    self.policies = policies
    self.audit = audit
    self.keeping = keeping
    self.threshold = threshold
    self.logger = logger
    current = Mutex(setup)
  }

  /// What new connections get.
  var setup: Setup { current.withLock { $0 } }

  /// Asked for with each request, so without a copy of all the rest.
  var access: Access { current.withLock { $0.access } }

  /// The files whose change means something.
  var files: [String] {
    let configuration = setup.configuration
    return [configurationFile, configuration.policyFile] + configuration.watchedFiles
  }

  /// Reads all again, and takes over what has changed and is in order.
  func reload(by actor: AuditActor) {
    turn.withLock { refused in
      reloadSetup(by: actor, &refused)
      reloadPolicy(by: actor, &refused)
    }
  }

  // MARK: - What the operator decides

  private func reloadSetup(by actor: AuditActor, _ refused: inout Refused) {
    let former = setup
    do throws(ConfigurationError) {
      // The bytes first: if a file changes between, it differs from them, and is read again.
      let text = try readFile(configurationFile, what: "the configuration", remedy: "put it back")
      let configuration = try Configuration.read(file: configurationFile).fitted(logger)
      let files = Setup.Files(text, configuration)
      guard files != former.files else {
        refused.setup = []
        return
      }
      let fixed = configuration.fixedKeys(changedFrom: former.configuration)
      guard fixed.isEmpty else {
        throw ConfigurationError(
          "\(configurationFile): \(fixed.joined(separator: ", ")) cannot change while the server runs, so nothing of this change is in force; restart the server, or put the old value back"
        )
      }
      let next = try Setup(configuration, files: files, former: former)
      // Another policy file is part of the change: it must be in order too.
      if configuration.policyFile != former.configuration.policyFile {
        _ = try PolicyStore.read(file: configuration.policyFile, now: Session.Time.now().wall)
      }
      try takeOver(next, from: former, by: actor)
      refused.setup = []
    } catch {
      guard error.lines != refused.setup || actor == .signal else { return }
      refused.setup = error.lines
      for line in error.lines {
        logger.error(
          "configuration refused; the old one stays", metadata: ["by": "\(actor)", "reason": "\(line)"])
      }
      let text = (try? readFile(configurationFile, what: "", remedy: "")) ?? []
      record(
        .configurationRejected(
          from: digest(former.files.configuration), to: digest(text),
          by: actor, keys: Configuration.changedKeys(from: former.files.configuration, to: text),
          diagnostics: error.lines.count))
    }
  }

  private func takeOver(_ next: Setup, from former: Setup, by actor: AuditActor) throws(ConfigurationError) {
    var events: [AuditEvent] = []
    if next.files.configuration != former.files.configuration {
      events.append(
        .configurationReloaded(
          from: digest(former.files.configuration), to: digest(next.files.configuration), by: actor,
          keys: Configuration.changedKeys(from: former.files.configuration, to: next.files.configuration)))
    }
    if next.tls !== former.tls {
      events.append(
        .certificateReloaded(
          fingerprint: next.tls.certificateFingerprint, notAfter: next.tls.certificateNotAfter, by: actor))
    }
    let entry: AuditPosition?
    do throws(AuditError) {
      entry = events.isEmpty ? nil : try audit?.append(events)
    } catch {
      throw ConfigurationError("\(error)")
    }
    current.withLock { $0 = next }
    threshold.level = Logger.Level(next.configuration.logLevel)
    policies.fileFormat = PolicyFormat(fileName: next.configuration.policyFile)
    if next.files.configuration != former.files.configuration {
      logger.info("configuration reloaded", metadata: Self.metadata(["by": "\(actor)"], entry))
    } else if next.configuration.tokens != former.configuration.tokens {
      logger.info("tokens reloaded", metadata: ["by": "\(actor)", "tokens": "\(next.configuration.tokens.all.count)"])
    }
    if next.tls !== former.tls {
      logger.info(
        "certificates reloaded: new connections get them",
        metadata: Self.metadata(
          ["by": "\(actor)", "not_after": "\(Moment.format(next.tls.certificateNotAfter))"], entry))
      for warning in next.tls.warnings(now: Session.Time.now().wall) { logger.warning("\(warning)") }
    }
  }

  // MARK: - What the risk team decides

  private func reloadPolicy(by actor: AuditActor, _ refused: inout Refused) {
    let file = setup.configuration.policyFile
    let live = policies.versions[0]
    do throws(ConfigurationError) {
      let text = try readFile(file, what: "the policy", remedy: "put it back")
      if text == live.text {
        policies.clearRejection()
        refused.policy = nil
        return
      }
      if text == refused.policy, actor != .signal { return }
      refused.policy = text
      let next = try make(text, policies.fileFormat, file: file, by: actor)
      let entry: AuditPosition?
      do throws(AuditError) {
        entry = try audit?.append(.policyReloaded(from: live.name, to: next.policy.version, by: actor))
      } catch {
        throw ConfigurationError("\(error)")
      }
      activate(next, text, by: actor, entry)
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

  private func activate(_ live: LivePolicy, _ text: [UInt8], by actor: AuditActor, _ entry: AuditPosition?) {
    let former = policies.live.policy.version
    policies.activate(.init(live: live, text: text, since: Session.Time.now().wall, by: "\(actor)"))
    keeping?.hasChanged(policies)
    logger.info(
      "policy activated",
      metadata: Self.metadata(
        ["from": "\(former)", "to": "\(live.policy.version)", "by": "\(actor)"], entry))
  }

  /// Makes a policy live because a peer asks for it, and saves it where the server reads it when it starts.
  func activate(_ change: PolicyChange) throws(WireError) -> (version: PolicyStore.Version, was: String) {
    let done = turn.withLock { _ in
      Swift.Result { () throws(WireError) in try activateNow(change) }
    }
    return try done.get()
  }

  private func activateNow(_ change: PolicyChange) throws(WireError) -> (PolicyStore.Version, String) {
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
      var refusal = WireError(.badRequest, "the policy has faults, so the old one stays", at: "/text")
      refusal.diagnostics = error.all.map { PolicyFinding($0) }
      throw refusal
    }
    guard ExactText(live.name) == ExactText(change.against) else {
      throw WireError(
        .conflict, "the live policy is \(live.name), not the one that this is to replace; look at it, and decide anew",
        at: "/against")
    }
    let saved = try? readFile(setup.configuration.policyFile, what: "", remedy: "")
    guard saved == nil || saved == live.text else {
      throw WireError(
        .conflict,
        "the policy's file on the server has been changed, and what stands in it is not live; have that reloaded or undone first",
        at: "/against")
    }
    if change.text == live.text { return (live, live.name) }
    let entry: AuditPosition?
    do {
      let replacement = try FileReplacement(setup.configuration.policyFile, change.text)
      entry = try audit?.append(.policyActivated(from: live.name, to: next.policy.version, by: actor))
      try replacement.commit()
    } catch {
      logger.error("policy not activated: it could not be saved", metadata: ["by": "\(actor)", "reason": "\(error)"])
      throw WireError(.storageFailed, "the policy could not be saved on the server, so the old one stays")
    }
    activate(next, change.text, by: actor, entry)
    return (policies.versions[0], live.name)
  }

  /// For what has happened anyway: a log that cannot be written does not undo it.
  private func record(_ event: AuditEvent) {
    do throws(AuditError) {
      try audit?.append(event)
    } catch {
      logger.error("the audit log cannot be written", metadata: ["reason": "\(error)"])
    }
  }

  /// With the place of the audit log's entry: its hash, kept with the log, shows later that nothing was cut off.
  private static func metadata(_ metadata: Logger.Metadata, _ entry: AuditPosition?) -> Logger.Metadata {
    entry.map { metadata.merging(["audit": "\($0)"]) { $1 } } ?? metadata
  }

  private func digest(_ bytes: [UInt8]) -> String { hexadecimal(sha256(bytes)) }
}
