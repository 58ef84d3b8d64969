import CoreMetrics
import RouseCore
import RouseWire
import Synchronization

/// All that the server counts of its work, by name. Names and units are Prometheus': seconds and bytes, counters end with
/// `_total`. They are swift-metrics', so that what is counted could be told to another system as well.
///
/// Labels are of bounded number: ops, codes and statuses are closed lists, identities those of the configuration, stages
/// and channels those of the policies that can be pinned (`keep`). Whatever names come between, no more than `mostNames`
/// are told apart; what is beyond them counts as `other`.
final class Meters: Sendable {
  let registry: MetricRegistry

  /// By op, and for a line that named none; then by code, the first of which is `ok`.
  private let requests: [CountCell]
  private let seconds: [Histogram]
  private let candidates: [CountCell]
  private let identities = Mutex<[String: OfIdentity]>([:])
  private let contacts = Mutex<[Contacted: CountCell]>([:])

  let connections: Counter
  let refusedConnections: Counter
  let failedHandshakes: Counter
  let received: Counter
  let sent: Counter
  let ledgerSeconds: Timer

  /// What one identity asked for.
  struct OfIdentity: Sendable {
    let answered: CountCell
    let failed: CountCell
  }

  /// A stage and a channel, which contacts were chosen of.
  struct Contacted: Hashable {
    let stage: String
    let channel: String

    var labels: [(String, String)] { [("stage", stage), ("channel", channel)] }
  }

  /// Of identities, and of stages with channels.
  static let mostNames = 4096
  private static let other = "other"

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
    registry.describe("rouse_requests_total", "Answered requests, by op and code.")
    requests = operations.flatMap { operation in
      codes.map { registry.count("rouse_requests_total", [("op", operation), ("code", $0)]) }
    }
    registry.describe("rouse_request_seconds", "From the arrival of a request's line to its last line.")
    seconds = operations.map { registry.histogram("rouse_request_seconds", [("op", $0)]) }
    registry.describe("rouse_candidates_total", "Candidates decided on, by status.")
    candidates = ["score", "rank"].flatMap { operation in
      Status.allCases.map { registry.count("rouse_candidates_total", [("op", operation), ("status", $0.name)]) }
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
    requests[Self.row(operation) * Self.codes + Self.column(code)].value
  }

  func times(_ operation: Operation) -> Histogram.Snapshot {
    seconds[Self.row(operation)].snapshot
  }

  func candidates(_ operation: Operation, _ status: Status) -> Int64 {
    registry.count("rouse_candidates_total", [("op", operation.rawValue), ("status", status.name)]).value
  }

  /// By name.
  var identityCounts: [(name: String, answered: Int64, failed: Int64)] {
    identities.withLock { Array($0) }
      .sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
      .map { ($0.key, $0.value.answered.value, $0.value.failed.value) }
  }

  func counts(of identity: String) -> (answered: Int64, failed: Int64) {
    identities.withLock { $0[identity] }.map { ($0.answered.value, $0.failed.value) } ?? (0, 0)
  }

  /// Contacts by stage and channel, in the order of their names.
  var contactCounts: [(stage: String, channel: String, count: Int64)] {
    contacts.withLock { Array($0) }.sorted { one, next in
      one.key.stage != next.key.stage
        ? one.key.stage.utf8.lexicographicallyPrecedes(next.key.stage.utf8)
        : one.key.channel.utf8.lexicographicallyPrecedes(next.key.channel.utf8)
    }.map { ($0.key.stage, $0.key.channel, $0.value.value) }
  }

  func value(_ counter: String) -> Int64 { registry.count(counter, []).value }

  var ledgerTimes: Histogram.Snapshot { registry.histogram("rouse_ledger_commit_seconds", []).snapshot }

  // MARK: - What sessions tell

  /// - Parameters:
  ///   - operation: nil for a line that named none.
  ///   - code: nil for an answer that is `ok`.
  ///   - nanoseconds: since its line arrived.
  func answered(_ operation: Operation?, _ code: ErrorCode?, nanoseconds: UInt64) {
    let row = Self.row(operation)
    requests[row * Self.codes + Self.column(code)].increment(by: 1)
    seconds[row].recordNanoseconds(Int64(clamping: nanoseconds))
  }

  /// So many small requests were answered at once, all of them as long after their lines arrived.
  func scored(_ count: Int, nanoseconds: UInt64) {
    requests[Self.scoreRow * Self.codes].increment(by: Int64(count))
    seconds[Self.scoreRow].recordNanoseconds(Int64(clamping: nanoseconds), times: count)
  }

  private static let indices = Dictionary(
    uniqueKeysWithValues: Operation.allCases.enumerated().map { ($0.element, $0.offset) })
  private static let codeIndices = Dictionary(
    uniqueKeysWithValues: ErrorCode.allCases.enumerated().map { ($0.element, $0.offset + 1) })
  private static let scoreRow = row(.score)

  private static func row(_ operation: Operation?) -> Int { operation.flatMap { indices[$0] } ?? operations - 1 }
  private static func column(_ code: ErrorCode?) -> Int { code.flatMap { codeIndices[$0] } ?? 0 }

  func of(_ identity: String) -> OfIdentity {
    identities.withLock { identities in
      if let known = identities[identity] { return known }
      let name = identities.count < Self.mostNames ? identity : Self.other
      if let known = identities[name] { return known }
      let made = OfIdentity(
        answered: registry.count("rouse_identity_requests_total", [("identity", name), ("result", "ok")]),
        failed: registry.count("rouse_identity_requests_total", [("identity", name), ("result", "failed")]))
      identities[name] = made
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
      var key = Contacted(stage: stage, channel: channel)
      if let known = contacts[key] { return known }
      if contacts.count >= Self.mostNames { key = Contacted(stage: Self.other, channel: Self.other) }
      if let known = contacts[key] { return known }
      let made = registry.count("rouse_contacts_total", key.labels)
      contacts[key] = made
      return made
    }
    counter.increment(by: Int64(count))
  }

  /// Forgets what was counted of names that are no more: a counter that comes back begins at 0, as after a restart.
  /// - Parameters:
  ///   - isKnown: an identity that the configuration still has.
  ///   - isPinned: a stage and a channel of a policy that can still be pinned.
  func keep(identities isKnown: (String) -> Bool, contacts isPinned: (Contacted) -> Bool) {
    identities.withLock { identities in
      for name in identities.keys where name != Self.other && !isKnown(name) {
        identities[name] = nil
        for result in ["ok", "failed"] {
          registry.forget("rouse_identity_requests_total", [("identity", name), ("result", result)])
        }
      }
    }
    contacts.withLock { contacts in
      for key in contacts.keys where key.stage != Self.other && !isPinned(key) {
        contacts[key] = nil
        registry.forget("rouse_contacts_total", key.labels)
      }
    }
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
