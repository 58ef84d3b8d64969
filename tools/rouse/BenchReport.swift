import Foundation
import RouseClient
import RouseWire

/// A load's result, for people and for programs.
struct BenchReport {
  private let load: LoadReport
  private let title: String
  private let unit: String

  /// - Parameters:
  ///   - title: what was measured.
  ///   - unit: what is counted.
  init(_ load: LoadReport, of title: String, unit: String) {
    self.load = load
    self.title = title
    self.unit = unit
  }

  var hasErrors: Bool { !load.errors.isEmpty }

  private static let percentiles: [(name: String, percentile: Double)] = [
    ("p50", 50), ("p90", 90), ("p99", 99), ("p99.9", 99.9),
  ]

  private var latencies: [(name: String, seconds: Double)] {
    Self.percentiles.map { ($0.name, load.latency(atPercentile: $0.percentile)) } + [("max", load.longestLatency)]
  }

  private func aSecond(_ count: Int) -> Double { Double(count) / load.seconds }
  private func each(_ seconds: Double) -> Double { seconds * 1e6 / Double(max(1, load.requests)) }

  var text: String {
    var lines = [("measured", "\(title); \(grouped(load.requests)) \(unit) in \(fixed(load.seconds, 2)) s")]
    lines.append(("\(unit)/s", grouped(Int(aSecond(load.requests)))))
    if load.users > 0 { lines.append(("users/s", grouped(Int(aSecond(load.users))))) }
    lines.append(
      ("latency", latencies.map { "\($0.name) \(fixed($0.seconds * 1e6, 1))" }.joined(separator: ", ") + " µs"))
    if let server = load.serverCPU { lines.append(("the server", processor(server))) }
    lines.append(("this client", processor(load.cpu)))
    for (code, count) in load.errors.sorted(by: { $0.key < $1.key }) {
      lines.append(("errors", "\(grouped(count)) \(harmless(code))"))
    }
    return titled(lines)
  }

  private func processor(_ seconds: Double) -> String {
    "\(fixed(seconds / load.seconds * 100, 0)) % of a processor, \(fixed(each(seconds), 2)) µs each"
  }

  var json: String {
    var members = [
      ("measured", JSONText.quoted(title)), ("unit", JSONText.quoted(unit)), ("count", String(load.requests)),
      ("seconds", fixed(load.seconds, 6)), ("per_second", fixed(aSecond(load.requests), 1)),
      ("users", String(load.users)), ("users_per_second", fixed(aSecond(load.users), 1)),
      ("latency_us", object(latencies.map { ($0.name, fixed($0.seconds * 1e6, 3)) })),
      ("client_cpu_us_each", fixed(each(load.cpu), 4)), ("client_cpu_seconds", fixed(load.cpu, 4)),
    ]
    if let server = load.serverCPU {
      members += [("server_cpu_us_each", fixed(each(server), 4)), ("server_cpu_seconds", fixed(server, 4))]
    }
    members.append(
      ("errors", object(load.errors.sorted { $0.key < $1.key }.map { ($0.key, String($0.value)) })))
    return object(members)
  }

  private func object(_ members: [(name: String, json: String)]) -> String {
    "{" + members.map { JSONText.quoted($0.name) + ":" + $0.json }.joined(separator: ",") + "}"
  }
}

/// A number with so many digits after its point.
private func fixed(_ value: Double, _ digits: Int) -> String { String(format: "%.\(digits)f", value) }
