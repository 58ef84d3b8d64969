import Foundation
import Logging
import NIOCore
import NIOPosix
import RouseCore
import RouseLedger
import RousePolicy
import RouseTLS
import RouseWire
import ServiceLifecycle
import Synchronization

/// The server: listens, serves until it is told to stop, and drains.
package struct Server: Service, CustomStringConvertible {
  package static let version = "0.1.0"

  private let address: Address
  private let portFile: String?
  private let logger: Logger
  private let reload: Reload
  private let setup: Setup
  private let refusedLogins: RefusedLogins?
  private let keeping: Keeping?
  /// What the ledger knew to be live before this server.
  private let lastLive: String?
  private let isStopping = Flag()
  private let shadow: Shadow
  private let inherited: [InheritedSocket]
  private let notify: NotifySocket?

  /// Checks all that can be checked before anything listens.
  /// - Parameters:
  ///   - configurationFile: what a reload reads again.
  ///   - listen: in place of the configuration's address.
  ///   - portFile: gets HOST:PORT once the server listens.
  ///   - threshold: the log's level, which a reload may set.
  ///   - makeAudit: false where nothing is to be written: for a check.
  ///   - inherited: sockets that listen already, in place of an address.
  ///   - notify: where a service manager hears how it goes.
  package init(
    configurationFile: String, listen: Address?, portFile: String?, threshold: LogThreshold, logger: Logger,
    makeAudit: Bool = true, inherited: [InheritedSocket] = [], notify: NotifySocket? = nil
  ) throws(ConfigurationError) {
    let text = try readFile(
      configurationFile, what: "the configuration", remedy: "rouse-server init DIR makes one")
    let configuration = try Configuration.read(file: configurationFile).fitted(logger)
    if let listen, !listen.isLoopback, !configuration.knowsSomebody {
      throw ConfigurationError(
        "--listen \(listen): off loopback the server needs identities in its configuration, or tokens")
    }
    for socket in inherited where !socket.address.isLoopback && !configuration.knowsSomebody {
      throw ConfigurationError(
        "LISTEN_FDS: \(socket.address): off loopback the server needs identities in its configuration, or tokens")
    }
    self.inherited = inherited
    self.notify = notify
    address = inherited.first?.address ?? listen ?? configuration.listen
    let policies = try PolicyStore.read(
      file: configuration.policyFile, approval: configuration.policyApproval, now: Session.Time.now().wall)
    setup = try Setup(configuration, files: .init(text, configuration), former: nil)
    let audit =
      try makeAudit
      ? configuration.auditFile.map { file throws(ConfigurationError) in
        try AuditLog(file: file, logger: logger)
      } : nil
    if let ledger = configuration.ledger { try Self.check(ledger, policies.live.policy) }
    keeping =
      try makeAudit
      ? configuration.ledger.map { settings throws(ConfigurationError) in
        try Self.openLedger(settings, limits: configuration.limits, logger)
      } : nil
    refusedLogins = audit.map { RefusedLogins($0, logger: logger, clock: { Session.Time.now().monotonic }) }
    reload = Reload(
      setup, configurationFile: configurationFile, policies: policies, audit: audit, keeping: keeping,
      threshold: threshold,
      logger: logger)
    shadow = Shadow(
      policies: policies, ledger: keeping?.ledger, longestLine: configuration.limits.lineBytes, audit: audit,
      logger: logger, clock: wallClock)
    self.portFile = portFile
    self.logger = logger
    lastLive = try? keeping?.ledger.policies(most: 1).first?.version
    keeping?.hasChanged(policies)
  }

  /// What can be said of a ledger's settings without opening it.
  private static func check(_ settings: Ledger.Settings, _ policy: Policy) throws(ConfigurationError) {
    let known = EventKind.fixed.map(\.name) + policy.definition.response.steps.map(\.name)
    for kind in settings.retention.byKind.keys.sorted()
    where !known.contains(where: { $0.utf8.elementsEqual(kind.utf8) }) {
      throw ConfigurationError(
        "retention_days.\(kind): there is no such kind of event, and the policy has no such step"
          + Suggestion.sentence(for: kind, among: known))
    }
    let folder = (settings.file as NSString).deletingLastPathComponent
    var isFolder: ObjCBool = false
    if FileManager.default.fileExists(atPath: settings.file, isDirectory: &isFolder), isFolder.boolValue {
      throw ConfigurationError("\(settings.file): the ledger is a file, and this is a folder; name a file")
    }
    guard folder.isEmpty || FileManager.default.isWritableFile(atPath: folder) else {
      throw ConfigurationError(
        "\(settings.file): its folder is not there, or cannot be written; make it, or name another file")
    }
  }

  private static func openLedger(
    _ settings: Ledger.Settings, limits: Configuration.Limits, _ logger: Logger
  ) throws(ConfigurationError) -> Keeping {
    do throws(LedgerError) {
      let ledger = try Ledger(settings) { logger.error("ledger: \($0)") }
      return Keeping(
        ledger: ledger, audience: StandingAudience(ledger, logger: logger, longestLine: limits.lineBytes))
    } catch {
      throw ConfigurationError("\(error)")
    }
  }

  package var description: String { "rouse-server" }

  /// nil: there is none.
  package var auditFile: String? { setup.configuration.auditFile }

  package var policyVersion: String { reload.policies.live.policy.version }

  /// Words for certificates and revocation lists that have ended or soon will.
  /// - Parameter now: seconds since 1970.
  package func certificateWarnings(now: Int64) -> [String] { reload.setup.tls.warnings(now: now) }

  /// Words for approvals that nobody could give.
  package var approvalWarnings: [String] { setup.configuration.approvalWarnings }

  /// Reads configuration, certificates, tokens and policy again.
  package func reload(by actor: AuditActor) {
    guard actor == .signal, let notify else { return reload.reload(by: actor) }
    notify.say("RELOADING=1", "MONOTONIC_USEC=\(Session.Time.now().monotonic / 1000)")
    reload.reload(by: actor)
    notify.say("READY=1")
  }

  package func run() async throws {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: System.coreCount)
    let pool = WorkPool(threads: System.coreCount)
    let ended: Swift.Result<Void, any Error>
    do {
      try await serve(group, pool)
      ended = .success(())
    } catch {
      ended = .failure(error)
    }
    await pool.shutDown()
    shadow.leave(because: "the server stops")
    // After the last that could write to it.
    if let ledger = keeping?.ledger { await offTheLoops { ledger.close() } }
    try await group.shutdownGracefully()
    try ended.get()
  }

  private func serve(_ group: MultiThreadedEventLoopGroup, _ pool: WorkPool) async throws {
    let connections = Connections()
    let limits = setup.configuration.limits
    let memory = MemoryPool(size: limits.unfinishedBytes)
    let rankMemory = MemoryPool(size: limits.rankBytes)
    let status = status(pool, connections, memory, rankMemory)
    let operatorPort = try await openOperatorPort(status, group)
    let listeners: [any Channel]
    do {
      let listener = makeListener(group, pool, connections, memory, rankMemory, status)
      listeners = try await inherited.isEmpty ? [listener.bind(address)] : listener.take(inherited)
    } catch {
      try? await operatorPort?.close()
      throw ConfigurationError("cannot listen on \(address): \(reason(error))")
    }
    let bound = Address(host: address.host, port: listeners.first?.localAddress?.port ?? address.port)
    do {
      if let portFile { try write(bound, to: portFile) }
      try recordStart()
      reload.beginApprovals(lastLive: lastLive)
    } catch {
      for listener in listeners { try? await listener.close() }
      try? await operatorPort?.close()
      throw error
    }
    reload.onChange { _ in connections.recheck() }
    logger.info("listening", metadata: ["address": "\(bound)", "policy": "\(policyVersion)"])
    let pulse = startPulse(group, connections)
    if let ledger = keeping?.ledger {
      let users = ledger.read { $0.userCount }
      // One that should hold something and does not is a wrong path, or a volume that is not there.
      let text = users > 0 ? "ledger opened" : "the ledger is empty: no contacts, opt-outs or plans are known"
      logger.info("\(text)", metadata: ["users": "\(users)"])
    }
    reload.audit?.verifyInBackground()
    let watch = watchFiles()
    let warnings = Task {
      // A server outlives its certificates and lists: what is new is said within the hour, and all again every day.
      var said: [String] = []
      for hour in 0... {
        let lines = certificateWarnings(now: Session.Time.now().wall)
        if lines != said || hour % 24 == 0 { for line in lines { logger.warning("\(line)") } }
        said = lines
        try await Task.sleep(for: .seconds(3600))
      }
    }
    let ebb = Task {
      var tide = Tide()
      while !Task.isCancelled {
        try await Task.sleep(for: .seconds(2))
        let level = connections.count << 16 + memory.used + rankMemory.used
        if tide.hasFallen(to: level) { await offTheLoops { Allocator.giveBackAll() } }
      }
    }
    defer {
      pulse?.cancel()
      ebb.cancel()
      warnings.cancel()
      watch?.close()
    }

    try await gracefulShutdown()

    isStopping.set()
    let seconds = reload.setup.configuration.drainSeconds
    logger.info("stopping: finishing what is under way", metadata: ["drain_seconds": "\(seconds)"])
    // Some more than is given to those who are not done: a service manager has a patience of its own.
    notify?.say("STOPPING=1", "EXTEND_TIMEOUT_USEC=\((seconds + 10) * 1_000_000)")
    notify?.show("stopping: finishing what is under way")
    for listener in listeners { try? await listener.close() }
    connections.drain()
    let deadline = Session.Time.now().monotonic &+ UInt64(seconds) &* 1_000_000_000
    // The last of the time is for telling those who are not done, and for closing in good order.
    await connections.wait(until: deadline &- UInt64(seconds) &* 100_000_000)
    connections.expire()
    await connections.wait(until: deadline)
    connections.abort()
    await connections.wait(until: Session.Time.now().monotonic &+ 1_000_000_000)
    try? await operatorPort?.close()
    recordStop()
    logger.info("stopped")
  }

  /// Says that it listens, and from then on that it lives; nil where nobody wants to know.
  private func startPulse(_ group: MultiThreadedEventLoopGroup, _ connections: Connections) -> Task<Void, any Error>? {
    guard let notify else { return nil }
    let policies = reload.policies
    let status: @Sendable () -> String = {
      let refused = policies.rejection == nil ? "" : "; a changed policy was refused"
      return "policy \(policies.live.policy.version), connections \(connections.count)\(refused)"
    }
    notify.say("READY=1")
    notify.show(status())
    return Task { try await Pulse(notify: notify, loops: group, status: status).run() }
  }

  /// Large requests that are refused for overload in a second: at a tenth of a millisecond each, little beside the rest.
  private static let largeRefusals = 500

  private func makeListener(
    _ group: MultiThreadedEventLoopGroup, _ pool: WorkPool, _ connections: Connections, _ memory: MemoryPool,
    _ rankMemory: MemoryPool, _ status: ServerStatus
  ) -> Listener {
    let reload = reload
    let logger = logger
    let keeping = keeping
    let refusals = RateBucket(rate: Self.largeRefusals)
    let shadow = shadow
    return Listener(
      group: group, pool: pool, connections: connections, setup: { reload.setup },
      shared: { setup in
        let limits = setup.configuration.limits
        return Session.Shared(
          limits: limits, access: { reload.access }, policies: reload.policies,
          activate: { (change) throws(WireError) in try reload.activate(change) },
          decide: { (verdict) throws(WireError) in try reload.decide(verdict) }, memory: memory, rankMemory: rankMemory,
          overload: { pool.backlog >= limits.queuedRequests ? pool.retryAfterMS : nil },
          mayRefuse: { refusals.take(now: $0) == nil }, isDeskFull: { pool.isDeskFull },
          serverVersion: Self.version, keeping: keeping, meters: status.meters,
          stats: { status.write(now: Session.Time.now().wall, for: $0, into: &$1) },
          erased: { reload.recordErasure(by: $0, $1, known: $2, $3) }, shadow: shadow,
          notesAnswers: { logger.logLevel <= .debug })
      },
      notes: Notes(logger: logger, refusedLogins: refusedLogins, pseudonyms: { reload.setup.configuration.pseudonyms }),
      logger: logger)
  }

  private func status(
    _ pool: WorkPool, _ connections: Connections, _ memory: MemoryPool, _ rankMemory: MemoryPool
  ) -> ServerStatus {
    let meters = Meters()
    keeping?.ledger.observeCommits { meters.ledgerSeconds.recordNanoseconds(Int64(clamping: $0)) }
    let reload = reload
    let isStopping = isStopping
    return ServerStatus(
      meters: meters, started: Session.Time.now().wall, policies: reload.policies, keeping: keeping,
      connections: connections, pool: pool, memory: memory, rankMemory: rankMemory, setup: { reload.setup },
      access: { reload.access }, isStopping: { isStopping.isSet })
  }

  /// Before any peer is taken in, so that a wrong address is told at once.
  private func openOperatorPort(
    _ status: ServerStatus, _ group: MultiThreadedEventLoopGroup
  ) async throws -> (any Channel)? {
    guard let address = setup.configuration.metrics else { return nil }
    do {
      let channel = try await OperatorPort(status: status, group: group).bind(address)
      let bound = Address(host: address.host, port: channel.localAddress?.port ?? address.port)
      logger.info("metrics are told in plain HTTP", metadata: ["address": "\(bound)"])
      if !address.isLoopback {
        logger.warning("whoever reaches the metrics' address may read them", metadata: ["address": "\(bound)"])
      }
      return channel
    } catch {
      throw ConfigurationError("metrics: cannot listen on \(address): \(reason(error))")
    }
  }

  private func recordStart() throws(ConfigurationError) {
    do throws(AuditError) {
      try reload.audit?.append(
        .started(server: Self.version, policy: policyVersion, configuration: setup.configuration.sha256))
    } catch {
      throw ConfigurationError("\(error)")
    }
  }

  private func recordStop() {
    refusedLogins?.finish()
    do throws(AuditError) {
      try reload.audit?.append(.stopped)
    } catch {
      logger.error("the audit log cannot be written", metadata: ["reason": "\(error)"])
    }
  }

  /// Reloads when a file has changed, and has then been left alone for a moment: whoever writes two files, or one in
  /// pieces, is given the time for it.
  private func watchFiles() -> FileWatch? {
    guard let watch = FileWatch() else {
      logger.warning("no descriptors are left to watch files with: reload by SIGHUP, and raise the limit of open files")
      return nil
    }
    watch.watch(reload.files)
    let reload = reload
    Task {
      for await _ in watch.changes {
        try? await Task.sleep(for: .milliseconds(100))
        await offTheLoops { reload.reload(by: .file) }
        watch.watch(reload.files)
      }
    }
    return watch
  }

  private func reason(_ error: any Error) -> String {
    if let error = error as? IOError {
      switch error.errnoCode {
      case EADDRINUSE: return "the port is in use; stop the other server or choose another port"
      case EACCES: return "not permitted; choose a port above 1023"
      case EADDRNOTAVAIL: return "this machine has no such address"
      default: return String(cString: strerror(error.errnoCode))
      }
    }
    return "\(error)"
  }

  /// Written beside it and renamed, so that whoever waits for it never reads half.
  private func write(_ address: Address, to file: String) throws(ConfigurationError) {
    do {
      try Data("\(address)\n".utf8).write(to: URL(filePath: file), options: .atomic)
    } catch {
      throw ConfigurationError("--port-file \(file): cannot be written; check that its folder is there and writable")
    }
  }
}

/// Set once, and seen by all.
private final class Flag: Sendable {
  private let value = Atomic<Bool>(false)

  var isSet: Bool { value.load(ordering: .relaxed) }

  func set() { value.store(true, ordering: .relaxed) }
}

/// Runs what blocks on a thread of its own, so that no event loop and no task waits.
package func offTheLoops(_ body: @escaping @Sendable () -> Void) async {
  await withCheckedContinuation { continuation in
    Thread.detachNewThread {
      body()
      continuation.resume()
    }
  }
}

/// Seconds since 1970.
@Sendable package func wallClock() -> Int64 { Session.Time.now().wall }
