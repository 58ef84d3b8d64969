import RouseCore
import RouseLedger
import RouseWire

/// The work of `record`: events are read on any thread, and recorded in their order. A row is there only when its event is
/// durable.
final class RecordWork: StreamedWork {
  private let ledger: Ledger
  private let live: LivePolicy
  private let vocabulary: EventVocabulary
  /// Seconds since 1970, by the server's clock.
  private let now: Int64
  private let longestLine: Int
  private let order = InOrder<Part>()

  /// The events of one block, and who waits for them.
  private struct Part: Sendable {
    var readings: [Reading] = []
    var stop = BatchWorker.Stop.none
    let index: Int
    let done: @Sendable (BlockResult) -> Void
  }

  /// One line: an entry, or what is wrong with it.
  private enum Reading: Sendable {
    case entry(EventEntry)
    case invalid(key: String?, at: String?, message: String)

    init?(_ reading: EventReader.Reading) {
      switch reading {
      case .event(let entry): self = .entry(entry)
      case .invalid(let key, let at, let message): self = .invalid(key: key, at: at, message: message)
      case .end, .cancel: return nil
      }
    }
  }

  init(_ ledger: Ledger, live: LivePolicy, now: Int64, longestLine: Int) {
    self.ledger = ledger
    self.live = live
    vocabulary = EventVocabulary(policy: live.policy)
    self.now = now
    self.longestLine = longestLine
  }

  var isRank: Bool { false }
  var isExplained: Bool { false }

  private var worker: EventWorker {
    EventWorker(
      reader: EventReader(policy: live.policy, vocabulary: vocabulary, now: now), longestLine: longestLine)
  }

  func run(_ block: Block, index: Int, done: @escaping @Sendable (BlockResult) -> Void) {
    var part = Part(index: index, done: done)
    part.stop = worker.read(block) { if let reading = Reading($0) { part.readings.append(reading) } }
    order.submit(index, part, isLast: part.stop != .none) { part, counts in
      guard counts else { return part.done(BlockResult(index: part.index)) }
      record(part)
    }
  }

  private func record(_ part: Part) {
    let readings = part.readings
    recordAll(readings) { answer in
      var result = BlockResult(index: part.index, stop: part.stop)
      switch answer {
      case .failure(let error): result.fault = WireError(error)
      case .success(let results):
        var rows = ByteWriter(capacity: 64 * readings.count + 64)
        Self.write(readings, results, into: &rows, &result.tally.events) { $0.put(0x0A) }
        result.rows = rows.array
      }
      part.done(result)
    }
  }

  private func recordAll(_ readings: [Reading], done: @escaping Ledger.Done<[EventResult]>) {
    var entries: [EventEntry] = []
    for case .entry(let entry) in readings { entries.append(entry) }
    // Nothing to make durable.
    if entries.isEmpty { return done(.success([])) }
    ledger.record(entries, now: now, done: done)
  }

  /// - Parameters:
  ///   - results: of the entries among the readings, in order.
  ///   - after: writes what stands behind each row.
  private static func write(
    _ readings: [Reading], _ results: [EventResult], into out: inout ByteWriter, _ totals: inout EventTotals,
    after: (inout ByteWriter) -> Void
  ) {
    var next = results.makeIterator()
    for reading in readings {
      switch reading {
      case .entry(let entry):
        let result = next.next() ?? .invalid
        totals.count(result)
        EventWorker.write(key: entry.event.key, result, into: &out)
      case .invalid(let key, let at, let message):
        totals.count(.invalid)
        EventWorker.write(key: key.map { Array($0.utf8) }, .invalid, fault: (at, message), into: &out)
      }
      after(&out)
    }
  }

  func writeSummary(_ tally: Tally, into out: inout ByteWriter) { tally.events.write(into: &out) }

  func cancel() { order.seal() }

  /// Records the events that stand in a request's line: `,"results":[..]` and the totals, or what is wrong with them.
  func runInline(_ block: Block, eventsAt at: Int, done: @escaping @Sendable (Session.Result) -> Void) {
    var readings: [Reading] = []
    do throws(WireError) {
      try worker.read(block, eventsAt: at) { if let reading = Reading($0) { readings.append(reading) } }
    } catch {
      return done(.failed(error))
    }
    recordAll(readings) { [readings] answer in
      switch answer {
      case .failure(let error): done(.failed(WireError(error)))
      case .success(let results):
        var out = ByteWriter(capacity: 64 * readings.count + 256)
        out.write(",\"results\":[")
        var totals = EventTotals()
        Self.write(readings, results, into: &out, &totals) { $0.put(0x2C) }
        if !readings.isEmpty { out.truncate(to: out.count - 1) }
        out.put(0x5D)
        totals.write(into: &out)
        done(.reply(out.array))
      }
    }
  }
}

extension WireError {
  /// What a peer is told of a ledger that cannot do what it was asked. The operator's log says more.
  init(_ error: LedgerError) {
    switch error.kind {
    case .closed: self.init(.shuttingDown, "the server is stopping")
    case .inUse, .newer, .damaged, .unreadable, .storage:
      self.init(
        .storageFailed,
        "the ledger cannot promise that this lasts; nothing is recorded until the server is started again")
    }
  }
}
