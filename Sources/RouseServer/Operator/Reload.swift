import Dispatch
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
  let keeping: Keeping?
  private let threshold: LogThreshold
  let logger: Logger
  private let current: Mutex<Setup>
  /// Told of each setup that has come into force.
  private let listener = Mutex<(@Sendable (Setup) -> Void)?>(nil)
  /// What is written down of erasures: it waits for the disk, and neither a loop nor the ledger's writer is to wait with it.
  private let erasures = DispatchQueue(label: "rouse.erasures")
  /// Held for the length of a change.
  let turn = Mutex(Refused())

  /// Hashes of the texts that versions were put forward with since the server started.
  let texts = Mutex<[ExactText: [UInt8]]>([:])

  /// What was refused last: a file that stays faulty is spoken of once.
  struct Refused {
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
      if next.configuration.policyApproval != former.configuration.policyApproval
        || next.configuration.policyFile != former.configuration.policyFile
      {
        refused.policy = nil
        approvalHasChanged(from: former.configuration)
      }
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
    listener.withLock { $0 }?(next)
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

  /// - Parameter body: gets each setup that comes into force from now on.
  func onChange(_ body: @escaping @Sendable (Setup) -> Void) { listener.withLock { $0 = body } }

  /// Writes an erasure down, and then goes on.
  func recordErasure(
    by name: String, _ ids: [[UInt8]], known: Int, _ next: @escaping @Sendable () -> Void
  ) {
    guard audit != nil else { return next() }
    erasures.async {
      // One more than are written tells that there were more.
      let pseudonyms = self.setup.configuration.pseudonyms.map { key in
        ids.prefix(AuditEvent.mostNamed + 1).map { key.pseudonym(of: $0) }
      }
      self.record(
        .usersErased(
          known: known, unknown: max(0, ids.count - known), users: pseudonyms ?? [], by: .identity(name)))
      next()
    }
  }

  /// For what has happened anyway: a log that cannot be written does not undo it.
  func record(_ event: AuditEvent) {
    do throws(AuditError) {
      try audit?.append(event)
    } catch {
      logger.error("the audit log cannot be written", metadata: ["reason": "\(error)"])
    }
  }

  /// With the place of the audit log's entry: its hash, kept with the log, shows later that nothing was cut off.
  static func metadata(_ metadata: Logger.Metadata, _ entry: AuditPosition?) -> Logger.Metadata {
    entry.map { metadata.merging(["audit": "\($0)"]) { $1 } } ?? metadata
  }

  func digest(_ bytes: [UInt8]) -> String { hexadecimal(sha256(bytes)) }
}
