import CoreMetrics
import RouseCore
import RouseWire
import Synchronization

/// All that the server counts of its work, by name. Names and units are Prometheus': seconds and bytes, counters end with
/// `_total`. They are swift-metrics', so that what is counted could be told to another system as well.
///
/// Labels are of bounded number: ops, codes and statuses are closed lists, identities those of the configuration, stages
/// and channels those of the policies.
final class Meters: Sendable {
  let registry: MetricRegistry

  /// By op, and for a line that named none; then by code, the first of which is `ok`.
  private let requests: [Counter]
  private let seconds: [Timer]
  /// That of `score`, which may be told of many at once.
  private let scoreSeconds: Histogram
  private let candidates: [Counter]
  private let identities = Mutex<[String: OfIdentity]>([:])
  private let contacts = Mutex<[Contacted: Counter]>([:])

  let connections: Counter
  let refusedConnections: Counter
  let failedHandshakes: Counter
  let received: Counter
  let sent: Counter
  let ledgerSeconds: Timer

  /// What one identity asked for.
  struct OfIdentity: Sendable {
    let answered: Counter
    let failed: Counter
  }

  private struct Contacted: Hashable {
    let stage: String
    let channel: String
  }

  private static let operations = Operation.allCases.count + 1
  private static let codes = ErrorCode.allCases.count + 1

  init(_ registry: MetricRegistry = MetricRegistry()) {
    self.registry = registry
    let operations = Operation.allCases.map(\.rawValue) + ["none"]
    let codes = ["ok"] + ErrorCode.allCases.map(\.rawValue)
    func counter(_ name: String, _ dimensions: [(String, String)], _ help: String) -> Counter {
      registry.describe(name, help)
      return Counter(label: name, dimensions: dimensions, factory: registry)
    }
    requests = operations.flatMap { operation in
      codes.map { code in
        counter("rouse_requests_total", [("op", operation), ("code", code)], "Answered requests, by op and code.")
      }
    }
    registry.describe("rouse_request_seconds", "From the arrival of a request's line to its last line.")
    seconds = operations.map {
      Timer(label: "rouse_request_seconds", dimensions: [("op", $0)], factory: registry)
    }
    scoreSeconds = registry.histogram("rouse_request_seconds", [("op", Operation.score.rawValue)])
    candidates = ["score", "rank"].flatMap { operation in
      Status.allCases.map {
        counter(
          "rouse_candidates_total", [("op", operation), ("status", $0.name)], "Candidates decided on, by status.")
      }
    }
    connections = counter("rouse_connections_total", [], "Connections taken in.")
    refusedConnections = counter("rouse_connections_refused_total", [], "Connections over the limit.")
    failedHandshakes = counter("rouse_handshakes_failed_total", [], "TLS handshakes that failed.")
    received = counter("rouse_received_bytes_total", [], "Bytes of requests, after decryption.")
    sent = counter("rouse_sent_bytes_total", [], "Bytes of replies, before encryption.")
    registry.describe("rouse_ledger_commit_seconds", "What the ledger took to make a group of changes durable.")
    ledgerSeconds = Timer(label: "rouse_ledger_commit_seconds", dimensions: [], factory: registry)
    registry.describe("rouse_identity_requests_total", "Answered requests, by identity and result.")
    registry.describe("rouse_contacts_total", "Contacts that ranks chose, by stage and channel.")
  }

  // MARK: - What was counted

  func count(_ operation: Operation, _ code: ErrorCode?) -> Int64 {
    registry.count("rouse_requests_total", [("op", operation.rawValue), ("code", code?.rawValue ?? "ok")]).value
  }

  func times(_ operation: Operation) -> Histogram.Snapshot {
    registry.histogram("rouse_request_seconds", [("op", operation.rawValue)]).snapshot
  }

  func candidates(_ operation: Operation, _ status: Status) -> Int64 {
    registry.count("rouse_candidates_total", [("op", operation.rawValue), ("status", status.name)]).value
  }

