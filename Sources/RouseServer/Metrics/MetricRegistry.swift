import CoreMetrics
import RouseWire
import Synchronization

/// Where all that swift-metrics' counters, meters and timers count is kept, to be told in Prometheus' text format.
final class MetricRegistry: MetricsFactory {
  private enum Cell {
    case counter(CountCell)
    case gauge(GaugeCell)
    case histogram(Histogram)
  }

  private struct Key: Hashable, Comparable {
    let name: String
    /// As they are told: `{op="score"}`, or nothing.
    let labels: String

    static func < (left: Key, right: Key) -> Bool {
      left.name != right.name ? left.name < right.name : left.labels < right.labels
    }
  }

  private let cells = Mutex<[Key: Cell]>([:])
  private let helps = Mutex<[String: String]>([:])

  /// What a metric is, for those who read it.
  func describe(_ name: String, _ help: String) { helps.withLock { $0[name] = help } }

  // MARK: - swift-metrics

  func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
    count(label, dimensions)
  }

  func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler { gauge(label, dimensions) }

  func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
    aggregate ? histogram(label, dimensions) : gauge(label, dimensions)
  }

  func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler { histogram(label, dimensions) }

  /// Counters go on while the process does, as Prometheus wants them.
  func destroyCounter(_ handler: any CounterHandler) {}
  func destroyRecorder(_ handler: any RecorderHandler) {}
  func destroyTimer(_ handler: any TimerHandler) {}

  func count(_ label: String, _ dimensions: [(String, String)]) -> CountCell {
    cell(label, dimensions, or: .counter(CountCell())) { if case .counter(let cell) = $0 { cell } else { nil } }
      ?? CountCell()
  }

  private func gauge(_ label: String, _ dimensions: [(String, String)]) -> GaugeCell {
    cell(label, dimensions, or: .gauge(GaugeCell())) { if case .gauge(let cell) = $0 { cell } else { nil } }
      ?? GaugeCell()
  }

  func histogram(_ label: String, _ dimensions: [(String, String)]) -> Histogram {
    cell(label, dimensions, or: .histogram(Histogram())) {
      if case .histogram(let cell) = $0 { cell } else { nil }
    } ?? Histogram()
  }

  /// The one of that name and those labels; nil where the name is another kind's.
  private func cell<Found>(
    _ name: String, _ dimensions: [(String, String)], or make: @autoclosure () -> Cell, _ pick: (Cell) -> Found?
  ) -> Found? {
    let key = Key(name: name, labels: Self.labels(dimensions))
    return cells.withLock { cells in
      let cell = cells[key] ?? make()
      cells[key] = cell
      return pick(cell)
    }
  }

  /// Forgets a gauge whose labels name what is no more.
  func forget(_ name: String, except dimensions: [(String, String)]) {
    let labels = Self.labels(dimensions)
    cells.withLock { cells in cells = cells.filter { $0.key.name != name || $0.key.labels == labels } }
  }

  /// Forgets what counts of somebody, or something, that is no more.
  func forget(_ name: String, _ dimensions: [(String, String)]) {
    let key = Key(name: name, labels: Self.labels(dimensions))
    cells.withLock { $0[key] = nil }
  }

  private static func labels(_ dimensions: [(String, String)]) -> String {
    if dimensions.isEmpty { return "" }
    return "{" + dimensions.map { "\($0)=\"\(escaped($1))\"" }.joined(separator: ",") + "}"
  }

  private static func escaped(_ value: String) -> String {
    var escaped = ""
    for scalar in value.unicodeScalars {
      switch scalar {
      case "\\": escaped += "\\\\"
      case "\"": escaped += "\\\""
      case "\n": escaped += "\\n"
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }

  // MARK: - Prometheus' text format, version 0.0.4

  func write(into out: inout ByteWriter) {
    let cells = cells.withLock { $0 }
    let helps = helps.withLock { $0 }
    var last = ""
    for (key, cell) in cells.sorted(by: { $0.key < $1.key }) {
      if key.name != last {
        if let help = helps[key.name] { out.write("# HELP \(key.name) \(help)\n") }
        let kind =
          switch cell {
          case .counter: "counter"
          // Prometheus has one kind of counter; swift-metrics' own are whole numbers.
          case .gauge: key.name.hasSuffix("_total") ? "counter" : "gauge"
          case .histogram: "histogram"
          }
        out.write("# TYPE \(key.name) \(kind)\n")
        last = key.name
      }
      switch cell {
      case .counter(let cell): Self.sample(key.name, key.labels, Double(cell.value), &out)
      case .gauge(let cell): Self.sample(key.name, key.labels, cell.value, &out)
      case .histogram(let cell): Self.write(cell.snapshot, key, &out)
      }
    }
  }

  private static func write(_ snapshot: Histogram.Snapshot, _ key: Key, _ out: inout ByteWriter) {
    let open = key.labels.isEmpty ? "{" : key.labels.dropLast() + ","
    for (le, count) in snapshot.doublings {
      sample("\(key.name)_bucket", "\(open)le=\"\(le)\"}", Double(count), &out)
    }
    sample("\(key.name)_bucket", "\(open)le=\"+Inf\"}", Double(snapshot.count), &out)
    sample("\(key.name)_sum", key.labels, snapshot.sum, &out)
    sample("\(key.name)_count", key.labels, Double(snapshot.count), &out)
  }

  private static func sample(_ name: String, _ labels: String, _ value: Double, _ out: inout ByteWriter) {
    out.write(name)
    out.write(labels)
    out.put(0x20)
    if value.isFinite { out.write(number: value) } else { out.write("NaN") }
    out.put(0x0A)
  }
}

/// A number that only grows.
final class CountCell: CounterHandler {
  private let count = Atomic<Int64>(0)

  var value: Int64 { count.load(ordering: .relaxed) }

  func increment(by amount: Int64) { count.wrappingAdd(amount, ordering: .relaxed) }
  func reset() { count.store(0, ordering: .relaxed) }

  /// For what is counted elsewhere.
  func set(_ value: Int) { count.store(Int64(value), ordering: .relaxed) }
}

/// A number that goes up and down.
final class GaugeCell: MeterHandler, RecorderHandler {
  private let bits = Atomic<UInt64>(0)

  var value: Double { Double(bitPattern: bits.load(ordering: .relaxed)) }

  func set(_ value: Int64) { set(Double(value)) }
  func set(_ value: Double) { bits.store(value.bitPattern, ordering: .relaxed) }
  func record(_ value: Int64) { set(value) }
  func record(_ value: Double) { set(value) }
  func decrement(by amount: Double) { increment(by: -amount) }

  func increment(by amount: Double) {
    var seen = bits.load(ordering: .relaxed)
    while true {
      let wanted = (Double(bitPattern: seen) + amount).bitPattern
      let (done, now) = bits.compareExchange(expected: seen, desired: wanted, ordering: .relaxed)
      if done { return }
      seen = now
    }
  }
}
