import Foundation
import Glibc
import NIOCore
import RouseCore
import RouseLedger
import RouseWire
import Synchronization

/// What a server is like at the moment it is asked: for the op `stats`, and for the operator's port.
struct ServerStatus: Sendable {
  let meters: Meters
  /// Seconds since 1970, when the server started.
  let started: Int64
  let policies: PolicyStore
  let keeping: Keeping?
  let connections: Connections
  let pool: WorkPool
  let memory: MemoryPool
  let rankMemory: MemoryPool
  let setup: @Sendable () -> Setup
  /// Who may ask.
  let access: @Sendable () -> Access
  /// It has been told to stop.
  let isStopping: @Sendable () -> Bool

  /// Why requests should not be sent here, or somebody should look; empty: all is well.
  struct Finding: Sendable {
    /// Requests are answered wrongly, or not at all: a load balancer should go elsewhere.
    let isGrave: Bool
    let code: String
    let message: String
  }

  /// - Parameter now: seconds since 1970.
  func findings(now: Int64) -> [Finding] {
    var findings: [Finding] = []
    if isStopping() { findings.append(Finding(isGrave: true, code: "stopping", message: "the server is stopping")) }
    if case .degraded(let why)? = keeping?.ledger.health {
      findings.append(Finding(isGrave: true, code: "ledger_degraded", message: why))
    }
    let setup = setup()
    if setup.tls.certificateNotAfter <= now {
      findings.append(
        Finding(isGrave: true, code: "certificate_ended", message: "the server's certificate has ended: replace it"))
    }
    for warning in setup.tls.warnings(now: now) where setup.tls.certificateNotAfter > now {
      findings.append(Finding(isGrave: false, code: "certificate", message: warning))
    }
    if let rejection = policies.rejection {
      let first = rejection.findings.first?.message ?? ""
      findings.append(
        Finding(
          isGrave: false, code: "policy_rejected",
          message: "a policy by \(rejection.by) was refused, and the one before it stays: \(first)"))
    }
    if pool.backlog >= setup.configuration.limits.queuedRequests {
      findings.append(
        Finding(isGrave: false, code: "overloaded", message: "more waits than limits.queued_requests allows"))
    }
    return findings
  }

  /// Forgets figures of identities that the configuration has no more, and of stages and channels that no policy has any
  /// more that can be pinned.
  func forgetTheGone() {
    let access = access()
    let activations = policies.activations.load(ordering: .relaxed)
    guard kept.isNews(access, activations) else { return }
    let names = access.names
    var pinned: Set<Meters.Contacted> = []
    for policy in policies.pinnable.map(\.live.policy) {
      for stage in policy.stages {
        for channel in policy.channels { pinned.insert(.init(stage: stage.name, channel: channel.name)) }
      }
    }
    meters.keep(identities: names.contains, contacts: pinned.contains)
  }

  /// For which configuration and policies the names of figures were last gone through.
  final class Kept: Sendable {
    private let last = Mutex<(access: Access, activations: Int)?>(nil)

    /// True once for each.
    func isNews(_ access: Access, _ activations: Int) -> Bool {
      last.withLock { last in
        if let last, last.access === access, last.activations == activations { return false }
        last = (access, activations)
        return true
      }
    }
  }
  private let kept = Kept()

  // MARK: - Gauges

  /// Brings what is no counter up to date, before it is told.
  /// - Parameter now: seconds since 1970.
  func refresh(now: Int64) {
    func set(_ name: String, _ value: Double, _ dimensions: [(String, String)] = [], _ help: String) {
      meters.set(name, value, dimensions, help: help)
    }
    forgetTheGone()
    let live = policies.versions[0]
    meters.registry.forget("rouse_policy_info", except: [("version", live.name)])
    set("rouse_policy_info", 1, [("version", live.name)], "The live policy.")
    set("rouse_policy_since_seconds", Double(live.since), [], "When the live policy became live, since 1970.")
    meters.set(
      counter: "rouse_policies_activated_total", policies.activations.load(ordering: .relaxed),
      help: "Policies that became live.")
    meters.set(
      counter: "rouse_policies_rejected_total", policies.rejections.load(ordering: .relaxed),
      help: "Policies that were refused.")
    set("rouse_policy_rejected", policies.rejection == nil ? 0 : 1, [], "1 while the last policy offered was refused.")
    set("rouse_connections", Double(connections.count), [], "Connections that are open.")
    set("rouse_jobs_waiting", Double(pool.backlog), [], "Pieces of work that no thread has taken up.")
    set("rouse_jobs_running", Double(pool.underWay), [], "Pieces of work that threads are at.")
    for (name, pool) in [("lines", memory), ("ranks", rankMemory)] {
      set("rouse_memory_used_bytes", Double(pool.used), [("pool", name)], "What requests hold of a limit.")
      set("rouse_memory_limit_bytes", Double(pool.size), [("pool", name)], "The limit.")
    }
    let setup = setup()
    set(
      "rouse_certificate_end_seconds", Double(setup.tls.certificateNotAfter), [],
      "When the server's certificate ends, since 1970.")
    set("rouse_ready", findings(now: now).contains(where: \.isGrave) ? 0 : 1, [], "1 while requests should come here.")
    if let keeping {
      set("rouse_ledger_sound", keeping.ledger.health == .sound ? 1 : 0, [], "1 while the ledger records.")
      set("rouse_ledger_users", Double(keeping.ledger.read { $0.userCount }), [], "Users the ledger knows.")
      set("rouse_audience_users", Double(keeping.audience.count), [], "Candidates of the standing audience.")
      meters.set(
        counter: "rouse_ledger_changes_total", Int(clamping: keeping.ledger.sequence),
        help: "Changes that were made durable.")
    }
    set("process_start_time_seconds", Double(started), [], "When the process started, since 1970.")
    set("process_resident_memory_bytes", Double(Self.residentBytes), [], "Memory that is resident.")
    set("process_cpu_seconds_total", Self.processorSeconds, [], "Processor time, user and system.")
    set("process_open_fds", Double(Self.openFiles), [], "File descriptors that are open.")
  }

  private static var processorSeconds: Double {
    var usage = rusage()
    guard getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 else { return 0 }
    func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) * 1e-6 }
    return seconds(usage.ru_utime) + seconds(usage.ru_stime)
  }

  static var residentBytes: Int {
    let text = FileManager.default.contents(atPath: "/proc/self/statm").map { String(decoding: $0, as: UTF8.self) }
    let pages = text?.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
    return pages * sysconf(Int32(_SC_PAGESIZE))
  }

  private static var openFiles: Int {
    (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count) ?? 0
  }
}