  /// By name.
  var identityCounts: [(name: String, answered: Int64, failed: Int64)] {
    identities.withLock { $0.keys.sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }) }.map { name in
      func count(_ result: String) -> Int64 {
        registry.count("rouse_identity_requests_total", [("identity", name), ("result", result)]).value
      }
      return (name, count("ok"), count("failed"))
    }
  }

  /// Contacts by stage and channel, in the order of their names.
  var contactCounts: [(stage: String, channel: String, count: Int64)] {
    contacts.withLock { Array($0.keys) }.sorted {
      $0.stage != $1.stage
        ? $0.stage.utf8.lexicographicallyPrecedes($1.stage.utf8)
        : $0.channel.utf8.lexicographicallyPrecedes($1.channel.utf8)
    }.map { key in
      let labels = [("stage", key.stage), ("channel", key.channel)]
      return (key.stage, key.channel, registry.count("rouse_contacts_total", labels).value)
    }
  }

  func value(_ counter: String) -> Int64 { registry.count(counter, []).value }

  var ledgerTimes: Histogram.Snapshot { registry.histogram("rouse_ledger_commit_seconds", []).snapshot }

  // MARK: - What sessions tell

  /// - Parameters:
  ///   - operation: nil for a line that named none.
  ///   - code: nil for an answer that is `ok`.
  ///   - nanoseconds: since its line arrived.
  func answered(_ operation: Operation?, _ code: ErrorCode?, nanoseconds: UInt64) {
    let row = operation.flatMap { Self.indices[$0] } ?? Self.operations - 1
    requests[row * Self.codes + (code.flatMap { Self.codeIndices[$0] } ?? 0)].increment()
    seconds[row].recordNanoseconds(Int64(clamping: nanoseconds))
  }

  /// So many small requests were answered at once, all of them as long after their lines arrived.
  func scored(_ count: Int, nanoseconds: UInt64) {
    requests[Self.scoreRow * Self.codes].increment(by: count)
    scoreSeconds.recordNanoseconds(Int64(clamping: nanoseconds), times: count)
  }

  private static let indices = Dictionary(
    uniqueKeysWithValues: Operation.allCases.enumerated().map { ($0.element, $0.offset) })
  private static let codeIndices = Dictionary(
    uniqueKeysWithValues: ErrorCode.allCases.enumerated().map { ($0.element, $0.offset + 1) })
  private static let scoreRow = indices[.score] ?? 0

  func of(_ identity: String) -> OfIdentity {
    identities.withLock { identities in
      if let known = identities[identity] { return known }
      func counter(_ result: String) -> Counter {
        Counter(
          label: "rouse_identity_requests_total", dimensions: [("identity", identity), ("result", result)],
          factory: registry)
      }
      let made = OfIdentity(answered: counter("ok"), failed: counter("failed"))
      identities[identity] = made
      return made
    }
  }

  func decided(_ operation: Operation, _ totals: Totals) {
    let start = operation == .rank ? Status.allCases.count : 0
    for (status, count) in totals.statuses.enumerated() where count > 0 {
      candidates[start + status].increment(by: Int64(count))
    }
  }

  /// - Parameter count: contacts of a stage on a channel.
  func chosen(stage: String, channel: String, _ count: Int) {
    guard count > 0 else { return }
    let counter = contacts.withLock { contacts in
      let key = Contacted(stage: stage, channel: channel)
      if let known = contacts[key] { return known }
      let made = Counter(
        label: "rouse_contacts_total", dimensions: [("stage", stage), ("channel", channel)], factory: registry)
      contacts[key] = made
      return made
    }
    counter.increment(by: Int64(count))
  }

  // MARK: - What is as it is when it is asked

  /// For what is counted elsewhere.
  func set(counter name: String, _ value: Int, help: String) {
    registry.describe(name, help)
    registry.count(name, []).set(value)
  }

  func set(_ name: String, _ value: Double, _ dimensions: [(String, String)] = [], help: String) {
    registry.describe(name, help)
    Meter(label: name, dimensions: dimensions, factory: registry).set(value)
  }
}
